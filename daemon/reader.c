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
        bool is_rest;           /* asked when the batch has all its units */
};

#define STEPS_MAX 4U

/* What is asked about a unit; ends with an empty step. */
static const struct step plans[_READ_KIND_MAX][STEPS_MAX + 1] = {
        /* GetAll of the Unit interface would make systemd look at the unit's files on disk. */
        [READ_LOADED] = {
                { SYSTEMD_SERVICE_INTERFACE, NULL },
                { SYSTEMD_UNIT_INTERFACE, "DefaultDependencies" },
                { SYSTEMD_UNIT_INTERFACE, "FragmentPath", .is_rest = true },
                { SYSTEMD_UNIT_INTERFACE, "DropInPaths", .is_rest = true },
        },
        /* A second call would make systemd load it a second time. */
        [READ_LOOKUP] = {
                { "", NULL },
        },
};

/* One unit that is being read. */
struct job {
        char *name;             /* NULL: free */
        char *path;
        enum read_kind kind;
        const struct step *next;        /* the first that was not asked yet; the empty one after all */
        unsigned n_calls;               /* in flight */
        bool dropped;                   /* nobody waits for it; it is there until its calls are answered */
        enum read_result result;        /* so far */
        sd_bus_message *refusal;        /* which the problem is from */
        const char *problem;
        struct reading reading;
};

struct call {
        struct reader *reader;
        struct job *job;        /* NULL: free */
        const struct step *step;
        sd_bus_slot *slot;
};

struct reader {
        sd_bus *bus;
        uint64_t timeout_usec;
        const struct reader_ops *ops;
        void *userdata;
        sd_bus_slot *list_slot;
        struct call calls[READER_CALLS_MAX];
        struct job jobs[READER_UNITS_MAX];
        bool closed;            /* the batch takes no more units until the rest of all was asked */
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
        for (size_t i = 0; i < ELEMENTSOF(reader->calls); i++)
                reader->calls[i].reader = reader;
        *ret = reader;
        return 0;
}

static void job_done(struct job *job) {
        reading_done(&job->reading);
        sd_bus_message_unref(job->refusal);
        free(job->path);
        free(job->name);
        *job = (struct job) {};
}

static void job_skip_rest(struct job *job) {
        while (job->next->interface)
                job->next++;
}

/* Systemd answers what it was asked, whether someone waits for it or not. */
void reader_drop(struct reader *reader, enum read_kind kind, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(reader->jobs); i++) {
                struct job *job = &reader->jobs[i];

                if (!job->name || job->dropped || job->kind != kind || !streq(job->name, name))
                        continue;
                job->dropped = true;
                job_skip_rest(job);
                if (job->n_calls == 0)
                        job_done(job);
        }
}

