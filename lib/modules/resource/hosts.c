/* The hosts of the brokers; see hosts.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "modules/resource/hosts.h"

DEFINE_CLEANUP(struct hostlist *, hostlist_destroy)
DEFINE_CLEANUP(struct hosts *, hosts_free)

struct host {
    int number;
    char *name;
    struct idset *ranks;
};

struct hosts {
    uint32_t size;
    struct host **by_rank; /* NULL: not known */
    struct host **host;    /* by number */
    int n;
    struct map *by_name; /* owns them */
};

static void host_free(void *arg)
{
    struct host *host = arg;

    idset_destroy(host->ranks);
    free(host->name);
    free(host);
}

void hosts_free(struct hosts *hs)
{
    if (!hs)
        return;
    map_free(hs->by_name);
    free(hs->by_rank);
    free(hs->host);
    free(hs);
}

static int add_host(struct hosts *hs, const char *name, struct host **ret)
{
    struct host *host = calloc(1, sizeof(*host));

    if (!host)
        return -ENOMEM;
    host->number = hs->n;
    host->name = strdup(name);
    host->ranks = idset_create(0, IDSET_FLAG_AUTOGROW);
    if (!host->name || !host->ranks || map_add(hs->by_name, name, host) < 0) {
        host_free(host);
        return -ENOMEM;
    }
    hs->host[hs->n++] = host; /* there are no more hosts than ranks */
    *ret = host;
    return 0;
}

int hosts_set(struct hosts *hs, uint32_t rank, const char *name)
{
    struct host *host = map_get(hs->by_name, name);
    int rc;

    if (rank >= hs->size || hs->by_rank[rank])
        return -EINVAL;
    if (!host && (rc = add_host(hs, name, &host)) < 0)
        return rc;
    if (idset_set(host->ranks, rank) < 0)
        return -ENOMEM;
    hs->by_rank[rank] = host;
    return 0;
}

int hosts_new(uint32_t size, const char *hostlist, struct hosts **ret)
{
    CLEANUP(hostlist_destroy_p) struct hostlist *hl = hostlist_decode(hostlist);
    CLEANUP(hosts_free_p) struct hosts *hs = calloc(1, sizeof(*hs));
    uint32_t rank = 0;
    int rc = 0;

    if (!hl)
        return -EINVAL;
    if (!hs || !(hs->by_rank = calloc(size, sizeof(*hs->by_rank))) ||
        !(hs->host = calloc(size, sizeof(*hs->host))) ||
        !(hs->by_name = map_new(host_free)))
        return -ENOMEM;
    hs->size = size;
    for (const char *name = hostlist_first(hl); name && rank < size && rc == 0;
         name = hostlist_next(hl))
        rc = hosts_set(hs, rank++, name);
    if (rc == 0)
        *ret = TAKE(hs);
    return rc;
}

uint32_t hosts_size(const struct hosts *hs)
{
    return hs->size;
}

const char *hosts_name(const struct hosts *hs, uint32_t rank)
{
    return rank < hs->size && hs->by_rank[rank] ? hs->by_rank[rank]->name : NULL;
}

int hosts_number(const struct hosts *hs, uint32_t rank)
{
    return rank < hs->size && hs->by_rank[rank] ? hs->by_rank[rank]->number : -ENOENT;
}

int hosts_find(const struct hosts *hs, const char *name)
{
    const struct host *host = map_get(hs->by_name, name);

    return host ? host->number : -ENOENT;
}

const struct idset *hosts_ranks(const struct hosts *hs, int number)
{
    return hs->host[number]->ranks;
}
