/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "input.h"

/*
 * A connection without a bus: what is fuzzed is at one end, and the fuzzer, at the other one, plays the bus
 * and everybody on it. Both are in this process: what is sent is there to be read.
 */
#define PEER_OWNER ":1.1"
#define PEER_STRANGER ":6.66"

/* The end for what is fuzzed. */
sd_bus *peer_bus(void);

/* Until both ends have read what was sent. */
void peer_handle(void);

/* The oldest call that waits for its answer, for the caller to answer; NULL: none does. */
sd_bus_message *peer_take_call(void);

/* Sends what is complete, which may be NULL, drops it, and lets it arrive. Whether there was one. */
bool peer_send(sd_bus_message *m);

/* A signal of a sender, to be filled. NULL where there can be none of that path. */
sd_bus_message *peer_signal(const char *sender, const char *path, const char *interface, const char *member);

/* What the input can have sent. */
struct peer_signal {
        const char *member, *interface;
        const char *path;       /* NULL: the next line of the input says it */
};

enum peer_step {
        PEER_NOTHING,           /* the line is none of these */
        PEER_SENT,
        PEER_SENT_BY_STRANGER,  /* by one who owns nothing, unless the input has that name in a body */
};

/*
 * Takes a step: a line "reply" or "error", for the oldest call that waits; "late", for the newest; "signal",
 * with lines for the member and the sender ("owner", "other", "bus", "stranger"). Then the body follows, as
 * message.h has it; of an error its name and text. The list of signals ends with an empty one.
 */
enum peer_step peer_step(struct input *input, const struct peer_signal *signals);

/* For the next input: nothing waits. */
void peer_forget(void);
