/* A job must be able to end before the instance's own resources expire. The time is
 * asked of the resource service once, and again when the configuration changes.
 */
#include <stdio.h>
#include <stdlib.h>

#include <flux/jobtap.h>

#include "base/fsd.h"
#include "modules/job-manager/plugins/builtin.h"

struct lifetime {
    flux_plugin_t *p;
    flux_future_t *asked;
    double expiration; /* 0: none */
};

static void lifetime_free(void *arg)
{
    struct lifetime *l = arg;

    flux_future_destroy(l->asked);
    free(l);
}

static void answer_cb(flux_future_t *f, void *arg)
{
    struct lifetime *l = arg;
    double expiration;

    if (flux_rpc_get_unpack(f, "{s:{s:{s:f}}}", "R", "execution", "expiration",
                            &expiration) == 0)
        l->expiration = expiration;
    flux_future_destroy(f);
    l->asked = NULL;
}

static int conf_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                   void *arg)
{
    struct lifetime *l = arg;
    flux_t *h = flux_jobtap_get_flux(p);

    if (l->asked)
        return 0;
    l->asked = flux_rpc(h, "resource.status", NULL, FLUX_NODEID_ANY, 0);
    if (l->asked && flux_future_then(l->asked, -1., answer_cb, l) < 0) {
        flux_future_destroy(l->asked);
        l->asked = NULL;
    }
    return 0;
}

static int validate_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                       void *arg)
{
    const struct lifetime *l = arg;
    char wanted[64], left[64];
    double duration, remaining;

    if (l->expiration <= 0)
        return 0;
    remaining =
        l->expiration - flux_reactor_now(flux_get_reactor(flux_jobtap_get_flux(p)));
    if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:{s:f}}", "updates",
                               "attributes.system.duration", &duration) < 0 &&
        flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:f}", "duration", &duration) <
            0)
        return flux_jobtap_reject_job(p, args, "%s", flux_plugin_arg_strerror(args));
    /* A job without a limit ends with the instance. */
    if (duration <= remaining)
        return 0;
    fsd_format(duration, wanted, sizeof(wanted));
    fsd_format(remaining > 0 ? remaining : 0, left, sizeof(left));
    return flux_jobtap_reject_job(
        p, args, "job duration (%s) exceeds remaining instance lifetime (%s)", wanted,
        left);
}

int plugin_validate_duration(flux_plugin_t *p)
{
    struct lifetime *l = calloc(1, sizeof(*l));

    if (!l || flux_plugin_aux_set(p, "lifetime", l, lifetime_free) < 0) {
        free(l);
        return -1;
    }
    l->p = p;
    if (flux_plugin_add_handler(p, "conf.update", conf_cb, l) < 0)
        return -1;
    return flux_plugin_add_handler(p, "job.validate", validate_cb, l);
}
