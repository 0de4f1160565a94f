/* URIs of instances: forms, and the jobid scheme; see uri.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <flux/attr.h>
#include <flux/handle.h>
#include <flux/job.h>
#include <flux/rpc.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/uri.h"

/* -- forms -- */

static void own_host(char *buf, size_t size)
{
    if (gethostname(buf, size - 1) < 0)
        snprintf(buf, size, "localhost");
    buf[size - 1] = '\0';
}

/* Is "[user@]host[:port]/..." on this host? */
static bool is_here(const char *rest)
{
    char host[256];
    size_t len = strcspn(rest, "/");
    const char *at = memchr(rest, '@', len), *colon = memchr(rest, ':', len);
    const char *name = at ? at + 1 : rest;

    own_host(host, sizeof(host));
    len -= (size_t)(name - rest);
    if (colon && colon > name)
        len = (size_t)(colon - name);
    return strlen(host) == len && strncmp(host, name, len) == 0;
}

char *uri_transform(const char *uri, enum uri_form form)
{
    bool local = strncmp(uri, "local://", 8) == 0, ssh = strncmp(uri, "ssh://", 6) == 0;
    char host[256], *text;

    if (form == URI_REMOTE && local) {
        own_host(host, sizeof(host));
        return asprintf(&text, "ssh://%s%s", host, uri + 8) < 0 ? NULL : text;
    }
    if (ssh && strchr(uri + 6, '/') &&
        (form == URI_LOCAL ||
         (form == URI_NEAR && (is_here(uri + 6) || getenv("FLUX_URI_RESOLVE_LOCAL")))))
        return asprintf(&text, "local://%s", strchr(uri + 6, '/')) < 0 ? NULL : text;
    return strdup(uri);
}

/* -- jobs -- */

static char *string_at(const cJSON *o, const char *path)
{
    const char *s = json_str(json_get_path(o, path));

    return s ? strdup(s) : NULL;
}

/* From the job's record, as it is now. */
static int ask_record(flux_t *h, flux_jobid_t id, const char *name, char **ret,
                      flux_error_t *err)
{
    flux_future_t *f = flux_job_list_id(h, id, "[\"state\",\"annotations\"]");
    const cJSON *job;
    int state, rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:o}", "job", &job) < 0 ||
        flux_rpc_get_unpack(f, "{s:{s:i}}", "job", "state", &state) < 0)
        rc = error_set(err, errno, "job %s: %s", name,
                       errno == ENOENT ? "no such job" : cli_why(f));
    else if (state == FLUX_JOB_STATE_INACTIVE)
        rc = error_set(err, ENOENT, "job %s has ended", name);
    else if (!(state & FLUX_JOB_STATE_RUNNING))
        rc =
            error_set(err, EAGAIN, "job %s does not run yet (--wait waits for it)", name);
    else if (!(*ret = string_at(job, "annotations.user.uri")))
        rc = error_set(err, ENOENT,
                       "job %s has told no URI: it is not an instance of Flux", name);
    flux_future_destroy(f);
    return rc;
}

/* The URI of a memo; NULL. *ended: the job is over. */
static char *read_event(const char *event, bool *ended)
{
    cJSON *o = cJSON_Parse(event);
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(o, "name"));
    char *uri = NULL;

    if (name && strcmp(name, "memo") == 0)
        uri = string_at(o, "context.uri");
    *ended = name && (strcmp(name, "finish") == 0 || strcmp(name, "clean") == 0);
    cJSON_Delete(o);
    return uri;
}

/* From the job's log, once it is said there. */
static int await_memo(flux_t *h, flux_jobid_t id, const char *name, char **ret,
                      flux_error_t *err)
{
    flux_future_t *f = flux_job_event_watch(h, id, "eventlog", 0);
    bool ended = false;
    const char *event;
    int rc = 0;

    while (rc == 0 && !*ret && !ended) {
        if (!f || flux_job_event_watch_get(f, &event) < 0) {
            rc = error_set(err, errno, "job %s: %s", name,
                           errno == ENODATA ? "ended" : cli_why(f));
            break;
        }
        *ret = read_event(event, &ended);
        flux_future_reset(f);
    }
    if (rc == 0 && !*ret)
        rc = error_set(err, ENOENT, "job %s has ended, and told no URI", name);
    flux_future_destroy(f);
    return rc;
}

