/* flux dump - write the state of an instance to an archive. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <flux/core.h>

#include "archive.h"
#include "base/base64.h"
#include "base/crc32c.h"
#include "base/json.h"
#include "cmds.h"
#include "kvswalk.h"
#include "proto/tar.h"

static const struct cli_option dump_options[] = {
    {"verbose", 'v', CLI_NONE, NULL, "List what is archived"},
    {"quiet", 'q', CLI_NONE, NULL, "Do not count what is archived"},
    {"checkpoint", 0, CLI_NONE, NULL, "As of the last checkpoint, rather than of now"},
    {"ignore-failed-read", 0, CLI_NONE, NULL, "Leave out what cannot be read"},
    {"no-cache", 0, CLI_NONE, NULL, "Accepted; no cache is used anyway"},
    {0},
};

struct dump {
    struct cli *c;
    flux_t *h;
    struct archive_file file;
    struct buf buf, path;
    uint32_t crc;
    uint64_t entries;
    time_t now;
    bool counted;
    uint64_t size, left; /* of a value that comes in pieces */
};

/* ---- entries ---- */

static int flush(struct dump *d)
{
    d->crc = crc32c(d->crc, d->buf.data, d->buf.len);
    if (d->buf.failed)
        return cli_fail(d->c, "out of memory");
    if (d->buf.len && fwrite(d->buf.data, 1, d->buf.len, d->file.f) != d->buf.len)
        return cli_fail(d->c, "%s: %s", d->file.path ? d->file.path : "standard output",
                        strerror(errno));
    d->buf.len = 0;
    return 0;
}

static int add(struct dump *d, struct tar_entry *e, const void *data, size_t len)
{
    int rc;

    e->mtime = (double)d->now;
    if (len == e->size) {
        e->has_crc = e->type == TAR_FILE;
        e->crc = crc32c(0, data, len);
    }
    d->counted |= archive_tell(d->c, e->path, d->entries++);
    if ((rc = tar_add(&d->buf, e)) < 0)
        return cli_fail(d->c, "%s: %s", e->path, strerror(-rc));
    if (len)
        buf_add(&d->buf, data, len);
    if (e->type == TAR_FILE && len == e->size)
        tar_pad(&d->buf, e->size);
    return flush(d);
}

static int add_file(struct dump *d, const char *path, const void *data, size_t len)
{
    struct tar_entry e = {.type = TAR_FILE, .path = path, .size = len};

    return add(d, &e, data, len);
}

/* ---- keys ---- */

static int bad_item(struct dump *d, const cJSON *item, const char *key)
{
    const char *why = json_str(cJSON_GetArrayItem(item, 2));
    const char *ref = json_str(cJSON_GetArrayItem(item, 3));

    cli_fail(d->c, "%s: %s: %s", *key ? key : ".", ref ? ref : "?", why ? why : "?");
    if (!cli_count(d->c, "ignore-failed-read"))
        return cli_fail(d->c, "flux fsck --repair puts aside what is damaged");
    /* The rest of a value whose size is written already. */
    if (d->left == 0)
        return 0;
    for (; d->left > 0; d->left--)
        buf_addc(&d->buf, '\0');
    tar_pad(&d->buf, d->size);
    return flush(d);
}

/* Pieces after the first one have only their bytes. */
static int value_item(struct dump *d, const cJSON *item)
{
    const char *text = json_str(cJSON_GetArrayItem(item, 4));
    int64_t size, offset;
    struct buf data = {0};
    int rc = 0;

    if (json_int64(cJSON_GetArrayItem(item, 2), &size) < 0 ||
        json_int64(cJSON_GetArrayItem(item, 3), &offset) < 0 || !text ||
        base64_decode_buf(&data, text, strlen(text)) < 0)
        rc = cli_fail(d->c, "kvs.walk: %s", strerror(EPROTO));
    else if (offset == 0) {
        struct tar_entry e = {
            .type = TAR_FILE, .path = d->path.data, .size = (uint64_t)size};

        d->size = (uint64_t)size;
        d->left = d->size - data.len;
        rc = add(d, &e, data.data, data.len);
    } else {
        buf_add(&d->buf, data.data, data.len);
        d->left -= data.len;
        if (d->left == 0)
            tar_pad(&d->buf, (uint64_t)size);
        rc = flush(d);
    }
    buf_free(&data);
    return rc;
}

/* "NAME::target" when the link leads to another namespace. */
static int link_item(struct dump *d, const cJSON *item)
{
    const char *ns = json_str(cJSON_GetArrayItem(item, 2));
    const char *target = json_str(cJSON_GetArrayItem(item, 3));
    struct tar_entry e = {.type = TAR_LINK, .path = d->path.data};
    struct buf text = {0};
    int rc;

    if (!ns || !target)
        return cli_fail(d->c, "kvs.walk: %s", strerror(EPROTO));
    if (*ns || strstr(target, "::"))
        buf_addf(&text, "%s::", ns);
    buf_adds(&text, target);
    e.link = text.data;
    rc = add(d, &e, NULL, 0);
    buf_free(&text);
    return rc;
}

