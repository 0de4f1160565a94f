/* Broker attributes at the start. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/attr.h>

#include "base/cleanup.h"
#include "broker/boot.h"
#include "broker/broker.h"
#include "broker/enclosing.h"
#include "broker/facts.h"
#include "broker/mapping.h"

#define LOG_RING_SIZE 1024

static const struct {
    const char *name, *value;
    int flags;
} fixed[] = {
    {"broker.critical-ranks", "0", ATTR_BOOT},
    {"broker.quorum-warn", "60s", ATTR_BOOT},
    {"broker.shutdown-timeout", "60s", ATTR_BOOT},
    {"broker.cleanup-timeout", "30s", ATTR_BOOT},
    {"broker.rc1_path", "", ATTR_BOOT},
    {"broker.rc3_path", "", ATTR_BOOT},
    {"broker.recovery-mode", "0", ATTR_BOOT},
    {"content.restore", "", ATTR_BOOT},
    {"content.dump", "", ATTR_RUNTIME},
    {"tbon.topo", BOOT_TOPO, ATTR_BOOT},
    {"tbon.heartbeat", "2s", ATTR_BOOT},
    {"tbon.torpid_min", "5s", ATTR_BOOT},
    {"tbon.torpid_max", "30s", ATTR_BOOT},
    {"tbon.tcp_user_timeout", "20s", ATTR_BOOT},
    {"tbon.connect_timeout", "30s", ATTR_BOOT},
    {"content.hash", "sha256", ATTR_READONLY},
    {"log-ring-size", "1024", ATTR_RUNTIME},
    {"log-forward-level", "7", ATTR_RUNTIME},
    {"log-stderr-level", "3", ATTR_RUNTIME},
    {"log-stderr-mode", "leader", ATTR_RUNTIME},
    {"log-level", "7", ATTR_BOOT},
    {"conf.shell_initrc", "", ATTR_RUNTIME},
    {"conf.shell_pluginpath", "", ATTR_RUNTIME},
};

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

int facts_set_hostname(struct broker *b)
{
    const char *given = attrs_get(b->attrs, "hostname");
    char host[256] = "localhost";

    if (given)
        return attrs_set(b->attrs, "hostname", given, ATTR_READONLY);
    if (!env_is_sim(b->env) && gethostname(host, sizeof(host) - 1) < 0)
        strcpy(host, "localhost");
    host[strcspn(host, ".")] = '\0';
    return attrs_set(b->attrs, "hostname", host, ATTR_READONLY);
}

/* Of all ranks; the others hear it in their welcome. */
int facts_set_hostlist(struct broker *b)
{
    const char *host = attrs_get(b->attrs, "hostname");
    struct buf list = {0};
    int rc;

    if (b->place->hostlist)
        return attrs_set(b->attrs, "hostlist", b->place->hostlist, ATTR_READONLY);
    for (uint32_t i = 0; i < b->size; i++)
        buf_addf(&list, "%s%s", i ? "," : "", host);
    rc = list.failed ? -ENOMEM
                     : attrs_default(b->attrs, "hostlist", list.data, ATTR_READONLY);
    buf_free(&list);
    return rc;
}

static int set_place(struct broker *b)
{
    const struct topo *t = b->place->topo;
    int rc = 0;

    if (attrs_setf(b->attrs, "rank", ATTR_READONLY, "%u", b->rank) < 0 ||
        attrs_setf(b->attrs, "size", ATTR_READONLY, "%u", b->size) < 0 ||
        attrs_set(b->attrs, "broker.boot-method", b->place->method, ATTR_BOOT) < 0 ||
        attrs_setf(b->attrs, "tbon.level", ATTR_READONLY, "%u", topo_level(t, b->rank)) <
            0 ||
        attrs_setf(b->attrs, "tbon.maxlevel", ATTR_READONLY, "%u", topo_maxlevel(t)) <
            0 ||
        attrs_setf(b->attrs, "tbon.descendants", ATTR_READONLY, "%u",
                   topo_descendants(t, b->rank)) < 0)
        return -ENOMEM;
    if (!attrs_get(b->attrs, "broker.quorum"))
        rc = attrs_setf(b->attrs, "broker.quorum", ATTR_BOOT, "%u", b->size);
    return rc < 0 ? rc : facts_set_hostlist(b);
}

/* Durations in the configuration, as text ("5s") or numbers of seconds, hold where no
 * attribute was given. */
