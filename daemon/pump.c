/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "log.h"
#include "pump.h"

/* So many messages may wait to be written, then nothing is read. */
#define UNWRITTEN_MAX 32U
/* So many are handled before anything else gets its turn. */
#define BATCH_MAX 32U
/*
 * What is in the socket cannot be overtaken, and it counts as clear when three quarters of it are. So no answer
 * waits behind more than one that is long, but many short ones have their place. The kernel doubles this.
 */
#define SOCKET_BUFFER (64 * 1024)

struct pump {
        sd_bus *bus;
        sd_event_source *io, *time, *exit;
        const struct pump_ops *ops;
        void *userdata;
        bool awaiting;
};

static uint64_t unwritten(const struct pump *pump) {
        uint64_t n;

        return sd_bus_get_n_queued_write(pump->bus, &n) < 0 ? 0 : n;
}

static int pump_run(struct pump *pump) {
        sd_bus *bus = pump->bus;
        int r = 1;

        for (unsigned i = 0; i < BATCH_MAX && r > 0; i++) {
                r = sd_bus_process(bus, NULL);
                if (unwritten(pump) > UNWRITTEN_MAX)
                        break;
        }
        if (r < 0) {
                log_errno(LOG_DEBUG, r, "The connection to the bus cannot be used any more");
                (void) sd_event_source_set_enabled(pump->io, SD_EVENT_OFF);
                (void) sd_event_source_set_enabled(pump->time, SD_EVENT_OFF);
                pump->ops->broken(pump->userdata);
        } else if (pump->awaiting && unwritten(pump) == 0) {
                /* Clear or not: who waits looks again. */
                pump->awaiting = false;
                pump->ops->written(pump->userdata);
        }
        return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct pump *pump = userdata;

        (void) source, (void) fd, (void) revents;
        return pump_run(pump);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source, (void) usec;
        return pump_run(userdata);
}

/* What is to be awaited, before each sleep. */
static int pump_prepare(struct pump *pump) {
        int fd = sd_bus_get_fd(pump->bus), events = sd_bus_get_events(pump->bus), r;
        uint64_t until;

        if (fd < 0 || events < 0)
                return fd < 0 ? fd : events;
        if (unwritten(pump) > UNWRITTEN_MAX)
                events &= ~POLLIN;
        if (pump->awaiting)
                events |= POLLOUT;
        if (fd != sd_event_source_get_io_fd(pump->io)) {
                r = sd_event_source_set_io_fd(pump->io, fd);
                if (r < 0)
                        return r;
        }
        r = sd_event_source_set_io_events(pump->io, ((events & POLLIN) ? EPOLLIN : 0) |
                                                    ((events & POLLOUT) ? EPOLLOUT : 0));
        if (r < 0)
                return r;
        r = sd_bus_get_timeout(pump->bus, &until);
        if (r < 0)
                return r;
        if (r > 0 && until != UINT64_MAX) {
                r = sd_event_source_set_time(pump->time, until);
                if (r < 0)
                        return r;
        }
        return sd_event_source_set_enabled(pump->time, until != UINT64_MAX ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int on_prepare(sd_event_source *source, void *userdata) {
        struct pump *pump = userdata;
        int r;

        (void) source;
        r = pump_prepare(pump);
        if (r < 0) {
                log_errno(LOG_DEBUG, r, "The connection to the bus cannot be awaited any more");
                (void) sd_event_source_set_enabled(pump->io, SD_EVENT_OFF);
                (void) sd_event_source_set_enabled(pump->time, SD_EVENT_OFF);
                pump->ops->broken(pump->userdata);
        }
        return 0;
}

/* The event loop ends: what is still to be written is written. */
static int on_exit_loop(sd_event_source *source, void *userdata) {
        struct pump *pump = userdata;

        (void) source;
        (void) sd_bus_flush(pump->bus);
        sd_bus_close(pump->bus);
        return 0;
}

static int pump_attach(struct pump *pump, sd_event *event) {
        int fd = sd_bus_get_fd(pump->bus), size = SOCKET_BUFFER, r;

        if (fd < 0)
                return fd;
        (void) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        r = sd_event_add_io(event, &pump->io, fd, 0, on_io, pump);
        if (r >= 0)
                r = sd_event_source_set_prepare(pump->io, on_prepare);
        if (r >= 0)
                r = sd_event_add_time(event, &pump->time, CLOCK_MONOTONIC, UINT64_MAX, 0, on_time, pump);
        if (r >= 0)
                r = sd_event_source_set_enabled(pump->time, SD_EVENT_OFF);
        return r < 0 ? r : sd_event_add_exit(event, &pump->exit, on_exit_loop, pump);
}

bool pump_is_written(const struct pump *pump) {
        return unwritten(pump) == 0;
}

bool pump_is_clear(const struct pump *pump) {
        struct pollfd socket = { .fd = sd_bus_get_fd(pump->bus), .events = POLLOUT };

        return unwritten(pump) == 0 && poll(&socket, 1, 0) > 0 && (socket.revents & POLLOUT);
}

void pump_await(struct pump *pump) {
        pump->awaiting = true;
}

int pump_new(struct pump **ret, sd_event *event, sd_bus *bus, const struct pump_ops *ops, void *userdata) {
        struct pump *pump;
        int r;

        pump = calloc(1, sizeof(*pump));
        if (!pump)
                return -ENOMEM;
        *pump = (struct pump) {
                .bus = sd_bus_ref(bus),
                .ops = ops,
                .userdata = userdata,
        };
        r = pump_attach(pump, event);
        if (r < 0) {
                pump_free(pump);
                return r;
        }
        *ret = pump;
        return 0;
}

struct pump *pump_free(struct pump *pump) {
        if (!pump)
                return NULL;
        sd_event_source_disable_unref(pump->io);
        sd_event_source_disable_unref(pump->time);
        sd_event_source_disable_unref(pump->exit);
        sd_bus_unref(pump->bus);
        free(pump);
        return NULL;
}
