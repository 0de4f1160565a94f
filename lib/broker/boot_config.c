/* Booting by the [bootstrap] table of the configuration, the same on all hosts:
 *
 *     [bootstrap]
 *     curve_cert = "/etc/flux/curve"        # key file
 *     default_port = 8050                   # %p
 *     default_bind = "tcp://eth0:%p"
 *     default_connect = "tcp://%h:%p"       # %h is the host of the entry
 *     hosts = [
 *         { host = "mgmt", bind = "tcp://eth1:9001", connect = "tcp://mgmt-x:9001" },
 *         { host = "node[0-63]" },          # ranks 1 to 64
 *     ]
 *
 * A broker's rank is the place of its host. No hosts: it is alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/map.h"
#include "broker/boot_private.h"
#include "broker/boot_uri.h"

struct defaults {
    const char *key_file, *bind, *connect;
    int port, v6; /* port 0: none */
};

/* Strings are the configuration's, but for the host. */
struct host {
    char *name;
    const char *bind, *connect, *parent;
};

struct hosts {
    struct host *v;
    uint32_t n, max;
    struct map *by_name; /* -> rank + 1 */
};

static void hosts_free(struct hosts *h)
{
    for (uint32_t i = 0; i < h->n; i++)
        free(h->v[i].name);
    free(h->v);
    map_free(h->by_name);
}

/* The rank of a host; -1: not among them. */
static int64_t find_host(const struct hosts *h, const char *name)
{
    return (int64_t)(intptr_t)map_get(h->by_name, name) - 1;
}

static int add_host(struct hosts *h, const struct host *proto, const char *name,
                    flux_error_t *err)
{
    struct host *v = h->v;
    int rc;

    if (find_host(h, name) >= 0)
        return error_set(err, EINVAL,
                         "bootstrap.hosts: %s is rank %u and rank %u: name it once", name,
                         (unsigned)find_host(h, name), (unsigned)h->n);
    if (h->n == h->max) {
        h->max = h->max ? 2 * h->max : 64;
        if (!(v = reallocarray(h->v, h->max, sizeof(*v))))
            return error_set(err, ENOMEM, "out of memory");
        h->v = v;
    }
    v[h->n] = *proto;
    if (!(v[h->n].name = strdup(name)))
        return error_set(err, ENOMEM, "out of memory");
    rc = map_add(h->by_name, name, (void *)(intptr_t)(h->n + 1));
    h->n++;
    return rc < 0 ? error_set(err, -rc, "%s", strerror(-rc)) : 0;
}

/* One entry, for one host or for many. */
static int add_entry(struct hosts *h, const cJSON *entry, int index, flux_error_t *err)
{
    struct host proto = {0};
    struct hostlist *hl;
    const char *names;
    flux_error_t why;
    int rc = json_unpack(entry, &why, "{s:s s?s s?s s?s !}", "host", &names, "bind",
                         &proto.bind, "connect", &proto.connect, "parent", &proto.parent);

    if (rc < 0)
        return error_set(err, EINVAL,
                         "bootstrap.hosts[%d]: %s (keys: host, bind, connect, parent)",
                         index, why.text);
    if (!(hl = hostlist_decode(names)) || hostlist_is_empty(hl)) {
        hostlist_destroy(hl);
        return error_set(err, EINVAL, "bootstrap.hosts[%d]: '%s' is no list of hosts",
                         index, names);
    }
    for (const char *s = hostlist_first(hl); s && rc == 0; s = hostlist_next(hl))
        rc = add_host(h, &proto, s, err);
    hostlist_destroy(hl);
    return rc;
}

static int read_hosts(struct hosts *h, const cJSON *array, flux_error_t *err)
{
    const cJSON *entry;
    int index = 0, rc = 0;

    if (!(h->by_name = map_new(NULL)))
        return error_set(err, ENOMEM, "out of memory");
    if (array && !cJSON_IsArray(array))
        return error_set(err, EINVAL, "bootstrap.hosts: expected an array of tables");
    cJSON_ArrayForEach(entry, array)
    {
        if ((rc = add_entry(h, entry, index++, err)) < 0)
            return rc;
    }
    return 0;
}

static int read_table(const struct boot *b, struct defaults *d, struct hosts *h,
                      flux_error_t *err)
{
    cJSON *array = NULL;
    flux_error_t why;

    if (flux_conf_unpack(b->conf, &why, "{s?{s?b s?s s?i s?s s?s s?o !}}", "bootstrap",
                         "enable_ipv6", &d->v6, "curve_cert", &d->key_file,
                         "default_port", &d->port, "default_bind", &d->bind,
                         "default_connect", &d->connect, "hosts", &array) < 0)
        return error_set(err, EINVAL, "configuration: bootstrap: %s", why.text);
    if (d->port < 0 || d->port > 65535)
        return error_set(err, EINVAL, "bootstrap.default_port: %d is no port", d->port);
    return read_hosts(h, array, err);
}

/* ---- who are we ---- */

static int find_rank(struct boot *b, const struct hosts *h, flux_error_t *err)
{
    int64_t rank = find_host(h, b->hostname);
    AUTOFREE char *shorter = strdup(b->hostname);

    if (rank < 0 && shorter) {
        shorter[strcspn(shorter, ".")] = '\0';
        rank = find_host(h, shorter);
    }
    if (rank < 0)
        return error_set(err, ENOENT,
                         "bootstrap.hosts has no entry for this host, %s, among its %u",
                         b->hostname, (unsigned)h->n);
    b->info.rank = (uint32_t)rank;
    b->info.size = h->n;
    return 0;
}

