/* The host of plug-ins: loading and removing them, see jobtap.h. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/job-manager/jobtap_private.h"

/* Who handles the fixed topics. */
static int index_topics(struct jobtap *t)
{
    static const char *const topics[JOBTAP_COUNT] = {
        "job.create",          "job.destroy",
        "job.validate",        "job.new",
        "job.priority.get",    "job.state.depend",
        "job.state.priority",  "job.state.sched",
        "job.state.run",       "job.state.cleanup",
        "job.state.inactive",  "job.inactive-add",
        "job.inactive-remove",
    };
    size_t ntaps = 0;

    list_each(tap, &t->taps, struct tap, link) ntaps++;
    for (unsigned i = 0; i < JOBTAP_COUNT; i++) {
        flux_plugin_t **v = calloc(ntaps + 1, sizeof(*v));
        size_t n = 0;

        if (!v)
            return -ENOMEM;
        list_each(tap, &t->taps, struct tap,
                  link) if (flux_plugin_match_handler(tap->p, topics[i])) v[n++] = tap->p;
        free(t->callees[i]);
        t->callees[i] = v;
    }
    return 0;
}

/* Nothing of a plug-in stays with the jobs. */
static void leave_jobs(struct jobtap *t, flux_plugin_t *p)
{
    void *value;

    for (size_t it = 0; umap_next(t->jm->jobs, &it, NULL, &value);) {
        flux_jobtap_job_unsubscribe(p, ((struct job *)value)->id);
        job_aux_free(value, p);
    }
}

static void tap_free(struct tap *tap)
{
    list_del(&tap->link);
    jobtap_services_free(tap);
    flux_plugin_destroy(tap->p);
    free(tap);
}

static const struct tap_builtin *find_builtin(const char *name)
{
    for (const struct tap_builtin *b = tap_builtins; b->name; b++)
        if (strcmp(b->name, name) == 0)
            return b;
    return NULL;
}

struct tap *jobtap_find(struct jobtap *t, flux_plugin_t *p)
{
    list_each(tap, &t->taps, struct tap, link) if (tap->p == p) return tap;
    return NULL;
}

static bool name_taken(struct jobtap *t, const struct tap *self)
{
    list_each(tap, &t->taps, struct tap,
              link) if (tap != self &&
                        strcmp(flux_plugin_get_name(tap->p),
                               flux_plugin_get_name(self->p)) == 0) return true;
    return false;
}

static int tap_init(struct tap *tap, const char *path, const struct tap_builtin *builtin,
                    flux_error_t *err)
{
    flux_plugin_t *p = tap->p;

    if (!builtin) {
        if (flux_plugin_load_dso(p, path) < 0)
            return error_set(err, errno, "%s", flux_plugin_strerror(p));
        return 0;
    }
    if (flux_plugin_set_name(p, builtin->name) < 0 || builtin->init(p) < 0)
        return error_set(err, errno ? errno : EINVAL, "%s: init failed", builtin->name);
    return 0;
}

static int set_conf(flux_plugin_t *p, const cJSON *conf, flux_error_t *err)
{
    AUTOFREE char *text = conf ? json_print(conf) : NULL;

    if (conf && (!text || flux_plugin_set_conf(p, text) < 0))
        return error_set(err, EINVAL, "bad configuration: %s", flux_plugin_strerror(p));
    return 0;
}

/* A plug-in that comes late is told of the jobs there are. */
static void announce(struct jobtap *t, struct tap *tap)
{
    void *value;

    for (size_t it = 0; umap_next(t->jm->jobs, &it, NULL, &value);) {
        struct job *job = value;
        struct tap_call call = {.job = job, .prev_state = job->state};
        flux_plugin_arg_t *args = jobtap_args(t, &call);

        if (!args)
            return;
        jobtap_begin(t, &call);
        flux_plugin_call(tap->p, "job.new", args);
        jobtap_end(t, &call);
        flux_plugin_arg_destroy(args);
    }
}

int jobtap_load(struct jobtap *t, const char *path, const cJSON *conf, flux_error_t *err)
{
    const struct tap_builtin *builtin = find_builtin(path);
    struct tap *tap = calloc(1, sizeof(*tap));
    int rc;

    if (!tap || !(tap->p = flux_plugin_create())) {
        free(tap);
        return error_set(err, ENOMEM, "out of memory");
    }
    tap->host = t;
    tap->builtin = builtin != NULL;
    list_init(&tap->services);
    list_append(&t->taps, &tap->link);
    if (flux_plugin_aux_set(tap->p, "flux::jobtap", t, NULL) < 0) {
        rc = error_set(err, ENOMEM, "out of memory");
        goto error;
    }
    if ((rc = set_conf(tap->p, conf, err)) < 0 ||
        (rc = tap_init(tap, path, builtin, err)) < 0)
        goto error;
    if (name_taken(t, tap)) {
        rc = error_set(err, EEXIST, "plug-in '%s' is loaded already",
                       flux_plugin_get_name(tap->p));
        goto error;
    }
    if ((rc = index_topics(t)) < 0)
        goto error;
    announce(t, tap);
    return 0;
error:
    tap_free(tap);
    return rc;
}

