/* flux fsck - look whether all of the state can be read, and put aside what cannot. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/core.h>

#include "base/base64.h"
#include "base/json.h"
#include "cmds.h"
#include "kvswalk.h"

#define FOUND "lost+found"
#define BATCH_OPS 500

static const struct cli_option fsck_options[] = {
    {"repair", 0, CLI_NONE, NULL, "Put aside what cannot be read"},
    {"statedir", 0, CLI_REQUIRED, "DIR", "Check this statedir, which no broker uses"},
    {"verbose", 'v', CLI_NONE, NULL, "List what is checked, and what was put aside"},
    {"quiet", 'q', CLI_NONE, NULL, "Say nothing; the exit code tells"},
    {0},
};

struct fsck {
    struct cli *c;
    flux_t *h;
    unsigned bad, repaired;
    uint64_t jobs;

    /* The namespace at hand. */
    const char *ns, *rootref;
    char **keys; /* bad ones */
    size_t nkeys;
    flux_kvs_txn_t *txn;
    unsigned nops;
};

static bool quiet(const struct fsck *k)
{
    return cli_count(k->c, "quiet") > 0;
}

static void found(struct fsck *k, const char *what, const char *why)
{
    k->bad++;
    if (quiet(k))
        return;
    cli_print_safe(stderr, what);
    fprintf(stderr, ": %s\n", why);
}

static int fail(struct fsck *k, const char *what, flux_future_t *f)
{
    cli_fail(k->c, "%s: %s", what, cli_why(f));
    return -1;
}

/* ---- keys ---- */

static int walk(struct fsck *k, bool check, kvswalk_key_f fn)
{
    return kvswalk_keys(k->c, k->h, k->rootref, check, fn, k) == 0 ? 0 : -1;
}

static bool known(const struct fsck *k, const char *key)
{
    for (size_t i = 0; i < k->nkeys; i++)
        if (!strcmp(k->keys[i], key))
            return true;
    return false;
}

static int note_bad(const cJSON *item, const char *key, const char *kind, void *arg)
{
    struct fsck *k = arg;
    const char *why = json_str(cJSON_GetArrayItem(item, 2));
    const char *ref = json_str(cJSON_GetArrayItem(item, 3));
    char *what, **keys;

    if (asprintf(&what, "%s%s%s (%s)", strcmp(k->ns, "primary") ? k->ns : "",
                 strcmp(k->ns, "primary") ? "::" : "", *key ? key : ".",
                 ref ? ref : "?") < 0)
        return -1;
    found(k, what, why ? why : "?");
    free(what);
    if (known(k, key))
        return 0;
    if (!(keys = realloc(k->keys, (k->nkeys + 1) * sizeof(*keys))))
        return -1;
    k->keys = keys;
    return (k->keys[k->nkeys++] = strdup(key)) ? 0 : -1;
}

/* ---- repair ---- */

static int commit(struct fsck *k)
{
    flux_future_t *f = NULL;
    int rc = 0;

    if (k->nops > 0) {
        f = flux_kvs_commit(k->h, k->ns, 0, k->txn);
        if (!f || flux_future_get(f, NULL) < 0)
            rc = fail(k, k->ns, f);
    }
    flux_future_destroy(f);
    flux_kvs_txn_destroy(k->txn);
    k->txn = flux_kvs_txn_create();
    k->nops = 0;
    return rc < 0 || !k->txn ? -1 : 0;
}

/* Is it below a folder of which a part cannot be read? */
static bool is_concerned(const struct fsck *k, const char *key)
{
    for (size_t i = 0; i < k->nkeys; i++) {
        size_t len = strlen(k->keys[i]);

        if (!strncmp(key, k->keys[i], len) && (key[len] == '.' || key[len] == '\0'))
            return true;
    }
    return false;
}

