/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What exposure-notify reads. The first line says what the rest is: "told", the file of what was told before;
 * "open", answers of ListRegressions, as message.h has them; or "server", what a notification server says, in
 * steps as peer.h has them, and "notify". What is shown to a person cannot mislead him: no control
 * characters, no markup but ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert.h"
#include "board.h"
#include "bus-names.h"
#include "cleanup.h"
#include "describe.h"
#include "event.h"
#include "fuzz.h"
#include "message.h"
#include "peer.h"
#include "record.h"
#include "server.h"
#include "text.h"

/* What is shown. */

/* The length of what markup there may be, of ours and of entities; 0: none is here. */
static size_t markup_length(const char *s, bool *bold) {
        static const char *const entities[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };
        const char *tag = *bold ? "</b>" : "<b>";

        if (strncmp(s, tag, strlen(tag)) == 0) {
                *bold = !*bold;
                return strlen(tag);
        }
        for (size_t i = 0; i < ELEMENTSOF(entities); i++)
                if (strncmp(s, entities[i], strlen(entities[i])) == 0)
                        return strlen(entities[i]);
        return 0;
}

static void check_text(const struct text_buffer *text, bool markup) {
        const char *s = text->text;
        bool bold = false;

        fuzz_assert(strlen(s) == text->length && text->length < TEXT_BUFFER_SIZE);
        while (*s) {
                size_t n = markup ? markup_length(s, &bold) : 0;
                uint32_t c = '\n';

                fuzz_assert(n > 0 || !markup || !strchr("<>&", *s));
                if (n == 0)
                        n = utf8_decode(s, &c);
                fuzz_assert(n > 0 && (c == '\n' || !character_is_unsafe(c)));
                s += n;
        }
        fuzz_assert(!bold);
}

static void check_description(const struct description *d, bool markup) {
        fuzz_assert(d->title.length > 0 && !strchr(d->title.text, '\n'));
        check_text(&d->title, false);
        check_text(&d->body, markup);
}

static void check_card(const struct board *board, int card) {
        _cleanup_free_ const struct alert **alerts = NULL;
        struct description d;
        size_t n;

        fuzz_assert(board_get_alerts(board, card, &alerts, &n) == 0);
        if (n == 0)
                return;
        for (unsigned i = 0; i < 4; i++) {
                describe(&d, alerts, n, i & 1, i & 2);
                check_description(&d, i & 2);
                describe_details(&d, alerts, n, i & 2);
                check_description(&d, i & 2);
                describe_outcome(&d, "Accepted", alerts[0]->unit, n - 1, alerts[0]->path, i & 1, i & 2);
                check_description(&d, i & 2);
        }
}

/* What is open. */

static void check_board(const struct board *board) {
        fuzz_assert(board->n_alerts <= BOARD_ALERTS_MAX && board->gone.n <= TOLD_MAX);
        for (size_t i = 0; i < board->n_alerts; i++) {
                const struct alert *alert = board->alerts[i];

                fuzz_assert(*alert->id && strlen(alert->id) < ALERT_ID_SIZE && *alert->unit);
                fuzz_assert(alert->card >= CARD_NONE && alert->card < BOARD_CARDS_MAX);
                fuzz_assert(alert->card == CARD_NONE || board->cards[alert->card].used);
                for (size_t k = 0; k < i; k++)
                        fuzz_assert(board->alerts[k]->scope != alert->scope ||
                                    !streq(board->alerts[k]->id, alert->id));
        }
}

struct listing {
        struct board *board;
        enum scope scope;
};

static int on_row(const struct event *event, void *userdata) {
        struct listing *listing = userdata;
        int r = board_add(listing->board, listing->scope, event);

        fuzz_assert(r == 0 || r == -EBADMSG);
        return 0;
}

static void take_answer(struct board *board, struct input *input, enum scope scope) {
        _cleanup_message_ sd_bus_message *m = message_take(input);
        struct listing listing = { board, scope };

        if (!m)
                return;
        board_begin(board, scope);
        if (event_each_regression(m, BOARD_ALERTS_MAX, on_row, &listing) >= 0)
                board_end(board, scope);
}

static void run_open(struct input *input) {
        _cleanup_(board_freep) struct board *board = NULL;
        enum scope scope = SCOPE_SYSTEM;
        int card;

        fuzz_assert(board_new(&board) == 0);
        for (uint32_t id = 1; !input_at_end(input); id++) {
                take_answer(board, input, scope);
                check_board(board);
                card = board_tell(board);
                fuzz_assert(board_count_news(board) == 0);
                if (card != CARD_NONE) {
                        check_card(board, card);
                        board_shown(board, card, id);
                }
                while ((card = board_next_stale(board)) != CARD_NONE) {
                        board_show(board, card);
                        check_card(board, card);
                        board_shown(board, card, id);
                        fuzz_assert(board_is_current(board, card));
                }
                while ((card = board_next_closing(board)) != CARD_NONE)
                        board_closed(board, card);
                check_board(board);
                scope = scope == SCOPE_SYSTEM ? SCOPE_USER : SCOPE_SYSTEM;
        }
}

/* What was told. */

static char folder[PATH_MAX];

static void remove_folder(void) {
        (void) chdir(folder);
        (void) unlink("told");
        (void) rmdir(folder);
}

