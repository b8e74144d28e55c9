/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * exposurectl as a whole: the first line is its command line, the second what it prints to, then come the
 * answers of the daemon, one for each call, as message.h has them, or "error", its name and its text. The
 * bus is not there: calls end here. Nothing that reaches a terminal can steer it; JSON is JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>

#include <json-c/json.h>

#include "agent.h"
#include "cleanup.h"
#include "event.h"
#include "fuzz.h"
#include "input.h"
#include "json.h"
#include "message.h"
#include "options.h"
#include "output.h"
#include "render/events.h"
#include "text.h"
#include "verbs.h"

#define WORDS_MAX 32

/* What standard output is. */
#define COLUMNS_MASK 0xffU
#define FLAG_UTF8 0x100U
#define FLAG_COLORS 0x200U

/* The linker calls these where the client calls those of libsystemd; an optimizer does not know that. */
#define WRAPPER __attribute__((used))

/* The answers that are left: the calls that take them have no other way to know. */
static struct input answers;

static int take_error(sd_bus_error *error) {
        _cleanup_free_ char *name = input_line(&answers), *text = input_line(&answers);
        int r = sd_bus_error_set(error, name, text);

        return r < 0 ? r : -EIO;
}

static int answer(sd_bus_error *error, sd_bus_message **ret) {
        sd_bus_message *m;

        if (input_at_end(&answers))
                return sd_bus_error_set_errno(error, -ECONNRESET);
        if (input_take(&answers, "error"))
                return take_error(error);
        m = message_take(&answers);
        if (!m)
                return sd_bus_error_set_errno(error, -EBADMSG);
        if (ret)
                *ret = m;
        else
                sd_bus_message_unref(m);
        return 1;
}

WRAPPER int __wrap_sd_bus_call(sd_bus *bus, sd_bus_message *m, uint64_t usec, sd_bus_error *error,
                               sd_bus_message **ret);
int __wrap_sd_bus_call(sd_bus *bus, sd_bus_message *m, uint64_t usec, sd_bus_error *error,
                       sd_bus_message **ret) {
        (void) bus, (void) m, (void) usec;
        return answer(error, ret);
}

WRAPPER int __wrap_sd_bus_call_method(sd_bus *bus, const char *destination, const char *path,
                                      const char *interface, const char *member, sd_bus_error *error,
                                      sd_bus_message **ret, const char *types, ...);
int __wrap_sd_bus_call_method(sd_bus *bus, const char *destination, const char *path, const char *interface,
                              const char *member, sd_bus_error *error, sd_bus_message **ret,
                              const char *types, ...) {
        (void) bus, (void) destination, (void) path, (void) interface, (void) member, (void) types;
        return answer(error, ret);
}

WRAPPER sd_bus *__wrap_sd_bus_flush_close_unref(sd_bus *bus);
WRAPPER pid_t __wrap_agent_start(const struct options *options);

static int open_bus(sd_bus **ret) {
        *ret = sd_bus_ref(message_bus());
        return 0;
}

#define WRAP_OPEN(function, ...)                                    \
        WRAPPER int __wrap_##function(sd_bus **ret, ##__VA_ARGS__); \
        int __wrap_##function(sd_bus **ret, ##__VA_ARGS__) {        \
                return open_bus(ret);                               \
        }

WRAP_OPEN(sd_bus_open_system)
WRAP_OPEN(sd_bus_open_user)
WRAP_OPEN(sd_bus_open_system_remote, const char *host __attribute__((unused)))
WRAP_OPEN(sd_bus_open_system_machine, const char *machine __attribute__((unused)))
WRAP_OPEN(sd_bus_open_user_machine, const char *machine __attribute__((unused)))

sd_bus *__wrap_sd_bus_flush_close_unref(sd_bus *bus) {
        return sd_bus_unref(bus);
}

pid_t __wrap_agent_start(const struct options *options) {
        (void) options;
        return 0;
}

/* Colours are all that may begin with an escape. Returns the length of such a sequence, or 0. */
static size_t color_length(const char *s) {
        size_t n;

        if (strncmp(s, "\033[", 2) != 0)
                return 0;
        n = 2 + strspn(s + 2, "0123456789;:");
        return s[n] == 'm' ? n + 1 : 0;
}

