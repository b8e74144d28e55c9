/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

#include "random.h"
#include "store-sample.h"

struct store *open_set_aside(const char *folder, enum store_opened expected, char **ret_aside) {
        enum store_opened opened = 99;
        struct store *store = NULL;
        int r;

        *ret_aside = NULL;
        r = store_open(&store, folder, &opened, ret_aside);
        ck_assert_msg(r == 0, "cannot open: %s", strerror(-r));
        ck_assert_int_eq(opened, expected);
        ck_assert_int_eq(*ret_aside != NULL, expected == STORE_SET_ASIDE || expected == STORE_NEWER);
        return store;
}

struct store *open_as(const char *folder, enum store_opened expected) {
        _cleanup_(freep) char *aside = NULL;

        return open_set_aside(folder, expected, &aside);
}

void begin(struct store *store) {
        ck_assert_int_eq(store_begin(store), 0);
}

void commit(struct store *store) {
        ck_assert_int_eq(store_commit(store), 0);
}

struct facts random_facts(void) {
        struct facts facts = {
                .capability_bounding_set = random_next() & random_next(),
                .ambient_capabilities = random_coin() ? 0 : random_next(),
                .restrict_namespaces = random_coin() ? UINT64_MAX : random_next(),
                .umask = (uint32_t) random_below(01000),
                .system_call_filter_allow_list = random_coin(),
                .system_call_filter_empty = random_coin(),
                .address_families_allow_list = random_coin(),
                .address_families = (uint8_t) random_below(32),
                .ip_access = (uint8_t) random_below(32),
                .protect_home = (uint8_t) random_below(_PROTECT_HOME_MAX),
                .protect_system = (uint8_t) random_below(_PROTECT_SYSTEM_MAX),
                .protect_proc = (uint8_t) random_below(_PROTECT_PROC_MAX),
                .device_policy = (uint8_t) random_below(_DEVICE_POLICY_MAX),
                .user = (uint8_t) random_below(_USER_CLASS_MAX),
                .architectures = (uint8_t) random_below(_ARCHITECTURES_MAX),
                .root_directory = (uint8_t) random_below(_ROOT_KIND_MAX),
                .root_image = (uint8_t) random_below(_ROOT_KIND_MAX),
        };

        /* the rest of them are flags */
        for (size_t at = offsetof(struct facts, default_dependencies);
             at <= offsetof(struct facts, supplementary_groups); at++)
                *((bool *) &facts + at) = random_coin();
        for (int i = 0; syscall_name(i); i++)
                if (random_below(3) == 0)
                        syscall_set_add(&facts.system_call_filter, i);
        return facts;
}

struct store_baseline sample_baseline(const char *unit, unsigned n) {
        struct store_baseline baseline = {
                .unit = unit,
                .systemd_version = "257.9-1~deb13u1",
                .model_version = n % 2 ? "1" : NULL,
                .taken = 1000000 + n,
                .seen = 2000000 + n,
                .composite = n % 2,
                .gone = n % 3 == 0,
                .assessment = { .exposure = (uint8_t) (n % 101), .sum = UINT64_MAX - n, .total = n },
                .files_signature = UINT64_C(0xf000000000000000) + n,
        };

        facts_init(&baseline.facts);
        baseline.facts.umask = n & 0777;
        baseline.settled = baseline.facts;
        baseline.settled.private_tmp = n % 2;
        for (unsigned i = 0; i < _CHECK_MAX; i++)
                baseline.assessment.badness[i] = (n + i) % 7 == 0 ? BADNESS_NOT_APPLICABLE :
                                                                   (uint8_t) ((n + i) % 255);
        return baseline;
}

const char *sample_id(unsigned n) {
        static char ids[16][33];
        static unsigned next;
        char *id = ids[next++ % ELEMENTSOF(ids)];

        (void) snprintf(id, sizeof(ids[0]), "%032x", n);
        return id;
}

struct store_event sample_event(unsigned n, const char *event, const char *unit) {
        static const char *const lines[] = { "-PrivateTmp=yes", "+PrivateTmp=no", "+", NULL };
        static const struct check_change checks[] = {
                { CHECK_PRIVATE_TMP, 0, 1 },
                { CHECK_REMOVE_IPC, BADNESS_NOT_APPLICABLE, 1 },
                { CHECK_UMASK, 10, BADNESS_NOT_APPLICABLE },
        };
        static struct store_event_unit hit;
        static struct store_cause cause;

