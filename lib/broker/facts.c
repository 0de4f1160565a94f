/* Broker attributes at the start. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/attr.h>

#include "base/cleanup.h"
#include "broker/broker.h"
#include "broker/facts.h"

#define LOG_RING_SIZE 1024

static const struct {
    const char *name, *value;
    int flags;
} fixed[] = {
    {"rank", "0", ATTR_READONLY},
    {"size", "1", ATTR_READONLY},
    {"broker.boot-method", "single", ATTR_BOOT},
    {"broker.mapping", "[[0,1,1,1]]", ATTR_READONLY},
    {"broker.critical-ranks", "0", ATTR_BOOT},
    {"broker.quorum", "1", ATTR_BOOT},
    {"broker.cleanup-timeout", "30s", ATTR_BOOT},
    {"tbon.level", "0", ATTR_READONLY},
    {"tbon.maxlevel", "0", ATTR_READONLY},
    {"tbon.descendants", "0", ATTR_READONLY},
    {"tbon.topo", "kary:32", ATTR_BOOT},
    {"log-ring-size", "1024", ATTR_RUNTIME},
    {"log-stderr-level", "3", ATTR_RUNTIME},
    {"log-stderr-mode", "leader", ATTR_RUNTIME},
    {"log-level", "7", ATTR_BOOT},
    {"conf.shell_initrc", "", ATTR_RUNTIME},
    {"conf.shell_pluginpath", "", ATTR_RUNTIME},
};

static const char *given_env(const struct broker *b, const char *name)
{
    const char *s = strv_getenv(b->environment, name);

    return s && *s ? s : NULL;
}

static int level_of(const char *uri)
{
    flux_t *h = flux_open(uri, 0);
    const char *level = h ? flux_attr_get(h, "instance-level") : NULL;
    int n = level ? atoi(level) : 0;

    flux_close(h);
    return n;
}

/* The instance above this one, if we are a job of one. */
static int set_parent(struct broker *b)
{
    const char *uri = given_env(b, "FLUX_URI");
    const char *job = given_env(b, "FLUX_JOB_ID");
    bool nested = uri && job && !env_is_sim(b->env);

    if (nested && (attrs_set(b->attrs, "parent-uri", uri, ATTR_READONLY) < 0 ||
                   attrs_set(b->attrs, "jobid", job, ATTR_READONLY) < 0))
        return -ENOMEM;
    return attrs_setf(b->attrs, "instance-level", ATTR_READONLY, "%d",
                      nested ? level_of(uri) + 1 : 0);
}

static int set_dirs(struct broker *b)
{
    if (!b->dirs.rundir)
        return attrs_set(b->attrs, "local-uri", "local://none", ATTR_READONLY);
    if (attrs_set(b->attrs, "rundir", b->dirs.rundir, ATTR_READONLY) < 0 ||
        attrs_setf(b->attrs, "local-uri", ATTR_READONLY, "local://%s", b->dirs.socket) <
            0)
        return -ENOMEM;
    if (b->dirs.statedir)
        return attrs_set(b->attrs, "statedir", b->dirs.statedir, ATTR_READONLY);
    return 0;
}

int facts_set(struct broker *b)
{
    char host[256] = "localhost";
    int rc = 0;

    if (!env_is_sim(b->env) && gethostname(host, sizeof(host) - 1) < 0)
        strcpy(host, "localhost");
    host[strcspn(host, ".")] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(fixed) && rc == 0; i++)
        rc = attrs_default(b->attrs, fixed[i].name, fixed[i].value, fixed[i].flags);
    if (rc < 0 || attrs_set(b->attrs, "version", PROJECT_VERSION, ATTR_READONLY) < 0 ||
        attrs_setf(b->attrs, "security.owner", ATTR_READONLY, "%u", b->owner) < 0 ||
        attrs_set(b->attrs, "hostname", host, ATTR_READONLY) < 0 ||
        attrs_default(b->attrs, "hostlist", host, ATTR_READONLY) < 0 ||
        attrs_setf(b->attrs, "broker.pid", ATTR_READONLY, "%d", (int)getpid()) < 0 ||
        attrs_set(b->attrs, "broker.uuid", b->uuid, ATTR_READONLY) < 0 ||
        attrs_setf(b->attrs, "broker.starttime", ATTR_READONLY, "%.2f", b->starttime) <
            0 ||
        attrs_set(b->attrs, "broker.durability",
                  store_durability_name(store_durability(b->store)), ATTR_READONLY) < 0 ||
        set_dirs(b) < 0 || set_parent(b) < 0)
        return -ENOMEM;
    if (config_path(b->config))
        rc = attrs_set(b->attrs, "config.path", config_path(b->config), ATTR_READONLY);
    return rc;
}

void facts_apply_log(struct broker *b)
{
    long ring = attrs_int(b->attrs, "log-ring-size", LOG_RING_SIZE);

    if (ring > 0 && ring <= 1 << 20)
        log_set_ring_size(b->log, ring);
    log_set_level(b->log, (int)attrs_int(b->attrs, "log-level", LOG_DEBUG));
    log_set_hook_level(b->log, (int)attrs_int(b->attrs, "log-stderr-level", LOG_ERR));
}
