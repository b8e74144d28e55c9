/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>

/*
 * Authority: who may change something. Root may; others where polkit says so; nobody where polkit
 * cannot be asked, or who left the bus meanwhile.
 */
struct manager;
struct authority;

int authority_new(struct authority **ret, struct manager *manager);

/* Takes NULL, returns NULL. */
struct authority *authority_free(struct authority *authority);

/* The bus is gone, and those who asked with it. */
void authority_drop(struct authority *authority);

/*
 * What is allowed is done: fn answers the call, a method call that is valid until it returns; uid
 * is the caller's, event what was given to authority_check(). What is not is answered here.
 */
typedef void (*authority_fn)(struct manager *manager, sd_bus_message *call, uint32_t uid, const char *event);

/*
 * Answers the call of that user sooner or later. The unit is named to who is asked for a password; it is a part of
 * the call. The event (id, or empty) is what leave is asked for, and is copied. -EBUSY where too many wait already,
 * then the caller answers.
 */
int authority_check(struct authority *authority, sd_bus_message *call, uint32_t uid, const char *action,
                    const char *unit, const char *event, authority_fn fn);
