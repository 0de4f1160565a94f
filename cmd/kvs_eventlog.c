/* flux kvs eventlog get, append, wait-event. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "kvs.h"

static const struct cli_option format_options[] = {
    {"unformatted", 'u', CLI_NONE, NULL, "Print events as they are stored"},
    {"waitcreate", 'W', CLI_NONE, NULL, "Wait for the log to exist"},
    {0},
};

/* TIMESTAMP NAME KEY=VALUE..., or the line as it is. */
static void print_event(struct cli *c, const char *line, size_t len, const cJSON *o)
{
    const cJSON *v, *context = cJSON_GetObjectItem(o, "context");

    if (cli_count(c, "unformatted")) {
        printf("%.*s\n", (int)len, line);
    } else {
        printf("%.6f %s", cJSON_GetNumberValue(cJSON_GetObjectItem(o, "timestamp")),
               cJSON_GetStringValue(cJSON_GetObjectItem(o, "name")));
        cJSON_ArrayForEach(v, context)
        {
            char *text = cJSON_PrintUnformatted(v);

            printf(" %s=%s", v->string, text ? text : "");
            cJSON_free(text);
        }
        printf("\n");
    }
    fflush(stdout);
}

/* An event, or NULL after a message. */
static cJSON *parse_event(struct cli *c, const char *key, const char *line, size_t len)
{
    cJSON *o = cJSON_ParseWithLength(line, len);

    if (cJSON_GetStringValue(cJSON_GetObjectItem(o, "name")) &&
        cJSON_IsNumber(cJSON_GetObjectItem(o, "timestamp")))
        return o;
    cJSON_Delete(o);
    cli_fail(c, "%s: not an event log", key);
    return NULL;
}

/* Call fn for each line of some events, until it returns other than 0. */
typedef int (*event_f)(struct cli *c, const char *line, size_t len, const cJSON *o,
                       void *arg);

static int each_event(struct cli *c, const char *key, const char *text, event_f fn,
                      void *arg)
{
    int rc = 0;

    while (rc == 0 && text && *text) {
        size_t len = strcspn(text, "\n");
        cJSON *o = parse_event(c, key, text, len);

        rc = o ? fn(c, text, len, o, arg) : -1;
        cJSON_Delete(o);
        text += len + (text[len] == '\n');
    }
    return rc;
}

static const struct cli_option get_options[] = {
    {"watch", 'w', CLI_NONE, NULL, "Print events as they are appended"},
    {"count", 'c', CLI_REQUIRED, "N", "With --watch: stop after N events"},
    {0},
};

/* 1: that was the last one. */
static int print_counted(struct cli *c, const char *line, size_t len, const cJSON *o,
                         void *arg)
{
    long *left = arg;

    print_event(c, line, len, o);
    return --*left == 0;
}

static int get_flags(struct cli *c)
{
    return cli_count(c, "waitcreate") ? FLUX_KVS_WAITCREATE : 0;
}

static int get_log(struct cli *c, flux_t *h)
{
    const char *key = cli_arg(c, 0), *text;
    int flags = get_flags(c), rc = 0;
    flux_future_t *f;
    long count = 0;

    if (!cli_int(c, "count", 1, INT32_MAX, &count))
        return CLI_EXIT_USAGE;
    if (cli_count(c, "watch"))
        flags |= FLUX_KVS_WATCH | FLUX_KVS_WATCH_APPEND;
    else
        count = 0;
    f = flux_kvs_lookup(h, kvs_ns(c), flags, key);
    do {
        if (!f || flux_kvs_lookup_get(f, &text) < 0) {
            if (!f || errno != ENODATA || !(flags & FLUX_KVS_WATCH))
                rc = -kvs_fail(c, key, f);
            break;
        }
        rc = each_event(c, key, text, print_counted, &count);
        flux_future_reset(f);
    } while (rc == 0 && (flags & FLUX_KVS_WATCH));
    flux_future_destroy(f);
    return rc < 0;
}

static int run_get(struct cli *c)
{
    return cli_argc(c) == 1 ? cli_with_handle(c, get_log)
                            : cli_usage(c, "a key is needed");
}

static const struct cli_option append_options[] = {
    {"timestamp", 't', CLI_REQUIRED, "SECONDS", "Since the epoch (default: now)"},
    {0},
};

/* All arguments from the third on, which make up an object; NULL: there are none. */
static cJSON *read_context(struct cli *c, bool *bad)
{
    char *text = NULL, *more;
    cJSON *o;

    *bad = false;
    if (cli_argc(c) < 3)
        return NULL;
    for (int i = 2; i < cli_argc(c); i++) {
        if (asprintf(&more, "%s%s%s", text ? text : "", text ? " " : "", cli_arg(c, i)) <
            0)
            more = NULL;
        free(text);
        text = more;
    }
    o = text ? cJSON_Parse(text) : NULL;
    free(text);
    *bad = !cJSON_IsObject(o);
    return o;
}

