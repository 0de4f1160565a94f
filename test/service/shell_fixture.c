/* A shell and the other end of its connection: see shell_fixture.h. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "base/base64.h"
#include "shell/block.h"
#include "shell/segment.h"
#include "shell_fixture.h"

/* A connection that can break, unlike one within a process. */
struct wire {
    struct fixture *f;
    struct flux_msglist *in; /* to the shell */
    int fd;                  /* readable: there is something in, or it is cut */
    bool cut;
};

static void wire_ring(struct wire *w)
{
    uint64_t one = 1;
    ck_assert_int_eq(write(w->fd, &one, sizeof(one)), sizeof(one));
}

static void wire_put(struct wire *w, flux_msg_t *msg)
{
    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(flux_msglist_append(w->in, msg), 0);
    flux_msg_decref(msg);
    wire_ring(w);
}

static void respond_error(struct fixture *f, const flux_msg_t *req, int errnum)
{
    flux_msg_t *msg = flux_response_derive(req, errnum);
    ck_assert(msg);
    wire_put(f->wire, msg);
}

static void respond(struct fixture *f, const flux_msg_t *req, const char *payload)
{
    flux_msg_t *msg = flux_response_derive(req, 0);
    ck_assert(msg);
    if (payload)
        ck_assert_int_eq(flux_msg_set_string(msg, payload), 0);
    wire_put(f->wire, msg);
}

static cJSON *payload_of(const flux_msg_t *msg)
{
    const char *s;
    cJSON *o;
    ck_assert_int_eq(flux_msg_get_string(msg, &s), 0);
    ck_assert(s);
    ck_assert_int_eq(json_parse(s, strlen(s), NULL, &o, NULL), 0);
    return o;
}

static void take_results(struct fixture *f, const flux_msg_t *msg)
{
    cJSON *o = payload_of(msg);
    cJSON *list = json_get(o, "results"), *one;
    while ((one = cJSON_DetachItemFromArray(list, 0)))
        cJSON_AddItemToArray(f->results, one);
    json_free(o);
}

static void take_record(struct fixture *f, const struct block *b,
                        const struct segment_record *r)
{
    bool files = b->kind == BLOCK_FILES;
    struct buf *out = files ? &f->put[2] : &f->put[r->stream];
    if (r->kind == SEGMENT_DATA)
        buf_add(out, r->data, r->len);
}

static void take_block(struct fixture *f, const struct block *b)
{
    uint64_t seq = b->seq, *next = &f->put_next[b->kind == BLOCK_FILES];
    struct segment_record r;
    size_t need;
    if (b->id != 1)
        return;
    ck_assert_msg(seq <= *next, "%" PRIu64 " after %" PRIu64, seq, *next);
    for (size_t pos = 0; pos < b->len; seq++) {
        ssize_t n = segment_read(b->records + pos, b->len - pos, &r, &need);
        ck_assert_int_gt(n, 0);
        pos += (size_t)n;
        if (seq < *next)
            continue;
        take_record(f, b, &r);
        *next = seq + 1;
    }
}

void fixture_take_put(struct fixture *f, const flux_msg_t *msg)
{
    const void *data;
    size_t len, pos = 0;
    struct block b;
    uint32_t nodeid;
    ck_assert_int_eq(flux_request_decode_raw(msg, NULL, &data, &len), 0);
    ck_assert_int_eq(flux_msg_get_nodeid(msg, &nodeid), 0);
    f->puts++;
    while (block_next(data, len, &pos, &b) > 0) {
        take_block(f, &b);
        f->put_rank[b.kind == BLOCK_FILES] = nodeid;
    }
    respond(f, msg, NULL);
}

static void on_request(struct fixture *f, const flux_msg_t *msg)
{
    const char *topic;
    char text[128];
    ck_assert_int_eq(flux_msg_get_topic(msg, &topic), 0);
    if (!strcmp(topic, "service.add")) {
        respond(f, msg, NULL);
    } else if (!strcmp(topic, "job-exec.shell-hello")) {
        json_free(f->hello);
        f->hello = payload_of(msg);
        flux_msg_decref(f->hello_msg);
        f->hello_msg = flux_msg_incref(msg);
        f->hellos++;
        if (f->hello_errnum) {
            respond_error(f, msg, f->hello_errnum);
            return;
        }
        snprintf(text, sizeof(text), "{\"kill-timeout\":%f,\"orphan-timeout\":%f}",
                 f->kill_timeout, f->orphan_timeout);
        respond(f, msg, text);
    } else if (!strcmp(topic, "job-exec.shell-results")) {
        take_results(f, msg);
    } else if (strstr(topic, "-shell.output-put") && !f->hold_puts) {
        fixture_take_put(f, msg);
    } else if (!strncmp(topic, f->service, strlen(f->service))) {
        ck_assert_int_eq(flux_msglist_append(f->asked, msg), 0);
    }
}

