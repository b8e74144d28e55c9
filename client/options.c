/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "cleanup.h"
#include "exposure.h"
#include "render/timestamp.h"
#include "report.h"
#include "text.h"
#include "when.h"

#define MAX_OPTIONS 32
/* Bytes, as exposured has it. */
#define REASON_MAX 1024
/* getopt_long() gives back an option's position from here on, clear of letters. */
#define FIRST_VALUE 0x100

static int set_transport(struct options *o, enum transport transport, const char *host) {
        /* No host begins with a dash; programs on the way might take it for an option. */
        if (!*host || *host == '-')
                return -EINVAL;

        o->transport = transport;
        o->host = host;
        return 0;
}

static int set_host(struct options *o, const char *argument) {
        return set_transport(o, TRANSPORT_REMOTE, argument);
}

static int set_machine(struct options *o, const char *argument) {
        return set_transport(o, TRANSPORT_MACHINE, argument);
}

static int set_json(struct options *o, const char *argument) {
        static const char *const formats[] = {
                [JSON_OFF] = "off",
                [JSON_SHORT] = "short",
                [JSON_PRETTY] = "pretty",
        };

        for (size_t i = 0; i < ELEMENTSOF(formats); i++)
                if (streq(argument, formats[i])) {
                        o->json = i;
                        return 0;
                }
        return -EINVAL;
}

static int set_sort(struct options *o, const char *argument) {
        if (streq(argument, "unit"))
                o->sort = SORT_UNIT;
        else if (streq(argument, "exposure"))
                o->sort = SORT_EXPOSURE;
        else
                return -EINVAL;
        return 0;
}

static int set_threshold(struct options *o, const char *argument) {
        unsigned tenths;
        int r = exposure_from_string(argument, &tenths);

        if (r < 0)
                return r;
        o->threshold = (int) tenths;
        return 0;
}

static int set_lines(struct options *o, const char *argument) {
        uint64_t lines = 0;

        if (!*argument)
                return -EINVAL;
        if (streq(argument, "all"))
                lines = LINES_ALL;
        else
                for (const char *c = argument; *c; c++) {
                        if (*c < '0' || *c > '9' || lines > UINT32_MAX)
                                return -EINVAL;
                        lines = lines * 10 + (uint64_t) (*c - '0');
                }
        o->lines = lines > 0 ? lines : LINES_ALL;
        return 0;
}

/* Whether a text can be sent and kept: UTF-8, not blank, and not too long. */
static int set_reason(struct options *o, const char *argument) {
        size_t length = strlen(argument);
        uint32_t c;

        if (length > REASON_MAX || argument[strspn(argument, " \t\n")] == '\0')
                return -EINVAL;
        for (size_t i = 0, n; i < length; i += n) {
                n = utf8_decode(argument + i, &c);
                if (n == 0)
                        return -EINVAL;
        }
        o->reason = argument;
        return 0;
}

static int set_until(struct options *o, const char *argument) {
        return when_parse(argument, time_now(), &o->until);
}

#define FLAG(member_, value_) .flag = offsetof(struct options, member_), .value = value_

const struct option_row option_table[] = {
        { .letter = 'a', .name = "all", FLAG(all, true), .verbs = "list",
          .help = "List units of Type=oneshot too" },
        { .name = "sort", .argument = "KEY", .set = set_sort, .verbs = "list", .expected = "unit or exposure",
          .help = "Sort by unit (the default) or exposure, worst first" },
        { .letter = 'r', .name = "reverse", FLAG(reverse, true), .verbs = "list",
          .help = "Turn the order of the list around" },
        { .name = "threshold", .argument = "N", .set = set_threshold, .verbs = "list show",
          .expected = "an exposure from 0.0 to 10.0",
          .help = "Exit with status 3 if an exposure shown is above N" },
        { .name = "regressed", FLAG(regressed, true), .verbs = "list",
          .help = "List only units that regressed" },
        { .letter = 'n', .name = "lines", .argument = "N", .set = set_lines, .verbs = "history",
          .expected = "a number or all",
          .help = "Show so many of the newest events, or all" },
        { .name = "reason", .argument = "TEXT", .set = set_reason, .verbs = "accept",
          .expected = "a text that says why, of at most 1024 bytes",
          .help = "Why the present state is accepted" },
        { .name = "until", .argument = "WHEN", .set = set_until, .verbs = "accept",
          .expected = "a time to come, such as 2030-12-31, \"2030-12-31 18:00\", tomorrow or +30d",
          .help = "Accept only until then: 2030-12-31, tomorrow, +30d" },
        { .name = "test", FLAG(test, true), .verbs = "notify",
          .help = "Show a sample" },
        { .name = "no-ask-password", FLAG(ask_password, false), .verbs = "accept",
          .help = "Do not ask for a password" },
        { .name = "json", .argument = "FORMAT", .set = set_json, .expected = "short, pretty or off",
          .help = "Print JSON: short, pretty or off (the default)" },
        { .name = "no-legend", FLAG(legend, false),
          .help = "Print neither headers nor footers" },
        { .letter = 'l', .name = "full", FLAG(full, true),
          .help = "Do not fit the output to the terminal's width" },
        { .name = "no-pager", FLAG(pager, false),
          .help = "Do not show the output in a pager" },
        { .letter = 'q', .name = "quiet", FLAG(quiet, true),
          .help = "Print no notices on standard error" },
        { .name = "system", FLAG(user, false),
          .help = "Ask about the services of the system (the default)" },
        { .name = "user", FLAG(user, true),
          .help = "Ask about the services of the calling user" },
        { .letter = 'H', .name = "host", .argument = "[USER@]HOST", .set = set_host, .expected = "a host",
          .help = "Ask exposured on another host, over ssh" },
        { .letter = 'M', .name = "machine", .argument = "[USER@]NAME", .set = set_machine,
          .expected = "a machine", .help = "Ask exposured in a local container" },
        { .letter = 'h', .name = "help", FLAG(help, true),
          .help = "Show this help" },
        { .name = "version", FLAG(version, true),
          .help = "Show the version" },
};
const size_t n_option_rows = ELEMENTSOF(option_table);

