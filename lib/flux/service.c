/* Registering services with the broker. */
#include <flux/service.h>

#include <errno.h>

#include <flux/rpc.h>

#include "flux/handle_private.h"

static flux_future_t *call(flux_t *h, const char *topic, const char *name)
{
    return flux_rpc_pack(h, topic, FLUX_NODEID_ANY, 0, "{s:s}", "service", name);
}

flux_future_t *flux_service_register(flux_t *h, const char *name)
{
    flux_t *root;

    if (!h || !name) {
        errno = EINVAL;
        return NULL;
    }
    root = h->root;
    /* Remembered, to be registered again after a reconnect. */
    if ((!root->services && !(root->services = map_new(NULL))) ||
        map_set(root->services, name, root) < 0) {
        errno = ENOMEM;
        return NULL;
    }
    return call(h, "service.add", name);
}

flux_future_t *flux_service_unregister(flux_t *h, const char *name)
{
    if (!h || !name) {
        errno = EINVAL;
        return NULL;
    }
    if (h->root->services)
        map_del(h->root->services, name);
    return call(h, "service.remove", name);
}