static void take_entry(struct fixture *f, const cJSON *o)
{
    const cJSON *c = json_get(o, "context");
    const char *data = json_str(json_get(c, "data"));
    const char *stream = json_str(json_get(c, "stream"));
    const char *name = json_str(json_get(o, "name"));
    f->entries++;
    ck_assert(name);
    if (json_get(c, "eof"))
        f->eofs++;
    if (strcmp(name, "data") != 0 || !data)
        return;
    struct buf *b = !strcmp(stream, "stdout") ? &f->out : &f->err;
    if (json_get(c, "encoding"))
        ck_assert_int_eq(base64_decode_buf(b, data, strlen(data)), 0);
    else
        buf_adds(b, data);
}

static void on_response(struct fixture *f, const flux_msg_t *msg)
{
    int errnum;
    uint32_t tag;
    ck_assert_int_eq(flux_msg_get_errnum(msg, &errnum), 0);
    ck_assert_int_eq(flux_msg_get_matchtag(msg, &tag), 0);
    if (!flux_msg_is_streaming(msg)) {
        const char *s = NULL;
        f->answered = (int)tag;
        f->answer = errnum;
        free(f->last_payload);
        f->last_payload = flux_msg_get_string(msg, &s) == 0 && s ? strdup(s) : NULL;
    } else if (errnum) {
        ck_assert_int_eq(errnum, ENODATA);
        f->out_over = true;
    } else {
        cJSON *o = payload_of(msg);
        cJSON *list = json_get(o, "events");
        for (const cJSON *e = list->child; e; e = e->next)
            take_entry(f, e);
        json_free(o);
    }
}

static void on_message(struct fixture *f, const flux_msg_t *msg)
{
    int type;
    ck_assert_int_eq(flux_msg_get_type(msg, &type), 0);
    if (type == FLUX_MSGTYPE_REQUEST)
        on_request(f, msg);
    else if (type == FLUX_MSGTYPE_RESPONSE)
        on_response(f, msg);
    flux_reactor_stop(f->r); /* somebody may wait for this */
}

static int wire_pollfd(void *impl)
{
    return ((struct wire *)impl)->fd;
}

static int wire_pollevents(void *impl)
{
    struct wire *w = impl;
    int in = flux_msglist_count(w->in) > 0 ? FLUX_POLLIN : 0;
    return in | (w->cut ? FLUX_POLLERR : FLUX_POLLOUT);
}

static int wire_send(void *impl, flux_msg_t **msg, int flags)
{
    struct wire *w = impl;
    if (w->cut) {
        errno = ECONNRESET;
        return -1;
    }
    on_message(w->f, *msg);
    flux_msg_destroy(*msg);
    *msg = NULL;
    return 0;
}

static flux_msg_t *wire_recv(void *impl, int flags)
{
    struct wire *w = impl;
    uint64_t n;
    flux_msg_t *msg = (flux_msg_t *)flux_msglist_pop(w->in);
    if (!msg && !w->cut && read(w->fd, &n, sizeof(n)) < 0)
        ck_assert_int_eq(errno, EAGAIN);
    if (!msg)
        errno = w->cut ? ECONNRESET : EAGAIN;
    return msg;
}

static void wire_destroy(void *impl)
{
    struct wire *w = impl;
    if (w->f->wire == w)
        w->f->wire = NULL;
    flux_msglist_destroy(w->in);
    close(w->fd);
    free(w);
}

static const struct flux_handle_ops wire_ops = {
    .pollfd = wire_pollfd,
    .pollevents = wire_pollevents,
    .send = wire_send,
    .recv = wire_recv,
    .destroy = wire_destroy,
};

static flux_t *connect_shell(void *arg, flux_error_t *err)
{
    struct fixture *f = arg;
    if (f->refuse)
        return NULL;
    struct wire *w = calloc(1, sizeof(*w));
    ck_assert(w);
    w->f = f;
    w->in = flux_msglist_create();
    w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    f->wire = w;
    flux_t *h = flux_handle_create(w, &wire_ops, 0);
    ck_assert(h);
    return h;
}

