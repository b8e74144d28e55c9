/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"
#include "strv.h"
#include "suite.h"
#include "temp.h"

/* Systemd's end of the socket, which takes what it is sent when the test wants it to. */
static struct {
        sd_event *event;
        char *top;
        struct notifier *notifier;
        int fd;
        char **told;
} t;

static void listen_at(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t length = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(path));

        ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
        memcpy(address.sun_path, path, strlen(path));
        if (*path == '@')
                address.sun_path[0] = '\0';
        t.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_ge(t.fd, 0);
        ck_assert_int_eq(bind(t.fd, (struct sockaddr *) &address, length), 0);
        ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, true), 0);
}

static void set_up(void) {
        ck_assert_int_ge(sd_event_new(&t.event), 0);
        t.top = temp_new();
        t.fd = -1;
        (void) unsetenv("WATCHDOG_USEC");
        (void) unsetenv("WATCHDOG_PID");
        (void) unsetenv("NOTIFY_SOCKET");
}

static void tear_down(void) {
        t.notifier = notifier_free(t.notifier);
        if (t.fd >= 0)
                (void) close(t.fd);
        t.told = strv_free(t.told);
        t.top = temp_free(t.top);
        t.event = sd_event_unref(t.event);
}

static void start(void) {
        _cleanup_(freep) char *path = temp_path(t.top, "notify");

        listen_at(path);
        ck_assert_int_eq(notifier_new(&t.notifier, t.event), 0);
}

/* Takes what is there. */
static void receive(void) {
        char text[1024];
        ssize_t n;

        while ((n = recv(t.fd, text, sizeof(text) - 1, 0)) >= 0) {
                text[n] = '\0';
                ck_assert_int_eq(strv_extend(&t.told, text), 0);
        }
        ck_assert_int_eq(errno, EAGAIN);
}

static void assert_told(size_t i, const char *text) {
        ck_assert_uint_gt(strv_length(t.told), i);
        ck_assert_str_eq(t.told[i], text);
}

START_TEST(nobody_to_tell) {
        ck_assert_int_eq(setenv("WATCHDOG_USEC", "1000", true), 0);
        ck_assert_int_eq(notifier_new(&t.notifier, t.event), 0);
        notifier_tell(t.notifier, "READY=1");
        notifier_set_status(t.notifier, "x");
        ck_assert_int_eq(sd_event_run(t.event, 0), 0);
        ck_assert_ptr_null(notifier_free(NULL));
}
END_TEST

START_TEST(told_at_once) {
        start();
        notifier_tell(t.notifier, "READY=1");
        notifier_set_status(t.notifier, "one");
        notifier_set_status(t.notifier, "two");
        notifier_tell(t.notifier, "STOPPING=1");
        receive();
        ck_assert_uint_eq(strv_length(t.told), 4);
        assert_told(0, "READY=1");
        assert_told(1, "STATUS=one");
        assert_told(2, "STATUS=two");
        assert_told(3, "STOPPING=1");
        ck_assert_int_eq(sd_event_run(t.event, 0), 0);
}
END_TEST

START_TEST(abstract_address) {
        char path[64];

        (void) snprintf(path, sizeof(path), "@exposured-test-notify-%d", (int) getpid());
        listen_at(path);
        ck_assert_int_eq(notifier_new(&t.notifier, t.event), 0);
        notifier_tell(t.notifier, "READY=1");
        receive();
        assert_told(0, "READY=1");
}
END_TEST

START_TEST(what_is_no_address) {
        static const char *const wrong[] = { "notify", "/", "@", "vsock:2:1234" };
        char overlong[200];

        memset(overlong, 'x', sizeof(overlong) - 1);
        overlong[0] = '/';
        overlong[sizeof(overlong) - 1] = '\0';
        for (size_t i = 0; i <= ELEMENTSOF(wrong); i++) {
                ck_assert_int_eq(setenv("NOTIFY_SOCKET", i < ELEMENTSOF(wrong) ? wrong[i] : overlong, true), 0);
                ck_assert_int_eq(notifier_new(&t.notifier, t.event), 0);
                notifier_tell(t.notifier, "READY=1");
                t.notifier = notifier_free(t.notifier);
        }
}
END_TEST

