/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client of the bus that behaves badly, and one that watches how others fare meanwhile.
 *
 *     flood send SOCKET FILE COUNT [PER-CONNECTION [FDS]]
 *
 * sends COUNT messages, those of the file in turn, and reads nothing but the welcome. After so many it leaves and
 * comes again (0: it stays), with each message go so many file descriptors. Who is thrown out comes again, too. When
 * all is sent it says so, and keeps its connection until its standard input ends.
 *
 *     flood probe SOCKET FILE
 *
 * makes the calls of the file in turn, one at a time, until its standard input ends; then it prints a line for each:
 * how many there were, how many were refused, and how many µs the answer took on average and at worst.
 *
 * A file is a row of messages, little endian, each behind its length (32 bit); the first one is Hello.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES_MAX 4096
#define FDS_MAX 16
#define BATCH_SIZE (64 * 1024)
/* So long a bus may read nothing, then another connection is made. */
#define STUCK_SECONDS 10
#define TYPE_REPLY 2
#define TYPE_ERROR 3
#define FIELD_REPLY_SERIAL 5

struct message {
        uint8_t *data;
        uint32_t size;
        uint64_t n, n_errors, sum, worst; /* of answers; µs */
};

struct client {
        const char *path;
        int fd;
        int zero;                       /* what goes as a file descriptor */
        uint32_t serial;
        unsigned n_connections;
        struct message messages[MESSAGES_MAX];
        unsigned n_messages;
};

static void die(const char *what) {
        perror(what);
        exit(1);
}

