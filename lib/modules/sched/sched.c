/* The sched module's life: options, policy, the loop; see sched.h.
 *
 * Arguments and [sched] keys: policy=NAME (or plugin=sched.NAME, or the path of a shared
 * object), and any option of the policy as key=value (plugin-opts=key=value,... is the old
 * spelling). Arguments win.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <flux/flog.h>
#include <flux/module.h>
#include <flux/reactor.h>
#include <flux/request.h>
#include <flux/response.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/sched/constraint.h"
#include "modules/sched/sched.h"

extern const struct flux_module sched_module;

#define DEFAULT_POLICY "hybrid"
#define PASS_SECONDS 0.01  /* then messages are read */
#define YIELDS_PER_LOOK 64 /* starts between looks at the clock */
#define ANNOTATE_AFTER 2.  /* seconds that a queue stands before estimates are told */

/* -- what the engine asks and tells -- */

static void on_started(void *arg, const struct entry *e)
{
    sched_result_started(arg, e);
}

static void on_denied(void *arg, uint64_t id, const char *why)
{
    sched_result_denied(arg, id, why);
}

static int on_eligible(void *arg, const char *constraint, uint64_t **ret_mask)
{
    struct sched *sc = arg;
    flux_error_t err = {""};
    int rc = sched_constraint_nodes(sc->machine.rs, constraint, ret_mask, &err);

    if (rc < 0)
        flux_log(sc->h, LOG_DEBUG, "constraint %s: %s", constraint, err.text);
    return rc;
}

/* The time of now, not of the turn; in a simulated world, of that. */
static double right_now(struct sched *sc)
{
    flux_reactor_t *r = flux_get_reactor(sc->h);

    flux_reactor_now_update(r);
    return flux_reactor_now(r);
}

static int on_yield(void *arg)
{
    struct sched *sc = arg;

    if (++sc->yields % YIELDS_PER_LOOK)
        return 0;
    return right_now(sc) - sc->pass_start > PASS_SECONDS;
}

static const char *on_option(void *arg, const char *key)
{
    return map_get(((struct sched *)arg)->options, key);
}

static void on_log(void *arg, int level, const char *msg)
{
    flux_log(((struct sched *)arg)->h, level, "%s", msg);
}

static const struct engine_ops ops = {
    .started = on_started,
    .denied = on_denied,
    .eligible = on_eligible,
    .yield = on_yield,
    .option = on_option,
    .log = on_log,
};

/* -- the loop -- */

void sched_touch(struct sched *sc)
{
    engine_set_time(sc->engine, to_usec(flux_reactor_now(flux_get_reactor(sc->h))));
}

static bool work_to_do(const struct sched *sc)
{
    return sc->is_ready && (engine_dirty(sc->engine) || sc->results.len > 0);
}

/* Have a pass made when the policy asked for one. */
static void set_timer(struct sched *sc)
{
    int64_t at = engine_wake(sc->engine);
    double after;

    flux_watcher_stop(sc->timer);
    if (at == FLUX_SCHED_NEVER)
        return;
    after = to_sec(at) - flux_reactor_now(flux_get_reactor(sc->h));
    flux_timer_watcher_reset(sc->timer, after > 0 ? after : 0, 0.);
    flux_watcher_start(sc->timer);
}

static void make_pass(struct sched *sc, uint32_t why)
{
    sched_touch(sc);
    if (engine_dirty(sc->engine) || why) {
        sc->pass_start = right_now(sc);
        engine_pass(sc->engine, why);
        sc->npasses++;
        set_timer(sc);
        if (engine_npending(sc->engine) > 0 && !sc->annotate_due && !why) {
            sc->annotate_due = true;
            flux_watcher_start(sc->annotate);
        }
    }
    sched_result_flush(sc);
}

static void prepare_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct sched *sc = arg;

    if (work_to_do(sc))
        flux_watcher_start(sc->idle);
}

static void check_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct sched *sc = arg;

    flux_watcher_stop(sc->idle);
    if (work_to_do(sc))
        make_pass(sc, 0);
}

/* Only keeps the loop from waiting. */
static void idle_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
}

static void timer_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    if (((struct sched *)arg)->is_ready)
        make_pass(arg, FLUX_SCHED_TIMER);
}

static void annotate_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct sched *sc = arg;

    sc->annotate_due = false;
    flux_watcher_stop(w);
    flux_timer_watcher_reset(w, ANNOTATE_AFTER, 0.);
    if (!sc->is_ready || engine_npending(sc->engine) == 0)
        return;
    make_pass(sc, FLUX_SCHED_ASK);
    sched_result_annotate(sc);
    sched_result_flush(sc);
}

