/* The address that a broker listens at, when a launcher has started it and nobody has said
 * one: a socket in its rundir when all brokers are on this host, else a port of the
 * address that others most likely reach this host at. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/strv.h"
#include "broker/boot_private.h"
#include "broker/boot_uri.h"
#include "env/net.h"

static int by_hint(const struct boot *b, const char *hint, bool v6, char *buf)
{
    if (!strcmp(hint, "hostname"))
        return net_name_address(b->env, b->hostname, v6, buf);
    if (strchr(hint, '/'))
        return net_network_address(b->env, hint, buf);
    return net_interface_address(b->env, hint, v6, buf);
}

/* Without a hint: where the default route goes; what the host's name stands for; any. A
 * name often stands for the loopback: better than nothing, on a host without network. */
static int by_search(const struct boot *b, bool v6, char *buf)
{
    if (net_default_address(b->env, v6, buf) == 0 ||
        net_any_address(b->env, v6, buf) == 0 ||
        net_name_address(b->env, b->hostname, v6, buf) == 0)
        return 0;
    strcpy(buf, v6 ? "::1" : "127.0.0.1");
    return net_is_local(b->env, buf) || env_is_sim(b->env) ? 0 : -ENETUNREACH;
}

static int own_address(const struct boot *b, char buf[NET_ADDRESS_SIZE],
                       flux_error_t *err)
{
    bool v6 = strv_getenv_set(b->environment, "FLUX_IPADDR_V6") != NULL;
    const char *hint = b->interface;

    if (hint && strcmp(hint, "default-route") != 0) {
        if (by_hint(b, hint, v6, buf) < 0)
            return error_set(err, ENODEV,
                             "no address by the hint '%s' (an interface, a "
                             "network, hostname, or default-route)",
                             hint);
        return 0;
    }
    if (by_search(b, v6, buf) < 0 && by_search(b, !v6, buf) < 0)
        return error_set(err, ENETUNREACH,
                         "this host has no network address to listen at");
    return 0;
}

/* The user's own: tbon.endpoint. */
static int expand_endpoint(const struct boot *b, char **ret, flux_error_t *err)
{
    char ip[NET_ADDRESS_SIZE] = "";
    const struct boot_token tokens[] = {
        {'h', ip, NULL}, {'B', b->rundir, "there is no rundir"}, {0}};
    char *text;
    int rc;

    if (strstr(b->endpoint, "%h") && (rc = own_address(b, ip, err)) < 0)
        return rc;
    if ((rc = boot_expand(b->endpoint, tokens, &text, err)) < 0)
        return rc;
    rc = boot_bind_address(b->env, text, strchr(text, '[') != NULL, ret, err);
    free(text);
    return rc;
}

int boot_choose_bind(const struct boot *b, bool together, char **ret, flux_error_t *err)
{
    char ip[NET_ADDRESS_SIZE], *path;
    int rc;

    if (b->endpoint)
        return expand_endpoint(b, ret, err);
    if (together && !b->prefer_tcp && b->rundir) {
        if (asprintf(&path, "ipc://%s/tbon-%u", b->rundir, (unsigned)b->info.rank) < 0)
            return error_set(err, ENOMEM, "out of memory");
        if (strlen(path) <= strlen("ipc://") + BOOT_IPC_MAX) {
            *ret = path;
            return 0;
        }
        free(path);
    }
    if ((rc = own_address(b, ip, err)) < 0)
        return rc;
    *ret = boot_uri_tcp(ip, 0);
    return *ret ? 0 : error_set(err, ENOMEM, "out of memory");
}

int boot_public_address(const struct boot *b, const char *address, char **ret,
                        flux_error_t *err)
{
    char ip[NET_ADDRESS_SIZE];
    struct boot_uri u;
    int rc = boot_uri_parse(address, &u, err);

    if (rc < 0)
        return rc;
    if (u.kind == BOOT_TCP && (!strcmp(u.host, "0.0.0.0") || !strcmp(u.host, "::"))) {
        if ((rc = own_address(b, ip, err)) < 0)
            return rc;
        *ret = boot_uri_tcp(ip, u.port);
    } else
        *ret = strdup(address);
    return *ret ? 0 : error_set(err, ENOMEM, "out of memory");
}