static uint64_t now(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

static void load(struct client *c, const char *path) {
        FILE *f = fopen(path, "re");
        uint32_t size;

        if (!f)
                die(path);
        while (fread(&size, sizeof(size), 1, f) == 1) {
                struct message *m = &c->messages[c->n_messages++];

                if (c->n_messages >= MESSAGES_MAX || !(m->data = malloc(size)) || fread(m->data, size, 1, f) != 1)
                        die("messages");
                m->size = size;
        }
        fclose(f);
}

/* Whether all was written. */
static bool send_all(int fd, const void *data, size_t size) {
        for (const uint8_t *p = data; size > 0;) {
                ssize_t n = send(fd, p, size, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                p += n;
                size -= (size_t) n;
        }
        return true;
}

static bool receive_all(int fd, void *data, size_t size) {
        for (uint8_t *p = data; size > 0;) {
                ssize_t n = recv(fd, p, size, 0);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                p += n;
                size -= (size_t) n;
        }
        return true;
}

static bool receive_line(int fd) {
        char c = 0, last;

        do {
                last = c;
                if (!receive_all(fd, &c, 1))
                        return false;
        } while (last != '\r' || c != '\n');
        return true;
}

static uint32_t set_serial(struct client *c, uint8_t *data) {
        c->serial++;
        memcpy(data + 8, &c->serial, sizeof(c->serial));
        return c->serial;
}

/* The arguments of what comes, up to size of them, and its header. */
struct answer {
        uint8_t type;
        uint32_t reply_serial;
};

static bool receive(int fd, struct answer *ret) {
        struct { uint8_t endian, type, flags, version; uint32_t body, serial, fields; } head;
        static uint8_t rest[64 * 1024 * 1024];
        size_t fields;

        if (!receive_all(fd, &head, sizeof(head)))
                return false;
        fields = ((size_t) head.fields + 7) & ~(size_t) 7;
        if (fields + head.body > sizeof(rest) || !receive_all(fd, rest, fields + head.body))
                return false;
        *ret = (struct answer) { .type = head.type };
        /* Field 5, of type "u". */
        for (size_t i = 0; i + 8 <= fields; i += 8)
                if (rest[i] == FIELD_REPLY_SERIAL && rest[i + 1] == 1 && rest[i + 2] == 'u' && rest[i + 3] == 0)
                        memcpy(&ret->reply_serial, rest + i + 4, sizeof(ret->reply_serial));
        return true;
}

/* Connected, and welcomed; else -1. */
static int try_connect(struct client *c) {
        const struct timeval patience = { .tv_sec = STUCK_SECONDS };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct answer answer;
        char auth[64];
        int length;

        c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        strncpy(address.sun_path, c->path, sizeof(address.sun_path) - 1);
        if (c->fd < 0 || setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
            connect(c->fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -1;
        length = snprintf(auth, sizeof(auth), "%cAUTH EXTERNAL ", 0);
        for (char id[16], *p = id; snprintf(id, sizeof(id), "%u", getuid()) > 0 && *p; p++)
                length += snprintf(auth + length, sizeof(auth) - (size_t) length, "%02x", (unsigned) *p);
        memcpy(auth + length, "\r\n", 3);
        if (!send_all(c->fd, auth, (size_t) length + 2) || !receive_line(c->fd) ||
            !send_all(c->fd, "NEGOTIATE_UNIX_FD\r\n", 19) || !receive_line(c->fd) ||
            !send_all(c->fd, "BEGIN\r\n", 7))
                return -1;
        set_serial(c, c->messages[0].data);
        if (!send_all(c->fd, c->messages[0].data, c->messages[0].size) || !receive(c->fd, &answer) ||
            answer.type == TYPE_ERROR)
                return -1;
        c->n_connections++;
        return 0;
}

/* A bus that has thrown a client out may not take the next one at once. */
static void connect_again(struct client *c) {
        uint64_t begin = now();

        if (c->fd >= 0)
                close(c->fd);
        while (try_connect(c) < 0) {
                if (now() - begin > 60 * UINT64_C(1000000))
                        die("connect");
                close(c->fd);
                usleep(1000);
        }
}

static bool send_with_fds(struct client *c, const struct message *m, unsigned n_fds) {
        union { struct cmsghdr header; uint8_t space[CMSG_SPACE(sizeof(int) * FDS_MAX)]; } control = {};
        struct iovec iov = { m->data, m->size };
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                                  .msg_controllen = CMSG_SPACE(sizeof(int) * n_fds) };
        int *fds = (int *) CMSG_DATA(&control.header);
        ssize_t n;

        control.header = (struct cmsghdr) { CMSG_LEN(sizeof(int) * n_fds), SOL_SOCKET, SCM_RIGHTS };
        for (unsigned i = 0; i < n_fds; i++)
                fds[i] = c->zero;
        do
                n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
        while (n < 0 && (errno == EINTR || (errno == ETOOMANYREFS && usleep(1000) == 0)));
        return n > 0 && send_all(c->fd, m->data + n, m->size - (size_t) n);
}

/* Puts as many messages together as fit; their number. */
static unsigned make_batch(struct client *c, uint64_t first, uint64_t most, uint8_t *batch, size_t *ret_size) {
        unsigned n = 0;

        for (*ret_size = 0; n < most; n++) {
                const struct message *m = &c->messages[1 + (first + n) % (c->n_messages - 1)];

                if (n > 0 && *ret_size + m->size > BATCH_SIZE)
                        break;
                memcpy(batch + *ret_size, m->data, m->size);
                set_serial(c, batch + *ret_size);
                *ret_size += m->size;
        }
        return n;
}

static void send_many(struct client *c, uint64_t count, uint64_t per_connection, unsigned n_fds) {
        static uint8_t batch[BATCH_SIZE + 32 * 1024 * 1024];
        uint64_t here = 0;

        for (uint64_t sent = 0; sent < count;) {
                uint64_t most = count - sent;
                unsigned n = 1;
                size_t size;
                bool done;

                if (per_connection > 0 && here >= per_connection) {
                        connect_again(c);
                        here = 0;
                }
                if (per_connection > 0 && most > per_connection - here)
                        most = per_connection - here;
                if (n_fds > 0) {
                        struct message *m = &c->messages[1 + sent % (c->n_messages - 1)];

                        set_serial(c, m->data);
                        done = send_with_fds(c, m, n_fds);
                } else {
                        n = make_batch(c, sent, most, batch, &size);
                        done = send_all(c->fd, batch, size);
                }
                sent += n;
                here = done ? here + n : 0;
                if (!done)
                        connect_again(c);
        }
}

static bool input_ended(int timeout) {
        struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
        char c;

        return poll(&input, 1, timeout) > 0 && read(STDIN_FILENO, &c, 1) <= 0;
}

static int run_send(struct client *c, int argc, char **argv) {
        uint64_t count = strtoull(argv[4], NULL, 10), per_connection = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
        unsigned n_fds = argc > 6 ? (unsigned) strtoul(argv[6], NULL, 10) : 0;
        uint64_t begin = now();

        if (n_fds > FDS_MAX || c->n_messages < 2)
                return 2;
        send_many(c, count, per_connection, n_fds);
        printf("sent %llu messages in %llu ms on %u connections\n", (unsigned long long) count,
               (unsigned long long) (now() - begin) / 1000, c->n_connections);
        fflush(stdout);
        while (!input_ended(-1))
                ;
        return 0;
}

/* One call, and its answer. */
static void probe(struct client *c, struct message *m) {
        uint32_t serial = set_serial(c, m->data);
        struct answer answer;
        uint64_t begin = now();

        if (!send_all(c->fd, m->data, m->size))
                die("probe");
        do
                if (!receive(c->fd, &answer))
                        die("answer");
        while ((answer.type != TYPE_REPLY && answer.type != TYPE_ERROR) || answer.reply_serial != serial);
        begin = now() - begin;
        m->n++;
        m->n_errors += answer.type == TYPE_ERROR;
        m->sum += begin;
        m->worst = begin > m->worst ? begin : m->worst;
}

static int run_probe(struct client *c) {
        while (!input_ended(2))
                for (unsigned i = 1; i < c->n_messages; i++)
                        probe(c, &c->messages[i]);
        for (unsigned i = 1; i < c->n_messages; i++) {
                const struct message *m = &c->messages[i];

                printf("%llu %llu %llu %llu\n", (unsigned long long) m->n, (unsigned long long) m->n_errors,
                       (unsigned long long) (m->n > 0 ? m->sum / m->n : 0), (unsigned long long) m->worst);
        }
        return 0;
}

int main(int argc, char **argv) {
        static struct client client = { .fd = -1 };

        if (argc < 4 || (argc < 5 && strcmp(argv[1], "send") == 0))
                return 2;
        client.path = argv[2];
        client.zero = open("/dev/null", O_RDWR | O_CLOEXEC);
        load(&client, argv[3]);
        connect_again(&client);
        return strcmp(argv[1], "send") == 0 ? run_send(&client, argc, argv) : run_probe(&client);
}
