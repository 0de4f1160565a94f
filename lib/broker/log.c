/* The log ring. Whoever wants to say something sends log.append (no response) with a
 * record `<PRI>1 TIME HOST APP PID - - TEXT`; readers ask log.dmesg
 * {"follow","nobacklog"} and get one record in each response.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "broker/log.h"
#include "broker/router.h"

struct log {
    struct env *env;
    struct core *core;
    struct router *router;
    char rank[12], speaker[12];
    int forward_level;
    bool hook_local;
    char **ring; /* from `first`, `count` of them */
    size_t size, first, count;
    int level, hook_level;
    flux_instance_log_f hook;
    void *hook_arg;
    struct flux_msglist *followers;
};

/* The parts of a record that matter here; pointers into it. */
struct record {
    int level;
    const char *host, *app, *text; /* not NUL-terminated but text */
    size_t host_len, app_len;
};

int log_new(struct env *env, size_t ring, struct log **ret)
{
    struct log *l = calloc(1, sizeof(*l));

    if (!l)
        return -ENOMEM;
    l->env = env;
    l->size = ring ? ring : 1;
    l->level = LOG_DEBUG;
    l->hook_level = LOG_ERR;
    l->forward_level = -1;
    strcpy(l->rank, "0");
    l->ring = calloc(l->size, sizeof(char *));
    if (!l->ring || !(l->followers = flux_msglist_create())) {
        log_free(l);
        return -ENOMEM;
    }
    *ret = l;
    return 0;
}

static void clear(struct log *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->ring[(l->first + i) % l->size]);
    l->first = l->count = 0;
}

void log_free(struct log *l)
{
    if (!l)
        return;
    clear(l);
    flux_msglist_destroy(l->followers);
    free(l->ring);
    free(l);
}

void log_set_ring_size(struct log *l, size_t size)
{
    char **ring;
    size_t skip, n;

    if (size == 0 || size == l->size || !(ring = calloc(size, sizeof(char *))))
        return;
    skip = l->count > size ? l->count - size : 0;
    n = l->count - skip;
    for (size_t i = 0; i < l->count; i++) {
        char *s = l->ring[(l->first + i) % l->size];

        if (i < skip)
            free(s);
        else
            ring[i - skip] = s;
    }
    free(l->ring);
    l->ring = ring;
    l->size = size;
    l->first = 0;
    l->count = n;
}

void log_set_level(struct log *l, int level)
{
    l->level = level;
}

void log_set_hook_level(struct log *l, int level)
{
    l->hook_level = level;
}

void log_set_hook(struct log *l, flux_instance_log_f hook, void *arg)
{
    l->hook = hook;
    l->hook_arg = arg;
}

void log_set_rank(struct log *l, uint32_t rank)
{
    snprintf(l->rank, sizeof(l->rank), "%u", (unsigned)rank);
}

void log_set_forward(struct log *l, int level)
{
    l->forward_level = level;
}

void log_set_hook_local(struct log *l, bool local)
{
    l->hook_local = local;
}

const char *log_speaker(const struct log *l)
{
    return l->speaker;
}

size_t log_count(const struct log *l)
{
    return l->count;
}

const char *log_get(const struct log *l, size_t i)
{
    return l->ring[(l->first + i) % l->size];
}

/* The next blank-separated field. */
static const char *field(const char **p, size_t *ret_len)
{
    const char *start = *p;
    size_t len = strcspn(start, " ");

    *ret_len = len;
    *p = start[len] ? start + len + 1 : start + len;
    return len > 0 ? start : NULL;
}

static bool parse(const char *rec, struct record *ret)
{
    const char *p;
    size_t len;
    char *end;
    long pri;

    if (rec[0] != '<')
        return false;
    pri = strtol(rec + 1, &end, 10);
    if (end == rec + 1 || *end != '>' || pri < 0 || pri > 63 + 128 * 8)
        return false;
    ret->level = pri >> 3 > LOG_DEBUG ? LOG_DEBUG : pri >> 3;
    p = end + 1;
    if (!field(&p, &len) || !field(&p, &len)) /* version, time */
        return false;
    if (!(ret->host = field(&p, &ret->host_len)) ||
        !(ret->app = field(&p, &ret->app_len)))
        return false;
    if (!field(&p, &len) || !field(&p, &len) || !field(&p, &len)) /* pid, msgid, data */
        return false;
    ret->text = p;
    return true;
}

static void keep(struct log *l, char *rec)
{
    if (l->count == l->size) {
        free(l->ring[l->first]);
        l->first = (l->first + 1) % l->size;
        l->count--;
    }
    l->ring[(l->first + l->count++) % l->size] = rec;
}

static void tell_hook(struct log *l, const struct record *r, bool own)
{
    bool leader = !strcmp(l->rank, "0");
    char app[64];

    if (!l->hook || r->level > l->hook_level || (l->hook_local ? !own : !leader))
        return;
    snprintf(app, sizeof(app), "%.*s", (int)r->app_len, r->app);
    snprintf(l->speaker, sizeof(l->speaker), "%.*s", (int)r->host_len, r->host);
    l->hook(r->level, app, r->text, l->hook_arg);
}

