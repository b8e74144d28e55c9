/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* Messages without a bus: built, sealed, and read again. A step that fails fails the test. */

/* An empty message. The caller's. */
sd_bus_message *message_new(void);

/* Makes it a message that is read from its beginning. */
void message_seal(sd_bus_message *m);

/* Fails the test unless r is no error. */
void message_ok(int r);

/* A dictionary of properties: opened, filled with message_property() and the like, closed and sealed. */
sd_bus_message *properties_new(void);
void properties_seal(sd_bus_message *m);

/* One property, its value appended as sd_bus_message_append() does. */
void properties_add(sd_bus_message *m, const char *name, const char *signature, ...);

/* One property, its value appended by the caller between these two. */
void properties_open(sd_bus_message *m, const char *name, const char *signature);
void properties_close(sd_bus_message *m);

/* A message with a single variant, and one with a single property; both sealed. */
sd_bus_message *variant_message(const char *signature, ...);
sd_bus_message *property_message(const char *name, const char *signature, ...);