static void retry_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    sched_start_begin(arg);
}

/* -- options and policy -- */

static int keep_option(struct sched *sc, const char *key, const char *value)
{
    char *copy = strdup(value);

    if (!copy || map_set(sc->options, key, copy) < 0) {
        free(copy);
        return -ENOMEM;
    }
    return 0;
}

int sched_set_option(struct sched *sc, const char *key, const char *value)
{
    int rc = engine_set_option(sc->engine, key, value);

    return rc < 0 ? rc : keep_option(sc, key, value);
}

int sched_set_policy(struct sched *sc, const char *name, flux_error_t *err)
{
    const struct flux_sched_policy *policy;
    void *dso, *old = sc->dso;
    int rc = sched_policy_open(name, &policy, &dso, err);

    if (rc < 0)
        return rc;
    if ((rc = engine_set_policy(sc->engine, policy)) < 0) {
        sched_policy_close(dso);
        return error_set(err, -rc, "policy %s: its options are not accepted", name);
    }
    sc->dso = dso;
    sched_policy_close(old);
    return 0;
}

/* plugin-opts=a=1,b=2 */
static int read_old_options(struct sched *sc, const char *list)
{
    AUTOFREE char *copy = strdup(list);
    char *save = NULL;

    if (!copy)
        return -ENOMEM;
    for (char *s = strtok_r(copy, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
        char *eq = strchr(s, '=');
        if (!eq || eq == s)
            return -EINVAL;
        *eq = '\0';
        int rc = keep_option(sc, s, eq + 1);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_argument(struct sched *sc, const char *arg, flux_error_t *err)
{
    const char *eq = strchr(arg, '=');
    AUTOFREE char *key = eq && eq != arg ? strndup(arg, (size_t)(eq - arg)) : NULL;
    int rc;

    if (!key)
        return error_set(err, EINVAL, "argument '%.60s': not of the form key=value", arg);
    if (strcmp(key, "plugin-opts") == 0 || strcmp(key, "sched-params") == 0)
        rc = read_old_options(sc, eq + 1);
    else
        rc = keep_option(sc, strcmp(key, "plugin") == 0 ? "policy" : key, eq + 1);
    return rc < 0 ? error_set(err, -rc, "argument '%.60s': %s", arg, strerror(-rc)) : 0;
}

/* Options from the [sched] table that are not among the arguments. */
static int read_conf(struct sched *sc, const flux_conf_t *conf, struct map *out,
                     flux_error_t *err)
{
    const cJSON *table = NULL, *o;

    if (flux_conf_unpack(conf, err, "{s?o}", "sched", &table) < 0)
        return -errno;
    cJSON_ArrayForEach(o, table)
    {
        AUTOFREE char *number = json_is_number(o) ? json_print(o) : NULL;
        const char *value = number ? number : json_str(o);
        char *copy;
        if (!value)
            return error_set(err, EINVAL, "sched.%s: must be a string or a number",
                             o->string);
        if (!(copy = strdup(value)) || map_set(out, o->string, copy) < 0) {
            free(copy);
            return error_set(err, ENOMEM, "out of memory");
        }
    }
    return 0;
}

static int configure(struct sched *sc, int argc, char **argv, flux_error_t *err)
{
    int rc = read_conf(sc, flux_get_conf(sc->h), sc->options, err);

    for (int i = 0; i < argc && rc == 0; i++)
        rc = read_argument(sc, argv[i], err);
    if (rc < 0)
        return rc;
    const char *name = map_get(sc->options, "policy");
    return sched_set_policy(sc, name ? name : DEFAULT_POLICY, err);
}

static int reconfigure(struct sched *sc, const flux_conf_t *conf, flux_error_t *err)
{
    struct map *fresh = map_new(free);
    const char *key, *policy;
    void *value;
    int rc = fresh ? read_conf(sc, conf, fresh, err) : -ENOMEM;

    for (size_t it = 0; rc == 0 && map_next(fresh, &it, &key, &value);) {
        const char *old = map_get(sc->options, key);
        if ((old && strcmp(old, value) == 0) || strcmp(key, "policy") == 0)
            continue;
        if ((rc = sched_set_option(sc, key, value)) < 0)
            error_set(err, EINVAL, "sched.%.40s=%.40s: not accepted", key, (char *)value);
    }
    policy = rc == 0 ? map_get(fresh, "policy") : NULL;
    const char *old = map_get(sc->options, "policy");
    if (policy && !(old && strcmp(old, policy) == 0) &&
        (rc = sched_set_policy(sc, policy, err)) == 0)
        rc = keep_option(sc, "policy", policy);
    map_free(fresh);
    return rc;
}

static void config_reload_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                             void *arg)
{
    const flux_conf_t *conf;
    flux_error_t err = {"out of memory"};
    int rc;

    if (flux_conf_reload_decode(msg, &conf) < 0) {
        flux_respond_error(h, msg, errno, NULL);
        return;
    }
    if ((rc = reconfigure(arg, conf, &err)) < 0) {
        flux_conf_decref(conf);
        flux_respond_error(h, msg, -rc, err.text);
        return;
    }
    flux_set_conf_new(h, conf);
    flux_respond(h, msg, NULL);
}

/* -- life cycle -- */

static const struct flux_msg_handler_spec own_handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "sched.config-reload", config_reload_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

static void sched_fini(flux_t *h, void *ctx)
{
    struct sched *sc = ctx;
    flux_watcher_t *w[] = {sc->prepare, sc->check,    sc->idle,
                           sc->timer,   sc->annotate, sc->retry};

    flux_msg_handler_delvec(sc->handlers);
    flux_msg_handler_delvec(sc->own_handlers);
    sched_start_end(sc);
    for (size_t i = 0; i < ARRAY_SIZE(w); i++)
        flux_watcher_destroy(w[i]);
    engine_free(sc->engine);
    sched_policy_close(sc->dso);
    machine_finish(&sc->machine);
    map_free(sc->options);
    umap_free(sc->single);
    buf_free(&sc->results);
    free(sc);
}

static int make_watchers(struct sched *sc)
{
    flux_reactor_t *r = flux_get_reactor(sc->h);

    sc->prepare = flux_prepare_watcher_create(r, prepare_cb, sc);
    sc->check = flux_check_watcher_create(r, check_cb, sc);
    sc->idle = flux_idle_watcher_create(r, idle_cb, sc);
    sc->timer = flux_timer_watcher_create(r, 0., 0., timer_cb, sc);
    sc->annotate = flux_timer_watcher_create(r, ANNOTATE_AFTER, 0., annotate_cb, sc);
    sc->retry = flux_timer_watcher_create(r, 0., 0., retry_cb, sc);
    if (!sc->prepare || !sc->check || !sc->idle || !sc->timer || !sc->annotate ||
        !sc->retry)
        return -errno;
    flux_watcher_set_priority(sc->check, -1); /* after messages */
    flux_watcher_unref(sc->prepare);
    flux_watcher_unref(sc->check);
    flux_watcher_unref(sc->annotate);
    flux_watcher_start(sc->prepare);
    flux_watcher_start(sc->check);
    return 0;
}

static void decref_msg(void *msg)
{
    flux_msg_decref(msg);
}

static int start(struct sched *sc, int argc, char **argv)
{
    flux_error_t err = {"out of memory"};
    int rc;

    if (!(sc->options = map_new(free)) || !(sc->single = umap_new(decref_msg)))
        return -ENOMEM;
    if ((rc = engine_new(&ops, sc, &sc->engine)) < 0)
        return rc;
    sched_touch(sc);
    if ((rc = configure(sc, argc, argv, &err)) < 0) {
        flux_log(sc->h, LOG_ERR, "%s", err.text);
        return rc;
    }
    if ((rc = make_watchers(sc)) < 0)
        return rc;
    if (flux_msg_handler_addvec(sc->h, sched_request_handlers, sc, &sc->handlers) < 0 ||
        flux_msg_handler_addvec(sc->h, own_handlers, sc, &sc->own_handlers) < 0)
        return -errno;
    sched_start_begin(sc);
    return 0;
}

static int sched_init(flux_t *h, int argc, char **argv, void **ret_ctx)
{
    struct sched *sc = calloc(1, sizeof(*sc));
    int rc;

    if (!sc)
        return -1;
    sc->h = h;
    if ((rc = start(sc, argc, argv)) < 0) {
        sched_fini(h, sc);
        errno = -rc;
        return -1;
    }
    *ret_ctx = sc;
    return 0;
}

static const char *const services[] = {"feasibility", NULL};

const struct flux_module sched_module = {
    .abi = FLUX_MODULE_ABI,
    .size = sizeof(sched_module),
    .name = "sched",
    .init = sched_init,
    .fini = sched_fini,
    .services = services,
    .flags = FLUX_MODULE_THREAD,
};
