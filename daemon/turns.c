/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>

#include <exposured/bus.h>
#include <exposured/macro.h>

#include "connection.h"
#include "forward.h"
#include "log.h"
#include "manager.h"
#include "senders.h"
#include "timer.h"
#include "turns.h"

/* Calls that wait: of one user, of those whose user is not known yet, and users. */
#define TURNS_PER_USER_MAX 128U
#define TURNS_UNKNOWN_MAX 448U
/* Beyond so many that are not known yet, each connection has one, or a few would take the place of all others. */
#define TURNS_UNKNOWN_FEW 128U
/* After so many that were served, memory is given back. */
#define TURNS_MANY 64U
#define USERS_MAX 32U
/*
 * Who has no more than so many waiting, and was not served for longer than that in this period, is prompt: served as
 * soon as all is written. All others wait until there is nothing to read, and the bus has read what was written.
 * dbus-broker gives few messages at a time when it holds many back, so that what waits here does not tell a flood.
 */
#define PROMPT_MAX 16U
#define PROMPT_USEC (5 * USEC_PER_MSEC)
#define PERIOD_USEC (50 * USEC_PER_MSEC)
/* After each answer to who is not prompt, there is so many times as long for reading, or calls of others pile up. */
#define REST_FACTOR 3U
/*
 * Who was refused so often in this period, and goes on, gets no answer to what comes until its end: the bus has no less
 * to do for an answer than for a call. Who makes one call after the other does not come that far.
 */
#define REFUSALS_MAX 512U

struct turn {
        struct turn *next;
        sd_bus_message *call;
        turn_fn fn;
};

/* In the order in which they came. */
struct line {
        struct turn *first, *last;
        unsigned n_turns;
};

struct user {
        uint32_t uid;
        struct line line;
};

/* How long a user was served in this period, and how often refused. */
struct share {
        uint32_t uid;
        unsigned n_refused;
        uint64_t usec;
};

struct turns {
        struct manager *manager;
        struct senders *senders;
        struct forwards *forwards;
        sd_event_source *prompt, *idle;
        struct line unknown;
        struct user users[USERS_MAX];   /* each has a call waiting; who is first is next */
        unsigned n_users;
        struct share shares[USERS_MAX];
        unsigned n_shares;
        bool ignoring;                  /* somebody was refused too often */
        uint64_t period_end, rest_until; /* monotonic, µs */
        struct timer *timer;            /* until the one that is next */
        uint64_t timer_due;
        unsigned n_served;              /* since memory was given back */
};

static struct turn *turn_free(struct turn *turn) {
        if (!turn)
                return NULL;
        sd_bus_message_unref(turn->call);
        free(turn);
        return NULL;
}
DEFINE_CLEANUP(struct turn *, turn_free)

static void line_push(struct line *line, struct turn *turn) {
        turn->next = NULL;
        if (line->last)
                line->last->next = turn;
        else
                line->first = turn;
        line->last = turn;
        line->n_turns++;
}

static struct turn *line_pop(struct line *line) {
        struct turn *turn = line->first;

        if (!turn)
                return NULL;
        line->first = turn->next;
        if (!line->first)
                line->last = NULL;
        line->n_turns--;
        return turn;
}

static void line_done(struct line *line) {
        for (struct turn *turn; (turn = line_pop(line));)
                turn_free(turn);
}

static void begin_period(struct turns *t, uint64_t now) {
        if (now < t->period_end)
                return;
        t->n_shares = 0;
        t->ignoring = false;
        t->period_end = now + PERIOD_USEC;
}

static struct share *share_find(struct turns *t, uint32_t uid) {
        for (unsigned i = 0; i < t->n_shares; i++)
                if (t->shares[i].uid == uid)
                        return &t->shares[i];
        return NULL;
}

/* NULL where there are more users than are counted. */
static struct share *share_get(struct turns *t, uint32_t uid) {
        struct share *share = share_find(t, uid);

        if (share)
                return share;
        if (t->n_shares >= USERS_MAX)
                return NULL;
        t->shares[t->n_shares] = (struct share) { .uid = uid };
        return &t->shares[t->n_shares++];
}

static bool user_is_prompt(struct turns *t, const struct user *user) {
        const struct share *share = user->line.n_turns <= PROMPT_MAX ? share_get(t, user->uid) : NULL;

        return share && share->usec < PROMPT_USEC;
}

/*
 * Whom to serve: the one who waits for longest, of those who are prompt or of all. Where too much is forwarded for one
 * already, the others are.
 */
static struct user *user_find_next(struct turns *t, bool prompt) {
        for (unsigned i = 0; i < t->n_users; i++)
                if (forwards_has_room(t->forwards, t->users[i].uid) && (!prompt || user_is_prompt(t, &t->users[i])))
                        return &t->users[i];
        return NULL;
}