static int put_item(struct fsck *k, const cJSON *item, const char *to, const char *kind)
{
    const char *text = json_str(cJSON_GetArrayItem(item, 4));
    const char *ns = json_str(cJSON_GetArrayItem(item, 2));
    const char *target = json_str(cJSON_GetArrayItem(item, 3));
    struct buf data = {0};
    int64_t offset = 0;
    int rc;

    if (!strcmp(kind, "link"))
        return flux_kvs_txn_symlink(k->txn, 0, to, ns && *ns ? ns : NULL,
                                    target ? target : "");
    if (!strcmp(kind, "dir"))
        return flux_kvs_txn_mkdir(k->txn, 0, to);
    json_int64(cJSON_GetArrayItem(item, 3), &offset);
    if (text && *text)
        base64_decode_buf(&data, text, strlen(text));
    rc = flux_kvs_txn_put_raw(k->txn, offset ? FLUX_KVS_APPEND : 0, to, data.data,
                              (int)data.len);
    buf_free(&data);
    return rc;
}

/* What can be read of it is kept. */
static int keep_item(const cJSON *item, const char *key, const char *kind, void *arg)
{
    struct fsck *k = arg;
    char *to;
    int rc;

    if (!strcmp(kind, "bad") || !is_concerned(k, key))
        return 0;
    if (asprintf(&to, FOUND ".%s", key) < 0)
        return -1;
    rc = put_item(k, item, to, kind);
    free(to);
    if (rc < 0)
        return fail(k, key, NULL);
    return ++k->nops < BATCH_OPS ? 0 : commit(k);
}

static int repair_keys(struct fsck *k)
{
    int rc;

    if (known(k, ""))
        return cli_fail(k->c, "the root of namespace %s cannot be read: restore a dump",
                        k->ns),
               -1;
    if (!(k->txn = flux_kvs_txn_create()))
        return -1;
    if ((rc = walk(k, false, keep_item)) == 0)
        rc = commit(k);
    for (size_t i = 0; rc == 0 && i < k->nkeys; i++) {
        flux_kvs_txn_unlink(k->txn, 0, k->keys[i]);
        k->nops++;
    }
    if (rc == 0 && (rc = commit(k)) == 0) {
        k->repaired += (unsigned)k->nkeys;
        for (size_t i = 0; !quiet(k) && i < k->nkeys; i++)
            fprintf(stderr,
                    "%s: taken out; what could be read of it is below " FOUND ".%s\n",
                    k->keys[i], k->keys[i]);
    }
    flux_kvs_txn_destroy(k->txn);
    k->txn = NULL;
    return rc;
}

static int check_namespace(struct fsck *k, const cJSON *root)
{
    int rc;

    k->ns = json_str(json_get(root, "namespace"));
    k->rootref = json_str(json_get(root, "rootref"));
    if (!k->ns || !k->rootref)
        return -1;
    if (cli_count(k->c, "verbose"))
        fprintf(stderr, "namespace %s\n", k->ns);
    rc = walk(k, true, note_bad);
    if (rc == 0 && k->nkeys > 0 && cli_count(k->c, "repair"))
        rc = repair_keys(k);
    for (size_t i = 0; i < k->nkeys; i++)
        free(k->keys[i]);
    free(k->keys);
    k->keys = NULL;
    k->nkeys = 0;
    return rc;
}

static int check_keys(struct fsck *k)
{
    flux_future_t *f = kvswalk_sync(k->h);
    const cJSON *roots, *root;
    int rc = 0;

    /* A root that cannot be read takes no commits; the last checkpoint has all then. */
    if (f)
        flux_future_get(f, NULL);
    flux_future_destroy(f);
    f = flux_rpc(k->h, "kvs.roots", "{}", 0, 0);
    if (!f || flux_rpc_get_unpack(f, "{s:o}", "roots", &roots) < 0)
        rc = fail(k, "kvs.roots", f);
    else
        cJSON_ArrayForEach(root, roots) if (rc == 0) rc = check_namespace(k, root);
    flux_future_destroy(f);
    return rc;
}

/* ---- jobs ---- */