/* A line of the log. */
static char *make_event(double t, const char *name, const cJSON *context)
{
    cJSON *s = cJSON_CreateString(name);
    char *quoted = cJSON_PrintUnformatted(s);
    char *extra = context ? cJSON_PrintUnformatted(context) : NULL, *line;

    if (asprintf(&line, "{\"timestamp\":%.6f,\"name\":%s%s%s}\n", t, quoted,
                 extra ? ",\"context\":" : "", extra ? extra : "") < 0)
        line = NULL;
    cJSON_free(extra);
    cJSON_free(quoted);
    cJSON_Delete(s);
    return line;
}

static int append(struct cli *c, flux_t *h)
{
    const char *when = cli_str(c, "timestamp", NULL);
    flux_kvs_txn_t *txn = NULL;
    bool bad;
    cJSON *context = read_context(c, &bad);
    double t = when ? strtod(when, NULL) : flux_reactor_time();
    char *line = bad ? NULL : make_event(t, cli_arg(c, 1), context);
    int rc;

    if (bad)
        rc = cli_usage(c, "the context is not a JSON object");
    else if (when && !(t > 0.))
        rc = cli_usage(c, "--timestamp: '%s' is not a number of seconds", when);
    else if (!line || !(txn = flux_kvs_txn_create()) ||
             flux_kvs_txn_put(txn, FLUX_KVS_APPEND, cli_arg(c, 0), line) < 0)
        rc = cli_fail(c, "%s: %s", cli_arg(c, 0), strerror(errno));
    else
        rc = kvs_commit_txn(c, h, cli_arg(c, 0), 0, txn);
    free(line);
    cJSON_Delete(context);
    return rc;
}

static int run_append(struct cli *c)
{
    return cli_argc(c) >= 2 ? cli_with_handle(c, append)
                            : cli_usage(c, "a key and an event's name are needed");
}

static const struct cli_option wait_options[] = {
    {"timeout", 't', CLI_REQUIRED, "DURATION", "Give up after this time"},
    {"quiet", 'q', CLI_NONE, NULL, "Do not print the event"},
    {"verbose", 'v', CLI_NONE, NULL, "Print the events before it, too"},
    {0},
};

/* 1: it is the one. */
static int check_event(struct cli *c, const char *line, size_t len, const cJSON *o,
                       void *arg)
{
    bool match = !strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(o, "name")), arg);

    if (match ? !cli_count(c, "quiet") : cli_count(c, "verbose"))
        print_event(c, line, len, o);
    return match;
}

static int wait_event(struct cli *c, flux_t *h)
{
    const char *key = cli_arg(c, 0), *text;
    int flags = get_flags(c) | FLUX_KVS_WATCH | FLUX_KVS_WATCH_APPEND, rc = 0;
    double timeout = -1., until;
    flux_future_t *f;

    if (!cli_duration(c, "timeout", &timeout))
        return CLI_EXIT_USAGE;
    until = flux_reactor_time() + timeout;
    f = flux_kvs_lookup(h, kvs_ns(c), flags, key);
    while (rc == 0) {
        double now = flux_reactor_time();
        double left = timeout < 0. ? -1. : until > now ? until - now : 0.;

        if (f && flux_future_wait_for(f, left) < 0 && errno == ETIMEDOUT) {
            rc = -cli_fail(c, "wait-event timeout on event '%s'", cli_arg(c, 1));
            break;
        }
        if (!f || flux_kvs_lookup_get(f, &text) < 0) {
            rc = f && errno == ENODATA
                     ? -cli_fail(c, "event '%s' never received", cli_arg(c, 1))
                     : -kvs_fail(c, key, f);
            break;
        }
        rc = each_event(c, key, text, check_event, (void *)cli_arg(c, 1));
        flux_future_reset(f);
    }
    flux_future_destroy(f);
    return rc < 0;
}

static int run_wait_event(struct cli *c)
{
    return cli_argc(c) == 2 ? cli_with_handle(c, wait_event)
                            : cli_usage(c, "a key and an event's name are needed");
}

static const struct cli_command
    log_get = {"get", "KEY", "Print an event log",
               TABLE(kvs_ns_option, format_options, get_options), run_get},
    log_append = {"append", "KEY NAME [CONTEXT]", "Append an event",
                  TABLE(kvs_ns_option, append_options), run_append},
    log_wait = {"wait-event", "KEY EVENT", "Wait for an event",
                TABLE(kvs_ns_option, format_options, wait_options), run_wait_event};

const struct cli_command kvs_eventlog = {
    .name = "eventlog",
    .help = "Read, append to and wait on event logs",
    .sub = (const struct cli_command *const[]){&log_get, &log_append, &log_wait, NULL},
};