static int dir_item(struct dump *d)
{
    struct tar_entry e = {.type = TAR_DIR};

    buf_addc(&d->path, '/');
    e.path = d->path.data;
    return add(d, &e, NULL, 0);
}

/* Where a walk's items go. */
struct target {
    struct dump *d;
    const char *prefix; /* of paths */
};

static int one_item(const cJSON *item, const char *key, const char *kind, void *arg)
{
    const struct target *t = arg;
    struct dump *d = t->d;

    d->path.len = 0;
    buf_adds(&d->path, t->prefix);
    archive_path(&d->path, key);
    return !strcmp(kind, "bad")    ? bad_item(d, item, key)
           : !strcmp(kind, "val")  ? value_item(d, item)
           : !strcmp(kind, "link") ? link_item(d, item)
                                   : dir_item(d);
}

static int dump_keys(struct dump *d, const char *rootref, const char *prefix)
{
    struct target t = {d, prefix};

    return kvswalk_keys(d->c, d->h, rootref, false, one_item, &t);
}

static int dump_namespace(struct dump *d, const cJSON *root)
{
    const char *ns, *rootref;
    struct buf prefix = {0}, info = {0};
    int64_t owner;
    int flags, rc = 0;

    if (json_unpack(root, NULL, "{s:s s:I s:i s:s}", "namespace", &ns, "owner", &owner,
                    "flags", &flags, "rootref", &rootref) < 0)
        return cli_fail(d->c, "kvs.roots: %s", strerror(EPROTO));
    if (strcmp(ns, KVS_PRIMARY_NAMESPACE) != 0) {
        d->path.len = 0;
        buf_addf(&prefix, ARCHIVE_OWN "namespace/%s/keys/", ns);
        buf_addf(&d->path, ARCHIVE_OWN "namespace/%s/info.json", ns);
        buf_addf(&info, "{\"owner\":%jd,\"flags\":%d}\n", (intmax_t)owner, flags);
        rc = add_file(d, d->path.data, info.data, info.len);
    }
    if (rc == 0)
        rc = dump_keys(d, rootref, prefix.data ? prefix.data : "");
    buf_free(&prefix);
    buf_free(&info);
    return rc;
}

static bool is_primary(const cJSON *root)
{
    const char *ns = json_str(json_get(root, "namespace"));

    return ns && !strcmp(ns, KVS_PRIMARY_NAMESPACE);
}

static int dump_roots(struct dump *d, const cJSON *roots, const cJSON *meta)
{
    const cJSON *o;
    int rc = 0;

    cJSON_ArrayForEach(o, roots) if (rc == 0 && is_primary(o)) rc = dump_namespace(d, o);
    cJSON_ArrayForEach(o, roots) if (rc == 0 && !is_primary(o)) rc = dump_namespace(d, o);
    cJSON_ArrayForEach(o, meta)
    {
        d->path.len = 0;
        buf_addf(&d->path, ARCHIVE_OWN "meta/%s", o->string);
        if (rc == 0 && json_str(o))
            rc = add_file(d, d->path.data, json_str(o), strlen(json_str(o)));
    }
    return rc;
}

/* ---- jobs ---- */

static int dump_job(cJSON *row, void *arg)
{
    struct dump *d = arg;
    cJSON *pieces = cJSON_DetachItemFromObject(row, "pieces"), *o;
    struct buf text = {0};
    char key[64];
    size_t len;
    int64_t id;
    int rc = 0;

    if (json_int64(json_get(row, "id"), &id) < 0 ||
        flux_job_id_encode((flux_jobid_t)id, "kvs", key, sizeof(key)) < 0)
        return cli_fail(d->c, "kvs.jobs: %s", strerror(EPROTO));
    d->path.len = 0;
    archive_path(&d->path, key);
    buf_addc(&d->path, '/');
    len = d->path.len;
    buf_adds(&d->path, "row.json");
    json_print_buf(row, &text);
    buf_addc(&text, '\n');
    rc = add_file(d, d->path.data, text.data, text.len);
    cJSON_ArrayForEach(o, pieces)
    {
        d->path.len = len;
        archive_path(&d->path, o->string);
        text.len = 0;
        if (rc == 0 && json_str(o) &&
            base64_decode_buf(&text, json_str(o), strlen(json_str(o))) == 0)
            rc = add_file(d, d->path.data, text.data ? text.data : "", text.len);
    }
    buf_free(&text);
    json_free(pieces);
    return rc;
}