static_assert(ELEMENTSOF(option_table) < MAX_OPTIONS, "a bit of options.given for each option");

/* Turns the table into what getopt_long() reads. */
static void fill_getopt(char letters[static 2 * MAX_OPTIONS + 2], struct option longs[static MAX_OPTIONS]) {
        *letters++ = ':';
        for (size_t i = 0; i < n_option_rows; i++) {
                const struct option_row *row = option_table + i;

                longs[i] = (struct option) {
                        .name = row->name,
                        .has_arg = row->argument ? required_argument : no_argument,
                        .val = FIRST_VALUE + (int) i,
                };
                if (row->letter) {
                        *letters++ = row->letter;
                        if (row->argument)
                                *letters++ = ':';
                }
        }
        longs[n_option_rows] = (struct option) {};
        *letters = '\0';
}

/* The row that getopt_long() means, or NULL. */
static const struct option_row *find_row(int value) {
        for (size_t i = 0; i < n_option_rows; i++)
                if (value == FIRST_VALUE + (int) i || (value && value == option_table[i].letter))
                        return option_table + i;
        return NULL;
}

/* Says what is wrong with the word that getopt_long() stopped at. */
static int refuse(int result, const char *word) {
        const struct option_row *row = find_row(optopt);

        if (row && result == ':')
                report("Option --%s needs an argument: %s.", row->name, row->expected);
        else if (row)
                report("Option --%s takes no argument.", row->name);
        else if (optopt)
                report("Unknown option '-%c'; exposurectl --help lists what there is.", optopt);
        else
                report("Unknown or ambiguous option '%s'; exposurectl --help lists what there is.", word);
        return -EINVAL;
}

static int set_option(struct options *options, const struct option_row *row, const char *argument) {
        options->given |= 1U << (row - option_table);
        if (!row->argument) {
                *(bool *) ((char *) options + row->flag) = row->value;
                return 0;
        }
        if (row->set(options, argument) < 0) {
                report("Option --%s must be %s, not '%s'.", row->name, row->expected, argument);
                return -EINVAL;
        }
        return 0;
}

int options_parse(struct options *options, int argc, char **argv) {
        char letters[2 * MAX_OPTIONS + 2];
        struct option longs[MAX_OPTIONS];
        int value, r;

        *options = (struct options) {
                .threshold = NO_THRESHOLD,
                .ask_password = true,
                .legend = true,
                .pager = true,
        };
        fill_getopt(letters, longs);

        opterr = 0;
        while ((value = getopt_long(argc, argv, letters, longs, NULL)) >= 0) {
                const struct option_row *row = value == '?' || value == ':' ? NULL : find_row(value);

                r = row ? set_option(options, row, optarg) : refuse(value, argv[optind - 1]);
                if (r < 0)
                        return r;
        }

        if (options->user && options->transport == TRANSPORT_REMOTE) {
                report("Options --user and --host cannot be used together.");
                return -EINVAL;
        }
        return 0;
}

static bool names_verb(const char *verbs, const char *verb) {
        size_t length = strlen(verb);

        for (const char *v = verbs; v; v = strchr(v, ' ')) {
                v += *v == ' ';
                if (strncmp(v, verb, length) == 0 && (v[length] == ' ' || v[length] == '\0'))
                        return true;
        }
        return false;
}

int options_check_verb(const struct options *options, const char *verb) {
        for (size_t i = 0; i < n_option_rows; i++) {
                const struct option_row *row = option_table + i;

                if (options->given & 1U << i && row->verbs && !names_verb(row->verbs, verb)) {
                        report("Option --%s means nothing to %s.", row->name, verb);
                        return -EINVAL;
                }
        }
        return 0;
}
