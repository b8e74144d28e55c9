/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <exposured/macro.h>

#include "log.h"
#include "notify.h"
#include "timer.h"

#define RETRY_USEC (250 * USEC_PER_MSEC)
/* More changes than these are not of interest to who could not read them. */
#define WAITING_MAX 8U
#define STATUS_SIZE 512U

struct notifier {
        int fd;                         /* -1: there is nobody to tell */
        struct sockaddr_un address;
        socklen_t address_length;
        struct timer *retry_timer, *watchdog_timer;
        uint64_t watchdog_usec;         /* between two signs of life */
        char waiting[WAITING_MAX][NOTIFY_TEXT_SIZE];
        unsigned n_waiting;
        char status[STATUS_SIZE];       /* to be sent after them; empty: it was */
};

/* 0, -EAGAIN where there is no room now, or another negative errno where there will be none. */
static int send_text(const struct notifier *n, const char *text) {
        if (sendto(n->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *) &n->address,
                   n->address_length) >= 0)
                return 0;
        return errno == ENOBUFS || errno == EINTR ? -EAGAIN : -errno;
}

/* Whether it need not be tried again. */
static bool is_sent(const struct notifier *n, const char *text) {
        int r;

        r = send_text(n, text);
        if (r < 0 && r != -EAGAIN)
                log_errno(LOG_DEBUG, r, "Cannot tell systemd '%s'", text);
        return r != -EAGAIN;
}

static void notifier_advance(struct notifier *n) {
        while (n->n_waiting > 0 && is_sent(n, n->waiting[0])) {
                n->n_waiting--;
                memmove(n->waiting, n->waiting + 1, n->n_waiting * sizeof(n->waiting[0]));
        }
        if (n->n_waiting == 0 && *n->status && is_sent(n, n->status))
                n->status[0] = '\0';
        if (n->n_waiting > 0 || *n->status)
                timer_arm(n->retry_timer, RETRY_USEC);
}

static void on_retry(void *userdata) {
        notifier_advance(userdata);
}

void notifier_tell(struct notifier *n, const char *text) {
        if (n->fd < 0)
                return;
        if (n->n_waiting >= WAITING_MAX) {
                n->n_waiting--;
                memmove(n->waiting, n->waiting + 1, n->n_waiting * sizeof(n->waiting[0]));
        }
        (void) snprintf(n->waiting[n->n_waiting++], NOTIFY_TEXT_SIZE, "%s", text);
        notifier_advance(n);
}

void notifier_set_status(struct notifier *n, const char *status) {
        if (n->fd < 0)
                return;
        (void) snprintf(n->status, sizeof(n->status), "STATUS=%s", status);
        notifier_advance(n);
}

/* One that finds no room is no loss: systemd does not look at what it has either. */
static void on_watchdog(void *userdata) {
        struct notifier *n = userdata;

        (void) send_text(n, "WATCHDOG=1");
        timer_arm(n->watchdog_timer, n->watchdog_usec);
}

/* A path, or an abstract address with "@" in place of the zero. */
static int set_address(struct notifier *n, const char *path) {
        size_t length = strlen(path);

        if ((*path != '/' && *path != '@') || length < 2)
                return -EINVAL;
        if (length >= sizeof(n->address.sun_path))
                return -ENAMETOOLONG;
        n->address.sun_family = AF_UNIX;
        memcpy(n->address.sun_path, path, length + 1);
        if (*path == '@')
                n->address.sun_path[0] = '\0';
        n->address_length = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length + (*path == '/'));
        return 0;
}

static int notifier_open(struct notifier *n) {
        const char *path = getenv("NOTIFY_SOCKET");
        int r;

        if (!path || !*path)
                return 0;
        r = set_address(n, path);
        if (r < 0) {
                log_errno(LOG_WARNING, r, "$NOTIFY_SOCKET is no address, nobody is told how we are");
                return 0;
        }
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return n->fd < 0 ? -errno : 0;
}

static int start_watchdog(struct notifier *n, sd_event *event) {
        uint64_t usec;
        int r;

        if (n->fd < 0 || sd_watchdog_enabled(0, &usec) <= 0)
                return 0;
        n->watchdog_usec = usec / 2;
        r = timer_new(&n->watchdog_timer, event, on_watchdog, n);
        if (r >= 0)
                on_watchdog(n);
        return r;
}

int notifier_new(struct notifier **ret, sd_event *event) {
        struct notifier *n;
        int r;

        n = calloc(1, sizeof(*n));
        if (!n)
                return -ENOMEM;
        n->fd = -1;
        r = notifier_open(n);
        if (r >= 0)
                r = timer_new(&n->retry_timer, event, on_retry, n);
        if (r >= 0)
                r = start_watchdog(n, event);
        if (r < 0) {
                notifier_free(n);
                return r;
        }
        *ret = n;
        return 0;
}

struct notifier *notifier_free(struct notifier *n) {
        if (!n)
                return NULL;
        timer_free(n->retry_timer);
        timer_free(n->watchdog_timer);
        if (n->fd >= 0)
                (void) close(n->fd);
        free(n);
        return NULL;
}
