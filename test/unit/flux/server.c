/* A broker for tests: see server.h. */
#include "server.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/core.h>

#include "base/buf.h"
#include "env/local.h"
#include "env/loop.h"
#include "proto/frame.h"

struct seen {
    char topic[64];
    char payload[256];
};

struct server {
    struct env *env;
    struct env_thread *thread;
    char dir[64], path[96], uri[112];
    int listen_fd, client;
    int admit;
    atomic_bool stop;
    struct buf in, out;
    pthread_mutex_t lock;
    struct seen seen[4096];
    int nseen;
};

static void put(struct server *s, flux_msg_t *msg)
{
    ck_assert_ptr_nonnull(msg);
    ck_assert_int_eq(frame_encode(msg, &s->out), 0);
    flux_msg_destroy(msg);
}

static void answer(struct server *s, const flux_msg_t *req, int errnum, const char *text)
{
    flux_msg_t *msg;

    if (flux_msg_is_noresponse(req))
        return;
    msg = flux_response_derive(req, errnum);
    if (text)
        flux_msg_set_string(msg, text);
    put(s, msg);
}

static void echo(struct server *s, const flux_msg_t *req)
{
    flux_msg_t *msg = flux_response_derive(req, 0);
    const void *data;
    size_t len;

    if (flux_msg_get_payload(req, &data, &len) == 0)
        ck_assert_int_eq(flux_msg_set_payload(msg, data, len), 0);
    put(s, msg);
}

static void stream(struct server *s, const flux_msg_t *req)
{
    char text[32];
    int n = 0;

    ck_assert_int_eq(flux_msg_unpack(req, "{s:i}", "n", &n), 0);
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof(text), "{\"i\":%d}", i);
        answer(s, req, 0, text);
    }
    answer(s, req, ENODATA, NULL);
}

static void attr_get(struct server *s, const flux_msg_t *req)
{
    const char *name;
    char text[128];

    ck_assert_int_eq(flux_msg_unpack(req, "{s:s}", "name", &name), 0);
    if (!strcmp(name, "broker.starttime"))
        name = "1700000000.25";
    snprintf(text, sizeof(text), "{\"value\":\"%s\",\"flags\":1}", name);
    answer(s, req, 0, text);
}

static void note(struct server *s, const char *topic, const char *payload)
{
    pthread_mutex_lock(&s->lock);
    if (s->nseen < (int)(sizeof(s->seen) / sizeof(s->seen[0]))) {
        struct seen *seen = &s->seen[s->nseen++];

        snprintf(seen->topic, sizeof(seen->topic), "%s", topic);
        snprintf(seen->payload, sizeof(seen->payload), "%s", payload ? payload : "");
    }
    pthread_mutex_unlock(&s->lock);
}

/* False: hang up. */
static bool serve(struct server *s, const flux_msg_t *req)
{
    const char *topic, *text = NULL;

    ck_assert_int_eq(flux_msg_get_topic(req, &topic), 0);
    flux_msg_get_string(req, &text);
    note(s, topic, text);
    if (!strcmp(topic, "test.silent"))
        return true;
    if (!strcmp(topic, "test.hangup"))
        return false;
    if (!strcmp(topic, "test.echo"))
        echo(s, req);
    else if (!strcmp(topic, "test.fail"))
        answer(s, req, EPERM, "not today");
    else if (!strcmp(topic, "test.stream"))
        stream(s, req);
    else if (!strcmp(topic, "attr.get"))
        attr_get(s, req);
    else if (!strcmp(topic, "test.event")) {
        flux_msg_t *msg = flux_event_encode("some.event", "{\"a\":1}");

        flux_msg_set_rolemask(msg, FLUX_ROLE_OWNER);
        put(s, msg);
        answer(s, req, 0, NULL);
    } else if (!strcmp(topic, "test.late")) {
        answer(s, req, 0, text);
        answer(s, req, 0, text);
    } else
        answer(s, req, 0, NULL);
    return true;
}

static bool write_all(struct server *s)
{
    size_t off = 0;

    while (off < s->out.len && !s->stop) {
        struct iovec iov = {s->out.data + off, s->out.len - off};
        ssize_t n = local_writev(s->client, &iov, 1);

        if (n == -EAGAIN)
            local_wait(s->client, LOOP_OUT, 0.05);
        else if (n < 0)
            return false;
        else
            off += (size_t)n;
    }
    s->out.len = 0;
    return true;
}

static bool serve_all(struct server *s)
{
    flux_msg_t *msg;
    ssize_t n;

    while (s->in.len > 0 &&
           (n = frame_decode(s->in.data, s->in.len, FRAME_MAX_OWNER, &msg, NULL)) != 0) {
        bool go_on;

        ck_assert_int_gt(n, 0);
        buf_consume(&s->in, (size_t)n);
        go_on = serve(s, msg);
        flux_msg_destroy(msg);
        if (!go_on)
            return false;
    }
    return write_all(s);
}

static void serve_client(struct server *s)
{
    char byte = (char)s->admit, data[65536];
    struct iovec iov = {&byte, 1};

    ck_assert_int_eq(local_writev(s->client, &iov, 1), 1);
    s->in.len = s->out.len = 0;
    while (!s->stop && s->admit == 0) {
        ssize_t n = local_read(s->client, data, sizeof(data));

        if (n == -EAGAIN) {
            local_wait(s->client, LOOP_IN, 0.05);
            continue;
        }
        if (n <= 0)
            break;
        buf_add(&s->in, data, (size_t)n);
        if (!serve_all(s))
            break;
    }
    local_close(s->client);
}

static void run(void *arg)
{
    struct server *s = arg;

    while (!s->stop) {
        if ((s->client = local_accept(s->env, s->listen_fd)) < 0)
            local_wait(s->listen_fd, LOOP_IN, 0.05);
        else
            serve_client(s);
    }
}

struct server *server_start(int admit)
{
    struct server *s = calloc(1, sizeof(*s));

    pthread_mutex_init(&s->lock, NULL);
    s->admit = admit;
    ck_assert_int_eq(env_new_real(&s->env), 0);
    strcpy(s->dir, "/tmp/flux-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->dir));
    snprintf(s->path, sizeof(s->path), "%s/local", s->dir);
    snprintf(s->uri, sizeof(s->uri), "local://%s", s->path);
    s->listen_fd = local_listen(s->env, s->path, 16);
    ck_assert_int_ge(s->listen_fd, 0);
    ck_assert_int_eq(env_thread_start(s->env, "server", run, s, &s->thread), 0);
    return s;
}

void server_stop(struct server *s)
{
    s->stop = true;
    env_thread_join(s->thread);
    local_close(s->listen_fd);
    unlink(s->path);
    rmdir(s->dir);
    buf_free(&s->in);
    buf_free(&s->out);
    env_unref(s->env);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *server_uri(const struct server *s)
{
    return s->uri;
}

int server_count(struct server *s, const char *topic, const char *payload)
{
    int count = 0;

    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < s->nseen; i++) {
        if (!strcmp(s->seen[i].topic, topic) &&
            (!payload || !strcmp(s->seen[i].payload, payload)))
            count++;
    }
    pthread_mutex_unlock(&s->lock);
    return count;
}
