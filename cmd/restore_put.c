/* Bringing an archive in: keys, jobs, output. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "kvswalk.h"
#include "restore.h"

#define BATCH_OPS 1000
#define BATCH_BYTES (1u << 20)
#define PIECE (256u << 10)

/* ---- keys ---- */

static int commit(struct restore *r)
{
    flux_future_t *f;
    int rc = 0;

    if (r->nops > 0) {
        f = flux_kvs_commit(r->h, r->space->temporary, 0, r->txn);
        rc = cli_finish(r->c, "commit", f);
    }
    flux_kvs_txn_destroy(r->txn);
    r->txn = NULL;
    r->nops = 0;
    r->bytes = 0;
    return rc;
}

static struct space *add_space(struct restore *r, const char *name, size_t len)
{
    struct space *s = calloc(1, sizeof(*s)), **p = &r->spaces;
    int n = 0;

    for (; *p; p = &(*p)->next)
        n++;
    if (!s || !(s->name = strndup(name, len)) ||
        asprintf(&s->temporary, "restore-%d-%d", (int)getpid(), n) < 0)
        abort();
    s->owner = FLUX_USERID_UNKNOWN;
    return *p = s;
}

/* The namespace of that name, with one to fill in its place. */
static struct space *get_space(struct restore *r, const char *name, size_t len)
{
    struct space *s;

    for (s = r->spaces; s; s = s->next)
        if (strlen(s->name) == len && !memcmp(s->name, name, len))
            return s;
    s = add_space(r, name, len);
    return cli_finish(
               r->c, s->temporary,
               flux_kvs_namespace_create(r->h, s->temporary, FLUX_USERID_UNKNOWN, 0)) == 0
               ? s
               : NULL;
}

static int use_space(struct restore *r, struct space *s)
{
    if (!s || (r->space != s && r->txn && commit(r) != 0))
        return 1;
    r->space = s;
    if (!r->txn && !(r->txn = flux_kvs_txn_create()))
        return cli_fail(r->c, "out of memory");
    return 0;
}

static int added(struct restore *r, const struct tar_entry *e, int rc, size_t bytes)
{
    if (rc < 0)
        return restore_bad_entry(r, e, strerror(errno));
    r->nops++;
    r->bytes += bytes + 100;
    return r->nops < BATCH_OPS && r->bytes < BATCH_BYTES ? 0 : commit(r);
}

/* A large value in pieces, which are appended. */
static int put_file(struct restore *r, const struct tar_entry *e, const char *key)
{
    struct space *s = r->space;
    char *data = malloc(PIECE);
    uint64_t offset = 0;
    ssize_t n;
    int rc = 0;

    if (!data)
        return cli_fail(r->c, "out of memory");
    do {
        size_t have = 0;

        while (have < PIECE &&
               (n = tar_data(r->tar, data + have, PIECE - have, &r->err)) > 0)
            have += (size_t)n;
        if (n < 0)
            rc = restore_bad(r, r->err.text);
        else if ((have > 0 || offset == 0) && (rc = use_space(r, s)) == 0)
            rc = added(r, e,
                       flux_kvs_txn_put_raw(r->txn, offset ? FLUX_KVS_APPEND : 0, key,
                                            data, (int)have),
                       have);
        offset += have;
    } while (rc == 0 && n > 0);
    free(data);
    return rc;
}

static int put_link(struct restore *r, const struct tar_entry *e, const char *key)
{
    const char *colons = strstr(e->link, "::");
    char *ns =
        colons && colons > e->link ? strndup(e->link, (size_t)(colons - e->link)) : NULL;
    int rc = flux_kvs_txn_symlink(r->txn, 0, key, ns, colons ? colons + 2 : e->link);

    free(ns);
    return added(r, e, rc, strlen(key));
}

static int put_key(struct restore *r, const struct tar_entry *e, const char *path,
                   struct space *s)
{
    struct buf key = {0};
    int rc;

