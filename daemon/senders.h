/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>

/*
 * Senders: which user is behind a connection to the bus. What the bus answers holds for as long as the connection
 * to the bus does: it gives no unique name twice.
 */
struct senders;

/* The bus told; uid is UINT32_MAX where nobody is behind that name any more, or it does not say. */
typedef void (*senders_told_fn)(void *userdata, const char *name, uint32_t uid);

/* References the bus. Returns 0 or a negative errno. */
int senders_new(struct senders **ret, sd_bus *bus, senders_told_fn told, void *userdata);

/* Takes NULL, returns NULL. told() is not called any more. */
struct senders *senders_free(struct senders *senders);

/*
 * The user behind a unique name. 1: *ret_uid is set. 0: the bus was asked, told() will be called. -EBUSY: it is
 * asked for too many already. Or another negative errno.
 */
int senders_get(struct senders *senders, const char *name, uint32_t *ret_uid);

/* The same, and nobody is asked: 1, or 0 where it is not known. */
int senders_find(struct senders *senders, const char *name, uint32_t *ret_uid);