        hit = (struct store_event_unit) {
                .unit = unit,
                .before = 20,
                .after = (uint8_t) (n % 101),
                .checks = checks,
                .n_checks = ELEMENTSOF(checks),
        };
        cause = (struct store_cause) {
                .path = "/etc/systemd/system/a.service.d/50-x.conf",
                .change = "changed",
                .time = 5000 + n,
                .lines = lines,
        };
        return (struct store_event) {
                .id = sample_id(n),
                .event = event,
                .unit = unit,
                .time = 1000000000 + n,
                .before = 20,
                .after = (uint8_t) (n % 101),
                .systemd_version = "257",
                .units = &hit,
                .n_units = 1,
                .causes = &cause,
                .n_causes = 1,
                .uid = UINT32_MAX,
        };
}

void put_event(struct store *store, unsigned n, const char *event, const char *unit) {
        struct store_event sample = sample_event(n, event, unit);

        ck_assert_int_eq(store_put_event(store, &sample), 0);
}

void put_announced(struct store *store, unsigned n, const char *event, const char *unit) {
        put_event(store, n, event, unit);
        ck_assert_int_eq(store_mark_announced(store, sample_id(n)), 0);
}

static void dump_facts(FILE *f, const struct facts *facts) {
        struct facts plain;

        facts_init(&plain);
        fprintf(f, " facts");
        for (size_t i = 0; i <= offsetof(struct facts, supplementary_groups); i++)
                if (((const unsigned char *) facts)[i] != ((const unsigned char *) &plain)[i])
                        fprintf(f, " %zu:%02x", i, ((const unsigned char *) facts)[i]);
        fprintf(f, "\n");
}

static void dump_checks(FILE *f, const struct check_change *checks, size_t n) {
        for (size_t i = 0; i < n; i++)
                fprintf(f, " %s %u %u\n", check_info(checks[i].check)->json_field, checks[i].before,
                        checks[i].after);
}

static int dump_baseline(void *userdata, const struct store_baseline *b) {
        FILE *f = userdata;

        fprintf(f, "baseline %s %s %s %" PRIu64 " %" PRIu64 " %d %d %u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                b->unit, b->systemd_version, b->model_version ?: "(none)", b->taken, b->seen,
                b->composite, b->gone,
                b->assessment.exposure, b->assessment.sum, b->assessment.total, b->files_signature);
        for (unsigned i = 0; i < _CHECK_MAX; i++)
                fprintf(f, " %u", b->assessment.badness[i]);
        dump_facts(f, &b->facts);
        dump_facts(f, &b->settled);
        return 0;
}

static int dump_regression(void *userdata, const struct store_regression *r) {
        fprintf(userdata, "regression %s %s %" PRIu64 "\n", r->unit, r->id, r->since);
        dump_checks(userdata, r->checks, r->n_checks);
        return 0;
}

static int dump_acceptance(void *userdata, const struct store_acceptance *a) {
        fprintf(userdata, "acceptance %s %s %" PRIu64 " %s %s\n", a->unit, a->id, a->until,
                a->systemd_version, a->model_version ?: "(none)");
        for (unsigned i = 0; a->composite && i < _CHECK_MAX; i++)
                fprintf(userdata, " %u", a->badness[i]);
        dump_facts(userdata, &a->facts);
        return 0;
}

static int dump_file(void *userdata, const struct store_file *file) {
        fprintf(userdata, "file %s %s %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", file->path,
                file->target ?: "(none)", file->content ?: "(none)", file->mtime_nsec, file->inode,
                file->size);
        return 0;
}

