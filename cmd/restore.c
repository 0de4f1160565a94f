/* flux restore - bring the state that an archive holds into an instance.
 *
 * The archive is read twice: first all of it is checked, then it is brought in. Keys go to
 * namespaces that nobody knows; when all are there, each takes its place in one commit.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <flux/core.h>

#include "base/crc32c.h"
#include "cmds.h"
#include "restore.h"

static const struct cli_option restore_options[] = {
    {"verbose", 'v', CLI_NONE, NULL, "List what is restored"},
    {"quiet", 'q', CLI_NONE, NULL, "Do not count what is restored"},
    {"checkpoint", 0, CLI_NONE, NULL,
     "All there is, before jobs are known (see the manual page)"},
    {"key", 0, CLI_REQUIRED, "NAME", "The keys only, below this one"},
    {"size-limit", 0, CLI_REQUIRED, "SIZE", "Leave larger values out (10k, 4M)"},
    {"no-cache", 0, CLI_NONE, NULL, "Accepted; no cache is used anyway"},
    {0},
};

/* ---- reading ---- */

static ssize_t read_file(void *data, size_t len, void *arg)
{
    struct restore *r = arg;
    size_t n = fread(data, 1, len, r->f);

    if (n == 0 && ferror(r->f))
        return -EIO;
    r->crc = crc32c(r->crc, data, n);
    return (ssize_t)n;
}

int restore_bad(struct restore *r, const char *text)
{
    return cli_fail(r->c, "%s: %s", r->name, text);
}

int restore_bad_entry(struct restore *r, const struct tar_entry *e, const char *text)
{
    return cli_fail(r->c, "%s: entry '%.100s' at byte %ju: %s", r->name, e->path,
                    (uintmax_t)e->offset, text);
}

int restore_open(struct restore *r)
{
    tar_reader_free(r->tar);
    r->tar = NULL;
    rewind(r->f);
    r->crc = 0;
    r->entries = 0;
    return tar_reader_new(read_file, r, &r->tar) < 0 ? cli_fail(r->c, "out of memory")
                                                     : 0;
}

/* All of a small entry. */
int restore_slurp(struct restore *r, const struct tar_entry *e, struct buf *out)
{
    char data[4096];
    ssize_t n;

    out->len = 0;
    if (e->size > (64u << 20))
        return restore_bad_entry(r, e, "it is too large");
    while ((n = tar_data(r->tar, data, sizeof(data), &r->err)) > 0)
        buf_add(out, data, (size_t)n);
    buf_adds(out, "");
    return n < 0         ? restore_bad(r, r->err.text)
           : out->failed ? cli_fail(r->c, "out of memory")
                         : 0;
}

