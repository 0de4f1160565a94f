/* Places given directly. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/broker.h"
#include "broker/place.h"

int place_new(const struct broker_place *given, struct boot_info **ret, flux_error_t *err)
{
    struct boot_info *p;
    int rc;

    if (given->rank >= given->size)
        return error_set(err, EINVAL, "rank %u of an instance of %u",
                         (unsigned)given->rank, (unsigned)given->size);
    if (!(p = calloc(1, sizeof(*p))))
        return -ENOMEM;
    p->method = given->size > 1 ? "given" : "single";
    p->rank = given->rank;
    p->size = given->size;
    p->encrypt = given->encrypt;
    if (given->key)
        memcpy(p->key, given->key, sizeof(p->key));
    if ((rc = topo_new(given->topo ? given->topo : BOOT_TOPO, given->size, &p->topo,
                       err)) < 0 ||
        (rc = boot_copy(given->bind, &p->bind)) < 0 ||
        (rc = boot_copy(given->parent, &p->parent)) < 0 ||
        (rc = boot_copy(given->hostlist, &p->hostlist)) < 0) {
        place_free(p);
        return rc;
    }
    *ret = p;
    return 0;
}

void place_free(struct boot_info *p)
{
    if (!p)
        return;
    boot_info_clear(p);
    free(p);
}

int broker_set_place(struct broker *b, const struct broker_place *place,
                     flux_error_t *err)
{
    int rc = place_new(place, &b->given, err);

    if (rc == 0 && place->hostname)
        rc = attrs_set(b->attrs, "hostname", place->hostname, ATTR_READONLY);
    if (rc == 0 && place->topo)
        rc = attrs_set(b->attrs, "tbon.topo", place->topo, ATTR_BOOT);
    return rc;
}
