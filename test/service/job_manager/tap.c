/* A plug-in for plugins.c: what it does is chosen by its configuration. Built apart, as a
 * user's would be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/jobtap.h>

static int calls[2]; /* job.state.run, job.event.* seen */
static char
    ended[256]; /* "+ID:" and "-ID:" of those that ended, were purged; their userid */

static int validate_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                       void *arg)
{
    const char *name = NULL;

    if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:{s:{s:{s?{s?s}}}}}",
                               "jobspec", "attributes", "system", "job", "name",
                               &name) < 0)
        return flux_jobtap_error(p, args, "no jobspec: %s",
                                 flux_plugin_arg_strerror(args));
    if (name && strcmp(name, "bad") == 0)
        return flux_jobtap_reject_job(p, args, "bad name '%s'", name);
    if (name && strcmp(name, "worse") == 0)
        return flux_jobtap_reject_job(p, args, NULL);
    if (name && strcmp(name, "watched") == 0)
        return flux_jobtap_job_subscribe(p, FLUX_JOBTAP_CURRENT_JOB);
    if (name && strcmp(name, "longer") == 0)
        return flux_jobtap_jobspec_update_pack(p, "{s:i}", "attributes.system.duration",
                                               77);
    return 0;
}

static void finish_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    flux_plugin_t *p = arg;

    if (flux_jobtap_prolog_finish(p, 1, "pro", 0) < 0)
        flux_jobtap_epilog_finish(p, 1, "epi", 0);
}

static void finish_later(flux_plugin_t *p)
{
    flux_watcher_t *w = flux_plugin_aux_get(p, "timer");

    flux_timer_watcher_reset(w, 1., 0.);
    flux_watcher_start(w);
}

static int run_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args, void *arg)
{
    const char *who = NULL;

    calls[0]++;
    if (flux_plugin_conf_unpack(p, "{s:s}", "prolog", &who) == 0) {
        flux_jobtap_prolog_start(p, who);
        finish_later(p);
    }
    return 0;
}

static int cleanup_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                      void *arg)
{
    const char *who = NULL;

    if (flux_plugin_conf_unpack(p, "{s:s}", "epilog", &who) == 0) {
        flux_jobtap_epilog_start(p, who);
        finish_later(p);
    }
    return 0;
}

static int priority_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                       void *arg)
{
    int wait = 0, fixed = 0;

    flux_plugin_conf_unpack(p, "{s?i s?i}", "wait", &wait, "fixed", &fixed);
    if (wait)
        return flux_jobtap_priority_unavail(p, args);
    if (fixed)
        return flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_OUT, "{s:i}", "priority",
                                    fixed);
    return 0;
}

static int event_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                    void *arg)
{
    const char *name;

    if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:{s:s}}", "entry", "name",
                               &name) == 0 &&
        strcmp(topic + strlen("job.event."), name) == 0)
        calls[1]++;
    return 0;
}

/* Nothing may be posted any more. */
static int ended_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                    void *arg)
{
    int64_t id = 0;
    int userid = 0, state = 0;
    size_t len = strlen(ended);

    if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:I s:i s:i}", "id", &id,
                               "userid", &userid, "state", &state) < 0 ||
        state != FLUX_JOB_STATE_INACTIVE ||
        flux_jobtap_event_post_pack(p, FLUX_JOBTAP_CURRENT_JOB, "late", NULL) == 0)
        return -1;
    snprintf(ended + len, sizeof(ended) - len, "%s%d:%d ",
             strcmp(topic, "job.inactive-add") == 0 ? "+" : "-", (int)id, userid);
    return 0;
}

static int query_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                    void *arg)
{
    return flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_OUT, "{s:i s:i s:s}", "runs",
                                calls[0], "events", calls[1], "ended", ended);
}

static void go_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    flux_plugin_t *p = arg;

    flux_jobtap_reprioritize_job(p, 1, 42);
    flux_jobtap_event_post_pack(p, 1, "debug.go", "{s:i}", "x", 1);
    flux_respond_pack(h, msg, "{s:i s:i}", "posted",
                      flux_jobtap_job_event_posted(p, 1, "debug.go"), "unposted",
                      flux_jobtap_job_event_posted(p, 1, "finish"));
}

int flux_plugin_init(flux_plugin_t *p);

int flux_plugin_init(flux_plugin_t *p)
{
    static const struct flux_plugin_handler table[] = {
        {"job.validate", validate_cb, NULL},
        {"job.state.run", run_cb, NULL},
        {"job.state.cleanup", cleanup_cb, NULL},
        {"job.priority.get", priority_cb, NULL},
        {"job.event.*", event_cb, NULL},
        {"job.inactive-add", ended_cb, NULL},
        {"job.inactive-remove", ended_cb, NULL},
        {"plugin.query", query_cb, NULL},
        {NULL, NULL, NULL},
    };
    flux_watcher_t *w = flux_timer_watcher_create(
        flux_get_reactor(flux_jobtap_get_flux(p)), 1., 0., finish_cb, p);

    calls[0] = calls[1] = 0;
    ended[0] = '\0';
    if (flux_plugin_register(p, "tap", table) < 0 ||
        flux_plugin_aux_set(p, "timer", w, (flux_free_f)flux_watcher_destroy) < 0)
        return -1;
    return flux_jobtap_service_register(p, "go", go_cb, p);
}
