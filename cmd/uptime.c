/* flux uptime - what the instance is, in a few lines. */

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <flux/core.h>
#include <flux/idset.h>

#include "cmds.h"

static const char *attr(flux_t *h, const char *name)
{
    const char *s = flux_attr_get(h, name);

    return s ? s : "?";
}

/* Two units at most: 25s, 3.2m, 1.5h, 2.1d. */
static void format_age(double age, char *buf, size_t size)
{
    if (age < 60.)
        snprintf(buf, size, "%.0fs", age);
    else if (age < 3600.)
        snprintf(buf, size, "%.1fm", age / 60.);
    else if (age < 86400.)
        snprintf(buf, size, "%.1fh", age / 3600.);
    else
        snprintf(buf, size, "%.1fd", age / 86400.);
}

static const char *owner_name(const char *uid)
{
    struct passwd *pw = getpwuid(strtoul(uid, NULL, 10));

    return pw ? pw->pw_name : uid;
}

/* The second line, put together piece by piece. */
static void notice(const char **sep, size_t n, bool counted, const char *text)
{
    if (n == 0)
        return;
    printf("%s", *sep);
    if (counted)
        printf("%zu ", n);
    printf("%s", text);
    *sep = ",  ";
}

static void queue_notices(flux_t *h, const char **sep)
{
    flux_future_t *f = flux_rpc(h, "job-manager.queue-status", "{}", FLUX_NODEID_ANY, 0);
    int enable, start;

    if (f &&
        flux_rpc_get_unpack(f, "{s:b s:b}", "enable", &enable, "start", &start) == 0) {
        notice(sep, !enable, false, "submit disabled");
        notice(sep, !start, false, "scheduler stopped");
    }
    flux_future_destroy(f);
}

static size_t count_ids(const char *text)
{
    size_t n = 0;

    return text && idset_decode_info(text, -1, &n, NULL, NULL) == 0 ? n : 0;
}

static void node_notices(flux_t *h, const char **sep)
{
    flux_future_t *f = flux_rpc(h, "resource.status", NULL, 0, 0);
    const char *offline, *torpid;
    size_t ndrained = 0;
    const cJSON *drain, *d;

    if (f && flux_rpc_get_unpack(f, "{s:o s:s s:s}", "drain", &drain, "offline", &offline,
                                 "torpid", &torpid) == 0) {
        cJSON_ArrayForEach(d, drain) ndrained += count_ids(d->string);
        notice(sep, ndrained, true, "drained");
        notice(sep, count_ids(offline), true, "offline");
        notice(sep, count_ids(torpid), true, "torpid");
    }
    flux_future_destroy(f);
}

/* Of the key-value store: what is younger is in the log only, and is not lost either. */
static void print_checkpoint(flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "kvs.stats-get", NULL, 0, 0);
    double when = 0;
    int64_t seq;
    char text[32];
    time_t t;

    if (f &&
        flux_rpc_get_unpack(f, "{s:{s:I s:f}}", "checkpoint", "sequence", &seq, "time",
                            &when) == 0 &&
        when > 0) {
        t = (time_t)when;
        strftime(text, sizeof(text), "%FT%T", localtime(&t));
        printf(" last checkpoint %s,  sequence %jd\n", text, (intmax_t)seq);
    }
    flux_future_destroy(f);
}

/* Whatever holds jobs up. */
static void print_notices(flux_t *h)
{
    const char *sep = " ";

    queue_notices(h, &sep);
    node_notices(h, &sep);
    if (sep[0] == ',')
        printf("\n");
}

static int run_uptime(struct cli *c)
{
    flux_future_t *f = NULL;
    char clock[16], age[32];
    time_t t = time(NULL);
    const char *state;
    double duration;
    flux_t *h;
    int rc = 0;

    if (!(h = cli_open(c)))
        return 1;
    f = flux_rpc(h, "state-machine.get", NULL, FLUX_NODEID_ANY, 0);
    if (!f ||
        flux_rpc_get_unpack(f, "{s:s s:f}", "state", &state, "duration", &duration) < 0) {
        rc = cli_fail(c, "state-machine.get: %s", cli_why(f));
    } else {
        strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&t));
        format_age(duration, age, sizeof(age));
        printf(" %s %s %s,  owner %s,  depth %s,  size %s,  durability %s\n", clock,
               state, age, owner_name(attr(h, "security.owner")),
               attr(h, "instance-level"), attr(h, "size"), attr(h, "broker.durability"));
        print_checkpoint(h);
        print_notices(h);
    }
    flux_future_destroy(f);
    flux_close(h);
    return rc;
}

const struct cli_command cmd_uptime = {
    .name = "uptime",
    .args = "",
    .help = "Print how long the instance has run, its size and what it promises",
    .run = run_uptime,
};
