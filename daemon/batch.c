/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/macro.h>

#include "batch.h"
#include "cause.h"
#include "log.h"
#include "snapshot.h"
#include "strv.h"
#include "unit.h"

struct batch *batch_new(const char *systemd_version, bool private) {
        struct batch *batch;

        batch = calloc(1, sizeof(*batch));
        if (!batch)
                return NULL;
        batch->systemd_version = strdup(systemd_version ?: "");
        if (!batch->systemd_version)
                return batch_free(batch);
        batch->private = private;
        batch->new_unit_exposure_max = UINT8_MAX;
        return batch;
}

static void item_done(struct item *item) {
        free(item->key);
        free(item->files_key);
        free(item->fragment_path);
        strv_free(item->drop_in_paths);
        strv_free(item->units);
        event_unref(item->event);
}

void batch_cut(struct batch *batch, size_t n_items, size_t n_events) {
        while (batch->n_items > n_items)
                item_done(&batch->items[--batch->n_items]);
        while (batch->n_events > n_events)
                event_unref(batch->events[--batch->n_events]);
}

void batch_end_waits(struct batch *batch, int result) {
        struct batch_wait *wait;

        while ((wait = batch->waits)) {
                batch->waits = wait->next;
                wait->fn(wait, result);
        }
}

struct batch *batch_free(struct batch *batch) {
        if (!batch)
                return NULL;
        batch_end_waits(batch, -ECANCELED);
        batch_cut(batch, 0, 0);
        free(batch->items);
        free(batch->events);
        free(batch->systemd_version);
        free(batch->policy);
        free(batch);
        return NULL;
}

struct item *batch_add(struct batch *batch, const char *key) {
        struct item *grown;
        char *copy;

        if (batch->n_items >= batch->n_allocated) {
                size_t n = batch->n_allocated ? batch->n_allocated * 2 : 4;

                grown = reallocarray(batch->items, n, sizeof(*grown));
                if (!grown)
                        return NULL;
                batch->items = grown;
                batch->n_allocated = n;
        }
        copy = strdup(key);
        if (!copy)
                return NULL;
        batch->items[batch->n_items] = (struct item) { .key = copy };
        return &batch->items[batch->n_items++];
}

struct item *batch_find(const struct batch *batch, const char *key) {
        for (size_t i = batch->n_items; i-- > 0;)
                if (streq(batch->items[i].key, key))
                        return &batch->items[i];
        return NULL;
}

int item_take_paths(struct item *item, const struct unit *unit) {
        if (unit->fragment_path) {
                item->fragment_path = strdup(unit->fragment_path);
                if (!item->fragment_path)
                        return -ENOMEM;
        }
        return strv_copy(&item->drop_in_paths, unit->drop_in_paths);
}

void item_take_entry(struct item *item, struct entry *entry) {
        item->files_key = TAKE_PTR(entry->files_key);
        item->keep = true;
        item->baseline = entry->baseline;
        item->settled = *entry_settled(entry);
        item->is_composite = entry->composite != NULL;
        item->gone = entry->gone;
        if (entry->composite)
                item->composite = *entry->composite;
        item->taken = entry->taken;
        item->seen = entry->seen;
        item->files_signature = entry->files_signature;
        if (entry->before_acceptance) {
                item->until = entry->until;
                item->before_acceptance = *entry->before_acceptance;
                memcpy(item->acceptance_id, entry->acceptance_id, sizeof(item->acceptance_id));
        }
}

void item_take_regression(struct item *item, const struct entry *entry) {
        if (!entry->regression)
                return;
        item->open = true;
        item->type = EVENT_REGRESSED;
        item->since = entry->regression->since;
        item->event = event_ref(entry->regression->event);
}

