/* The table of nng_transport, and what is checked before nng is called. */
#include <errno.h>
#include <string.h>

#include "overlay/listener.h"
#include "overlay/result.h"
#include "overlay/stream.h"
#include "overlay/transport.h"

/* nng knows more transports than those that we vouch for. tcp needs a port. */
static int check_address(const char *address)
{
    if (strncmp(address, "ipc://", 6) == 0)
        return address[6] ? 0 : -EINVAL;
    if (strncmp(address, "tcp://", 6) != 0)
        return -EINVAL;
    const char *colon = strrchr(address + 6, ':');
    return colon && colon > address + 6 && colon[1] ? 0 : -EINVAL;
}

static int real_listen(struct loop *l, const char *address, const struct link_conf *conf,
                       struct link **ret)
{
    sigset_t saved;
    int rc = check_address(address);
    if (rc < 0)
        return rc;
    signals_hold(&saved);
    rc = listener_open(l, address, conf, ret);
    signals_release(&saved);
    return rc;
}

static int real_dial(struct loop *l, const char *address, const struct link_conf *conf,
                     struct link **ret)
{
    sigset_t saved;
    int rc = check_address(address);
    if (rc < 0)
        return rc;
    signals_hold(&saved);
    rc = stream_dial(l, address, conf, ret);
    signals_release(&saved);
    return rc;
}

const struct transport_ops nng_transport = {
    .listen = real_listen,
    .dial = real_dial,
    .send = stream_send,
    .close = stream_close,
};