static int check_job(cJSON *row, void *arg)
{
    struct fsck *k = arg;
    const char *rec = json_str(json_get(row, "rec"));
    const cJSON *pieces = json_get(row, "pieces");
    int64_t id = 0, inner = 0;
    cJSON *o = NULL;
    char what[64];

    json_int64(json_get(row, "id"), &id);
    snprintf(what, sizeof(what), "job %jd", (intmax_t)id);
    k->jobs++;
    if (!rec || json_parse(rec, strlen(rec), NULL, &o, NULL) < 0 ||
        json_int64(json_get(o, "id"), &inner) < 0)
        found(k, what, "its record cannot be read: it is set aside at the start");
    else if (inner != id)
        found(k, what, "its record is another job's");
    else if (!json_get(pieces, "jobspec"))
        found(k, what, "its jobspec is missing");
    else if (!json_get(pieces, "eventlog"))
        found(k, what, "its eventlog is missing");
    json_free(o);
    return 0;
}

static int check_jobs(struct fsck *k)
{
    return kvswalk_jobs(k->c, k->h, check_job, k) == 0 ? 0 : -1;
}

/* What was put aside before. */
static int show_lost(struct fsck *k)
{
    flux_future_t *f = flux_rpc(k->h, "kvs.lost", "{}", 0, 0);
    const cJSON *lost, *o;
    int rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:o}", "lost", &lost) < 0)
        rc = fail(k, "kvs.lost", f);
    else
        cJSON_ArrayForEach(o, lost)
        {
            const char *what = json_str(json_get(o, "what"));
            const char *why = json_str(json_get(o, "why"));

            if (cli_count(k->c, "verbose") && what && why)
                fprintf(stderr, "put aside before: %s: %s\n", what, why);
        }
    flux_future_destroy(f);
    return rc;
}

/* ---- all ---- */

/* In recovery, with a store that cannot be opened, an empty one is in its place. */
static bool is_open(struct fsck *k)
{
    const char *durability = flux_attr_get(k->h, "broker.durability");

    if (!flux_attr_get(k->h, "statedir") || !durability || strcmp(durability, "none"))
        return true;
    cli_fail(k->c, "the store of %s cannot be opened: restore a dump",
             flux_attr_get(k->h, "statedir"));
    return false;
}

static int run_here(struct cli *c, flux_t *h)
{
    struct fsck k = {.c = c, .h = h};

    if (!is_open(&k) || check_keys(&k) < 0 || check_jobs(&k) < 0 || show_lost(&k) < 0)
        return 1;
    if (!quiet(&k) && k.bad == 0)
        printf("all is sound\n");
    else if (!quiet(&k))
        printf("%u errors%s\n", k.bad,
               k.repaired ? "; keys were repaired"
               : cli_count(c, "repair")
                   ? ""
                   : ": --repair puts keys that cannot be read aside");
    return k.bad > 0;
}

/* A broker that is there for this alone. */
static int run_there(struct cli *c, const char *dir)
{
    char flux[4096], recovery[4200];
    char *argv[10];
    int n = 0;

    snprintf(flux, sizeof(flux), "%s/flux", cmd_bindir());
    snprintf(recovery, sizeof(recovery), "--recovery=%s", dir);
    if (access(dir, F_OK) < 0)
        return cli_fail(c, "%s: %s", dir, strerror(errno));
    argv[n++] = flux;
    argv[n++] = "start";
    argv[n++] = recovery;
    argv[n++] = flux;
    argv[n++] = "fsck";
    if (cli_count(c, "repair"))
        argv[n++] = "--repair";
    if (cli_count(c, "verbose"))
        argv[n++] = "-v";
    if (quiet(&(struct fsck){.c = c}))
        argv[n++] = "-q";
    argv[n] = NULL;
    execv(flux, argv);
    return cli_fail(c, "%s: %s", flux, strerror(errno));
}

static int run_fsck(struct cli *c)
{
    const char *dir = cli_str(c, "statedir", NULL);

    if (cli_argc(c) > 0)
        return cli_usage(c, "'%s': fsck takes no arguments", cli_arg(c, 0));
    return dir ? run_there(c, dir) : cli_with_handle(c, run_here);
}

const struct cli_command cmd_fsck = {
    .name = "fsck",
    .args = "",
    .help = "Look whether all of the state can be read",
    .options = (const struct cli_option *const[]){fsck_options, NULL},
    .run = run_fsck,
};