/* As many as there is room for. */
static void fill(void) {
        for (unsigned i = 0; i < 10000; i++) {
                struct sockaddr_un address;
                socklen_t length = sizeof(address);

                ck_assert_int_eq(getsockname(t.fd, (struct sockaddr *) &address, &length), 0);
                if (sendto(t.fd, "FULL=1", 6, MSG_DONTWAIT, (struct sockaddr *) &address, length) < 0)
                        return;
        }
        ck_abort_msg("the socket is never full");
}

/* It must come back at once: the test would run out of time. */
START_TEST(no_room) {
        size_t n;

        start();
        fill();
        notifier_tell(t.notifier, "READY=1");
        for (unsigned i = 0; i < 100; i++)
                notifier_set_status(t.notifier, i < 99 ? "old" : "new");
        notifier_tell(t.notifier, "RELOADING=1");
        receive();
        ck_assert(!strv_contains(t.told, "READY=1"));
        n = strv_length(t.told);

        ck_assert_int_ge(sd_event_run(t.event, UINT64_MAX), 0);
        receive();
        ck_assert_uint_eq(strv_length(t.told), n + 3);
        assert_told(n, "READY=1");
        assert_told(n + 1, "RELOADING=1");
        assert_told(n + 2, "STATUS=new");
        ck_assert_int_eq(sd_event_run(t.event, 0), 0);
}
END_TEST

START_TEST(more_than_can_wait) {
        char text[NOTIFY_TEXT_SIZE];
        size_t n;

        start();
        fill();
        for (unsigned i = 0; i < 20; i++) {
                (void) snprintf(text, sizeof(text), "X=%u", i);
                notifier_tell(t.notifier, text);
        }
        receive();
        n = strv_length(t.told);
        ck_assert_int_ge(sd_event_run(t.event, UINT64_MAX), 0);
        receive();
        ck_assert_uint_lt(strv_length(t.told), n + 20);
        assert_told(n, "X=12");
        assert_told(strv_length(t.told) - 1, "X=19");
}
END_TEST

START_TEST(nobody_listens_any_more) {
        start();
        (void) close(t.fd);
        t.fd = -1;
        notifier_tell(t.notifier, "READY=1");
        notifier_set_status(t.notifier, "x");
        /* nothing is left to try */
        ck_assert_int_eq(sd_event_run(t.event, 0), 0);
}
END_TEST

START_TEST(signs_of_life) {
        ck_assert_int_eq(setenv("WATCHDOG_USEC", "20000", true), 0);
        start();
        while (strv_length(t.told) < 5) {
                ck_assert_int_ge(sd_event_run(t.event, UINT64_MAX), 0);
                receive();
        }
        for (size_t i = 0; i < 5; i++)
                assert_told(i, "WATCHDOG=1");
        /* and they never wait */
        fill();
        for (unsigned i = 0; i < 5; i++)
                ck_assert_int_ge(sd_event_run(t.event, UINT64_MAX), 0);
}
END_TEST

START_TEST(watchdog_of_another_process) {
        ck_assert_int_eq(setenv("WATCHDOG_USEC", "20000", true), 0);
        ck_assert_int_eq(setenv("WATCHDOG_PID", "1", true), 0);
        start();
        ck_assert_int_eq(sd_event_run(t.event, 0), 0);
        receive();
        ck_assert_uint_eq(strv_length(t.told), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("notify");
        TCase *tcase = tcase_create("notify");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, nobody_to_tell);
        tcase_add_test(tcase, told_at_once);
        tcase_add_test(tcase, abstract_address);
        tcase_add_test(tcase, what_is_no_address);
        tcase_add_test(tcase, no_room);
        tcase_add_test(tcase, more_than_can_wait);
        tcase_add_test(tcase, nobody_listens_any_more);
        tcase_add_test(tcase, signs_of_life);
        tcase_add_test(tcase, watchdog_of_another_process);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
