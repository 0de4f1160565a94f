/* The PMI-1 server: a table of commands, each with one answer, at once or later. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "pmi/server.h"

#define BACKLOG_MAX (16 * PMI_LINE_MAX)
#define BYTES_MAX (256u << 20) /* of all keys and values put here */
#define MAPPING "PMI_process_mapping"

enum phase {
    FRESH, /* has not said init */
    READY,
    GETTING,    /* ops.get has been asked */
    IN_BARRIER, /* waits for the others */
    FINALIZED,
    GONE,
};

struct client {
    struct pmi_server *server;
    int rank;
    enum phase phase;
    bool alone;    /* its barriers do not wait */
    struct buf in; /* the beginning of a line, or lines that have to wait */
};

struct pmi_server {
    struct pmi_server_conf conf;
    char *kvsname;
    struct client *clients;
    struct umap *by_rank; /* -> client */
    struct map *kvs, *fresh, *names;
    int entered;  /* clients in the barrier */
    size_t bytes; /* put by the ranks served here */
};

/* ---- answers ---- */

static void reply(struct client *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void reply(struct client *c, const char *fmt, ...)
{
    const struct pmi_server_conf *conf = &c->server->conf;
    struct buf b = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    if (!b.failed && conf->ops->trace)
        conf->ops->trace(c->rank, false, b.data, conf->arg);
    if (buf_addc(&b, '\n') == 0)
        conf->ops->send(c->rank, b.data, b.len, conf->arg);
    buf_free(&b);
}

static int init(struct client *c, const struct pmi_line *l)
{
    int version, subversion;

    if (pmi_line_int(l, "pmi_version", &version) < 0 ||
        pmi_line_int(l, "pmi_subversion", &subversion) < 0)
        return -EPROTO;
    if (version == 1 && c->phase == FRESH)
        c->phase = READY;
    reply(c, "cmd=response_to_init rc=%d pmi_version=1 pmi_subversion=1",
          version == 1 ? 0 : -1);
    return 0;
}

/* A program that was started without us; what it gets is what it would have got. */
static int singinit(struct client *c, const struct pmi_line *l)
{
    if (c->phase == FRESH)
        c->phase = READY;
    reply(c, "cmd=singinit_info rc=0 versionok=yes stdio=no kvsname=%s",
          c->server->kvsname);
    return 0;
}

static int maxes(struct client *c, const struct pmi_line *l)
{
    reply(c, "cmd=maxes rc=0 kvsname_max=%d keylen_max=%d vallen_max=%d", PMI_KVSNAME_MAX,
          PMI_KEYLEN_MAX, PMI_VALLEN_MAX);
    return 0;
}

static int appnum(struct client *c, const struct pmi_line *l)
{
    reply(c, "cmd=appnum rc=0 appnum=%d", c->server->conf.appnum);
    return 0;
}

static int universe_size(struct client *c, const struct pmi_line *l)
{
    reply(c, "cmd=universe_size rc=0 size=%d", c->server->conf.universe_size);
    return 0;
}

static int my_kvsname(struct client *c, const struct pmi_line *l)
{
    reply(c, "cmd=my_kvsname rc=0 kvsname=%s", c->server->kvsname);
    return 0;
}

/* ---- keys ---- */

static int set(struct map *m, const char *key, const char *value)
{
    char *copy = strdup(value);
    int rc = copy ? map_set(m, key, copy) : -ENOMEM;

    if (rc < 0)
        free(copy);
    return rc;
}

/* Why this line names no key of ours; NULL: it does. */
static const char *bad_key(struct client *c, const struct pmi_line *l)
{
    const char *kvsname = pmi_line_get(l, "kvsname"), *key = pmi_line_get(l, "key");

    if (!kvsname || strcmp(kvsname, c->server->kvsname) != 0)
        return "no_such_kvsname";
    if (!key || !pmi_key_ok(key, PMI_KEYLEN_MAX))
        return "bad_key";
    return NULL;
}

static int put(struct client *c, const struct pmi_line *l)
{
    struct pmi_server *s = c->server;
    const char *key = pmi_line_get(l, "key"), *value = pmi_line_get(l, "value");
    const char *why = bad_key(c, l);

    if (!why && (!value || !pmi_value_ok(value, PMI_VALLEN_MAX)))
        why = "bad_value";
    if (!why && !strcmp(key, MAPPING))
        why = "key_is_taken";
    if (!why && (s->bytes += strlen(key) + strlen(value)) > BYTES_MAX)
        why = "too_much";
    if (!why && (set(s->kvs, key, value) < 0 ||
                 (s->conf.ops->barrier && set(s->fresh, key, value) < 0)))
        why = "no_memory";
    if (why)
        reply(c, "cmd=put_result rc=-1 msg=%s", why);
    else
        reply(c, "cmd=put_result rc=0");
    return 0;
}

static void reply_value(struct client *c, const char *value)
{
    if (value)
        reply(c, "cmd=get_result rc=0 value=%s", value);
    else
        reply(c, "cmd=get_result rc=-1 msg=no_such_key");
}

static int get(struct client *c, const struct pmi_line *l)
{
    const struct pmi_server_conf *conf = &c->server->conf;
    const char *why = bad_key(c, l), *key, *value;

    if (why) {
        reply(c, "cmd=get_result rc=-1 msg=%s", why);
        return 0;
    }
    key = pmi_line_get(l, "key");
    value = pmi_server_lookup(c->server, key);
    if (value || !conf->ops->get || !strcmp(key, MAPPING))
        reply_value(c, value);
    else {
        c->phase = GETTING;
        conf->ops->get(c->rank, key, conf->arg);
    }
    return 0;
}

/* ---- names ---- */

static int publish_name(struct client *c, const struct pmi_line *l)
{
    const char *name = pmi_line_get(l, "service"), *port = pmi_line_get(l, "port");

    if (!name || !port || set(c->server->names, name, port) < 0)
        reply(c, "cmd=publish_result rc=-1 info=bad_name");
    else
        reply(c, "cmd=publish_result rc=0 info=ok");
    return 0;
}

static int lookup_name(struct client *c, const struct pmi_line *l)
{
    const char *name = pmi_line_get(l, "service");
    const char *port = name ? map_get(c->server->names, name) : NULL;

    if (port)
        reply(c, "cmd=lookup_result rc=0 info=ok port=%s", port);
    else
        reply(c, "cmd=lookup_result rc=-1 info=no_such_name");
    return 0;
}

static int unpublish_name(struct client *c, const struct pmi_line *l)
{
    const char *name = pmi_line_get(l, "service");

    if (name && map_del(c->server->names, name))
        reply(c, "cmd=unpublish_result rc=0 info=ok");
    else
        reply(c, "cmd=unpublish_result rc=-1 info=no_such_name");
    return 0;
}

static int spawn(struct client *c, const struct pmi_line *l)
{
    reply(c, "cmd=spawn_result rc=-1 msg=not_supported");
    return 0;
}

/* ---- together, and the end ---- */

static int barrier_in(struct client *c, const struct pmi_line *l)
{
    struct pmi_server *s = c->server;

    if (c->alone) {
        reply(c, "cmd=barrier_out rc=0");
        return 0;
    }
    c->phase = IN_BARRIER;
    if (++s->entered < s->conf.nranks)
        return 0;
    if (s->conf.ops->barrier)
        s->conf.ops->barrier(s->conf.arg);
    else
        pmi_server_barrier_done(s, 0);
    return 0;
}

static int finalize(struct client *c, const struct pmi_line *l)
{
    c->phase = FINALIZED;
    reply(c, "cmd=finalize_ack rc=0");
    return 0;
}

static int do_abort(struct client *c, const struct pmi_line *l)
{
    const struct pmi_server_conf *conf = &c->server->conf;
    const char *text = pmi_line_get(l, "error_msg");
    int code = 1;

    (void)pmi_line_int(l, "exitcode", &code);
    c->phase = FINALIZED;
    conf->ops->abort(c->rank, code, text ? text : "", conf->arg);
    return 0;
}

static const struct command {
    const char *name;
    int (*run)(struct client *c, const struct pmi_line *l);
    bool always; /* also before init and after finalize */
} commands[] = {
    {"init", init, true},
    {"singinit", singinit, true},
    {"get_maxes", maxes, true},
    {"get_appnum", appnum},
    {"get_universe_size", universe_size},
    {"get_my_kvsname", my_kvsname},
    {"put", put},
    {"get", get},
    {"barrier_in", barrier_in},
    {"finalize", finalize},
    {"abort", do_abort, true},
    {"publish_name", publish_name},
    {"lookup_name", lookup_name},
    {"unpublish_name", unpublish_name},
    {"spawn", spawn},
};

static int run(struct client *c, const struct pmi_line *l)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(commands[i].name, l->cmd) != 0)
            continue;
        if (c->phase == READY || commands[i].always)
            return commands[i].run(c, l);
        return -EPROTO;
    }
    reply(c, "cmd=%s_result rc=-1 msg=unknown_command", l->cmd);
    return 0;
}

