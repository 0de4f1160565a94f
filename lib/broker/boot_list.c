/* Booting by a plain list of addresses, in a file of its own (attribute boot.config_file):
 *
 *     session-id = "mine"
 *     tbon-endpoints = [ "tcp://10.0.0.1:8020", "tcp://10.0.0.2:8020" ]
 *
 * A broker's rank is the place of the first address that is one of its host's; `rank` and
 * `size` may say it instead. As in 2018, but for curve_cert, which names the key file;
 * mcast-endpoint is accepted, and not needed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "broker/boot_private.h"
#include "broker/boot_uri.h"
#include "env/net.h"

struct list_file {
    flux_conf_t *conf;
    const char *session, *key_file;
    int rank, size; /* -1: not said */
    const char **text;
    struct boot_uri *uri;
    uint32_t n;
};

static void list_free(struct list_file *f)
{
    flux_conf_decref(f->conf);
    free(f->text);
    free(f->uri);
}

/* Sorted by what makes two of them equal, duplicates stand side by side. */
static int by_text(const void *a, const void *b)
{
    return strcmp(**(const char **const *)a, **(const char **const *)b);
}

static int check_duplicates(const struct list_file *f, flux_error_t *err)
{
    AUTOFREE const char ***v = calloc(f->n, sizeof(*v));

    if (!v)
        return error_set(err, ENOMEM, "out of memory");
    for (uint32_t i = 0; i < f->n; i++)
        v[i] = &f->text[i];
    qsort(v, f->n, sizeof(*v), by_text);
    for (uint32_t i = 1; i < f->n; i++) {
        uint32_t a = (uint32_t)(v[i - 1] - f->text), b = (uint32_t)(v[i] - f->text);

        if (boot_uri_equal(&f->uri[a], &f->uri[b]))
            return error_set(
                err, EINVAL, "tbon-endpoints: ranks %u and %u have one address, %s",
                (unsigned)(a < b ? a : b), (unsigned)(a < b ? b : a), f->text[a]);
    }
    return 0;
}

static int read_endpoint(struct list_file *f, const cJSON *item, flux_error_t *err)
{
    uint32_t i = f->n;
    struct boot_uri *u = &f->uri[i];
    flux_error_t why;

    if (!(f->text[i] = json_str(item)))
        return error_set(err, EINVAL, "tbon-endpoints[%u]: expected a string",
                         (unsigned)i);
    if (boot_uri_parse(f->text[i], u, &why) < 0)
        return error_set(err, EINVAL, "tbon-endpoints[%u]: %s", (unsigned)i, why.text);
    if (u->kind == BOOT_TCP && (u->port == 0 || !strcmp(u->host, "*")))
        return error_set(err, EINVAL, "tbon-endpoints[%u]: '%s' needs a host and a port",
                         (unsigned)i, f->text[i]);
    f->n++;
    return 0;
}

static int read_endpoints(struct list_file *f, const cJSON *array, flux_error_t *err)
{
    const cJSON *item;
    int n = cJSON_IsArray(array) ? cJSON_GetArraySize(array) : 0;

    if (n == 0)
        return error_set(err, EINVAL,
                         "tbon-endpoints: expected an array of addresses, one a broker");
    f->text = calloc(n, sizeof(*f->text));
    f->uri = calloc(n, sizeof(*f->uri));
    if (!f->text || !f->uri)
        return error_set(err, ENOMEM, "out of memory");
    cJSON_ArrayForEach(item, array)
    {
        int rc = read_endpoint(f, item, err);

        if (rc < 0)
            return rc;
    }
    return check_duplicates(f, err);
}

static int check_place(const struct list_file *f, flux_error_t *err)
{
    if (f->size >= 0 && (uint32_t)f->size != f->n)
        return error_set(err, EINVAL, "size is %d, but there are %u tbon-endpoints",
                         f->size, (unsigned)f->n);
    if (f->rank >= 0 && (uint32_t)f->rank >= f->n)
        return error_set(err, EINVAL,
                         "rank is %d, but the last of %u tbon-endpoints is rank %u",
                         f->rank, (unsigned)f->n, (unsigned)f->n - 1);
    return 0;
}