static void check_safe(const char *text, size_t size, bool utf8, bool colors) {
        fuzz_assert(strlen(text) == size);
        while (*text) {
                size_t n = colors ? color_length(text) : 0;
                uint32_t c = '\n';

                if (n == 0)
                        n = utf8_decode(text, &c);
                fuzz_assert(n > 0);
                fuzz_assert(c == '\n' || !character_is_unsafe(c));
                fuzz_assert(utf8 || c < 0x80);
                text += n;
        }
}

/* One value after the other, each with its line end, which the tokener takes as well. */
static void check_json(const char *text, size_t size) {
        struct json_tokener *tokener = json_tokener_new();
        json_object *object;

        fuzz_assert(tokener);
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
                                       JSON_TOKENER_VALIDATE_UTF8);
        while (size > 0) {
                object = json_tokener_parse_ex(tokener, text, (int) size);
                fuzz_assert(json_tokener_get_error(tokener) == json_tokener_success && object);
                json_object_put(object);
                text += json_tokener_get_parse_end(tokener);
                fuzz_assert(text[-1] == '\n');
                size -= json_tokener_get_parse_end(tokener);
        }
        json_tokener_free(tokener);
}

/* A signal that monitor would show. */
static enum status show_signals(const struct options *options, struct output *output) {
        while (!input_at_end(&answers)) {
                _cleanup_message_ sd_bus_message *m = message_take(&answers);
                _cleanup_(event_done) struct event event = {};
                json_object *object;

                if (!m || event_read(&event, m) <= 0)
                        continue;
                if (options->json == JSON_OFF) {
                        event_print(&event, output);
                        continue;
                }
                object = event_to_json(&event);
                fuzz_assert(object && json_print(object, options->json, output->stream) >= 0);
                json_object_put(object);
        }
        return STATUS_DONE;
}

static void run_verb(const struct options *options, char **words, struct output *output, bool utf8) {
        const struct verb *verb = verb_find(words);
        enum status status;

        if (!verb || options_check_verb(options, verb->name) < 0)
                return;
        status = streq(verb->name, "monitor") ? show_signals(options, output)
                                              : verb->run(options, output, words + (*words != NULL));
        fuzz_assert(status <= STATUS_UNFULFILLED);
        fuzz_assert(fflush(output->stream) == 0);
        /* JSON goes by the locale. */
        check_safe(output->buffer, output->size, utf8 || options->json != JSON_OFF, output->colors);
        if (options->json != JSON_OFF && !streq(verb->name, "help"))
                check_json(output->buffer, output->size);
}

static void run(int n_words, char **words, unsigned flags) {
        struct output output = {
                .fd = -1,
                .columns = flags & COLUMNS_MASK,
                .utf8 = flags & FLAG_UTF8,
                .emoji = flags & FLAG_UTF8,
                .colors = flags & FLAG_COLORS,
        };
        struct options options;

        output.stream = open_memstream(&output.buffer, &output.size);
        fuzz_assert(output.stream);
        optind = 0;
        if (options_parse(&options, n_words, words) >= 0)
                run_verb(&options, words + optind, &output, output.utf8);
        output_done(&output);
}

static void run_with_stderr(int n_words, char **words, unsigned flags) {
        FILE *saved = stderr, *stream;
        char *text = NULL;
        size_t size = 0;

        stream = open_memstream(&text, &size);
        fuzz_assert(stream);
        stderr = stream;
        run(n_words, words, flags);
        stderr = saved;
        fuzz_assert(fclose(stream) == 0);
        check_safe(text, size, true, false);
        free(text);
}

static int split_words(char *line, char **words) {
        char *position, *word = strtok_r(line, " ", &position);
        int n = 0;

        words[n++] = (char *) "exposurectl";
        for (; word && n < WORDS_MAX; word = strtok_r(NULL, " ", &position))
                words[n++] = word;
        words[n] = NULL;
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = input_open(data, size);
        _cleanup_free_ char *line = input_line(&input);
        char *words[WORDS_MAX + 1];
        unsigned flags = (unsigned) input_number(&input);

        (void) setlocale(LC_CTYPE, "C.UTF-8");
        answers = input;
        run_with_stderr(split_words(line, words), words, flags);
        return 0;
}
