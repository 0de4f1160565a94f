/* The resource limits that a job gets; see joblimit.h. */

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "cli/joblimit.h"

const struct cli_option joblimit_options[] = {
    {"rlimit", 0, CLI_REQUIRED, "RULE",
     "Limits to propagate: -PATTERN, PATTERN or NAME=VALUE"},
    {0},
};

/* Those not propagated by default describe the host more than the work. */
static const struct {
    const char *name;
    int resource;
    bool dflt;
} limits[] = {
    {"as", RLIMIT_AS, true},
    {"core", RLIMIT_CORE, true},
    {"cpu", RLIMIT_CPU, true},
    {"data", RLIMIT_DATA, true},
    {"fsize", RLIMIT_FSIZE, true},
    {"memlock", RLIMIT_MEMLOCK, false},
    {"msgqueue", RLIMIT_MSGQUEUE, false},
    {"nice", RLIMIT_NICE, false},
    {"nofile", RLIMIT_NOFILE, false},
    {"nproc", RLIMIT_NPROC, true},
    {"ofile", RLIMIT_NOFILE, false},
    {"rss", RLIMIT_RSS, true},
    {"rtprio", RLIMIT_RTPRIO, false},
    {"rttime", RLIMIT_RTTIME, false},
    {"sigpending", RLIMIT_SIGPENDING, false},
    {"stack", RLIMIT_STACK, true},
};

static void set_limit(cJSON *o, const char *name, rlim_t value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(o, name);
    cJSON_AddNumberToObject(o, name, value == RLIM_INFINITY ? -1. : (double)value);
}

static int add_matching(cJSON *o, const char *pattern)
{
    struct rlimit r;
    int n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        bool match = !strcmp(pattern, "*") ? limits[i].dflt
                                           : fnmatch(pattern, limits[i].name, 0) == 0;

        if (match && getrlimit(limits[i].resource, &r) == 0) {
            set_limit(o, limits[i].name, r.rlim_cur);
            n++;
        }
    }
    return n;
}

static void remove_matching(cJSON *o, const char *pattern)
{
    cJSON *next;

    for (cJSON *v = o->child; v; v = next) {
        next = v->next;
        if (fnmatch(pattern, v->string, 0) == 0)
            cJSON_Delete(cJSON_DetachItemViaPointer(o, v));
    }
}

static int set_value(struct cli *c, cJSON *o, const char *rule)
{
    const char *value = strchr(rule, '=') + 1;
    size_t len = value - rule - 1;
    char *end;

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        rlim_t v;

        if (strlen(limits[i].name) != len || strncasecmp(limits[i].name, rule, len))
            continue;
        if (!strcasecmp(value, "unlimited") || !strcasecmp(value, "infinity") ||
            !strcasecmp(value, "inf")) {
            v = RLIM_INFINITY;
        } else {
            errno = 0;
            v = strtoull(value, &end, 10);
            if (end == value || *end || *value == '-' || errno)
                return cli_usage(c, "--rlimit: invalid value in %s", rule);
        }
        set_limit(o, limits[i].name, v);
        return 0;
    }
    return cli_usage(c, "--rlimit: no such limit: %.*s", (int)len, rule);
}

cJSON *joblimit_build(struct cli *c)
{
    cJSON *o = cJSON_CreateObject();
    const char *rule;
    int rc = 0;

    if (!o)
        return NULL;
    add_matching(o, "*");
    for (size_t it = 0; rc == 0 && (rule = cli_each(c, "rlimit", &it));) {
        if (rule[0] == '-')
            remove_matching(o, rule + 1);
        else if (strchr(rule, '='))
            rc = set_value(c, o, rule);
        else if (add_matching(o, rule) == 0)
            rc = cli_usage(c, "--rlimit: no limit matches '%s'", rule);
    }
    if (rc) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}