int batch_add_event(struct batch *batch, struct event *event) {
        struct event **grown;

        grown = reallocarray(batch->events, batch->n_events + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        batch->events = grown;
        grown[batch->n_events++] = event_ref(event);
        return 0;
}

/* In the archive's thread. */

static int add_file(void *userdata, const struct store_file *file) {
        return snapshot_from_store(userdata, file) == -ENOMEM ? -ENOMEM : 0;
}

static int item_causes(struct store *store, struct item *item, const struct snapshot *now, bool manager_changed,
                       struct causes *ret) {
        struct snapshot before = {};
        int r = 0;

        if (store)
                r = store_each_file(store, item->files_key ?: item->key, add_file, &before);
        if (r >= 0)
                r = causes_find(&before, now, manager_changed, ret);
        snapshot_done(&before);
        return r;
}

static bool cause_is_unknown(const struct causes *causes) {
        return causes->n_causes == 0 ||
               streq(causes->causes[0].change, cause_change_to_string(CAUSE_UNKNOWN));
}

/* One cause that hit many units is one event; not so where nobody knows the cause. */
static struct event *find_event(struct batch *batch, enum event_type type, const struct causes *causes) {
        for (size_t i = 0; i < batch->n_events; i++) {
                struct event *event = batch->events[i];

                if (event->type == type && event->uid == UINT32_MAX && type <= EVENT_CHANGED &&
                    !cause_is_unknown(causes) && causes_equal(&event->causes, causes))
                        return event;
        }
        return NULL;
}

static int item_add_units(struct item *item, struct event *event) {
        int r;

        while (item->units && item->units[item->n_added]) {
                r = event_add_unit(event, item->units[item->n_added], item->before, item->after,
                                   item->difference.changes, item->difference.n_changes);
                if (r < 0)
                        return r;
                item->n_added++;
        }
        return 0;
}

static int event_set_unit(struct event *event, const char *unit) {
        char *copy = strdup(unit);

        if (!copy)
                return -ENOMEM;
        free(event->unit);
        event->unit = copy;
        return 0;
}

/* What became of a unit when systemd was upgraded. What got worse has to be told by itself, too. */
static int item_tell_upgrade(struct batch *batch, struct item *item, const struct causes *causes) {
        int r;

        r = event_add_change(batch->upgrade, item->key, item->before, item->after, item->difference.changes,
                             item->difference.n_changes);
        if (r >= 0)
                r = causes_merge(&batch->upgrade->causes, causes);
        item->complete = r >= 0 && item->type != EVENT_REGRESSED;
        return r;
}

static bool is_above_limit(const struct batch *batch, const struct item *item) {
        return item->type == EVENT_APPEARED && item->after > batch->new_unit_exposure_max;
}

static int item_tell(struct batch *batch, struct item *item, struct causes *causes) {
        struct event *event;
        int worst, r;

        if (batch->upgrade && item->type <= EVENT_CHANGED) {
                r = item_tell_upgrade(batch, item, causes);
                if (r < 0 || item->complete)
                        return r;
        }
        event = item->event ?: find_event(batch, item->type, causes);
        if (!event) {
                event = event_new(item->type, item->key, batch->systemd_version);
                if (!event)
                        return -ENOMEM;
                /* That nobody knows a cause says nothing beside that. */
                if (is_above_limit(batch, item) && cause_is_unknown(causes))
                        causes_done(causes);
                event->causes = *causes;
                *causes = (struct causes) {};
                r = is_above_limit(batch, item) ? causes_add_limit(&event->causes, event->time) : 0;
                if (r >= 0)
                        r = batch_add_event(batch, event);
                event_unref(event);
                if (r < 0)
                        return r;
        }
        if (!item->event)
                item->event = event_ref(event);
        worst = event->n_units > 0 ? event->after - event->before : -256;
        r = item_add_units(item, event);
        if (r >= 0 && item->after - item->before > worst)
                r = event_set_unit(event, item->key);
        item->complete = r >= 0;
        return r;
}

static int item_write_files(struct store *store, const struct item *item, const struct snapshot *now) {
        _cleanup_(freep) struct store_file *files = NULL;

        files = calloc(now->n_files + 1, sizeof(*files));
        if (!files)
                return -ENOMEM;
        for (size_t i = 0; i < now->n_files; i++)
                file_state_to_store(&now->files[i], &files[i]);
        return store_put_files(store, item->key, files, now->n_files);
}

static int item_write_regression(struct store *store, const struct item *item) {
        if (!item->open)
                return store_remove_regression(store, item->key);
        if (!item->event || item->type != EVENT_REGRESSED)
                return 0;
        return store_put_regression(store, &(struct store_regression) {
                .unit = item->key,
                .id = item->event->id,
                .since = item->since,
                .checks = item->difference.changes,
                .n_checks = item->difference.n_changes,
        });
}

/* A snapshot of every unit at once would be large: only those that told a cause are there already. */
static int item_keep_files(struct store *store, const struct item *item, const struct snapshot *now, bool private) {
        struct snapshot taken = {};
        int r = 0;

        if (item->gone)
                return store_put_files(store, item->key, NULL, 0);
        if (!item->fragment_path && !item->drop_in_paths)
                return 0;
        if (now->n_files > 0)
                return item_write_files(store, item, now);
        r = snapshot_take(&taken, item->fragment_path, item->drop_in_paths, private);
        if (r >= 0)
                r = item_write_files(store, item, &taken);
        snapshot_done(&taken);
        return r;
}

static int item_write_acceptance(struct store *store, const struct batch *batch, const struct item *item) {
        if (item->until == 0)
                return store_remove_acceptance(store, item->key);
        return store_put_acceptance(store, &(struct store_acceptance) {
                .unit = item->key,
                .id = item->acceptance_id,
                .until = item->until,
                .facts = item->before_acceptance,
                .systemd_version = batch->systemd_version,
                .model_version = batch->model_version,
        });
}

static int item_write(struct store *store, const struct batch *batch, const struct item *item,
                      const struct snapshot *now) {
        int r;

        if (!item->keep)
                return 0;
        r = store_put_baseline(store, &(struct store_baseline) {
                .unit = item->key,
                .systemd_version = batch->systemd_version,
                .model_version = batch->model_version,
                .taken = item->taken,
                .seen = item->seen,
                .facts = item->baseline,
                .settled = item->settled,
                .assessment = item->composite,
                .composite = item->is_composite,
                .gone = item->gone,
                .files_signature = item->files_signature,
        });
        if (r >= 0)
                r = item_keep_files(store, item, now, batch->private);
        if (r >= 0)
                r = item_write_regression(store, item);
        if (r >= 0)
                r = item_write_acceptance(store, batch, item);
        return r;
}

/* What the store does not take must not keep it from taking the rest. */
static int refused(int error, const char *what, const char *name) {
        if (error == -EINVAL)
                log_errno(LOG_ERR, error, "Cannot keep %s %s in the database", what, name);
        return error == -EINVAL ? 0 : error;
}

static int write_events(struct store *store, const struct batch *batch) {
        int r = 0;

        for (size_t i = 0; i < batch->n_events && r >= 0; i++) {
                r = event_store(store, batch->events[i], batch->model_version);
                /* Written before, and the confirmation was lost. */
                if (r == -EEXIST)
                        r = 0;
                r = refused(r, "the event", batch->events[i]->id);
                if (r >= 0 && batch->announced)
                        r = store_mark_announced(store, batch->events[i]->id);
                if (r == -ENOENT)
                        r = 0;
        }
        return r;
}

/* By what all that is kept was judged and told. */
static int note_model(struct store *store, const struct batch *batch) {
        int r;

        if (batch->old_model)
                return 0;
        r = store_put_text(store, "systemd-version", batch->systemd_version);
        return r < 0 || !batch->policy ? r : store_put_text(store, "policy", batch->policy);
}

static int write_all(struct store *store, struct batch *batch, const struct snapshot *snapshots) {
        int r;

        r = store_begin(store);
        if (r < 0)
                return r;
        r = write_events(store, batch);
        for (size_t i = 0; i < batch->n_items && r >= 0; i++)
                r = refused(item_write(store, batch, &batch->items[i], &snapshots[i]), "what is known of",
                            batch->items[i].key);
        if (r >= 0)
                r = note_model(store, batch);
        if (r >= 0)
                r = store_commit(store);
        if (r < 0)
                store_rollback(store);
        return r;
}

/* What can be told is told, whatever becomes of the causes. */
static int find_causes(struct store *store, struct batch *batch, struct item *item, struct snapshot *now) {
        struct causes causes = {};
        int r = 0;

        if (item->fragment_path || item->drop_in_paths)
                r = snapshot_take(now, item->fragment_path, item->drop_in_paths, batch->private);
        if (r >= 0)
                r = item_causes(store, item, now, batch->manager_changed, &causes);
        if (r == -ENOMEM)
                return r;
        r = item_tell(batch, item, &causes);
        causes_done(&causes);
        return r;
}

bool batch_is_complete(const struct batch *batch) {
        for (size_t i = 0; i < batch->n_items; i++)
                if (batch->items[i].told && !batch->items[i].complete)
                        return false;
        return true;
}

int batch_run(struct store *store, void *data) {
        struct batch *batch = data;
        struct snapshot *snapshots;
        int r = 0;

        snapshots = calloc(batch->n_items + 1, sizeof(*snapshots));
        if (!snapshots)
                return -ENOMEM;
        for (size_t i = 0; i < batch->n_items && r >= 0; i++)
                if (batch->items[i].told && !batch->items[i].complete)
                        r = find_causes(store, batch, &batch->items[i], &snapshots[i]);
        if (r >= 0)
                r = store && !batch->unread ? write_all(store, batch, snapshots) : -ENOTCONN;
        for (size_t i = 0; i < batch->n_items; i++)
                snapshot_done(&snapshots[i]);
        free(snapshots);
        return r;
}