static int read_file(const struct boot *b, struct list_file *f, flux_error_t *err)
{
    cJSON *array = NULL;
    const char *mcast;
    int rc;

    if (!(f->conf = flux_conf_parse(b->config_file, err)))
        return -errno;
    f->rank = f->size = -1;
    if (flux_conf_unpack(f->conf, err, "{s:s s:o s?s s?s s?i s?i !}", "session-id",
                         &f->session, "tbon-endpoints", &array, "curve_cert",
                         &f->key_file, "mcast-endpoint", &mcast, "rank", &f->rank, "size",
                         &f->size) < 0)
        return -EINVAL;
    if ((rc = read_endpoints(f, array, err)) < 0)
        return rc;
    return check_place(f, err);
}

static bool is_here(const struct boot *b, const struct boot_uri *u)
{
    return u->kind != BOOT_TCP || !strncmp(u->host, "127.0.0.", 8) ||
           net_is_local(b->env, u->host);
}

static int find_rank(struct boot *b, const struct list_file *f, flux_error_t *err)
{
    b->info.size = f->n;
    if (f->rank >= 0) {
        b->info.rank = (uint32_t)f->rank;
        return 0;
    }
    for (uint32_t i = 0; i < f->n; i++) {
        if (is_here(b, &f->uri[i])) {
            b->info.rank = i;
            return 0;
        }
    }
    return error_set(err, ENOENT,
                     "none of the %u tbon-endpoints is an address of this host: set rank",
                     (unsigned)f->n);
}

/* By the addresses, which is all there is. */
static int make_hostlist(struct boot *b, const struct list_file *f, flux_error_t *err)
{
    struct hostlist *hl = hostlist_create();
    int rc = hl ? 0 : -ENOMEM;

    for (uint32_t i = 0; i < f->n && rc == 0; i++) {
        bool named = f->uri[i].kind == BOOT_TCP && i != b->info.rank &&
                     !strchr(f->uri[i].host, ':');

        if (hostlist_append(hl, named ? f->uri[i].host : b->hostname) != 1)
            rc = -errno;
    }
    if (rc == 0 && !(b->info.hostlist = hostlist_encode(hl)))
        rc = -ENOMEM;
    hostlist_destroy(hl);
    return rc < 0 ? error_set(err, -rc, "tbon-endpoints: %s", strerror(-rc)) : 0;
}

static int take_place(struct boot *b, const struct list_file *f, flux_error_t *err)
{
    int rc;

    if ((rc = find_rank(b, f, err)) < 0 || (rc = boot_make_topo(b, err)) < 0 ||
        (rc = make_hostlist(b, f, err)) < 0)
        return rc;
    if (!(b->session = strdup(f->session)))
        return error_set(err, ENOMEM, "out of memory");
    if (boot_has_children(b) && (rc = boot_bind_address(b->env, f->text[b->info.rank],
                                                        false, &b->info.bind, err)) < 0)
        return rc;
    if (b->info.rank > 0 &&
        !(b->info.parent = strdup(f->text[topo_parent(b->info.topo, b->info.rank)])))
        return error_set(err, ENOMEM, "out of memory");
    return f->n > 1 ? boot_read_key(b, f->key_file, err) : 0;
}

static int list_start(struct boot *b, flux_error_t *err)
{
    struct list_file f = {0};
    flux_error_t why = {{0}};
    int rc = read_file(b, &f, &why);

    if (rc < 0) /* flux_conf_parse() has the name of the file already */
        error_set(err, -rc, "%s%s%s", f.conf ? b->config_file : "", f.conf ? ": " : "",
                  why.text);
    else
        rc = take_place(b, &f, err);
    list_free(&f);
    return rc;
}

const struct boot_method boot_list = {.name = "config",
                                      .waits = true, /* reads a file */
                                      .start = list_start};
