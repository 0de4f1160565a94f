/* One host of the machine, and the broker on it. */
#include "many.h"

#include "flux/reactor_private.h"
#include "overlay/topo.h"

void node_init(struct sim *s, int rank)
{
    struct node *n = &s->nodes[rank];

    n->s = s;
    n->rank = rank;
    snprintf(n->name, sizeof(n->name), "node%d", rank);
    snprintf(n->address, sizeof(n->address), "sim://node%d", rank);
    if (sim_host_new(s->env, n->name, &n->env) < 0)
        abort();
    sim_disk_track(n->env);
    n->client_r = flux_reactor_create_env(n->env);
}

static void up_cb(int errnum, const flux_error_t *err, void *arg)
{
    struct node *n = arg;

    say(n->s, n, "broker %s%s", errnum ? "failed: " : "runs", errnum ? err->text : "");
    if (errnum)
        return; /* node_tend() sees it go down */
    n->up = true;
}

static void log_cb(int level, const char *appname, const char *text, void *arg)
{
    struct node *n = arg;

    say(n->s, n, "[%d] %s: %s", level, appname, text);
}

static void give_place(struct node *n)
{
    struct sim *s = n->s;
    char hosts[32];
    struct broker_place place = {
        .rank = (uint32_t)n->rank,
        .size = (uint32_t)s->size,
        .topo = s->topo,
        .hostname = n->name,
        .hostlist = hosts,
        .bind = n->address,
        .key = s->key,
    };
    struct topo *t;
    flux_error_t err;

    snprintf(hosts, sizeof(hosts), "node[0-%d]", s->size - 1);
    if (topo_new(s->topo, place.size, &t, &err) < 0)
        abort();
    if (n->rank > 0)
        place.parent = s->nodes[topo_parent(t, place.rank)].address;
    if (broker_set_place(n->b, &place, &err) < 0)
        fail(s, "%s: %s", n->name, err.text);
    topo_free(t);
}

/* A broker starts processes from the beginning, and lets clients in somewhat later. */
static void tend_launcher(struct node *n)
{
    if (n->b && !n->launcher && n->b->port && !broker_is_down(n->b))
        launcher_open(n);
}

bool node_lets_in(const struct node *n)
{
    return n->b && state_get(n->b->state) >= STATE_QUORUM && !broker_is_down(n->b);
}

void node_start(struct node *n)
{
    static const char *const environment[] = {"TMPDIR=/tmp", NULL};
    static const char *const attrs[] = {"log-stderr-level=7", "log-stderr-mode=local",
                                        NULL};
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    flux_error_t err;

    o.environment = environment;
    o.attrs = attrs;
    o.test_cores = CORES;
    o.rundir = "/tmp/run";
    if (n->rank == 0) {
        o.statedir = "/tmp/state";
        o.config = "{\"exec\":{\"lost-timeout\":\"30m\"}}";
    }
    o.log = n->s->trace ? log_cb : NULL;
    o.log_arg = n;
    say(n->s, n, "broker starts, life %d", ++n->lives);
    n->restart_at = 0;
    n->up = n->leaving = false;
    n->r = flux_reactor_create_env(n->env);
    if (broker_new(n->env, n->r, &o, &n->b, &err) < 0) {
        fail(n->s, "%s: %s", n->name, err.text);
        return;
    }
    give_place(n);
    broker_start(n->b, up_cb, n);
    tend_launcher(n);
}

/* The process is gone: its loop with it. */
static void forget(struct node *n)
{
    n->b = NULL;
    n->up = false;
    flux_reactor_destroy(n->r);
    n->r = NULL;
}

static void drop_connections(struct node *n)
{
    launcher_close(n);
    clients_lost(n);
}

static void crash(struct node *n)
{
    drop_connections(n);
    broker_crash(n->b);
    forget(n);
}

static void again(struct node *n, double seconds)
{
    if (n->restart_at == 0)
        n->restart_at = sim_now(n->s) + seconds;
}

/* A disk that takes no more stands for the program not getting to write any more. */
void node_kill(struct node *n, double seconds)
{
    if (!n->b)
        return;
    say(n->s, n, "KILL the broker; again in %.3f s", seconds);
    sim_disk_cut(n->env, 0);
    crash(n);
    sim_disk_restart(n->env, false);
    again(n, seconds);
}

void node_lose_power(struct node *n, double seconds)
{
    if (!n->b)
        return;
    say(n->s, n, "POWER is lost; again in %.3f s", seconds);
    sim_host_power_off(n->env);
    crash(n);
    shell_end(n);
    load_harm(n);
    n->journal.n = (int)pick(n->s, 0, n->journal.n); /* what was not synced */
    n->losing = true;
    again(n, seconds);
}

void node_leave(struct node *n, double seconds)
{
    if (!n->b || !n->up || n->leaving)
        return;
    say(n->s, n, "LEAVE in good order; again in %.3f s", seconds);
    n->leaving = true;
    broker_stop(n->b);
    again(n, seconds);
}

static void bury(struct node *n)
{
    int code = broker_exit_code(n->b);

    say(n->s, n, "broker has ended, exit code %d", code);
    drop_connections(n);
    broker_free(n->b);
    forget(n);
    if (!n->leaving)
        again(n, 0.1);
}

static void mend_disk(struct node *n)
{
    say(n->s, n, "its disk is mended");
    n->fix_at = 0;
    sim_disk_limit(n->env, 0);
    sim_disk_fail(n->env, -1, 0);
    if (n->full) /* a store that found it full goes on by itself */
        n->full = false;
    else
        node_kill(n, pick_time(n->s, 0.1, 2));
}

/* Nobody runs these reactors one by one: a stop, say by a handle whose connection broke,
 * is to end a run, and the programs would run them again. */
static void keep_running(flux_reactor_t *r)
{
    if (r)
        r->stopped = false;
}

void node_tend(struct node *n)
{
    double now = sim_now(n->s);

    keep_running(n->r);
    keep_running(n->client_r);
    keep_running(n->shell_r);

    if (n->b && sim_disk_is_cut(n->env) && !n->losing) {
        say(n->s, n, "the broker has DIED in the midst of a write");
        crash(n);
        sim_disk_restart(n->env, false);
        again(n, pick_time(n->s, 0.05, 3));
    }
    if (n->b && broker_is_down(n->b))
        bury(n);
    tend_launcher(n);
    shell_tend(n);
    if (n->fix_at > 0 && now >= n->fix_at)
        mend_disk(n);
    if (!n->b && n->restart_at > 0 && now >= n->restart_at) {
        if (n->losing) {
            n->losing = false;
            sim_host_power_on(n->env);
        }
        node_start(n);
    }
}

void node_fini(struct node *n)
{
    launcher_close(n);
    if (n->b) {
        broker_crash(n->b);
        forget(n);
    }
    shell_end(n);
    notes_free(&n->journal);
    flux_reactor_destroy(n->client_r);
    if (sim_net_links(n->env) > 0)
        fail(n->s, "%s: %d links are left", n->name, sim_net_links(n->env));
    env_unref(n->env);
}