bool restore_begins(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool restore_is_row(const struct restore *r, const char *path)
{
    size_t len = strlen(path);

    return r->ours && restore_begins(path, "job/") && len > 9 &&
           !strcmp(path + len - 9, "/row.json");
}

/* Does it belong to the job whose row came last? */
bool restore_is_piece(const struct restore *r, const char *path)
{
    return r->job && restore_begins(path, r->job);
}

void restore_set_job(struct restore *r, const char *path)
{
    free(r->job);
    r->job = path ? strndup(path, strlen(path) - 8) : NULL;
}

/* ---- the first time: is it whole? ---- */

static int check_format(struct restore *r, const struct tar_entry *e)
{
    struct buf text = {0};
    cJSON *o = NULL;
    int format = 0, rc;

    r->ours = true;
    if ((rc = restore_slurp(r, e, &text)) == 0 &&
        (json_parse(text.data, text.len, NULL, &o, NULL) < 0 ||
         json_unpack(o, NULL, "{s:i}", "format", &format) < 0 || format < 1))
        rc = restore_bad_entry(r, e, "it is malformed");
    else if (rc == 0 && format > ARCHIVE_FORMAT)
        rc = restore_bad_entry(r, e, "the archive was made by a newer version");
    json_free(o);
    buf_free(&text);
    return rc;
}

static int check_end(struct restore *r, const struct tar_entry *e)
{
    struct buf text = {0};
    const char *crc = "";
    cJSON *o = NULL;
    int64_t n = 0;
    int rc;

    r->ended = true;
    if ((rc = restore_slurp(r, e, &text)) == 0 &&
        (json_parse(text.data, text.len, NULL, &o, NULL) < 0 ||
         json_unpack(o, NULL, "{s:I s:s}", "entries", &n, "crc", &crc) < 0))
        rc = restore_bad_entry(r, e, "it is malformed");
    else if (rc == 0 && (uint64_t)n != r->entries)
        rc = cli_fail(r->c,
                      "%s: %ju entries, but %ju were written: the archive is damaged",
                      r->name, (uintmax_t)r->entries, (uintmax_t)n);
    else if (rc == 0 && strtoul(crc, NULL, 16) != r->crc_before)
        rc = restore_bad(r, "its checksum is wrong: the archive is damaged");
    json_free(o);
    buf_free(&text);
    return rc;
}

static int check_key(struct restore *r, const struct tar_entry *e, const char *path)
{
    struct buf key = {0};
    int rc = 0;

    if (e->type == TAR_OTHER || (e->type == TAR_DIR && archive_is_top(path)))
        return 0;
    if (archive_key(&key, path) < 0)
        rc = restore_bad_entry(r, e, "its name is not a key's");
    else
        r->keys++;
    buf_free(&key);
    return rc;
}

static int check_row(struct restore *r, const struct tar_entry *e)
{
    struct buf text = {0};
    cJSON *o = NULL;
    int64_t id;
    const char *rec;
    int rc = restore_slurp(r, e, &text);

    restore_set_job(r, e->path);
    r->jobs++;
    if (rc == 0 && (json_parse(text.data, text.len, NULL, &o, NULL) < 0 ||
                    json_unpack(o, NULL, "{s:I s:s}", "id", &id, "rec", &rec) < 0))
        rc = restore_bad_entry(r, e, "it is malformed");
    json_free(o);
    buf_free(&text);
    return rc;
}

const char *restore_space_key(const char *path, const char **name, size_t *len)
{
    const char *p = path + strlen(ARCHIVE_OWN "namespace/");
    const char *slash;

    if (!restore_begins(path, ARCHIVE_OWN "namespace/") || !(slash = strchr(p, '/')))
        return NULL;
    *name = p;
    *len = (size_t)(slash - p);
    return restore_begins(slash, "/keys/") ? slash + 6 : NULL;
}

static int check_entry(struct restore *r, const struct tar_entry *e)
{
    const char *name, *key;
    size_t len;

    if (r->ended)
        return restore_bad_entry(r, e, "it stands behind the end");
    if (!strcmp(e->path, ARCHIVE_OWN "format"))
        return check_format(r, e);
    if (r->ours && !strcmp(e->path, ARCHIVE_OWN "end"))
        return check_end(r, e);
    if (restore_is_row(r, e->path))
        return check_row(r, e);
    if (restore_is_piece(r, e->path))
        return 0;
    if (r->ours && restore_begins(e->path, ARCHIVE_OWN)) {
        key = restore_space_key(e->path, &name, &len);
        return key ? check_key(r, e, key) : 0;
    }
    return check_key(r, e, e->path);
}

static int check_all(struct restore *r)
{
    struct tar_entry e;
    int rc = restore_open(r), more = 0;
    char data[65536];
    ssize_t n = 0;

    while (rc == 0 && n >= 0 &&
           (r->crc_before = r->crc, more = tar_next(r->tar, &e, &r->err)) > 0) {
        if ((rc = check_entry(r, &e)) == 0)
            while ((n = tar_data(r->tar, data, sizeof(data), &r->err)) > 0)
                ;
        r->entries++;
    }
    if (rc == 0 && (n < 0 || more < 0))
        rc = restore_bad(r, r->err.text);
    if (rc == 0 && r->ours && !r->ended)
        rc = restore_bad(r, "it has no end: the archive is damaged");
    restore_set_job(r, NULL);
    return rc;
}

/* ---- all ---- */

static bool is_loaded(struct restore *r, const char *topic)
{
    flux_future_t *f = flux_rpc(r->h, topic, "{}", 0, 0);
    bool loaded = f && (flux_future_get(f, NULL) == 0 || errno != ENOSYS);

    flux_future_destroy(f);
    return loaded;
}

/* Who manages jobs must not have begun without them. */
static int check_place(struct restore *r)
{
    if (cli_count(r->c, "key") || r->jobs == 0 || !is_loaded(r, "job-manager.stats-get"))
        return 0;
    return cli_fail(r->c,
                    "%s has %ju jobs, which can be restored before an instance knows of "
                    "any: flux start --statedir=DIR -Scontent.restore=%s, or restore the "
                    "keys alone with --key",
                    r->name, (uintmax_t)r->jobs, r->name);
}

static void find_output(struct restore *r)
{
    if (archive_output_dir(r->h, r->output, sizeof(r->output)) &&
        mkdir(r->output, 0700) < 0 && errno != EEXIST)
        *r->output = '\0';
}

static bool read_limit(struct restore *r)
{
    const char *s = cli_str(r->c, "size-limit", NULL);
    char *end;
    double n;

    r->limit = UINT64_MAX;
    if (!s)
        return true;
    n = strtod(s, &end);
    n *= *end == 'k' ? 1024. : *end == 'M' ? 1048576. : *end == 'G' ? 1073741824. : 1.;
    if (end == s || (*end && (!strchr("bkMG", *end) || end[1])) ||
        !(n >= 0 && n < 1e18)) {
        cli_usage(r->c, "--size-limit: '%s' is no size such as 100k or 4M", s);
        return false;
    }
    r->limit = (uint64_t)n;
    return true;
}

static int restore(struct restore *r)
{
    int rc;

    if (!(r->f = archive_open(r->c, r->name)))
        return 1;
    if ((rc = check_all(r)) == 0 && (r->h = cli_open(r->c)) == NULL)
        rc = 1;
    if (rc == 0 && (rc = check_place(r)) == 0) {
        find_output(r);
        rc = restore_put(r);
    }
    if (r->h)
        restore_tidy(r);
    else
        tar_reader_free(r->tar);
    if (rc == 0 && !cli_count(r->c, "quiet") && !cli_count(r->c, "verbose"))
        fprintf(stderr, "%sflux-restore: %ju keys, %ju jobs\n", r->counted ? "\r" : "",
                (uintmax_t)(r->keys - r->skipped),
                (uintmax_t)(cli_count(r->c, "key") ? 0 : r->jobs));
    if (rc == 0 && r->skipped)
        fprintf(stderr, "flux-restore: %ju larger values were left out\n",
                (uintmax_t)r->skipped);
    flux_close(r->h);
    fclose(r->f);
    return rc;
}

static int run_restore(struct cli *c)
{
    struct restore r = {.c = c, .name = cli_arg(c, 0)};

    if (cli_argc(c) != 1)
        return cli_usage(c, "one FILE, or - for the standard input");
    if (cli_count(c, "key") && cli_count(c, "checkpoint"))
        return cli_usage(c, "--key or --checkpoint, not both");
    return read_limit(&r) ? restore(&r) : CLI_EXIT_USAGE;
}

const struct cli_command cmd_restore = {
    .name = "restore",
    .args = "FILE",
    .help = "Bring the state that an archive holds into the instance",
    .options = (const struct cli_option *const[]){restore_options, NULL},
    .run = run_restore,
};