    if (e->type == TAR_OTHER || (e->type == TAR_DIR && archive_is_top(path)))
        return 0;
    if (e->type == TAR_FILE && e->size > r->limit) {
        r->skipped++;
        return 0;
    }
    if (archive_key(&key, path) < 0 || (rc = use_space(r, s)) != 0)
        rc = 1;
    else if (e->type == TAR_FILE)
        rc = put_file(r, e, key.data);
    else if (e->type == TAR_LINK)
        rc = put_link(r, e, key.data);
    else
        rc = added(r, e, flux_kvs_txn_mkdir(r->txn, 0, key.data), key.len);
    buf_free(&key);
    return rc;
}

/* ---- jobs ---- */

/* Rows and their pieces, until there are enough for a request. */
static int send_jobs(struct restore *r, bool all)
{
    struct buf text = {0};
    flux_future_t *f;
    int rc;

    if (r->row.len > 0) {
        buf_addf(&r->rows, "%s%.*s,\"pieces\":{%s}}", r->nrows++ ? "," : "",
                 (int)r->row.len, r->row.data, r->pieces.len ? r->pieces.data : "");
        r->row.len = r->pieces.len = 0;
    }
    if (!all && r->rows.len < PIECE)
        return 0;
    buf_addf(&text, "{\"jobs\":[%s],\"meta\":{%s}}", r->rows.len ? r->rows.data : "",
             all && r->meta.len ? r->meta.data : "");
    if (text.failed || r->rows.failed)
        return cli_fail(r->c, "out of memory");
    f = flux_rpc(r->h, "kvs.jobs-put", text.data, 0, 0);
    rc = f && flux_future_get(f, NULL) == 0 ? 0
         : f && errno == EEXIST
             ? cli_fail(r->c, "this instance has other jobs with the ids of the "
                              "archive's: restore it into a new one")
             : cli_fail(r->c, "%s: %s", "kvs.jobs-put", cli_why(f));
    flux_future_destroy(f);
    buf_free(&text);
    r->rows.len = 0;
    r->nrows = 0;
    return rc;
}

static int take_row(struct restore *r, const struct tar_entry *e)
{
    int rc = send_jobs(r, false);

    if (rc == 0)
        rc = restore_slurp(r, e, &r->row);
    while (r->row.len > 0 && r->row.data[r->row.len - 1] != '}')
        r->row.len--;
    if (r->row.len > 0)
        r->row.len--; /* the brace */
    restore_set_job(r, e->path);
    return rc;
}

static int take_piece(struct restore *r, const struct tar_entry *e)
{
    struct buf data = {0};
    const char *name = e->path + strlen(r->job);
    int rc = restore_slurp(r, e, &data);

    if (r->pieces.len)
        buf_addc(&r->pieces, ',');
    json_buf_str(&r->pieces, name, strlen(name));
    buf_adds(&r->pieces, ":\"");
    if (rc == 0 && data.len)
        base64_encode_buf(&r->pieces, data.data, data.len);
    buf_addc(&r->pieces, '"');
    buf_free(&data);
    return rc;
}

static int take_meta(struct restore *r, const struct tar_entry *e, const char *name)
{
    struct buf data = {0};
    int rc = restore_slurp(r, e, &data);

    if (r->meta.len)
        buf_addc(&r->meta, ',');
    json_buf_str(&r->meta, name, strlen(name));
    buf_addc(&r->meta, ':');
    json_buf_str(&r->meta, data.data ? data.data : "", data.len);
    buf_free(&data);
    return rc;
}

static int take_output(struct restore *r, const struct tar_entry *e, const char *name)
{
    struct buf data = {0};
    char path[PATH_MAX];
    int fd, rc;

    if (!*r->output || strchr(name, '/') || *name == '.')
        return 0;
    if ((rc = restore_slurp(r, e, &data)) != 0)
        return rc;
    snprintf(path, sizeof(path), "%s/%s", r->output, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data.data, data.len) != (ssize_t)data.len || fsync(fd) < 0)
        rc = cli_fail(r->c, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    buf_free(&data);
    return rc;
}

/* ---- the second time ---- */