int jobtap_remove(struct jobtap *t, const char *glob)
{
    bool all = strcmp(glob, "all") == 0 || strcmp(glob, "*") == 0;
    int n = 0;

    list_each(tap, &t->taps, struct tap, link)
    {
        const char *name = flux_plugin_get_name(tap->p);

        /* Built-ins go only when they are named. */
        if (all ? *name == '.' : fnmatch(glob, name, FNM_PERIOD) != 0)
            continue;
        leave_jobs(t, tap->p);
        tap_free(tap);
        n++;
    }
    if (n > 0 && index_topics(t) < 0)
        flux_log(t->jm->h, LOG_CRIT, "jobtap: out of memory");
    return n;
}

static int load_configured(struct jobtap *t, const cJSON *plugins, flux_error_t *err)
{
    const cJSON *entry, *conf;
    const char *load, *remove;
    int rc;

    cJSON_ArrayForEach(entry, plugins)
    {
        load = json_str(json_get(entry, "load"));
        remove = json_str(json_get(entry, "remove"));
        conf = json_get(entry, "conf");
        if (!load && !remove)
            return error_set(err, EINVAL,
                             "[job-manager] plugins: an entry needs 'load' or 'remove'");
        if (remove)
            jobtap_remove(t, remove);
        if (load && (rc = jobtap_load(t, load, conf, err)) < 0 && rc != -EEXIST)
            return rc;
    }
    return 0;
}

int jobtap_configure(struct jobtap *t, const flux_conf_t *conf, flux_error_t *err)
{
    cJSON *plugins = NULL, *all;
    flux_plugin_arg_t *args;
    const char *errstr;
    bool called;
    int rc;

    if (flux_conf_unpack(conf, err, "{s?{s?o}}", "job-manager", "plugins", &plugins) < 0)
        return -EINVAL;
    if ((rc = load_configured(t, plugins, err)) < 0)
        return rc;
    if (flux_conf_unpack(conf, err, "o", &all) < 0)
        return -EINVAL;
    if (!(args = flux_plugin_arg_create()))
        return error_set(err, ENOMEM, "out of memory");
    rc = flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_IN, "{s:O}", "conf", all);
    if (rc == 0 && (rc = jobtap_call_topic(t, "conf.update", args, &called)) < 0) {
        if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_OUT, "{s:s}", "errstr",
                                   &errstr) < 0)
            errstr = "configuration refused by a plug-in";
        snprintf(err->text, sizeof(err->text), "%s", errstr);
    }
    flux_plugin_arg_destroy(args);
    return rc < 0 ? -EINVAL : 0;
}

int jobtap_new(struct job_manager *jm, struct jobtap **ret)
{
    struct jobtap *t = calloc(1, sizeof(*t));
    flux_error_t err;
    int rc;

    if (!t)
        return -ENOMEM;
    t->jm = jm;
    list_init(&t->taps);
    for (const struct tap_builtin *b = tap_builtins; b->name; b++)
        if ((rc = jobtap_load(t, b->name, NULL, &err)) < 0) {
            flux_log(jm->h, LOG_ERR, "jobtap: %s: %s", b->name, err.text);
            jobtap_free(t);
            return rc;
        }
    *ret = t;
    return 0;
}

void jobtap_free(struct jobtap *t)
{
    if (!t)
        return;
    list_each(tap, &t->taps, struct tap, link) tap_free(tap);
    for (unsigned i = 0; i < JOBTAP_COUNT; i++)
        free(t->callees[i]);
    free(t);
}

static void respond_list(struct job_manager *jm, const flux_msg_t *msg)
{
    cJSON *names = cJSON_CreateArray();

    list_each(tap, &jm->jobtap->taps, struct tap, link) if (names)
        cJSON_AddItemToArray(names, json_new_str(flux_plugin_get_name(tap->p)));
    if (!names || flux_respond_pack(jm->h, msg, "{s:O}", "plugins", names) < 0)
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
    json_free(names);
}

void jobtap_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    const char *load = NULL, *remove = NULL;
    cJSON *conf = NULL;
    int query = 0, rc;
    flux_error_t err;

    if (flux_request_unpack(msg, NULL, "{s?s s?s s?o s?b}", "load", &load, "remove",
                            &remove, "conf", &conf, "query_only", &query) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed jobtap request");
        return;
    }
    if (remove && jobtap_remove(jm->jobtap, remove) == 0 && !load) {
        manager_respond_error(jm, msg, ENOENT, "no plug-in '%s' is loaded", remove);
        return;
    }
    if (load && (rc = jobtap_load(jm->jobtap, load, conf, &err)) < 0) {
        manager_respond_error(jm, msg, -rc, "%s", err.text);
        return;
    }
    respond_list(jm, msg);
}

void jobtap_query_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    const char *name;
    char *text;

    if (flux_request_unpack(msg, NULL, "{s:s}", "name", &name) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed jobtap-query request");
        return;
    }
    list_each(tap, &jm->jobtap->taps, struct tap, link)
    {
        const char *path = flux_plugin_get_path(tap->p);
        flux_plugin_arg_t *args;

        if (strcmp(flux_plugin_get_name(tap->p), name) != 0)
            continue;
        if (!(args = flux_plugin_arg_create()))
            break;
        flux_plugin_call(tap->p, "plugin.query", args);
        flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_OUT, "{s:s s:s}", "name", name, "path",
                             path ? path : "builtin");
        if (flux_plugin_arg_get(args, FLUX_PLUGIN_ARG_OUT, &text) == 0) {
            flux_respond(h, msg, text);
            free(text);
        }
        flux_plugin_arg_destroy(args);
        return;
    }
    manager_respond_error(jm, msg, ENOENT, "no plug-in '%s' is loaded", name);
}