void fixture_init_at(struct fixture *f, const char *dir)
{
    *f = (struct fixture){.kill_timeout = 0.3, .orphan_timeout = -1};
    ck_assert_int_eq(env_new_real(&f->env), 0);
    f->r = flux_reactor_create_env(f->env);
    ck_assert(f->r);
    f->results = cJSON_CreateArray();
    snprintf(f->dir, sizeof(f->dir), "%s", dir);
    snprintf(f->journal, sizeof(f->journal), "%s/shell", f->dir);
    snprintf(f->output, sizeof(f->output), "%s/output", f->dir);
    snprintf(f->tmp, sizeof(f->tmp), "%s/tmp", f->dir);
    snprintf(f->service, sizeof(f->service), "%u-shell", getuid());
    f->asked = flux_msglist_create();
    for (int i = 0; i < 3; i++)
        buf_adds(&f->put[i], "");
    proc_set_subreaper(f->env);
}

void fixture_init(struct fixture *f)
{
    char dir[] = "/tmp/flux-test-XXXXXX";
    ck_assert(mkdtemp(dir));
    fixture_init_at(f, dir);
}

void fixture_start(struct fixture *f)
{
    flux_error_t err;
    unsigned before = f->hellos;
    struct shell_opts opts = {
        .env = f->env,
        .reactor = f->r,
        .connect = connect_shell,
        .connect_arg = f,
        .userid = getuid(),
        .rank = f->rank,
        .uri = "local:///nowhere",
        .dir = f->journal,
        .output_dir = f->output,
        .tmp_dir = f->tmp,
        .orphan_timeout = -1,
    };
    ck_assert_msg(shell_new(&opts, &f->sh, &err) == 0, "%s", err.text);
    shell_start(f->sh);
    fixture_until(f, f->hellos > before);
}

void fixture_stop(struct fixture *f)
{
    shell_free(f->sh);
    f->sh = NULL;
    ck_assert(!f->wire);
}

char *fixture_run_and_kill(void (*first)(struct fixture *f))
{
    static char dir[64];
    char ok = 0;
    int ready[2];
    snprintf(dir, sizeof(dir), "/tmp/flux-test-XXXXXX");
    ck_assert(mkdtemp(dir));
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct fixture child;
        fixture_init_at(&child, dir);
        first(&child);
        ck_assert_int_eq(write(ready[1], "x", 1), 1);
        for (;;)
            flux_reactor_run(child.r, 0);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &ok, 1), 1);
    close(ready[0]);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    return dir;
}

void fixture_fini(struct fixture *f)
{
    if (f->sh)
        fixture_stop(f);
    json_free(f->hello);
    flux_msg_decref(f->hello_msg);
    flux_msglist_destroy(f->asked);
    free(f->last_payload);
    for (int i = 0; i < 3; i++)
        buf_free(&f->put[i]);
    json_free(f->results);
    buf_free(&f->out);
    buf_free(&f->err);
    dir_remove(f->env, f->dir);
    flux_reactor_decref(f->r);
    env_unref(f->env);
}

void fixture_cut_upstream(struct fixture *f)
{
    respond_error(f, f->hello_msg, EHOSTUNREACH);
}

void fixture_cut(struct fixture *f)
{
    f->wire->cut = true;
    wire_ring(f->wire);
    f->wire = NULL;
}

unsigned fixture_send_raw(struct fixture *f, const char *method, int flags,
                          const void *data, size_t len)
{
    char topic[64];
    struct flux_msg_cred cred = {getuid(), FLUX_ROLE_OWNER};
    snprintf(topic, sizeof(topic), "%s.%s", f->service, method);
    flux_msg_t *msg = flux_request_encode_raw(topic, data, len);
    ck_assert(msg);
    flux_msg_route_enable(msg);
    flux_msg_route_push(msg, "tester");
    flux_msg_set_cred(msg, cred);
    flux_msg_set_matchtag(msg, ++f->tag);
    if (flags & FLUX_MSGFLAG_STREAMING)
        flux_msg_set_streaming(msg);
    wire_put(f->wire, msg);
    return f->tag;
}

unsigned fixture_send(struct fixture *f, const char *method, int flags, const char *fmt,
                      ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    fixture_send_raw(f, method, flags, text.data, text.len + 1);
    buf_free(&text);
    return f->tag;
}

int fixture_call(struct fixture *f, const char *method, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    fixture_send_raw(f, method, 0, text.data, text.len + 1);
    buf_free(&text);
    fixture_until(f, f->answered == (int)f->tag);
    return f->answer;
}