/* Nobody waits for an answer: with rank 0 out of reach, the record stays here alone. */
static void forward(struct log *l, const char *rec)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);

    if (!msg)
        return;
    flux_msg_route_enable(msg);
    if (flux_msg_set_topic(msg, "log.append") < 0 || flux_msg_set_noresponse(msg) < 0 ||
        flux_msg_set_nodeid(msg, 0) < 0 || flux_msg_set_string(msg, rec) < 0)
        flux_msg_destroy(msg);
    else
        router_recv(l->router, core_endpoint(l->core), msg);
}

/* Write our rank into a record whose sender did not know it. Consumes rec. */
static char *sign(struct log *l, char *rec, struct record *r)
{
    char *signed_rec;
    int before = (int)(r->host - rec);

    if (r->host_len != 1 || *r->host != '-')
        return rec;
    if (asprintf(&signed_rec, "%.*s%s%s", before, rec, l->rank, r->host + 1) < 0)
        signed_rec = NULL;
    free(rec);
    if (signed_rec)
        (void)parse(signed_rec, r);
    return signed_rec;
}

static int append(struct log *l, const char *rec, size_t len, bool own)
{
    struct record r;
    char *copy;

    while (len > 0 && (rec[len - 1] == '\0' || rec[len - 1] == '\n'))
        len--;
    if (!(copy = strndup(rec, len)))
        return -ENOMEM;
    if (!parse(copy, &r)) {
        free(copy);
        return -EINVAL;
    }
    if (!(copy = sign(l, copy, &r)))
        return -ENOMEM;
    tell_hook(l, &r, own);
    if (own && l->core && r.level <= l->forward_level)
        forward(l, copy);
    if (r.level > l->level) {
        free(copy);
        return 0;
    }
    if (l->core) {
        const flux_msg_t *req = flux_msglist_first(l->followers);

        for (; req; req = flux_msglist_next(l->followers))
            core_respond_str(l->core, req, copy);
    }
    keep(l, copy);
    return 0;
}

int log_append(struct log *l, const char *rec, size_t len)
{
    return append(l, rec, len, true);
}

static void print_time(double t, char *buf, size_t size)
{
    time_t s = (time_t)t;
    struct tm tm;
    char date[32];

    gmtime_r(&s, &tm);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf, size, "%s.%06dZ", date, (int)((t - (double)s) * 1e6));
}

void log_printf(struct log *l, int level, const char *fmt, ...)
{
    char stamp[64], text[1024], rec[1200];
    va_list ap;
    int n;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    print_time(env_time(l->env), stamp, sizeof(stamp));
    n = snprintf(rec, sizeof(rec), "<%d>1 %s %s broker %d - - %s", level * 8, stamp,
                 l->rank, (int)getpid(), text);
    log_append(l, rec, n < (int)sizeof(rec) ? (size_t)n : sizeof(rec) - 1);
}

static void append_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct log *l = arg;
    const void *data;
    size_t len;
    int rc = -EPROTO;

    if (flux_msg_get_payload(msg, &data, &len) == 0)
        rc = append(l, data, len, !from || from->kind == ENDPOINT_LOCAL);
    if (rc < 0)
        core_error(l->core, msg, rc, NULL);
    else
        core_respond(l->core, msg, NULL);
}

static void dmesg_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct log *l = arg;
    int follow, nobacklog = 0;

    if (flux_msg_unpack(msg, "{s:b s?b}", "follow", &follow, "nobacklog", &nobacklog) <
        0) {
        core_error(l->core, msg, errno, NULL);
        return;
    }
    if (!flux_msg_is_streaming(msg)) {
        core_error(l->core, msg, EPROTO, NULL);
        return;
    }
    for (size_t i = 0; !nobacklog && i < l->count; i++)
        core_respond_str(l->core, msg, log_get(l, i));
    if (!follow || flux_msglist_append(l->followers, msg) < 0)
        core_error(l->core, msg, ENODATA, NULL);
}

static void clear_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct log *l = arg;

    clear(l);
    core_respond(l->core, msg, NULL);
}

static void cancel_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct log *l = arg;

    core_cancel(l->core, l->followers, msg);
}

static void disconnect_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct log *l = arg;

    core_drop(l->followers, msg);
}

static const struct core_method methods[] = {
    {"log.append", 0, append_cb},
    {"log.dmesg", 0, dmesg_cb},
    {"log.clear", 0, clear_cb},
    {"log.cancel", 0, cancel_cb},
    {"log.disconnect", FLUX_ROLE_USER, disconnect_cb},
};

int log_serve(struct log *l, struct core *c, struct router *r)
{
    l->core = c;
    l->router = r;
    if (!c)
        return 0;
    return core_add(c, methods, ARRAY_SIZE(methods), l);
}
