/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <exposured/macro.h>

#include "archive.h"
#include "log.h"
#include "timer.h"

#define STACK_SIZE (256U * 1024U)
/* A store that could not be opened is tried again after that time, when there is something to do. */
#define REOPEN_USEC (10 * USEC_PER_SEC)

struct job {
        archive_run_fn run;
        archive_done_fn done;
        void *data;
        int result;
        struct job *next;
};

struct jobs {
        struct job *head, *tail;
};

struct archive {
        char *folder;
        void *userdata;
        sd_event_source *source;
        int fd;                         /* tells the event loop that jobs have ended */
        pthread_t thread;
        bool running;
        unsigned n_jobs;
        int last_error;
        const char *last_aside;

        pthread_mutex_t mutex;          /* for what follows */
        pthread_cond_t wake;
        struct jobs waiting, ended;
        bool quit;
        int error;
        bool renewed;
        char *aside;                    /* set once */
};

static void push(struct jobs *jobs, struct job *job) {
        job->next = NULL;
        if (jobs->tail)
                jobs->tail->next = job;
        else
                jobs->head = job;
        jobs->tail = job;
}

static struct job *pop(struct jobs *jobs) {
        struct job *job = jobs->head;

        if (!job)
                return NULL;
        jobs->head = job->next;
        if (!jobs->head)
                jobs->tail = NULL;
        return job;
}

/* In the thread. */

struct shelf {
        struct store *store;
        uint64_t tried;                 /* when opening failed last */
        int error;
        bool renewed;
        char *aside;                    /* to be handed over */
};

static void log_opened(enum store_opened opened, const char *aside) {
        switch (opened) {
        case STORE_SET_ASIDE:
                log_warning("The database was damaged or not ours; it is kept as %s, a new one is made.", aside);
                break;
        case STORE_NEWER:
                log_warning("The database is of a newer version; it is kept as %s, a new one is made.", aside);
                break;
        default:
                break;
        }
}

static void shelf_open(struct shelf *shelf, const char *folder) {
        _cleanup_(freep) char *aside = NULL;
        enum store_opened opened;
        uint64_t now = timer_now();
        int r;

        if (!folder || ((!shelf->store || store_read_only(shelf->store) < 0) && shelf->tried != 0 &&
                        now - shelf->tried < REOPEN_USEC))
                return;
        /* What could only be read may be writable now. */
        if (shelf->store && store_read_only(shelf->store) < 0)
                shelf->store = store_close(shelf->store);
        if (shelf->store)
                return;
        shelf->tried = now;
        r = store_open(&shelf->store, folder, &opened, &aside);
        if (r < 0) {
                if (r != shelf->error)
                        log_errno(LOG_ERR, r, "Cannot open the database in %s, going on from memory", folder);
                shelf->error = r;
                return;
        }
        shelf->error = store_read_only(shelf->store);
        shelf->renewed = shelf->renewed || opened != STORE_OPENED;
        if (shelf->error < 0)
                log_errno(LOG_ERR, shelf->error, "The database in %s can only be read, going on from memory", folder);
        log_opened(opened, aside);
        free(shelf->aside);
        shelf->aside = TAKE_PTR(aside);
}

/* What a person has to look after; other errors are of the one job alone. */
static bool is_disk_error(int error) {
        return error == -ENOSPC || error == -EROFS || error == -EACCES || error == -EBUSY;
}

static int shelf_run(struct shelf *shelf, struct job *job) {
        int r;

        r = job->run(shelf->store, job->data);
        if (r == -EUCLEAN || r == -EIO || r == -ESTALE) {
                log_errno(LOG_ERR, r, "The database cannot be used any more, opening it anew");
                shelf->store = store_close(shelf->store);
                shelf->tried = 0;
                shelf->error = r;
        } else if (shelf->store)
                shelf->error = store_read_only(shelf->store) < 0 ? store_read_only(shelf->store) :
                               is_disk_error(r) ? r : 0;
        return r;
}

static void job_ended(struct archive *a, struct shelf *shelf, struct job *job) {
        uint64_t one = 1;

        (void) pthread_mutex_lock(&a->mutex);
        push(&a->ended, job);
        a->error = shelf->error;
        a->renewed = a->renewed || shelf->renewed;
        shelf->renewed = false;
        if (!a->aside)
                a->aside = TAKE_PTR(shelf->aside);
        (void) pthread_mutex_unlock(&a->mutex);
        /* Cannot fail but by a counter of 2^64 - 1. */
        (void) !write(a->fd, &one, sizeof(one));
}

static struct job *next_job(struct archive *a) {
        struct job *job;