/* ---- lines ---- */

static int run_line(struct client *c, char *text, size_t len)
{
    const struct pmi_server_conf *conf = &c->server->conf;
    struct pmi_line line;

    if (conf->ops->trace && len > 0) {
        text[len] = '\0';
        conf->ops->trace(c->rank, true, text, conf->arg);
    }
    if (pmi_line_parse(text, len, &line) < 0)
        return -EPROTO;
    return run(c, &line);
}

static bool is_waiting(const struct client *c)
{
    return c->phase == GETTING || c->phase == IN_BARRIER;
}

/* Run the whole lines that are here, until one has to wait for its answer. The line is
 * taken out first: a callback may come back here. */
static int run_lines(struct client *c)
{
    char *nl;
    int rc = 0;

    while (rc == 0 && !is_waiting(c) && c->in.len > 0 &&
           (nl = memchr(c->in.data, '\n', c->in.len))) {
        size_t len = nl - c->in.data;
        char text[PMI_LINE_MAX];

        if (len >= sizeof(text))
            return -EPROTO;
        memcpy(text, c->in.data, len);
        buf_consume(&c->in, len + 1);
        rc = run_line(c, text, len);
    }
    return rc;
}

static struct client *find(const struct pmi_server *s, int rank)
{
    return rank < 0 ? NULL : umap_get(s->by_rank, rank);
}

