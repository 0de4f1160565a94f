/* The local connector: a client of a broker's AF_UNIX socket, local://PATH. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "env/local.h"
#include "flux/connectors/framed.h"

#define BUSY_TRIES 100 /* times 20 ms, when the broker's backlog is full */

struct local {
    char *path;
    struct env *env;
};

static int local_connect_patiently(void *arg)
{
    struct local *l = arg;

    for (int i = 0;; i++) {
        int fd = local_connect(l->env, l->path);

        if (fd != -EAGAIN || i == BUSY_TRIES)
            return fd;
        local_wait(-1, 0, 0.02);
    }
}

static void local_free(void *arg)
{
    struct local *l = arg;

    env_unref(l->env);
    free(l->path);
    free(l);
}

static const struct framed_kind local_kind = {
    .connect = local_connect_patiently,
    .free = local_free,
    .admit_timeout = 30.,
};

static const char *hint(int errnum)
{
    switch (errnum) {
    case ENOENT:
        return " (no broker has its socket there)";
    case ECONNREFUSED:
        return " (the broker has gone)";
    case EPERM:
    case EACCES:
        return " (the instance belongs to another user)";
    default:
        return "";
    }
}

static struct local *local_new(const char *path)
{
    struct local *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    if (!(l->path = strdup(path)) || env_new_real(&l->env) < 0) {
        local_free(l);
        return NULL;
    }
    return l;
}

static flux_t *local_open(const char *path, int flags, flux_error_t *error)
{
    struct local *l = local_new(path);
    flux_t *h = NULL;
    int rc = l ? framed_open(&local_kind, l, flags, &h) : -ENOMEM;

    if (rc == 0)
        return h;
    error_set(error, -rc, "cannot connect to local://%s: %s%s", path, strerror(-rc),
              hint(-rc));
    errno = -rc;
    return NULL;
}

const struct connector local_connector = {"local", local_open};