        (void) pthread_mutex_lock(&a->mutex);
        while (!a->quit && !a->waiting.head)
                (void) pthread_cond_wait(&a->wake, &a->mutex);
        job = pop(&a->waiting);
        (void) pthread_mutex_unlock(&a->mutex);
        return job;
}

static void *archive_thread(void *userdata) {
        struct archive *a = userdata;
        struct shelf shelf = {};
        struct job *job;

        while ((job = next_job(a))) {
                shelf_open(&shelf, a->folder);
                job->result = shelf_run(&shelf, job);
                job_ended(a, &shelf, job);
        }
        store_close(shelf.store);
        free(shelf.aside);
        return NULL;
}

/* In the event loop. */

static void finish_jobs(struct archive *a) {
        struct jobs ended;
        struct job *job;

        (void) pthread_mutex_lock(&a->mutex);
        ended = a->ended;
        a->ended = (struct jobs) {};
        a->last_error = a->error;
        if (!a->last_aside)
                a->last_aside = a->aside;
        (void) pthread_mutex_unlock(&a->mutex);
        while ((job = pop(&ended))) {
                a->n_jobs--;
                job->done(a->userdata, job->data, job->result);
                free(job);
        }
}

/* Whatever became of them: who would have to act on it is about to go. */
static void cancel_jobs(struct archive *a, struct jobs *jobs) {
        struct job *job;

        while ((job = pop(jobs))) {
                job->done(a->userdata, job->data, -ECANCELED);
                free(job);
        }
}

static int on_ended(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        uint64_t n;

        (void) source;
        (void) events;
        (void) !read(fd, &n, sizeof(n));
        finish_jobs(userdata);
        return 0;
}

int archive_submit(struct archive *a, archive_run_fn run, archive_done_fn done, void *data) {
        struct job *job;

        if (a->n_jobs >= ARCHIVE_JOBS_MAX)
                return -ENOBUFS;
        job = calloc(1, sizeof(*job));
        if (!job)
                return -ENOMEM;
        *job = (struct job) { .run = run, .done = done, .data = data };
        a->n_jobs++;
        (void) pthread_mutex_lock(&a->mutex);
        push(&a->waiting, job);
        (void) pthread_cond_signal(&a->wake);
        (void) pthread_mutex_unlock(&a->mutex);
        return 0;
}

const char *archive_aside(const struct archive *a) {
        return a->last_aside;
}

int archive_error(const struct archive *a) {
        return a->folder ? a->last_error : 0;
}

bool archive_take_renewed(struct archive *a) {
        bool renewed;

        (void) pthread_mutex_lock(&a->mutex);
        renewed = a->renewed;
        a->renewed = false;
        (void) pthread_mutex_unlock(&a->mutex);
        return renewed;
}

/* Signals are the event loop's. */
static int start_thread(struct archive *a) {
        sigset_t all, old;
        pthread_attr_t attr;
        int r;

        r = pthread_attr_init(&attr);
        if (r != 0)
                return -r;
        (void) sigfillset(&all);
        (void) pthread_attr_setstacksize(&attr, STACK_SIZE);
        (void) pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(&a->thread, &attr, archive_thread, a);
        (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
        (void) pthread_attr_destroy(&attr);
        a->running = r == 0;
        return -r;
}

int archive_new(struct archive **ret, sd_event *event, const char *folder, void *userdata) {
        struct archive *a;
        int r = -ENOMEM;

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        *a = (struct archive) {
                .userdata = userdata,
                .mutex = PTHREAD_MUTEX_INITIALIZER,
                .wake = PTHREAD_COND_INITIALIZER,
        };
        a->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (a->fd < 0) {
                r = -errno;
                free(a);
                return r;
        }
        a->folder = folder ? strdup(folder) : NULL;
        if (a->folder || !folder)
                r = sd_event_add_io(event, &a->source, a->fd, EPOLLIN, on_ended, a);
        if (r >= 0)
                r = start_thread(a);
        if (r < 0) {
                archive_free(a);
                return r;
        }
        *ret = a;
        return 0;
}

struct archive *archive_free(struct archive *a) {
        if (!a)
                return NULL;
        if (a->running) {
                (void) pthread_mutex_lock(&a->mutex);
                a->quit = true;
                (void) pthread_cond_signal(&a->wake);
                (void) pthread_mutex_unlock(&a->mutex);
                (void) pthread_join(a->thread, NULL);
        }
        cancel_jobs(a, &a->ended);
        cancel_jobs(a, &a->waiting);
        sd_event_source_disable_unref(a->source);
        (void) close(a->fd);
        free(a->folder);
        free(a->aside);
        free(a);
        return NULL;
}