int pmi_server_feed(struct pmi_server *s, int rank, const char *data, size_t len)
{
    struct client *c = find(s, rank);
    int rc;

    if (!c || c->phase == GONE)
        return -ENOENT;
    if (c->in.len + len > BACKLOG_MAX)
        return -EPROTO;
    if ((rc = buf_add(&c->in, data, len)) < 0 || (rc = run_lines(c)) < 0)
        return rc;
    return !is_waiting(c) && c->in.len >= PMI_LINE_MAX ? -EPROTO : 0;
}

bool pmi_server_gone(struct pmi_server *s, int rank)
{
    struct client *c = find(s, rank);
    bool middle = c && (c->phase == READY || is_waiting(c));

    if (!c)
        return false;
    /* A barrier that waits for it is the owner's to end. */
    if (c->phase == IN_BARRIER)
        s->entered--;
    c->phase = GONE;
    buf_free(&c->in);
    return middle;
}

void pmi_server_again(struct pmi_server *s, int rank, bool alone)
{
    struct client *c = find(s, rank);

    if (!c)
        return;
    (void)pmi_server_gone(s, rank);
    c->phase = FRESH;
    c->alone = alone;
}

int pmi_server_put(struct pmi_server *s, const char *key, const char *value)
{
    if (!pmi_key_ok(key, PMI_KEYLEN_MAX) || !pmi_value_ok(value, PMI_VALLEN_MAX))
        return -EINVAL;
    return set(s->kvs, key, value);
}

