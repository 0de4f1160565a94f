/* The configuration of job-exec: see config.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "modules/job-exec/config.h"

#define KILL_TIMEOUT 5.0   /* seconds */
#define LOST_TIMEOUT 600.0 /* seconds */

/* An FSD, or a number of seconds; "none" is for ever. */
static int read_seconds(const cJSON *o, const char *key, double *ret, flux_error_t *err)
{
    const cJSON *v = json_get(o, key);
    const char *s = json_str(v);
    if (!v)
        return 0;
    if (s && !strcmp(s, "none")) {
        *ret = -1;
        return 0;
    }
    if (json_seconds(v, ret) < 0)
        return error_set(err, EINVAL, "exec.%s is not a duration", key);
    return 0;
}

static int read_conf(struct exec *x, flux_error_t *err)
{
    const flux_conf_t *conf = flux_aux_get(x->h, "flux::conf");
    cJSON *exec = NULL;
    if (!conf || flux_conf_unpack(conf, err, "{s?o}", "exec", &exec) < 0)
        return conf ? -errno : 0;
    const char *path = json_str(json_get(exec, "job-shell"));
    int rc = read_seconds(exec, "kill-timeout", &x->kill_timeout, err);
    if (rc == 0)
        rc = read_seconds(exec, "orphan-timeout", &x->orphan_timeout, err);
    if (rc == 0)
        rc = read_seconds(exec, "lost-timeout", &x->lost_timeout, err);
    if (rc == 0 && path && !(x->shell_path = strdup(path)))
        rc = -ENOMEM;
    return rc;
}

static int read_args(struct exec *x, int argc, char **argv, flux_error_t *err)
{
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "job-shell=", 10) != 0)
            return error_set(err, EINVAL, "unknown argument '%s'", argv[i]);
        free(x->shell_path);
        x->shell_path = strdup(argv[i] + 10);
    }
    if (!x->shell_path) {
        const char *path = flux_conf_builtin_get("shell_path", FLUX_CONF_AUTO);
        x->shell_path = path ? strdup(path) : NULL;
    }
    return 0;
}

int config_read(struct exec *x, int argc, char **argv, flux_error_t *err)
{
    x->kill_timeout = KILL_TIMEOUT;
    x->lost_timeout = LOST_TIMEOUT;
    x->orphan_timeout = -2;
    int rc = read_conf(x, err);
    return rc < 0 ? rc : read_args(x, argc, argv, err);
}