void reader_cancel(struct reader *reader) {
        reader->list_slot = sd_bus_slot_unref(reader->list_slot);
        reader->closed = false;
        for (size_t i = 0; i < ELEMENTSOF(reader->calls); i++) {
                reader->calls[i].slot = sd_bus_slot_unref(reader->calls[i].slot);
                reader->calls[i].job = NULL;
        }
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

/* A list takes the place of another call. */
static struct call *call_find_free(struct reader *reader) {
        struct call *found = NULL;
        unsigned n = reader->list_slot != NULL;

        for (size_t i = 0; i < ELEMENTSOF(reader->calls); i++)
                if (reader->calls[i].job)
                        n++;
                else if (!found)
                        found = &reader->calls[i];
        return n < READER_CALLS_MAX ? found : NULL;
}

static struct job *job_find_free(struct reader *reader) {
        for (size_t i = 0; i < ELEMENTSOF(reader->jobs); i++)
                if (!reader->jobs[i].name)
                        return &reader->jobs[i];
        return NULL;
}

/* The next of which something is to be asked now. */
static struct job *job_find_unasked(struct reader *reader) {
        for (size_t i = 0; i < ELEMENTSOF(reader->jobs); i++) {
                struct job *job = &reader->jobs[i];

                if (job->name && job->next->interface && (reader->closed || !job->next->is_rest))
                        return job;
        }
        return NULL;
}

bool reader_has_room(struct reader *reader) {
        return !reader->closed && call_find_free(reader) && job_find_free(reader);
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

static void reader_advance(struct reader *reader);

static int on_list(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct reader *reader = userdata;
        int r;

        (void) error;
        reader->list_slot = sd_bus_slot_unref(reader->list_slot);
        r = read_list(reader, m);
        if (r < 0)
                reader->counters.failed_calls++;
        reader->ops->list_ended(reader->userdata, r);
        reader_advance(reader);
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

/* Hands the result over, if all is asked and answered. The job is free for the next unit when the op is called. */
static void job_end_if_done(struct reader *reader, struct job *job) {
        struct job ended = *job;

        if (job->n_calls > 0 || job->next->interface)
                return;
        *job = (struct job) {};
        if (!ended.dropped) {
                if (ended.result == READ_DONE)
                        reader->counters.reads++;
                else
                        reader->counters.failed_calls++;
                reader->ops->read_ended[ended.kind](reader->userdata, ended.name, ended.result, &ended.reading,
                                                    ended.problem);
        }
        job_done(&ended);
}

/* The first problem is the one that is told. */
static void job_fail(struct job *job, enum read_result result, const char *problem) {
        job_skip_rest(job);
        if (job->result != READ_DONE)
                return;
        job->result = result;
        job->problem = problem;
}

static void job_decode(struct job *job, const struct step *step, sd_bus_message *m) {
        const char *problem = step->property;
        int r;

        if (job->dropped || job->result != READ_DONE)
                return;
        if (sd_bus_message_is_method_error(m, NULL)) {
                job->refusal = sd_bus_message_ref(m);
                job_fail(job, READ_REFUSED, sd_bus_message_get_error(m)->name);
                return;
        }
        r = step->property ? decode_property(m, step->property, &job->reading) :
                             decode_properties(m, &job->reading, &problem);
        if (r >= 0 && !step->property && !reading_is_complete(&job->reading)) {
                problem = "(properties)";
                r = -EBADMSG;
        }
        if (r < 0)
                job_fail(job, r == -ENOMEM ? READ_NO_MEMORY : READ_INVALID, problem);
}

/* Systemd has the next call before this answer is read: both can work at the same time. */
static int on_step(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct call *call = userdata;
        struct reader *reader = call->reader;
        const struct step *step = call->step;
        struct job *job = TAKE_PTR(call->job);

        (void) error;
        call->slot = sd_bus_slot_unref(call->slot);
        reader_advance(reader);
        job_decode(job, step, m);
        job->n_calls--;
        job_end_if_done(reader, job);
        reader_advance(reader);
        return 0;
}

/* Asks the next step. */
static int job_ask(struct reader *reader, struct job *job, struct call *call) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const struct step *step = job->next;
        int r;

        r = sd_bus_message_new_method_call(reader->bus, &m, SYSTEMD_BUS_NAME, job->path, PROPERTIES_INTERFACE,
                                           step->property ? "Get" : "GetAll");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", step->interface);
        if (r >= 0 && step->property)
                r = sd_bus_message_append(m, "s", step->property);
        if (r < 0)
                return r;
        r = reader_call(reader, m, &call->slot, on_step, call);
        if (r < 0)
                return r;
        call->job = job;
        call->step = step;
        job->n_calls++;
        job->next++;
        return 0;
}

/* Asks what there is to ask, while there are calls for it. */
static void ask(struct reader *reader) {
        struct job *job;
        struct call *call;
        int r;

        while ((job = job_find_unasked(reader)) && (call = call_find_free(reader))) {
                r = job_ask(reader, job, call);
                if (r == -ENOMEM)
                        job_fail(job, READ_NO_MEMORY, "call");
                else if (r < 0)
                        job_fail(job, READ_REFUSED, SD_BUS_ERROR_DISCONNECTED);
                job_end_if_done(reader, job);
        }
        if (!job)
                reader->closed = false;
}

/* Makes use of calls that are free. What nobody has a unit for is left for the rest of those in the batch. */
static void reader_advance(struct reader *reader) {
        ask(reader);
        if (reader_has_room(reader))
                reader->ops->has_room(reader->userdata);
        if (!call_find_free(reader))
                return;
        reader->closed = true;
        ask(reader);
}

int reader_read(struct reader *reader, enum read_kind kind, const char *name) {
        struct job *job = job_find_free(reader);
        int r;

        if (!reader_has_room(reader))
                return -EBUSY;
        reading_init(&job->reading);
        job->kind = kind;
        job->next = plans[kind];
        job->name = strdup(name);
        r = job->name ? sd_bus_path_encode(SYSTEMD_UNIT_PATH, name, &job->path) : -ENOMEM;
        if (r >= 0)
                r = job_ask(reader, job, call_find_free(reader));
        if (r < 0) {
                job_done(job);
                return r;
        }
        ask(reader);
        return 0;
}
