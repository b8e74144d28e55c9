/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/macro.h>

#include "log.h"
#include "reader.h"
#include "systemd.h"
#include "unit.h"

struct step {
        const char *interface;
        const char *property;   /* NULL: all */
};

#define STEPS_MAX 4U

/* What is asked about a unit, one call after the other; ends with an empty step. */
static const struct step plans[_READ_KIND_MAX][STEPS_MAX + 1] = {
        /* GetAll of the Unit interface would make systemd look at the unit's files on disk. */
        [READ_LOADED] = {
                { SYSTEMD_SERVICE_INTERFACE, NULL },
                { SYSTEMD_UNIT_INTERFACE, "DefaultDependencies" },
                { SYSTEMD_UNIT_INTERFACE, "FragmentPath" },
                { SYSTEMD_UNIT_INTERFACE, "DropInPaths" },
        },
        /* A second call would make systemd load it a second time. */
        [READ_LOOKUP] = {
                { "", NULL },
        },
};

/* One unit that is being read, with one call in flight. */
struct job {
        struct reader *reader;
        char *name;             /* NULL: free */
        char *path;
        enum read_kind kind;
        const struct step *step;
        sd_bus_slot *slot;
        struct reading reading;
};

struct reader {
        sd_bus *bus;
        uint64_t timeout_usec;
        const struct reader_ops *ops;
        void *userdata;
        sd_bus_slot *list_slot;
        struct job jobs[READER_CALLS_MAX];
        struct reader_counters counters;
};

int reader_new(struct reader **ret, sd_bus *bus, uint64_t timeout_usec, const struct reader_ops *ops,
               void *userdata) {
        struct reader *reader;

        reader = calloc(1, sizeof(*reader));
        if (!reader)
                return -ENOMEM;
        *reader = (struct reader) {
                .bus = sd_bus_ref(bus),
                .timeout_usec = timeout_usec,
                .ops = ops,
                .userdata = userdata,
        };
        for (size_t i = 0; i < ELEMENTSOF(reader->jobs); i++)
                reader->jobs[i].reader = reader;
        *ret = reader;
        return 0;
}

static void job_done(struct job *job) {
        job->slot = sd_bus_slot_unref(job->slot);
        reading_done(&job->reading);
        free(TAKE_PTR(job->path));
        free(TAKE_PTR(job->name));
        job->step = NULL;
}

void reader_drop(struct reader *reader, enum read_kind kind, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(reader->jobs); i++) {
                struct job *job = &reader->jobs[i];

                if (job->name && job->kind == kind && streq(job->name, name))
                        job_done(job);
        }
}

void reader_cancel(struct reader *reader) {
        reader->list_slot = sd_bus_slot_unref(reader->list_slot);
        for (size_t i = 0; i < ELEMENTSOF(reader->jobs); i++)
                job_done(&reader->jobs[i]);
}

struct reader *reader_free(struct reader *reader) {
        if (!reader)
                return NULL;
        reader_cancel(reader);
        sd_bus_unref(reader->bus);
        free(reader);
        return NULL;
}

void reader_set_timeout(struct reader *reader, uint64_t timeout_usec) {
        reader->timeout_usec = timeout_usec;
}

const struct reader_counters *reader_counters(const struct reader *reader) {
        return &reader->counters;
}

static int reader_call(struct reader *reader, sd_bus_message *m, sd_bus_slot **slot,
                       sd_bus_message_handler_t handler, void *userdata) {
        reader->counters.calls++;
        return sd_bus_call_async(reader->bus, slot, m, handler, userdata, reader->timeout_usec);
}

/* A list takes the place of a read. */
static struct job *job_find_free(struct reader *reader) {
        struct job *found = NULL;
        unsigned n = reader->list_slot != NULL;

        for (size_t i = 0; i < ELEMENTSOF(reader->jobs); i++)
                if (reader->jobs[i].name)
                        n++;
                else if (!found)
                        found = &reader->jobs[i];
        return n < READER_CALLS_MAX ? found : NULL;
}

bool reader_has_room(struct reader *reader) {
        return job_find_free(reader) != NULL;
}

/* What one row of the list says. */
static int read_list_row(struct reader *reader, sd_bus_message *m) {
        const char *name, *load_state;
        int r;

        r = sd_bus_message_read(m, "(ssssssouso)", &name, NULL, &load_state, NULL, NULL, NULL, NULL, NULL,
                                NULL, NULL);
        if (r > 0 && unit_name_is_service(name))
                reader->ops->unit_listed(reader->userdata, name, streq(load_state, "loaded"));
        return r;
}

