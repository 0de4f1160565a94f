/* The ranks of an R: see ranks.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <flux/hostlist.h>
#include <flux/idset.h>

#include "base/cleanup.h"
#include "modules/job-exec/ranks.h"

static int get_execution(struct slice R, const char *key, struct slice *ret)
{
    struct slice execution;
    return slice_get(R, "execution", &execution) == 0 ? slice_get(execution, key, ret)
                                                      : -ENOENT;
}

#define RANK_DIGITS 6 /* more than ids in text may have */

/* Most entries name one rank. */
static bool one_rank(struct slice text, unsigned *ret)
{
    unsigned n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        n = n * 10 + (unsigned)(text.p[i] - '0');
    }
    *ret = n;
    return text.len > 0 && text.len <= RANK_DIGITS;
}

static int take_ids(const struct idset *ids, unsigned **ret, unsigned *ret_n)
{
    unsigned n = 0, id;
    unsigned *ranks = malloc((idset_count(ids) + 1) * sizeof(*ranks));
    if (!ranks)
        return -ENOMEM;
    for (id = idset_first(ids); id != IDSET_INVALID_ID; id = idset_next(ids, id))
        ranks[n++] = id;
    if (n == 0)
        ranks[n++] = 0;
    *ret = ranks;
    *ret_n = n;
    return 0;
}

static int read_entries(struct slice entries, struct idset *ids)
{
    struct slice o, v;
    size_t pos = 0;
    unsigned rank;
    int rc;
    while ((rc = slice_element(entries, &pos, &o)) > 0) {
        if (slice_get(o, "rank", &v) < 0 || slice_str(v, &v) < 0)
            return -EPROTO;
        if (one_rank(v, &rank) ? idset_set(ids, rank) < 0
                               : idset_decode_add(ids, v.p, (ssize_t)v.len, NULL) < 0)
            return -EPROTO;
    }
    return rc;
}

int ranks_read(struct slice R, unsigned **ret, unsigned *ret_n)
{
    struct slice entries;
    struct idset *ids = idset_create(64, IDSET_FLAG_AUTOGROW);
    int rc = ids ? 0 : -ENOMEM;
    if (rc == 0 && get_execution(R, "R_lite", &entries) == 0)
        rc = read_entries(entries, ids);
    if (rc == 0)
        rc = take_ids(ids, ret, ret_n);
    idset_destroy(ids);
    return rc;
}

struct hostlist *ranks_hosts(struct slice R)
{
    struct slice list, v;
    size_t pos = 0;
    struct hostlist *hl = hostlist_create();
    if (hl && get_execution(R, "nodelist", &list) == 0)
        while (slice_element(list, &pos, &v) > 0) {
            AUTOFREE char *text = slice_strdup(v);
            if (!text || hostlist_append(hl, text) < 0)
                break;
        }
    return hl;
}
