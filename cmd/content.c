/* flux content - blobs by their hash: load, store, flush, dropcache; checkpoints. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <flux/core.h>

#include "cmds.h"

#define REF "sha256-"
#define HASH 32
#define TABLE(...) ((const struct cli_option *const[]){__VA_ARGS__, NULL})

/* ---- references ---- */

static int digit(char ch)
{
    static const char digits[] = "0123456789abcdef";
    const char *p = ch ? strchr(digits, ch) : NULL;

    return p ? (int)(p - digits) : -1;
}

static int parse_ref(struct cli *c, const char *ref, unsigned char hash[HASH])
{
    const char *p = ref + sizeof(REF) - 1;

    if (strncmp(ref, REF, sizeof(REF) - 1) != 0 || strlen(p) != 2 * HASH)
        return cli_fail(c, "'%s' is no reference: " REF " and %d hexadecimal digits", ref,
                        2 * HASH);
    for (size_t i = 0; i < HASH; i++, p += 2) {
        int high = digit(p[0]), low = digit(p[1]);

        if (high < 0 || low < 0)
            return cli_fail(c, "'%s' is no reference: '%.2s' are no hexadecimal digits",
                            ref, p);
        hash[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

static void print_ref(const unsigned char *hash)
{
    printf(REF);
    for (size_t i = 0; i < HASH; i++)
        printf("%02x", hash[i]);
    printf("\n");
}

/* ---- load ---- */

static const struct cli_option bypass_option[] = {
    {"bypass-cache", 'b', CLI_NONE, NULL, "For scripts: there is no cache to bypass"},
    {0},
};

static int load_one(struct cli *c, flux_t *h, const char *ref)
{
    unsigned char hash[HASH];
    flux_future_t *f;
    const void *data;
    size_t len;
    int rc = parse_ref(c, ref, hash);

    if (rc != 0)
        return rc;
    f = flux_rpc_raw(h, "content.load", hash, HASH, FLUX_NODEID_ANY, 0);
    if (!f || flux_rpc_get_raw(f, &data, &len) < 0)
        rc = cli_fail(c, "%s: %s", ref,
                      errno == ENOENT ? "there is no such blob" : cli_why(f));
    else if (len > 0 && fwrite(data, 1, len, stdout) != len)
        rc = cli_fail(c, "standard output: %s", strerror(errno));
    flux_future_destroy(f);
    return rc;
}

static int load_lines(struct cli *c, flux_t *h)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    int rc = 0;

    while (rc == 0 && (n = getline(&line, &size, stdin)) > 0) {
        line[strcspn(line, " \t\r\n")] = '\0';
        if (*line)
            rc = load_one(c, h, line);
    }
    free(line);
    return rc;
}

static int run_load(struct cli *c)
{
    flux_t *h = cli_open(c);
    int rc = 0;

    if (!h)
        return 1;
    if (cli_argc(c) == 0)
        rc = load_lines(c, h);
    for (int i = 0; i < cli_argc(c) && rc == 0; i++)
        rc = load_one(c, h, cli_arg(c, i));
    flux_close(h);
    return rc;
}

static const struct cli_command content_load = {
    .name = "load",
    .args = "[BLOBREF...]",
    .help = "Print blobs, one behind the other; references from standard input if none "
            "are given",
    .options = TABLE(bypass_option),
    .run = run_load,
};

/* ---- store ---- */

static const struct cli_option store_options[] = {
    {"chunksize", 0, CLI_REQUIRED, "N", "Cut the input into blobs of N bytes"},
    {0},
};

static int store_blob(struct cli *c, flux_t *h, const char *data, size_t len)
{
    flux_future_t *f =
        flux_rpc_raw(h, "content.store", len ? data : NULL, len, FLUX_NODEID_ANY, 0);
    const void *hash;
    size_t n;
    int rc = 0;

    if (!f || flux_rpc_get_raw(f, &hash, &n) < 0)
        rc = cli_fail(c, "cannot store it: %s", cli_why(f));
    else if (n != HASH)
        rc = cli_fail(c, "the service answers with a hash of %zu bytes", n);
    else
        print_ref(hash);
    flux_future_destroy(f);
    return rc;
}

static int store_all(struct cli *c, flux_t *h, const char *data, size_t len, size_t chunk)
{
    size_t pos = 0;
    int rc;

    do {
        size_t n = chunk && len - pos > chunk ? chunk : len - pos;

        rc = store_blob(c, h, data + pos, n);
        pos += n;
    } while (rc == 0 && pos < len);
    return rc;
}

static int run_store(struct cli *c)
{
    long chunk = 0;
    size_t len;
    char *data;
    flux_t *h;
    int rc;

    if (!cli_int(c, "chunksize", 1, 1L << 30, &chunk))
        return CLI_EXIT_USAGE;
    if (!(data = cli_read_all(stdin, &len)))
        return cli_fail(c, "standard input: %s", strerror(errno));
    if (!(h = cli_open(c))) {
        free(data);
        return 1;
    }
    rc = store_all(c, h, data, len, (size_t)chunk);
    flux_close(h);
    free(data);
    return rc;
}

static const struct cli_command content_store = {
    .name = "store",
    .args = "",
    .help = "Store standard input as a blob and print its reference",
    .options = TABLE(bypass_option, store_options),
    .run = run_store,
};

/* ---- flush, dropcache ---- */

static int ask(struct cli *c, const char *topic)
{
    flux_t *h = cli_open(c);
    int rc = h ? cli_finish(c, topic, flux_rpc(h, topic, NULL, FLUX_NODEID_ANY, 0)) : 1;

    flux_close(h);
    return rc;
}

static int run_flush(struct cli *c)
{
    return ask(c, "content.flush");
}

static int run_dropcache(struct cli *c)
{
    return ask(c, "content.dropcache");
}

static const struct cli_command content_flush = {
    .name = "flush",
    .args = "",
    .help = "Wait until all that was stored is durable",
    .run = run_flush,
};

static const struct cli_command content_dropcache = {
    .name = "dropcache",
    .args = "",
    .help = "Forget what is in memory and also in the store",
    .run = run_dropcache,
};

/* ---- checkpoint ---- */

static void print_checkpoint(const cJSON *o)
{
    const cJSON *timestamp = cJSON_GetObjectItem(o, "timestamp");
    const char *ns = cJSON_GetStringValue(cJSON_GetObjectItem(o, "namespace"));
    const char *ref = cJSON_GetStringValue(cJSON_GetObjectItem(o, "rootref"));
    time_t t = timestamp ? (time_t)timestamp->valuedouble : 0;
    char when[32] = "-";
    struct tm tm;

    if (t > 0 && gmtime_r(&t, &tm))
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    printf("%-8.0f %-20s %s %s\n",
           cJSON_GetNumberValue(cJSON_GetObjectItem(o, "sequence")), when,
           ref ? ref : "-", ns ? ns : "-");
}

static int list_checkpoints(struct cli *c, flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "content.checkpoint-get", NULL, FLUX_NODEID_ANY, 0);
    const cJSON *all, *o;
    const char *text;
    int rc = 0;

    if (!f || flux_rpc_get(f, &text) < 0 ||
        flux_rpc_get_unpack(f, "{s:o}", "value", &all) < 0)
        rc = cli_fail(c, "%s", cli_why(f));
    else if (cli_count(c, "json"))
        printf("%s\n", text);
    else {
        printf("%-8s %-20s %-71s %s\n", "SEQUENCE", "TIME", "ROOTREF", "NAMESPACE");
        cJSON_ArrayForEach(o, all)
        {
            print_checkpoint(o);
        }
    }
    flux_future_destroy(f);
    return rc;
}

static int run_checkpoint_list(struct cli *c)
{
    return cli_argc(c) == 0 ? cli_with_handle(c, list_checkpoints)
                            : cli_usage(c, "there are no arguments");
}

static int update_checkpoint(struct cli *c, flux_t *h)
{
    const char *ref = cli_arg(c, 0);
    unsigned char hash[HASH];
    int rc = parse_ref(c, ref, hash);

    if (rc != 0)
        return rc;
    return cli_finish(c, ref,
                      flux_rpc_pack(h, "content.checkpoint-put", FLUX_NODEID_ANY, 0,
                                    "{s:{s:i s:s}}", "value", "version", 1, "rootref",
                                    ref));
}

static int run_checkpoint_update(struct cli *c)
{
    return cli_argc(c) == 1 ? cli_with_handle(c, update_checkpoint)
                            : cli_usage(c, "a reference is needed");
}

static const struct cli_option list_options[] = {
    {"json", 'j', CLI_NONE, NULL, "Print what the service answers"},
    {0},
};

static const struct cli_command checkpoint_list = {
    .name = "list",
    .args = "",
    .help = "Print the roots of the namespaces that are in the store",
    .options = TABLE(list_options),
    .run = run_checkpoint_list,
};

static const struct cli_command checkpoint_update = {
    .name = "update",
    .args = "BLOBREF",
    .help = "Make a stored directory the root of the primary namespace",
    .run = run_checkpoint_update,
};

static const struct cli_command content_checkpoint = {
    .name = "checkpoint",
    .help = "List what the store keeps of the KVS, put another root in its place",
    .sub =
        (const struct cli_command *const[]){&checkpoint_list, &checkpoint_update, NULL},
};

const struct cli_command cmd_content = {
    .name = "content",
    .help = "Store and load blobs by their hash",
    .sub = (const struct cli_command *const[]){&content_checkpoint, &content_dropcache,
                                               &content_flush, &content_load,
                                               &content_store, NULL},
};