static void make_folder(void) {
        const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

        if (*folder)
                return;
        (void) snprintf(folder, sizeof(folder), "%s/exposured-fuzz-XXXXXX", parent);
        fuzz_assert(mkdtemp(folder) && setenv("RUNTIME_DIRECTORY", folder, true) == 0);
        (void) atexit(remove_folder);
}

static void write_told(const char *text, size_t size) {
        char path[PATH_MAX + 8];
        int fd;

        (void) snprintf(path, sizeof(path), "%s/told", folder);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        fuzz_assert(fd >= 0 && write(fd, text, size) == (ssize_t) size && close(fd) == 0);
}

static struct record *load(struct board *board) {
        struct record *record;

        fuzz_assert(record_new(&record, "session") == 0);
        fuzz_assert(record_load(record, board) >= 0 && !board->changed);
        check_board(board);
        return record;
}

static uint32_t shown_as(const struct board *board, const struct alert *alert) {
        return alert->card != CARD_NONE ? board->cards[alert->card].id : 0;
}

/* Whatever it was, what is understood of it is written as it can be read again. */
static void run_told(struct input *input) {
        _cleanup_(board_freep) struct board *board = NULL, *again = NULL;
        _cleanup_(record_freep) struct record *record = NULL, *second = NULL;

        make_folder();
        write_told(input->at, (size_t) (input->end - input->at));
        fuzz_assert(board_new(&board) == 0 && board_new(&again) == 0);
        record = load(board);
        fuzz_assert(record_save(record, board, record_server(record)) == 0);
        second = load(again);
        fuzz_assert(streq_ptr(record_server(record), record_server(second)));
        fuzz_assert(board->n_alerts == again->n_alerts);
        for (size_t i = 0; i < board->n_alerts; i++) {
                const struct alert *a = board->alerts[i], *b = again->alerts[i];

                fuzz_assert(a->told && a->restored && a->scope == b->scope && streq(a->id, b->id));
                fuzz_assert(shown_as(board, a) == shown_as(again, b) && a->shown == b->shown);
        }
        fuzz_assert(board->gone.n == again->gone.n);
}

/* What a server says. */

static struct {
        struct server *server;
        unsigned n_told;
        bool ready, busy;
} f;

static void on_ready(void *userdata) {
        (void) userdata;
        f.n_told++;
        fuzz_assert(!f.ready);
        f.ready = true;
}

static void on_missing(void *userdata, bool may_start) {
        (void) userdata, (void) may_start;
        f.n_told++;
        fuzz_assert(!f.ready);
}

static void on_changed(void *userdata) {
        (void) userdata;
        f.n_told++;
        f.ready = false;
}

static void on_answered(void *userdata, enum outcome outcome, uint32_t id) {
        (void) userdata;
        f.n_told++;
        fuzz_assert(f.busy && (outcome == OUTCOME_SHOWN || id == 0));
        f.busy = false;
}

static void on_invoked(void *userdata, uint32_t id, const char *action, const char *token) {
        (void) userdata, (void) id;
        f.n_told++;
        fuzz_assert(action && (!token || *token));
}

static void on_closed(void *userdata, uint32_t id) {
        (void) userdata, (void) id;
        f.n_told++;
}

static const struct server_ops server_ops = {
        .ready = on_ready,
        .missing = on_missing,
        .changed = on_changed,
        .answered = on_answered,
        .invoked = on_invoked,
        .closed = on_closed,
};

static void send_notification(void) {
        static const struct notification notification = { .title = "A", .body = "B" };

        fuzz_assert(server_is_busy(f.server) == f.busy);
        fuzz_assert(server_notify(f.server, &notification) == (f.busy ? -EBUSY : 1));
        f.busy = true;
}

static void take_step(struct input *input, bool stranger_is_one) {
        static const struct peer_signal signals[] = {
                { "NameOwnerChanged", "org.freedesktop.DBus", "/org/freedesktop/DBus" },
                { "ActionInvoked", NOTIFICATIONS_INTERFACE, NOTIFICATIONS_PATH },
                { "ActivationToken", NOTIFICATIONS_INTERFACE, NOTIFICATIONS_PATH },
                { "NotificationClosed", NOTIFICATIONS_INTERFACE, NOTIFICATIONS_PATH },
                {}
        };
        unsigned n_told = f.n_told;
        enum peer_step step = peer_step(input, signals);

        fuzz_assert(step != PEER_SENT_BY_STRANGER || !stranger_is_one || f.n_told == n_told);
        if (step != PEER_NOTHING)
                return;
        if (input_take(input, "notify"))
                send_notification();
        else if (input_take(input, "ask"))
                fuzz_assert(server_ask(f.server) >= 0);
        else
                free(input_line(input));
}

static void run_server(struct input *input) {
        bool stranger_is_one = input_at_end(input) || !memmem(input->at, (size_t) (input->end - input->at),
                                                              PEER_STRANGER, strlen(PEER_STRANGER));

        f.ready = f.busy = false;
        fuzz_assert(server_new(&f.server, peer_bus(), &server_ops, NULL) == 0);
        peer_handle();
        while (!input_at_end(input)) {
                take_step(input, stranger_is_one);
                peer_handle();
                fuzz_assert(server_is_ready(f.server) || !server_can(f.server, CAPABILITY_ACTIONS));
        }
        f.server = server_free(f.server);
        peer_forget();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = input_open(data, size);

        if (input_take(&input, "told"))
                run_told(&input);
        else if (input_take(&input, "open"))
                run_open(&input);
        else if (input_take(&input, "server"))
                run_server(&input);
        return 0;
}