const char *pmi_server_lookup(const struct pmi_server *s, const char *key)
{
    return map_get(s->kvs, key);
}

bool pmi_server_each_put(const struct pmi_server *s, size_t *it, const char **key,
                         const char **value)
{
    void *v;

    if (!map_next(s->fresh, it, key, &v))
        return false;
    *value = v;
    return true;
}

void pmi_server_forget_puts(struct pmi_server *s)
{
    const char *key;
    void *value;

    for (size_t it = 0; map_next(s->fresh, &it, &key, &value);)
        map_del(s->fresh, key);
}

/* Run what a rank sent while it waited. Nobody is there to be told that it is nonsense:
 * the rank is served no more. */
static void resume(struct client *c)
{
    if (run_lines(c) < 0)
        c->phase = GONE;
}

/* First everybody is let out, then what they sent meanwhile is run: one may be in the next
 * barrier at once. */
void pmi_server_barrier_done(struct pmi_server *s, int rc)
{
    s->entered = 0;
    for (int i = 0; i < s->conf.nranks; i++) {
        struct client *c = &s->clients[i];

        if (c->phase != IN_BARRIER)
            continue;
        c->phase = READY;
        if (rc == 0)
            reply(c, "cmd=barrier_out rc=0");
        else
            reply(c, "cmd=barrier_out rc=-1 msg=failed");
    }
    for (int i = 0; i < s->conf.nranks; i++) {
        if (s->clients[i].phase == READY)
            resume(&s->clients[i]);
    }
}

void pmi_server_get_done(struct pmi_server *s, int rank, const char *value)
{
    struct client *c = find(s, rank);

    if (!c || c->phase != GETTING)
        return;
    c->phase = READY;
    reply_value(c, value);
    resume(c);
}

/* ---- making it ---- */

static int add_clients(struct pmi_server *s, const int *ranks)
{
    const struct pmi_server_conf *conf = &s->conf;

    s->clients = calloc(conf->nranks, sizeof(*s->clients));
    if (!s->clients)
        return -ENOMEM;
    for (int i = 0; i < conf->nranks; i++) {
        int rank = ranks ? ranks[i] : i, rc;

        if (rank < 0 || rank >= conf->size)
            return -EINVAL;
        s->clients[i].server = s;
        s->clients[i].rank = rank;
        if ((rc = umap_add(s->by_rank, rank, &s->clients[i])) < 0)
            return rc == -EEXIST ? -EINVAL : rc;
    }
    return 0;
}

int pmi_server_new(const struct pmi_server_conf *conf, struct pmi_server **ret)
{
    struct pmi_server *s;
    int rc = -ENOMEM;

    if (conf->size < 1 || (conf->ranks && conf->nranks < 1) ||
        strlen(conf->kvsname) >= PMI_KVSNAME_MAX)
        return -EINVAL;
    if (!(s = calloc(1, sizeof(*s))))
        return -ENOMEM;
    s->conf = *conf;
    if (!conf->ranks)
        s->conf.nranks = conf->size;
    if (conf->universe_size == 0)
        s->conf.universe_size = conf->size;
    s->kvsname = strdup(conf->kvsname);
    s->by_rank = umap_new(NULL);
    s->kvs = map_new(free);
    s->fresh = map_new(free);
    s->names = map_new(free);
    if (s->kvsname && s->by_rank && s->kvs && s->fresh && s->names)
        rc = add_clients(s, conf->ranks);
    if (rc == 0 && conf->mapping)
        rc = set(s->kvs, MAPPING, conf->mapping);
    s->conf.ranks = NULL; /* the caller's; not needed any more */
    if (rc < 0) {
        pmi_server_free(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void pmi_server_free(struct pmi_server *s)
{
    if (!s)
        return;
    for (int i = 0; s->clients && i < s->conf.nranks; i++)
        buf_free(&s->clients[i].in);
    free(s->clients);
    free(s->kvsname);
    umap_free(s->by_rank);
    map_free(s->kvs);
    map_free(s->fresh);
    map_free(s->names);
    free(s);
}