/* All others come before him now; who has nothing waiting goes. */
static void user_served(struct turns *t, struct user *user) {
        struct user served = *user;
        size_t i = (size_t) (user - t->users);

        t->n_users--;
        memmove(user, user + 1, (t->n_users - i) * sizeof(*user));
        if (served.line.first)
                t->users[t->n_users++] = served;
}

static struct user *user_get(struct turns *t, uint32_t uid) {
        for (unsigned i = 0; i < t->n_users; i++)
                if (t->users[i].uid == uid)
                        return &t->users[i];
        if (t->n_users >= USERS_MAX)
                return NULL;
        t->users[t->n_users] = (struct user) { .uid = uid };
        return &t->users[t->n_users++];
}

static void count_refusal(struct turns *t, uint32_t uid) {
        struct share *share;

        begin_period(t, timer_now());
        share = share_get(t, uid);
        if (share && ++share->n_refused >= REFUSALS_MAX)
                t->ignoring = true;
}

int turns_refused(struct turns *t, sd_bus_message *call, int r) {
        const char *sender = sd_bus_message_get_sender(call);
        uint32_t uid;

        if (r < 0 && sender && senders_get(t->senders, sender, &uid) > 0)
                count_refusal(t, uid);
        return r;
}

bool turns_ignores(struct turns *t, sd_bus_message *call) {
        const char *sender = sd_bus_message_get_sender(call);
        const struct share *share;
        uint32_t uid;

        if (!t->ignoring || !sender || forwards_is_ours(t->forwards, call))
                return false;
        begin_period(t, timer_now());
        if (!t->ignoring || senders_find(t->senders, sender, &uid) <= 0)
                return false;
        share = share_find(t, uid);
        return share && share->n_refused >= REFUSALS_MAX;
}

static int refuse(sd_bus_error *error) {
        return sd_bus_error_set(error, EXPOSURED_ERROR_LIMIT_EXCEEDED,
                                "Too many of your calls wait already, try again later.");
}

/* Takes the turn over, or sets the error. */
static int enter(struct turns *t, uint32_t uid, struct turn *turn, sd_bus_error *error) {
        struct user *user = user_get(t, uid);

        if (!user)
                return refuse(error);
        if (user->line.n_turns >= TURNS_PER_USER_MAX) {
                count_refusal(t, uid);
                return refuse(error);
        }
        line_push(&user->line, turn);
        return 1;
}

static void await(struct turns *t, uint64_t now, uint64_t due) {
        if (timer_is_armed(t->timer) && t->timer_due <= due)
                return;
        t->timer_due = due;
        timer_arm(t->timer, due - now);
}

void turns_advance(struct turns *t) {
        struct connection *connection;
        bool waiting, prompt, rests, ready;
        uint64_t now;

        if (!t)
                return;
        connection = t->manager->connection;
        now = timer_now();
        begin_period(t, now);
        rests = now < t->rest_until;
        waiting = user_find_next(t, false);
        prompt = user_find_next(t, true);
        ready = prompt ? connection_is_written(connection) : waiting && !rests && connection_is_clear(connection);
        (void) sd_event_source_set_enabled(t->prompt, ready && prompt ? SD_EVENT_ON : SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(t->idle, ready && !prompt ? SD_EVENT_ON : SD_EVENT_OFF);
        /* Not for who waits for what is forwarded: the connection would be ready for that at once, again and again. */
        if (!ready && (prompt || (waiting && !rests)))
                connection_await(connection);
        /* Where there is always something to read, the next period is the next chance. */
        if (waiting && !prompt)
                await(t, now, rests ? usec_min(t->rest_until, t->period_end) : t->period_end);
}

static void on_timer(void *userdata) {
        turns_advance(userdata);
}

static void serve(struct turns *t, struct user *user) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(turn_freep) struct turn *turn = line_pop(&user->line);
        uint32_t uid = user->uid;
        int r;

        user_served(t, user);
        r = turn->fn(t->manager, turn->call, uid, &error);
        if (r < 0) {
                count_refusal(t, uid);
                r = sd_bus_reply_method_errno(turn->call, r, &error);
        }
        if (r < 0)
                log_errno(LOG_DEBUG, r, "Cannot answer a call");
}

/* What it takes is counted. */
static void serve_counted(struct turns *t, struct user *user, bool prompt) {
        uint64_t begin = timer_now(), took;
        uint32_t uid = user->uid;
        struct share *share;

        serve(t, user);
        took = timer_now() - begin;
        share = share_get(t, uid);
        if (share)
                share->usec += took;
        if (!prompt)
                t->rest_until = begin + took * (1 + REST_FACTOR);
}

