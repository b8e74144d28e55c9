/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/*
 * A service manager that does what a test tells it: it owns org.freedesktop.systemd1 on one or more buses,
 * and takes orders as org.exposured.Test1 on the first one (fake-control.c). A bus that breaks is connected
 * to again.
 */
#define BUSES_MAX 2U
#define SUBSCRIBERS_MAX 8U
#define CALLS_MAX 65536U
#define RULES_MAX 64U
#define NAME_SIZE 256U

/* A property that is not what fake-properties.c has. */
struct property {
        char interface[32];             /* "Unit" or "Service" */
        char name[64];
        sd_bus_message *value;          /* a variant; NULL: there is no such property */
        struct property *next;
};

struct unit {
        char name[NAME_SIZE];
        char load_state[32];
        bool loaded;                    /* in memory */
        bool file;                      /* on disk: it can be loaded */
        struct property *properties;
        struct unit *next;
};

/*
 * What becomes of calls: of this member ("" for any) and unit ("" for any). The action is "hold", "wrong" for
 * an answer of another type, "empty" for one with nothing in it, "half" for one that lacks every other property,
 * "rubbish" for values of other types and rows that are no units, or the name of an error.
 */
struct rule {
        char member[64], unit[NAME_SIZE], action[NAME_SIZE];
};

/* A call as it came, for the test to look at. */
struct record {
        char member[64];
        char argument[128];             /* interface and property, or patterns */
        char unit[NAME_SIZE];
        char sender[64];
        bool during_reload;
        bool unloaded;                  /* about a unit that is not loaded */
};

struct connection {
        struct fake *fake;
        const char *address;
        sd_bus *bus;                    /* NULL: not connected */
        sd_event_source *timer;         /* until it is tried again */
        char subscribers[SUBSCRIBERS_MAX][64];
        size_t n_subscribers;
};

struct fake {
        sd_event *event;
        struct connection connections[BUSES_MAX];
        size_t n_connections;
        sd_bus *control;
        sd_event_source *control_timer, *answer_source;

        bool absent, reloading;
        char version[64];
        struct unit *units;
        struct rule rules[RULES_MAX];
        size_t n_rules;

        sd_bus_message **pending;       /* calls that wait for their answer, oldest first */
        size_t n_pending;
        struct record *records;
        size_t n_records;
        unsigned in_flight_max;         /* of one client */
        uint64_t delay_usec;            /* before each answer; 0: all are answered at once */
        sd_event_source *delay_timer;
};

/* fake-units.c: what there is. Every failure of memory ends the program. */
struct unit *units_find(struct fake *fake, const char *name);
struct unit *units_add(struct fake *fake, const char *name);
void units_forget(struct fake *fake);

/* A value is kept as a sealed message that holds a variant. It is taken over. */
void unit_set(struct unit *unit, const char *interface, const char *name, sd_bus_message *value);
void unit_reset(struct unit *unit, const char *name);

/* How properties are told. */
enum telling { TELL_TRUTH, TELL_HALF, TELL_NOTHING, TELL_RUBBISH };

/* Appends properties as a{sv}; interface "" is all of them. A unit that is not there: as systemd has it. */
int unit_append_all(sd_bus_message *m, const struct unit *unit, const char *name, const char *interface,
                    enum telling telling);
/* Appends the value as a variant. -ENOENT where there is none. */
int unit_append_one(sd_bus_message *m, const struct unit *unit, const char *name, const char *interface,
                    const char *property);

/* fake-systemd.c */
void fake_connect(struct fake *fake);
void fake_leave(struct fake *fake);
void fake_emit_unit(struct fake *fake, const char *member, const char *name);
void fake_emit_properties(struct fake *fake, const char *name);
void fake_emit_reloading(struct fake *fake, bool active);

/* There may be something to answer now. */
void fake_answer_soon(struct fake *fake);

/* fake-control.c */
void control_connect(struct fake *fake);
/* Tells the test of a call. */
void control_tell_call(struct fake *fake, const struct record *record);

/* Ends the program where r is an error. */
void must(int r, const char *what);
