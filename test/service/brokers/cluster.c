/* Many brokers in one process. */
#include "cluster.h"

#include <stdio.h>
#include <unistd.h>

#include <flux/connector.h>

#include "broker/groups.h"
#include "env/file.h"

#define PATIENCE 60.0 /* seconds */

void cluster_init(struct cluster *c, int size, const char *topo, int64_t seed)
{
    memset(c, 0, sizeof(*c));
    ck_assert_int_le(size, CLUSTER_MAX);
    c->size = size;
    c->topo = topo;
    c->sim = seed >= 0;
    if (c->sim)
        ck_assert_int_eq(env_new_sim((uint64_t)seed, &c->env), 0);
    else {
        ck_assert_int_eq(env_new_real(&c->env), 0);
        strcpy(c->dir, "/tmp/flux-test-XXXXXX");
        ck_assert_int_eq(dir_make_temp(c->env, c->dir), 0);
    }
    ck_assert_ptr_nonnull(c->r = flux_reactor_create_env(c->env));
}

static void forget(struct member *m)
{
    flux_close(m->h);
    m->h = NULL;
    m->b = NULL;
}

void cluster_crash(struct cluster *c, int rank)
{
    struct broker *b = c->m[rank].b;

    forget(&c->m[rank]);
    broker_crash(b);
}

void cluster_fini(struct cluster *c)
{
    for (int i = c->size - 1; i >= 0; i--) {
        if (c->m[i].b)
            cluster_crash(c, i);
    }
    flux_reactor_destroy(c->r);
    if (!c->sim)
        (void)dir_remove(c->env, c->dir);
    env_unref(c->env);
}

static void up_cb(int errnum, const flux_error_t *err, void *arg)
{
    struct member *m = arg;

    m->ups++;
    m->errnum = errnum;
    if (err)
        m->error = *err;
}

static void address(const struct cluster *c, uint32_t rank, char *buf, size_t size)
{
    if (c->sim)
        snprintf(buf, size, "sim://broker-%u", (unsigned)rank);
    else
        snprintf(buf, size, "ipc://%s/tbon-%u", c->dir, (unsigned)rank);
}

static void give_place(struct cluster *c, int rank)
{
    struct broker_place place = {
        .rank = (uint32_t)rank, .size = (uint32_t)c->size, .topo = c->topo};
    char host[32], bind[128], parent[128];
    struct topo *t;
    flux_error_t err;

    snprintf(host, sizeof(host), "node%d", rank);
    place.hostname = host;
    place.hostlist = c->hostlist;
    address(c, place.rank, bind, sizeof(bind));
    place.bind = bind;
    if (rank > 0) {
        ck_assert_int_eq(topo_new(c->topo ? c->topo : "kary:32", place.size, &t, &err),
                         0);
        address(c, topo_parent(t, place.rank), parent, sizeof(parent));
        place.parent = parent;
        topo_free(t);
    }
    ck_assert_int_eq(broker_set_place(c->m[rank].b, &place, &err), 0);
}

void cluster_add(struct cluster *c, int rank)
{
    static const char *const none[] = {NULL}, *const environment[] = {
                                                  "PATH=/usr/bin:/bin", NULL};
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    struct member *m = &c->m[rank];
    char rundir[128], statedir[128];
    flux_error_t err;

    o.modules = c->modules ? c->modules : none;
    o.attrs = c->attrs;
    o.config = rank == 0 ? c->config : NULL;
    o.environment = c->environment ? c->environment : environment;
    o.program = c->program;
    if (c->durable && rank == 0) {
        snprintf(statedir, sizeof(statedir), "%s/state", c->dir);
        o.statedir = statedir;
    }
    if (!c->sim) {
        snprintf(rundir, sizeof(rundir), "%s/run-%d", c->dir, rank);
        o.rundir = rundir;
    }
    *m = (struct member){.cluster = c};
    ck_assert_msg(broker_new(c->env, c->r, &o, &m->b, &err) == 0, "%s", err.text);
    if (c->size > 1)
        give_place(c, rank);
    broker_start(m->b, up_cb, m);
}