void fixture_run_command(struct fixture *f, uint64_t id, unsigned ntasks,
                         const char *system, const char *command, double expiration)
{
    char ranks[32];
    snprintf(ranks, sizeof(ranks), "%u", f->rank);
    if (f->ranks[0])
        snprintf(ranks, sizeof(ranks), "%s", f->ranks);
    int rc = fixture_call(
        f, "start",
        "{\"jobs\":[{\"id\":%" PRIu64 ",\"userid\":%u,\"reattach\":false,"
        "\"R\":{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"%s\",\"children\":"
        "{\"core\":\"0\"}}],\"nodelist\":[\"n[%s]\"],\"starttime\":%.6f,"
        "\"expiration\":%.6f}},"
        "\"jobspec\":{\"version\":1,\"resources\":[{\"type\":\"slot\",\"count\":%u,"
        "\"label\":\"t\",\"with\":[{\"type\":\"core\",\"count\":1}]}],"
        "\"tasks\":[{\"command\":%s,\"slot\":\"t\",\"count\":{\"per_slot\":1}}],"
        "\"attributes\":{\"system\":{%s\"duration\":0,\"environment\":"
        "{\"PATH\":\"/usr/bin:/bin\"}%s%s%s}}}}]}",
        id, getuid(), ranks, ranks, expiration ? 1.0 : 0.0, expiration, ntasks, command,
        system, strstr(system, "\"cwd\"") ? "" : ",\"cwd\":\"",
        strstr(system, "\"cwd\"") ? "" : f->dir, strstr(system, "\"cwd\"") ? "" : "\"");
    ck_assert_int_eq(rc, 0);
}

void fixture_run_job(struct fixture *f, uint64_t id, unsigned ntasks, const char *system,
                     const char *script)
{
    struct buf command = {0};
    buf_adds(&command, "[\"sh\",\"-c\",");
    json_buf_str(&command, script, strlen(script));
    buf_addc(&command, ']');
    fixture_run_command(f, id, ntasks, system, command.data, 0);
    buf_free(&command);
}

static const cJSON *find(struct fixture *f, uint64_t id, const char *type, unsigned *n)
{
    const cJSON *found = NULL;
    for (const cJSON *o = f->results->child; o; o = o->next) {
        int64_t i;
        if (json_int64(json_get(o, "id"), &i) == 0 && (uint64_t)i == id &&
            !strcmp(json_str(json_get(o, "type")), type)) {
            if (!found)
                found = json_get(o, "data");
            if (n)
                (*n)++;
        }
    }
    return found;
}

const cJSON *fixture_result(struct fixture *f, uint64_t id, const char *type)
{
    return find(f, id, type, NULL);
}

const char *fixture_exception(struct fixture *f, uint64_t id, const char *key)
{
    const char *s = json_str(json_get(fixture_result(f, id, "exception"), key));
    return s ? s : "";
}

unsigned fixture_count(struct fixture *f, uint64_t id, const char *type)
{
    unsigned n = 0;
    find(f, id, type, &n);
    return n;
}

int fixture_finish(struct fixture *f, uint64_t id)
{
    int64_t status;
    fixture_until(f, fixture_result(f, id, "finish"));
    ck_assert_int_eq(
        json_int64(json_get(fixture_result(f, id, "finish"), "status"), &status), 0);
    return (int)status;
}

void fixture_output(struct fixture *f, uint64_t id, bool follow)
{
    f->out.len = f->err.len = 0;
    buf_adds(&f->out, "");
    buf_adds(&f->err, "");
    f->entries = f->eofs = 0;
    f->out_over = false;
    fixture_send(f, "output", FLUX_MSGFLAG_STREAMING,
                 "{\"id\":%" PRIu64 ",\"follow\":%s}", id, follow ? "true" : "false");
    fixture_until(f, f->out_over);
}

flux_msg_t *fixture_asked(struct fixture *f, const char *method, uint32_t nodeid)
{
    const flux_msg_t *msg = flux_msglist_pop(f->asked);
    const char *topic;
    uint32_t id;
    if (!msg)
        return NULL;
    ck_assert_int_eq(flux_msg_get_topic(msg, &topic), 0);
    ck_assert_str_eq(topic + strlen(f->service) + 1, method);
    ck_assert_int_eq(flux_msg_get_nodeid(msg, &id), 0);
    ck_assert_uint_eq(id, nodeid);
    return (flux_msg_t *)msg;
}

flux_msg_t *fixture_until_asked(struct fixture *f, const char *method, uint32_t nodeid)
{
    flux_msg_t *msg;
    while (!(msg = fixture_asked(f, method, nodeid)))
        flux_reactor_run(f->r, 0);
    return msg;
}

void fixture_answer(struct fixture *f, const flux_msg_t *req, int errnum,
                    const char *payload)
{
    if (errnum)
        respond_error(f, req, errnum);
    else
        respond(f, req, payload);
}

char *fixture_read(struct fixture *f, const char *name)
{
    char path[256], *text;
    size_t len;
    snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    ck_assert_msg(file_read(f->env, path, 1 << 24, &text, &len) == 0, "%s", path);
    return text;
}