static int step_into_job(flux_t *h, const char *name, bool wait, char **ret,
                         flux_error_t *err)
{
    flux_jobid_t id;

    if (flux_job_id_parse(name, &id) < 0)
        return error_set(err, EINVAL, "'%s' is not a job id", name);
    return wait ? await_memo(h, id, name, ret, err) : ask_record(h, id, name, ret, err);
}

static int step_out(flux_t *h, char **ret, flux_error_t *err)
{
    const char *uri = flux_attr_get(h, "parent-uri");

    if (!uri)
        return error_set(err, ENOENT, "the instance has no parent");
    *ret = strdup(uri);
    return *ret ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* One word of a path, from the instance of h (its URI is *uri, which is replaced). */
static int step(flux_t *h, const char *word, bool wait, char **uri, flux_error_t *err)
{
    char *next = NULL;
    int rc;

    if (strcmp(word, ".") == 0)
        return 0;
    rc = strcmp(word, "..") == 0 ? step_out(h, &next, err)
                                 : step_into_job(h, word, wait, &next, err);
    if (rc < 0)
        return rc;
    free(*uri);
    *uri = next;
    return 0;
}

static flux_t *open_on_the_way(const char *uri, bool local, flux_error_t *err)
{
    AUTOFREE char *near = uri_transform(uri, local ? URI_LOCAL : URI_NEAR);

    return near ? flux_open_ex(near, 0, err) : NULL;
}

int uri_of_job(const char *path, bool wait, bool local, char **ret, flux_error_t *err)
{
    AUTOFREE char *copy = strdup(path);
    flux_t *h = flux_open_ex(*path == '/' ? "/" : NULL, 0, err);
    const char *own = h ? flux_attr_get(h, "local-uri") : NULL;
    char *uri = own ? strdup(own) : NULL, *save = NULL;
    int rc = uri && copy ? 0 : -(errno ? errno : ENOMEM);

    for (char *w = rc == 0 ? strtok_r(copy, "/", &save) : NULL; w && rc == 0;) {
        char *next = strtok_r(NULL, "/", &save);
        rc = step(h, w, wait, &uri, err);
        if (rc == 0 && next) {
            flux_close(h);
            if (!(h = open_on_the_way(uri, local, err)))
                rc = -errno;
        }
        w = next;
    }
    flux_close(h);
    if (rc < 0)
        free(uri);
    else
        *ret = uri;
    return rc;
}

/* -- all schemes -- */

static const struct {
    const char *prefix;
    int (*resolve)(const char *arg, char **ret, flux_error_t *err);
} schemes[] = {
    {"pid:", uri_of_process},
    {"slurm:", uri_of_slurm_job},
};

static int resolve(const char *target, bool wait, bool local, char **ret,
                   flux_error_t *err)
{
    size_t len = strcspn(target, ":/");

    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
        if (!strncmp(target, schemes[i].prefix, strlen(schemes[i].prefix)))
            return schemes[i].resolve(target + strlen(schemes[i].prefix), ret, err);
    if (strncmp(target, "jobid:", 6) == 0)
        return uri_of_job(target + 6, wait, local, ret, err);
    if (strstr(target, "://"))
        return (*ret = strdup(target)) ? 0 : -ENOMEM;
    if (target[len] == ':')
        return error_set(err, EINVAL, "%s: unknown scheme (known: jobid, pid, slurm)",
                         target);
    return uri_of_job(target, wait, local, ret, err);
}

/* Cut "?local" or "?remote" off. */
static int read_query(char *target, enum uri_form *form, flux_error_t *err)
{
    char *query = strrchr(target, '?');

    if (!query)
        return 0;
    *query++ = '\0';
    if (strcmp(query, "local") == 0)
        *form = URI_LOCAL;
    else if (strcmp(query, "remote") == 0)
        *form = URI_REMOTE;
    else
        return error_set(err, EINVAL, "?%s: neither ?local nor ?remote", query);
    return 0;
}

char *uri_resolve(const char *target, enum uri_form form, bool wait, flux_error_t *err)
{
    AUTOFREE char *copy = strdup(target), *uri = NULL;
    char *result = NULL;

    err->text[0] = '\0';
    int rc = copy ? read_query(copy, &form, err) : -ENOMEM;
    if (form == URI_PLAIN && getenv("FLUX_URI_RESOLVE_LOCAL"))
        form = URI_LOCAL;
    if (rc == 0 && (rc = resolve(copy, wait, form == URI_LOCAL, &uri, err)) == 0 &&
        !(result = uri_transform(uri, form)))
        rc = -ENOMEM;
    if (rc < 0 && !err->text[0])
        error_set(err, -rc, "%s", strerror(-rc));
    return result;
}