static int take_info(struct restore *r, const struct tar_entry *e, const char *name,
                     size_t len)
{
    struct space *s = get_space(r, name, len);
    struct buf data = {0};
    cJSON *o = NULL;
    int rc = restore_slurp(r, e, &data);

    if (!s)
        rc = 1;
    if (rc == 0 &&
        (json_parse(data.data, data.len, NULL, &o, NULL) < 0 ||
         json_unpack(o, NULL, "{s:I s:i}", "owner", &s->owner, "flags", &s->flags) < 0))
        rc = restore_bad_entry(r, e, "it is malformed");
    json_free(o);
    buf_free(&data);
    return rc;
}

static int take_own(struct restore *r, const struct tar_entry *e)
{
    const char *name = "", *key = restore_space_key(e->path, &name, &(size_t){0});
    size_t len = strcspn(name, "/");

    if (cli_count(r->c, "key"))
        return 0;
    if (key)
        return put_key(r, e, key, get_space(r, name, len));
    if (*name && !strcmp(name + len, "/info.json"))
        return take_info(r, e, name, len);
    if (restore_begins(e->path, ARCHIVE_OWN "meta/"))
        return take_meta(r, e, e->path + strlen(ARCHIVE_OWN "meta/"));
    if (restore_begins(e->path, ARCHIVE_OWN "output/"))
        return take_output(r, e, e->path + strlen(ARCHIVE_OWN "output/"));
    return 0;
}

static int take_entry(struct restore *r, const struct tar_entry *e)
{
    r->counted |= archive_tell(r->c, e->path, r->entries++);
    if (r->ours && restore_begins(e->path, ARCHIVE_OWN))
        return take_own(r, e);
    if (restore_is_row(r, e->path)) {
        if (!cli_count(r->c, "key"))
            return take_row(r, e);
        restore_set_job(r, e->path);
        return 0;
    }
    if (restore_is_piece(r, e->path) && !cli_count(r->c, "key"))
        return take_piece(r, e);
    return put_key(r, e, e->path,
                   get_space(r, KVS_PRIMARY_NAMESPACE, strlen(KVS_PRIMARY_NAMESPACE)));
}

/* Put what was filled in its place. */
static int place(struct restore *r, struct space *s)
{
    const char *key = cli_str(r->c, "key", ".");
    flux_future_t *f;
    int rc;

    if (strcmp(s->name, KVS_PRIMARY_NAMESPACE) != 0) {
        f = flux_kvs_namespace_create(r->h, s->name, (uint32_t)s->owner, s->flags);
        if (f && flux_future_get(f, NULL) < 0 && errno != EEXIST)
            return cli_finish(r->c, s->name, f);
        flux_future_destroy(f);
        key = ".";
    }
    rc = cli_finish(r->c, s->name,
                    flux_kvs_copy(r->h, s->temporary, ".", s->name, key, 0));
    return rc;
}

void restore_tidy(struct restore *r)
{
    struct space *s;
    flux_future_t *f;

    while ((s = r->spaces)) {
        r->spaces = s->next;
        f = flux_kvs_namespace_remove(r->h, s->temporary);
        if (f)
            flux_future_get(f, NULL);
        flux_future_destroy(f);
        free(s->name);
        free(s->temporary);
        free(s);
    }
    restore_set_job(r, NULL);
    flux_kvs_txn_destroy(r->txn);
    buf_free(&r->row);
    buf_free(&r->rows);
    buf_free(&r->pieces);
    buf_free(&r->meta);
    tar_reader_free(r->tar);
}

int restore_put(struct restore *r)
{
    struct tar_entry e;
    int rc = restore_open(r), more = 0;

    while (rc == 0 && (more = tar_next(r->tar, &e, &r->err)) > 0)
        rc = take_entry(r, &e);
    if (rc == 0 && more < 0)
        rc = restore_bad(r, r->err.text);
    if (rc == 0 && r->txn)
        rc = commit(r);
    if (rc == 0 && !cli_count(r->c, "key"))
        rc = send_jobs(r, true);
    for (struct space *s = r->spaces; rc == 0 && s; s = s->next)
        rc = place(r, s);
    return rc == 0 ? cli_finish(r->c, "commit", kvswalk_sync(r->h)) : rc;
}
