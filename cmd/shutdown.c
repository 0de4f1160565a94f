/* flux shutdown - end an instance in good order. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <flux/core.h>

#include "cli/uri.h"
#include "cmds.h"

static const struct cli_option shutdown_options[] = {
    {"background", 0, CLI_NONE, NULL, "Only begin it; do not wait for its end"},
    {"quiet", 0, CLI_NONE, NULL, "Do not show what is logged meanwhile"},
    {"verbose", 'v', CLI_NONE, NULL, "Show more of that; twice: all"},
    {"yes", 'y', CLI_NONE, NULL, "Answer yes to questions"},
    {"no", 'n', CLI_NONE, NULL, "Answer no to questions"},
    {"dump", 0, CLI_OPTIONAL, "PATH", "Write the state to an archive at the end"},
    {"gc", 0, CLI_NONE, NULL, "Delete before it what no key leads to any more"},
    {"skip-gc", 0, CLI_NONE, NULL, "Do not (that is the default)"},
    {0},
};

struct down {
    struct cli *c;
    flux_t *h;
    int level, rc;
};

/* "<pri>1 TIME HOST APP ...": print it if it matters enough. */
static void log_cb(flux_future_t *f, void *arg)
{
    struct down *d = arg;
    const char *line;
    int pri, used = 0;

    if (flux_rpc_get(f, &line) < 0)
        return;
    if (sscanf(line, "<%d>1 %*s %*s %*s %*s %*s %*s %n", &pri, &used) == 1 && used > 0 &&
        (pri >> 3 & 7) <= d->level) {
        cli_print_safe(stderr, line + used);
        fputc('\n', stderr);
    }
    flux_future_reset(f);
}

/* The stream ends when the broker goes; so may the connection. */
static void ended_cb(flux_future_t *f, void *arg)
{
    struct down *d = arg;

    if (flux_rpc_get(f, NULL) == 0) {
        flux_future_reset(f);
        return;
    }
    if (errno != ENODATA && errno != ECONNRESET && errno != EPIPE &&
        errno != EHOSTUNREACH)
        d->rc = cli_fail(d->c, "shutdown.start: %s", cli_why(f));
    flux_reactor_stop(flux_get_reactor(d->h));
}

static int log_level(struct cli *c)
{
    int n = cli_count(c, "verbose");

    if (cli_count(c, "quiet"))
        return -1;
    return n == 0 ? LOG_ERR : n == 1 ? LOG_INFO : LOG_DEBUG;
}

static int begin_and_wait(struct cli *c, flux_t *h)
{
    struct down d = {c, h, log_level(c), 0};
    flux_future_t *log = flux_rpc_pack(h, "log.dmesg", 0, FLUX_RPC_STREAMING, "{s:b s:b}",
                                       "follow", 1, "nobacklog", 1);
    flux_future_t *f = flux_rpc(h, "shutdown.start", "{}", 0, FLUX_RPC_STREAMING);

    if (log && flux_future_then(log, -1., log_cb, &d) < 0)
        log = NULL;
    if (!f || flux_future_then(f, -1., ended_cb, &d) < 0)
        d.rc = cli_fail(c, "shutdown.start: %s", strerror(errno));
    else if (flux_reactor_run(flux_get_reactor(h), 0) < 0 && errno != ECONNRESET)
        d.rc = cli_fail(c, "%s", strerror(errno));
    flux_future_destroy(log);
    flux_future_destroy(f);
    return d.rc;
}

/* Where it goes: the broker that writes it is in another folder. */
static char *dump_path(struct cli *c, flux_t *h)
{
    const char *id = flux_attr_get(h, "jobid"), *path = cli_str(c, "dump", NULL);
    char *folder = getcwd(NULL, 0), *s = NULL;
    int n;

    if (!id)
        id = flux_attr_get(h, "broker.uuid");
    if (path && *path == '/')
        s = strdup(path);
    else if (folder) {
        n = path && *path ? asprintf(&s, "%s/%s", folder, path)
                          : asprintf(&s, "%s/flux-%.13s-dump.tgz", folder, id ? id : "0");
        s = n < 0 ? NULL : s;
    }
    free(folder);
    return s;
}

static int prepare(struct cli *c, flux_t *h)
{
    char *path;
    int rc = 0;

    if (cli_count(c, "gc"))
        rc = cli_finish(c, "kvs.gc", flux_rpc(h, "kvs.gc", "{}", 0, 0));
    if (rc || !cli_count(c, "dump"))
        return rc;
    if (!(path = dump_path(c, h)))
        return cli_fail(c, "%s", strerror(errno));
    rc = cli_finish(c, "attr.set",
                    flux_rpc_pack(h, "attr.set", 0, 0, "{s:s s:s}", "name",
                                  "content.dump", "value", path));
    free(path);
    return rc;
}

static int begin(struct cli *c, flux_t *h)
{
    int rc = prepare(c, h);

    if (rc)
        return rc;
    if (!cli_count(c, "background"))
        return begin_and_wait(c, h);
    return cli_finish(c, "shutdown.start", flux_rpc(h, "shutdown.start", "{}", 0, 0));
}

static int run_shutdown(struct cli *c)
{
    flux_error_t err = {{0}};
    char *uri = NULL;
    flux_t *h;
    int rc;

    if (cli_argc(c) > 1)
        return cli_usage(c, "one instance at a time");
    if (cli_count(c, "gc") && cli_count(c, "skip-gc"))
        return cli_usage(c, "--gc or --skip-gc, not both");
    if (cli_argc(c) == 0)
        return cli_with_handle(c, begin);
    if (!(uri = uri_resolve(cli_arg(c, 0), URI_NEAR, false, &err)) ||
        !(h = flux_open_ex(uri, 0, &err))) {
        free(uri);
        return cli_fail(c, "%s", err.text);
    }
    free(uri);
    rc = begin(c, h);
    flux_close(h);
    return rc;
}

const struct cli_command cmd_shutdown = {
    .name = "shutdown",
    .args = "[TARGET]",
    .help = "End an instance in good order",
    .options = (const struct cli_option *const[]){shutdown_options, NULL},
    .run = run_shutdown,
};