static int serve_next(struct turns *t, bool prompt, bool may_be_served) {
        struct user *user = user_find_next(t, prompt);

        if (user && may_be_served)
                serve_counted(t, user, prompt);
        if (user && ++t->n_served >= TURNS_MANY) {
                t->n_served = 0;
                manager_worked(t->manager);
        }
        turns_advance(t);
        return 0;
}

static int on_prompt(sd_event_source *source, void *userdata) {
        struct turns *t = userdata;

        (void) source;
        return serve_next(t, true, connection_is_written(t->manager->connection));
}

static int on_idle(sd_event_source *source, void *userdata) {
        struct turns *t = userdata;

        (void) source;
        return serve_next(t, false, connection_is_clear(t->manager->connection));
}

/* Those of that sender have a user now; who has left needs no answer. */
static void on_told(void *userdata, const char *name, uint32_t uid) {
        struct turns *t = userdata;
        struct line asked = t->unknown;

        t->unknown = (struct line) {};
        for (struct turn *turn; (turn = line_pop(&asked));) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

                if (!streq_ptr(sd_bus_message_get_sender(turn->call), name)) {
                        line_push(&t->unknown, turn);
                        continue;
                }
                if (uid == UINT32_MAX)
                        (void) sd_bus_error_set(&error, SD_BUS_ERROR_ACCESS_DENIED,
                                                "The bus does not tell who is calling.");
                else if (enter(t, uid, turn, &error) >= 0)
                        continue;
                (void) sd_bus_reply_method_error(turn->call, &error);
                turn_free(turn);
        }
        turns_advance(t);
}

static int turn_forward(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        (void) error;
        return forwards_call(manager->turns->forwards, call, uid);
}

int turns_forward(struct turns *t, sd_bus_message *call, sd_bus_error *error) {
        return forwards_is_ours(t->forwards, call) ? 0 : turns_request(t, call, turn_forward, error);
}

static void on_forwarded(void *userdata) {
        turns_advance(userdata);
}

static bool may_wait_unknown(const struct turns *t, const char *sender) {
        if (t->unknown.n_turns < TURNS_UNKNOWN_FEW)
                return true;
        for (const struct turn *turn = t->unknown.first; turn; turn = turn->next)
                if (streq_ptr(sd_bus_message_get_sender(turn->call), sender))
                        return false;
        return t->unknown.n_turns < TURNS_UNKNOWN_MAX;
}

int turns_request(struct turns *t, sd_bus_message *call, turn_fn fn, sd_bus_error *error) {
        _cleanup_(turn_freep) struct turn *turn = NULL;
        const char *sender = sd_bus_message_get_sender(call);
        uint32_t uid;
        int r;

        r = sender ? senders_get(t->senders, sender, &uid) : -EINVAL;
        if (r == -EBUSY || (r == 0 && !may_wait_unknown(t, sender)))
                return refuse(error);
        if (r < 0)
                return r;
        turn = calloc(1, sizeof(*turn));
        if (!turn)
                return -ENOMEM;
        turn->call = sd_bus_message_ref(call);
        turn->fn = fn;
        if (r == 0)
                line_push(&t->unknown, turn);
        else {
                r = enter(t, uid, turn, error);
                if (r < 0)
                        return r;
        }
        TAKE_PTR(turn);
        turns_advance(t);
        return 1;
}

int turns_new(struct turns **ret, struct manager *manager, sd_bus *bus) {
        struct turns *t;
        int r;

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->manager = manager;
        r = senders_new(&t->senders, bus, on_told, t);
        if (r >= 0)
                r = timer_new(&t->timer, manager->event, on_timer, t);
        if (r >= 0)
                r = forwards_new(&t->forwards, bus, on_forwarded, t);
        if (r >= 0)
                r = sd_event_add_defer(manager->event, &t->prompt, on_prompt, t);
        if (r >= 0)
                r = sd_event_add_defer(manager->event, &t->idle, on_idle, t);
        if (r >= 0)
                r = sd_event_source_set_priority(t->idle, SD_EVENT_PRIORITY_IDLE);
        if (r < 0) {
                turns_free(t);
                return r;
        }
        turns_advance(t);
        *ret = t;
        return 0;
}

struct turns *turns_free(struct turns *t) {
        if (!t)
                return NULL;
        sd_event_source_disable_unref(t->prompt);
        sd_event_source_disable_unref(t->idle);
        timer_free(t->timer);
        senders_free(t->senders);
        forwards_free(t->forwards);
        line_done(&t->unknown);
        for (unsigned i = 0; i < t->n_users; i++)
                line_done(&t->users[i].line);
        free(t);
        return NULL;
}
