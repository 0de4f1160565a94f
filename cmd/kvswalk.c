/* Walks over the state of an instance: each answer says where the next one goes on. */
#include "kvswalk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static int fail(struct cli *c, const char *topic, flux_future_t *f)
{
    return cli_fail(c, "%s: %s", topic, cli_why(f));
}

static int one_item(struct cli *c, const cJSON *item, kvswalk_key_f fn, void *arg)
{
    const char *key = json_str(cJSON_GetArrayItem(item, 0));
    const char *kind = json_str(cJSON_GetArrayItem(item, 1));

    if (!key || !kind)
        return cli_fail(c, "kvs.walk: %s", strerror(EPROTO));
    return fn(item, key, kind, arg);
}

int kvswalk_keys(struct cli *c, flux_t *h, const char *rootref, bool check,
                 kvswalk_key_f fn, void *arg)
{
    char *at = strdup("");
    int64_t offset = 0;
    int more = 1, rc = 0;

    while (rc == 0 && more) {
        flux_future_t *f =
            flux_rpc_pack(h, "kvs.walk", 0, 0, "{s:s s:s s:I s:b}", "rootref", rootref,
                          "key", at, "offset", offset, "check", check);
        const cJSON *items, *item;
        const char *next;

        if (!f || flux_rpc_get_unpack(f, "{s:o s:b s:s s:I}", "items", &items, "more",
                                      &more, "key", &next, "offset", &offset) < 0)
            rc = fail(c, "kvs.walk", f);
        else {
            free(at);
            at = strdup(next);
            cJSON_ArrayForEach(item, items) if (rc == 0) rc = one_item(c, item, fn, arg);
        }
        flux_future_destroy(f);
    }
    free(at);
    return rc;
}

int kvswalk_jobs(struct cli *c, flux_t *h, kvswalk_job_f fn, void *arg)
{
    int64_t after = 0;
    int more = 1, rc = 0;

    while (rc == 0 && more) {
        flux_future_t *f = flux_rpc_pack(h, "kvs.jobs", 0, 0, "{s:I}", "after", after);
        const cJSON *jobs, *row;

        if (!f || flux_rpc_get_unpack(f, "{s:o s:b}", "jobs", &jobs, "more", &more) < 0)
            rc = fail(c, "kvs.jobs", f);
        else
            cJSON_ArrayForEach(row, jobs)
            {
                json_int64(json_get(row, "id"), &after);
                if (rc == 0)
                    rc = fn((cJSON *)row, arg);
            }
        flux_future_destroy(f);
    }
    return rc;
}

flux_future_t *kvswalk_sync(flux_t *h)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    flux_future_t *f = flux_kvs_commit(h, KVS_PRIMARY_NAMESPACE, FLUX_KVS_SYNC, txn);

    flux_kvs_txn_destroy(txn);
    return f;
}