/* ---- output ---- */

/* It may grow meanwhile: what it had at first is archived. */
static int dump_output_file(struct dump *d, const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    char *data;
    ssize_t n = 0;
    int fd, rc;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    data = malloc((size_t)st.st_size + 1);
    n = data ? read(fd, data, (size_t)st.st_size) : -1;
    close(fd);
    d->path.len = 0;
    buf_addf(&d->path, ARCHIVE_OWN "output/%s", name);
    rc = n < 0 ? cli_fail(d->c, "%s: %s", path, strerror(errno))
               : add_file(d, d->path.data, data, (size_t)n);
    free(data);
    return rc;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* It is in files of the leader's; elsewhere they cannot be seen. */
static int dump_output(struct dump *d)
{
    struct dirent **names;
    char dir[PATH_MAX - NAME_MAX - 2];
    int n, rc = 0;

    if (!archive_output_dir(d->h, dir, sizeof(dir))) {
        fprintf(stderr, "flux-dump: the output of jobs is left out: it can be archived "
                        "at rank 0\n");
        return 0;
    }
    if ((n = scandir(dir, &names, NULL, by_name)) < 0)
        return errno == ENOENT ? 0 : cli_fail(d->c, "%s: %s", dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        if (rc == 0 && names[i]->d_name[0] != '.')
            rc = dump_output_file(d, dir, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return rc;
}

/* ---- all ---- */

static int add_format(struct dump *d)
{
    const char *uuid = flux_attr_get(d->h, "broker.uuid");
    struct buf text = {0};
    int rc;

    json_pack_buf(&text, "{s:i s:s s:s s:I}", "format", ARCHIVE_FORMAT, "version",
                  flux_core_version_string(), "uuid", uuid ? uuid : "", "time",
                  (int64_t)d->now);
    buf_addc(&text, '\n');
    rc = add_file(d, ARCHIVE_OWN "format", text.data, text.len);
    buf_free(&text);
    return rc;
}

static int add_end(struct dump *d)
{
    char text[80];
    int n = snprintf(text, sizeof(text), "{\"entries\":%ju,\"crc\":\"%08" PRIx32 "\"}\n",
                     (uintmax_t)d->entries, d->crc);

    if (add_file(d, ARCHIVE_OWN "end", text, (size_t)n) != 0)
        return 1;
    tar_end(&d->buf);
    return flush(d);
}

/* All that is acknowledged now is in it. */
static int make_checkpoint(struct dump *d)
{
    return cli_count(d->c, "checkpoint")
               ? 0
               : cli_finish(d->c, "kvs.commit", kvswalk_sync(d->h));
}

static int dump_all(struct dump *d)
{
    const cJSON *roots, *meta;
    flux_future_t *f;
    int rc;

    if ((rc = make_checkpoint(d)) != 0)
        return rc;
    f = flux_rpc(d->h, "kvs.roots", "{}", 0, 0);
    if (!f || flux_rpc_get_unpack(f, "{s:o s:o}", "roots", &roots, "meta", &meta) < 0)
        rc = cli_fail(d->c, "kvs.roots: %s", cli_why(f));
    else if ((rc = add_format(d)) == 0 && (rc = dump_roots(d, roots, meta)) == 0 &&
             (rc = kvswalk_jobs(d->c, d->h, dump_job, d)) == 0 &&
             (rc = dump_output(d)) == 0)
        rc = add_end(d);
    flux_future_destroy(f);
    return rc;
}

static int run_dump(struct cli *c)
{
    struct dump d = {.c = c, .now = time(NULL)};
    int rc;

    if (cli_argc(c) != 1)
        return cli_usage(c, "one FILE, or - for the standard output");
    if (!strcmp(cli_arg(c, 0), "-") && isatty(STDOUT_FILENO))
        return cli_usage(c, "an archive is nothing for a terminal");
    if (!(d.h = cli_open(c)))
        return 1;
    if (archive_create(c, cli_arg(c, 0), &d.file) < 0)
        rc = 1;
    else {
        rc = dump_all(&d);
        if (archive_finish(c, &d.file, rc == 0) < 0)
            rc = 1;
    }
    if (rc == 0 && !cli_count(c, "quiet") && !cli_count(c, "verbose"))
        fprintf(stderr, "%sflux-dump: %ju entries\n", d.counted ? "\r" : "",
                (uintmax_t)d.entries);
    buf_free(&d.buf);
    buf_free(&d.path);
    flux_close(d.h);
    return rc;
}

const struct cli_command cmd_dump = {
    .name = "dump",
    .args = "FILE",
    .help = "Write the state of the instance to an archive",
    .options = (const struct cli_option *const[]){dump_options, NULL},
    .run = run_dump,
};