static int dump_event(void *userdata, const struct store_event *e) {
        FILE *f = userdata;

        fprintf(f, "event %s %s %s %" PRIu64 " %u %u %s %s %" PRIu32 " %s %" PRIu64 "\n", e->id, e->event,
                e->unit, e->time, e->before, e->after, e->systemd_version, e->model_version ?: "(none)",
                e->uid, e->reason ?: "(none)", e->until);
        for (size_t i = 0; i < e->n_units; i++) {
                fprintf(f, " unit %s %u %u\n", e->units[i].unit, e->units[i].before, e->units[i].after);
                dump_checks(f, e->units[i].checks, e->units[i].n_checks);
                if (!e->units[i].changed)
                        continue;
                fprintf(f, " changed from %u\n", e->units[i].rated);
                dump_checks(f, e->units[i].own_checks, e->units[i].n_own_checks);
        }
        for (size_t i = 0; i < e->n_causes; i++) {
                const struct store_cause *cause = e->causes + i;

                fprintf(f, " cause %s %s %" PRIu64 "\n", cause->path, cause->change, cause->time);
                for (size_t k = 0; cause->lines && cause->lines[k]; k++)
                        fprintf(f, "  <%s>\n", cause->lines[k]);
        }
        return 0;
}

static int dump_unannounced(void *userdata, const struct store_event *e) {
        fprintf(userdata, "unannounced %s\n", e->id);
        return 0;
}

char *dump(struct store *store, const char *files_of) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(store_each_baseline(store, dump_baseline, f), 0);
        ck_assert_int_eq(store_each_regression(store, dump_regression, f), 0);
        ck_assert_int_eq(store_each_acceptance(store, dump_acceptance, f), 0);
        if (files_of)
                ck_assert_int_eq(store_each_file(store, files_of, dump_file, f), 0);
        ck_assert_int_eq(store_each_event(store, NULL, NULL, SIZE_MAX, dump_event, f), 0);
        ck_assert_int_eq(store_each_unannounced(store, dump_unannounced, f), 0);
        ck_assert_int_eq(fclose(f), 0);
        return text;
}

static void fill_unit(struct store *store, const char *unit, unsigned n) {
        static const struct check_change worse[] = { { CHECK_PRIVATE_TMP, 0, 1 }, { CHECK_DELEGATE, 0, 1 } };
        struct store_baseline baseline = sample_baseline(unit, n);
        struct store_file files[] = {
                { .path = "/etc/systemd/system/x.service", .content = "[Service]\n", .mtime_nsec = n },
                { .path = "/etc/systemd/system/y.service", .target = "x.service", .inode = UINT64_MAX },
        };
        struct store_regression regression = {
                .unit = unit, .id = sample_id(n), .since = n, .checks = worse, .n_checks = ELEMENTSOF(worse),
        };
        struct store_acceptance acceptance = {
                .unit = unit, .id = sample_id(n), .until = n, .facts = baseline.facts,
                .composite = n % 2, .systemd_version = "257",
        };

        memcpy(acceptance.badness, baseline.assessment.badness, sizeof(acceptance.badness));
        ck_assert_int_eq(store_put_baseline(store, &baseline), 0);
        ck_assert_int_eq(store_put_files(store, unit, files, ELEMENTSOF(files)), 0);
        ck_assert_int_eq(store_put_regression(store, &regression), 0);
        ck_assert_int_eq(store_put_acceptance(store, &acceptance), 0);
        put_event(store, n, "regressed", unit);
}

void fill(struct store *store) {
        begin(store);
        fill_unit(store, FILL_UNIT, 1);
        fill_unit(store, "beta.service", 2);
        ck_assert_int_eq(store_mark_announced(store, sample_id(1)), 0);
        ck_assert_int_eq(store_put_text(store, "systemd-version", "257"), 0);
        commit(store);
}

void tamper(const char *folder, const char *sql) {
        _cleanup_(freep) char *path = temp_path(folder, "exposured.db");
        char *error = NULL;
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &error) == SQLITE_OK, "%s: %s", sql, error);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

int ignore_baseline(void *userdata, const struct store_baseline *baseline) {
        (void) userdata, (void) baseline;
        return 0;
}

int ignore_regression(void *userdata, const struct store_regression *regression) {
        (void) userdata, (void) regression;
        return 0;
}

int ignore_acceptance(void *userdata, const struct store_acceptance *acceptance) {
        (void) userdata, (void) acceptance;
        return 0;
}

int ignore_file(void *userdata, const struct store_file *file) {
        (void) userdata, (void) file;
        return 0;
}

int ignore_event(void *userdata, const struct store_event *event) {
        (void) userdata, (void) event;
        return 0;
}
