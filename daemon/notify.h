/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

/*
 * Notifier: tells systemd how we are (sd_notify(3)), and that we are alive. Its socket is full while systemd
 * hangs. Nothing here waits for that: what could not be sent is sent once there is room.
 */
struct notifier;

/* Without $NOTIFY_SOCKET there is nobody to tell. 0 or a negative errno. */
int notifier_new(struct notifier **ret, sd_event *event);

/* Takes NULL, returns NULL. */
struct notifier *notifier_free(struct notifier *notifier);

/* A change of our state, such as "READY=1"; at most NOTIFY_TEXT_SIZE - 1 bytes. Each is sent, in order. */
#define NOTIFY_TEXT_SIZE 64U
void notifier_tell(struct notifier *notifier, const char *text);

/* The line that systemctl shows. Only the newest is sent. */
void notifier_set_status(struct notifier *notifier, const char *status);
