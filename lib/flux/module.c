/* What modules with a loop of their own (mod_main) tell their host. */
#include <flux/module.h>

#include <errno.h>

#include <flux/rpc.h>

#define STATUS_RUNNING 1

int flux_module_set_running(flux_t *h)
{
    flux_future_t *f;

    if (!h) {
        errno = EINVAL;
        return -1;
    }
    f = flux_rpc_pack(h, "module.status", FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE, "{s:i}",
                      "status", STATUS_RUNNING);
    if (!f)
        return -1;
    flux_future_destroy(f);
    return 0;
}