static bool has_parents(const struct hosts *h)
{
    for (uint32_t i = 0; i < h->n; i++) {
        if (h->v[i].parent)
            return true;
    }
    return false;
}

/* Each rank's parent by its name; rank 0 when none is said. */
static int custom_topo(struct boot *b, const struct hosts *h, flux_error_t *err)
{
    AUTOFREE uint32_t *parents = calloc(h->n, sizeof(*parents));

    if (!parents)
        return error_set(err, ENOMEM, "out of memory");
    for (uint32_t i = 1; i < h->n; i++) {
        int64_t p = h->v[i].parent ? find_host(h, h->v[i].parent) : 0;

        if (p < 0)
            return error_set(err, EINVAL,
                             "bootstrap.hosts: parent %s of %s is not among the hosts",
                             h->v[i].parent, h->v[i].name);
        if (p >= i)
            return error_set(err, EINVAL,
                             "bootstrap.hosts: %s is to come after its parent %s",
                             h->v[i].name, h->v[i].parent);
        parents[i] = (uint32_t)p;
    }
    return topo_new_custom(parents, h->n, &b->info.topo, err);
}

static int make_topo(struct boot *b, const struct hosts *h, flux_error_t *err)
{
    bool custom = b->topo && !strcmp(b->topo, "custom");

    if (has_parents(h) && b->topo && !custom)
        return error_set(
            err, EINVAL,
            "bootstrap.hosts has parents, but tbon.topo is %s: make it custom", b->topo);
    if (has_parents(h) || custom)
        return custom_topo(b, h, err);
    return boot_make_topo(b, err);
}

/* ---- addresses ---- */

static int expand(const struct defaults *d, const struct host *h, const char *text,
                  char **ret, flux_error_t *err)
{
    char port[8];
    const struct boot_token tokens[] = {
        {'h', h->name, NULL},
        {'p', d->port ? port : NULL, "%p needs bootstrap.default_port"},
        {0}};

    snprintf(port, sizeof(port), "%d", d->port);
    return boot_expand(text, tokens, ret, err);
}

static int find_bind(struct boot *b, const struct defaults *d, const struct host *h,
                     flux_error_t *err)
{
    const char *text = h->bind ? h->bind : d->bind;
    AUTOFREE char *full = NULL;
    struct boot_uri u;
    int rc;

    if (!text)
        return error_set(err, EINVAL,
                         "%s (rank %u) has children, but no address to listen at: set "
                         "bootstrap.default_bind, or bind of its entry",
                         h->name, (unsigned)b->info.rank);
    if ((rc = expand(d, h, text, &full, err)) < 0 ||
        (rc = boot_uri_parse(full, &u, err)) < 0)
        return rc;
    if (u.kind == BOOT_TCP && u.port == 0)
        return error_set(err, EINVAL,
                         "address '%s' of %s needs a port, for its children to know",
                         full, h->name);
    return boot_bind_address(b->env, full, d->v6, &b->info.bind, err);
}

static int find_parent(struct boot *b, const struct defaults *d, const struct hosts *h,
                       flux_error_t *err)
{
    uint32_t rank = topo_parent(b->info.topo, b->info.rank);
    const struct host *parent = &h->v[rank];
    const char *text = parent->connect ? parent->connect : d->connect;
    struct boot_uri u;
    int rc;

    if (!text)
        return error_set(err, EINVAL,
                         "%s (rank %u) is our parent, but has no address to connect to: "
                         "set bootstrap.default_connect, or connect of its entry",
                         parent->name, (unsigned)rank);
    if ((rc = expand(d, parent, text, &b->info.parent, err)) < 0)
        return rc;
    if ((rc = boot_uri_parse(b->info.parent, &u, err)) == 0 && u.kind == BOOT_TCP &&
        (u.port == 0 || !strcmp(u.host, "*")))
        rc = error_set(err, EINVAL, "address '%s': nobody can connect to that",
                       b->info.parent);
    return rc;
}

static int make_hostlist(struct boot *b, const struct hosts *h, flux_error_t *err)
{
    struct hostlist *hl = hostlist_create();
    int rc = hl ? 0 : -ENOMEM;

    for (uint32_t i = 0; i < h->n && rc == 0; i++)
        rc = hostlist_append(hl, h->v[i].name) == 1 ? 0 : -errno;
    if (rc == 0 && !(b->info.hostlist = hostlist_encode(hl)))
        rc = -ENOMEM;
    hostlist_destroy(hl);
    return rc < 0 ? error_set(err, -rc, "hosts: %s", strerror(-rc)) : 0;
}

/* ---- all of it ---- */

static int take_place(struct boot *b, const struct defaults *d, const struct hosts *h,
                      flux_error_t *err)
{
    int rc;

    if (h->n == 0) {
        b->info.size = 1;
        return boot_make_topo(b, err);
    }
    if ((rc = find_rank(b, h, err)) < 0 || (rc = make_topo(b, h, err)) < 0 ||
        (rc = make_hostlist(b, h, err)) < 0)
        return rc;
    if (boot_has_children(b) && (rc = find_bind(b, d, &h->v[b->info.rank], err)) < 0)
        return rc;
    if (b->info.rank > 0 && (rc = find_parent(b, d, h, err)) < 0)
        return rc;
    return h->n > 1 ? boot_read_key(b, d->key_file, err) : 0;
}

static int config_start(struct boot *b, flux_error_t *err)
{
    struct defaults d = {0};
    struct hosts h = {0};
    int rc = read_table(b, &d, &h, err);

    if (rc == 0)
        rc = take_place(b, &d, &h, err);
    hosts_free(&h);
    return rc;
}

const struct boot_method boot_config = {.name = "config",
                                        .waits = true, /* for a name server */
                                        .start = config_start};