static int read_list(struct reader *reader, sd_bus_message *m) {
        int r;

        if (sd_bus_message_is_method_error(m, NULL))
                return -sd_bus_message_get_errno(m);
        r = sd_bus_message_enter_container(m, 'a', "(ssssssouso)");
        if (r < 0)
                return r;
        while ((r = read_list_row(reader, m)) > 0)
                ;
        return r;
}

static int on_list(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct reader *reader = userdata;
        int r;

        (void) error;
        reader->list_slot = sd_bus_slot_unref(reader->list_slot);
        r = read_list(reader, m);
        if (r < 0)
                reader->counters.failed_calls++;
        reader->ops->list_ended(reader->userdata, r);
        return 0;
}

/* Names are patterns to systemd, but what it would take for one is in no name, and a backslash is just that. */
static int append_patterns(sd_bus_message *m, char *const *names) {
        int r;

        r = sd_bus_message_append(m, "as", 0);
        if (r < 0)
                return r;
        if (!names)
                return sd_bus_message_append(m, "as", 1, "*.service");
        r = sd_bus_message_open_container(m, 'a', "s");
        if (r < 0)
                return r;
        for (; *names; names++) {
                r = sd_bus_message_append(m, "s", *names);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(m);
}

int reader_list(struct reader *reader, char *const *names) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (reader->list_slot || !reader_has_room(reader))
                return -EBUSY;
        r = sd_bus_message_new_method_call(reader->bus, &m, SYSTEMD_BUS_NAME, SYSTEMD_PATH,
                                           SYSTEMD_MANAGER_INTERFACE, "ListUnitsByPatterns");
        if (r < 0)
                return r;
        r = append_patterns(m, names);
        if (r < 0)
                return r;
        return reader_call(reader, m, &reader->list_slot, on_list, reader);
}

static int job_next(struct job *job);

/* Hands the result over. The job is free for the next unit when the op is called. */
static void job_end(struct job *job, enum read_result result, const char *problem) {
        struct reader *reader = job->reader;
        struct job ended = *job;

        *job = (struct job) { .reader = reader };
        if (result == READ_DONE)
                reader->counters.reads++;
        else
                reader->counters.failed_calls++;
        reader->ops->read_ended[ended.kind](reader->userdata, ended.name, result, &ended.reading,
                                            problem);
        job_done(&ended);
}

static int on_step(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct job *job = userdata;
        const struct step *step = job->step;
        const char *problem = step->property;
        int r;

        (void) error;
        job->slot = sd_bus_slot_unref(job->slot);
        if (sd_bus_message_is_method_error(m, NULL)) {
                job_end(job, READ_REFUSED, sd_bus_message_get_error(m)->name);
                return 0;
        }
        r = step->property ? decode_property(m, step->property, &job->reading) :
                             decode_properties(m, &job->reading, &problem);
        if (r >= 0 && !step->property && !reading_is_complete(&job->reading)) {
                problem = "(properties)";
                r = -EBADMSG;
        }
        if (r < 0) {
                job_end(job, r == -ENOMEM ? READ_NO_MEMORY : READ_INVALID, problem);
                return 0;
        }
        job->step++;
        r = job_next(job);
        if (r < 0)
                job_end(job, READ_NO_MEMORY, "call");
        return 0;
}

/* Makes the call of the job's step, or ends the job after the last. */
static int job_next(struct job *job) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        struct reader *reader = job->reader;
        const struct step *step = job->step;
        int r;

        if (!step->interface) {
                job_end(job, READ_DONE, NULL);
                return 0;
        }
        r = sd_bus_message_new_method_call(reader->bus, &m, SYSTEMD_BUS_NAME, job->path, PROPERTIES_INTERFACE,
                                           step->property ? "Get" : "GetAll");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", step->interface);
        if (r >= 0 && step->property)
                r = sd_bus_message_append(m, "s", step->property);
        if (r < 0)
                return r;
        return reader_call(reader, m, &job->slot, on_step, job);
}

int reader_read(struct reader *reader, enum read_kind kind, const char *name) {
        struct job *job = job_find_free(reader);
        int r;

        if (!job)
                return -EBUSY;
        reading_init(&job->reading);
        job->kind = kind;
        job->step = plans[kind];
        job->name = strdup(name);
        if (!job->name)
                return -ENOMEM;
        r = sd_bus_path_encode(SYSTEMD_UNIT_PATH, name, &job->path);
        if (r >= 0)
                r = job_next(job);
        if (r < 0)
                job_done(job);
        return r;
}
