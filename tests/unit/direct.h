/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/*
 * A connection without a bus: what one side sends, the other one has at once. The test is at its far end and
 * plays bus and service manager. A step that fails fails the test.
 */
#define DIRECT_CALLS_MAX 1024U

struct direct {
        sd_event *event;
        sd_bus *near;                   /* for what is tested */
        sd_bus *far;
        sd_bus_message *calls[DIRECT_CALLS_MAX]; /* that came and were not answered, oldest first */
        size_t n_calls;
        unsigned n_calls_ever;
};

void direct_open(struct direct *direct);
void direct_close(struct direct *direct);

/* Until both sides have read what was sent. */
void direct_handle(struct direct *direct);

/* The oldest call that waits. Fails the test unless it is of this member. */
sd_bus_message *direct_call(struct direct *direct, const char *member);

/* Answers a call, by default the oldest, and lets the answer arrive. */
void direct_reply(struct direct *direct, size_t i, const char *signature, ...);
void direct_refuse(struct direct *direct, size_t i, const char *error);

/* A signal of that sender, arrived. */
void direct_signal(struct direct *direct, const char *sender, const char *path, const char *interface,
                   const char *member, const char *signature, ...);