static int set_tbon(struct broker *b)
{
    static const char *const names[] = {"tbon.torpid_min", "tbon.torpid_max",
                                        "tbon.tcp_user_timeout", "tbon.connect_timeout"};
    cJSON *v[ARRAY_SIZE(names)] = {NULL};
    int rc = 0;

    if (flux_conf_unpack(config_get(b->config), NULL, "{s?{s?o s?o s?o s?o}}", "tbon",
                         "torpid_min", &v[0], "torpid_max", &v[1], "tcp_user_timeout",
                         &v[2], "connect_timeout", &v[3]) < 0)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(names) && rc == 0; i++) {
        AUTOFREE char *s = v[i] && !json_str(v[i]) ? json_print(v[i]) : NULL;

        if (v[i])
            rc = attrs_default(b->attrs, names[i], s ? s : json_str(v[i]), ATTR_BOOT);
    }
    return rc;
}

int facts_set(struct broker *b)
{
    int rc = set_tbon(b);

    for (size_t i = 0; i < ARRAY_SIZE(fixed) && rc == 0; i++)
        rc = attrs_default(b->attrs, fixed[i].name, fixed[i].value, fixed[i].flags);
    if (rc < 0 || set_place(b) < 0 ||
        attrs_set(b->attrs, "version", PROJECT_VERSION, ATTR_READONLY) < 0 ||
        attrs_setf(b->attrs, "security.owner", ATTR_READONLY, "%u", b->owner) < 0 ||
        attrs_setf(b->attrs, "broker.pid", ATTR_READONLY, "%d", (int)getpid()) < 0 ||
        attrs_set(b->attrs, "broker.uuid", b->uuid, ATTR_READONLY) < 0 ||
        attrs_setf(b->attrs, "broker.starttime", ATTR_READONLY, "%.2f", b->starttime) <
            0 ||
        attrs_set(b->attrs, "broker.durability",
                  b->store ? store_durability_name(store_durability(b->store)) : "none",
                  ATTR_READONLY) < 0 ||
        set_dirs(b) < 0 || enclosing_facts(b) < 0)
        return -ENOMEM;
    if (config_path(b->config))
        rc = attrs_set(b->attrs, "config.path", config_path(b->config), ATTR_READONLY);
    return rc;
}

int facts_check(struct broker *b, flux_error_t *err)
{
    static const char *const durations[] = {
        "broker.quorum-warn",    "broker.shutdown-timeout", "broker.cleanup-timeout",
        "tbon.heartbeat",        "tbon.torpid_min",         "tbon.torpid_max",
        "tbon.tcp_user_timeout", "tbon.connect_timeout",    "local.frame-timeout",
    };
    int rc = 0;

    for (size_t i = 0; i < ARRAY_SIZE(durations) && rc == 0; i++)
        rc = attrs_check_duration(b->attrs, durations[i], err);
    return rc;
}

int facts_join(struct broker *b)
{
    struct buf map = {0};
    int rc = mapping_encode(attrs_get(b->attrs, "hostlist"), &map);

    if (rc == 0)
        rc = attrs_set(b->attrs, "broker.mapping", map.data, ATTR_READONLY);
    buf_free(&map);
    if (rc == 0 && b->orphan_timeout >= 0)
        rc = attrs_setf(b->attrs, "broker.orphan-timeout", ATTR_BOOT, "%gs",
                        b->orphan_timeout);
    else if (rc == 0)
        rc = attrs_set(b->attrs, "broker.orphan-timeout", "none", ATTR_BOOT);
    if (rc == 0 && b->instance[0])
        rc = attrs_set(b->attrs, "instance-uuid", b->instance, ATTR_READONLY);
    return rc;
}

void facts_apply_log(struct broker *b)
{
    long ring = attrs_int(b->attrs, "log-ring-size", LOG_RING_SIZE);
    const char *mode = attrs_get(b->attrs, "log-stderr-mode");

    if (ring > 0 && ring <= 1 << 20)
        log_set_ring_size(b->log, ring);
    log_set_level(b->log, (int)attrs_int(b->attrs, "log-level", LOG_DEBUG));
    log_set_hook_level(b->log, (int)attrs_int(b->attrs, "log-stderr-level", LOG_ERR));
    log_set_hook_local(b->log, mode && !strcmp(mode, "local"));
    if (b->rank > 0)
        log_set_forward(b->log, (int)attrs_int(b->attrs, "log-forward-level", LOG_DEBUG));
}