void cluster_add_all(struct cluster *c)
{
    for (int i = 0; i < c->size; i++)
        cluster_add(c, i);
}

/* Brokers that are down stay as they are until somebody looks: free them. */
static void bury(struct cluster *c)
{
    for (int i = 0; i < c->size; i++) {
        struct member *m = &c->m[i];

        if (!m->b || !broker_is_down(m->b))
            continue;
        m->exit_code = broker_exit_code(m->b);
        broker_free(m->b);
        forget(m);
    }
}

static void wake_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
}

void cluster_until(struct cluster *c, bool (*cond)(struct cluster *c, void *arg),
                   void *arg)
{
    double end = env_monotonic(c->env) + PATIENCE;
    flux_watcher_t *tick = flux_timer_watcher_create(c->r, 0.1, 0.1, wake_cb, NULL);

    flux_watcher_start(tick);
    while (!cond(c, arg)) {
        ck_assert_msg(env_monotonic(c->env) < end, "it did not happen in %gs", PATIENCE);
        ck_assert_int_ge(flux_reactor_run(c->r, FLUX_REACTOR_ONCE), 0);
        bury(c);
    }
    flux_watcher_destroy(tick);
}

static bool time_is(struct cluster *c, void *arg)
{
    return env_monotonic(c->env) >= *(double *)arg;
}

void cluster_run(struct cluster *c, double seconds)
{
    double end = env_monotonic(c->env) + seconds;

    cluster_until(c, time_is, &end);
}

static bool all_up(struct cluster *c, void *arg)
{
    for (int i = 0; i < c->size; i++) {
        struct member *m = &c->m[i];

        ck_assert_msg(m->errnum == 0, "broker %d: %s", i, m->error.text);
        if (m->b && !m->ups)
            return false;
    }
    return true;
}

void cluster_until_up(struct cluster *c)
{
    cluster_until(c, all_up, NULL);
}

static bool online(struct cluster *c, void *arg)
{
    const struct idset *ids = groups_members(c->m[0].b->groups, "broker.online");
    char *s = ids ? idset_encode(ids, IDSET_FLAG_RANGE) : NULL;
    bool yes = s && !strcmp(s, arg);

    free(s);
    return yes;
}

void cluster_until_online(struct cluster *c, const char *ranks)
{
    cluster_until(c, online, (void *)ranks);
}

static bool all_gone(struct cluster *c, void *arg)
{
    for (int i = 0; i < c->size; i++) {
        if (c->m[i].b)
            return false;
    }
    return true;
}

void cluster_until_gone(struct cluster *c)
{
    cluster_until(c, all_gone, NULL);
}

void cluster_stop(struct cluster *c)
{
    broker_stop(c->m[0].b);
    cluster_until_gone(c);
}

flux_t *cluster_handle(struct cluster *c, int rank)
{
    struct member *m = &c->m[rank];

    if (!m->h) {
        ck_assert_int_eq(broker_open(m->b, &m->h), 0);
        ck_assert_int_eq(flux_set_reactor(m->h, c->r), 0);
    }
    return m->h;
}

static void ready_cb(flux_future_t *f, void *arg)
{
    *(bool *)arg = true;
}

static bool is_set(struct cluster *c, void *arg)
{
    return *(bool *)arg;
}

void cluster_wait(struct cluster *c, flux_future_t *f)
{
    bool ready = false;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(flux_future_then(f, -1., ready_cb, &ready), 0);
    cluster_until(c, is_set, &ready);
}

int cluster_rpc(struct cluster *c, int rank, const char *topic, const char *payload,
                uint32_t nodeid, const char **ret)
{
    static char answer[1 << 16];
    flux_future_t *f = flux_rpc(cluster_handle(c, rank), topic, payload, nodeid, 0);
    const char *s = NULL;
    int rc = 0;

    cluster_wait(c, f);
    if (flux_rpc_get(f, &s) < 0)
        rc = errno;
    snprintf(answer, sizeof(answer), "%s", rc ? flux_future_error_string(f) : s ? s : "");
    if (ret)
        *ret = answer;
    flux_future_destroy(f);
    return rc;
}
