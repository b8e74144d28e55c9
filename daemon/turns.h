/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/*
 * Turns: calls whose answer takes a while to make wait for their turn, and users take turns, however many calls and
 * connections one of them has. Nothing is answered before the last answer is on its way. Who is refused again and again
 * is not answered for a while.
 */
struct turns;
struct manager;

/*
 * Answers the call, or sees to it that it will be answered; of that user. A negative errno, or the error if it is
 * set, is the answer.
 */
typedef int (*turn_fn)(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error);

/* References the bus. Returns 0 or a negative errno. */
int turns_new(struct turns **ret, struct manager *manager, sd_bus *bus);

/* Forgets all who wait. Takes NULL, returns NULL. */
struct turns *turns_free(struct turns *turns);

/* For a handler of a method: puts the call in line. Returns 1, or a negative errno and the error set. */
int turns_request(struct turns *turns, sd_bus_message *call, turn_fn fn, sd_bus_error *error);

/*
 * For what sd-bus would answer at once: puts the call in line, see forward.h. Returns 0 where sd-bus is to answer now,
 * else as above.
 */
int turns_forward(struct turns *turns, sd_bus_message *call, sd_bus_error *error);

/* For a handler: takes note where r, what becomes of the call, is an error, and returns it. May ask who calls. */
int turns_refused(struct turns *turns, sd_bus_message *call, int r);

/* For each call, before it is looked at: whether it is dropped, as who makes it was refused too often of late. */
bool turns_ignores(struct turns *turns, sd_bus_message *call);

/* There may be room for an answer. Takes NULL. */
void turns_advance(struct turns *turns);
