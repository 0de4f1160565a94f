/* flux dmesg, flux logger - the broker's log ring. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include <flux/core.h>

#include "cmds.h"

static const struct cli_option dmesg_options[] = {
    {"clear", 'C', CLI_NONE, NULL, "Clear the log"},
    {"read-clear", 'c', CLI_NONE, NULL, "Print the log, then clear it"},
    {"follow", 'f', CLI_NONE, NULL, "Keep printing what is logged"},
    {"new", 'n', CLI_NONE, NULL, "Only follow what is new"},
    {"human", 'H', CLI_NONE, NULL, "Times for people"},
    {"delta", 'd', CLI_NONE, NULL, "With --human: time since the line before"},
    {"color", 'L', CLI_NONE, NULL, "Colour by severity"},
    {0},
};

static const char *const severities[] = {"emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug"};

struct printer {
    struct cli *c;
    double last; /* seconds since the epoch, of the line before */
};

/* 2026-11-23T08:07:34.882572Z */
static double parse_time(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    return rest ? (double)timegm(&tm) + strtod(rest, NULL) : 0.;
}

static void print_time(struct printer *p, const char *text)
{
    double t = parse_time(text);
    time_t sec = (time_t)t;
    char human[32];

    if (!cli_count(p->c, "human")) {
        printf("%s ", text);
        return;
    }
    strftime(human, sizeof(human), "%b%d %H:%M:%S", localtime(&sec));
    if (cli_count(p->c, "delta") && p->last > 0.)
        printf("[%+12.6f] ", t - p->last);
    else
        printf("[%s] ", human);
    p->last = t;
}

static const char *color_of(const struct printer *p, int severity)
{
    if (!cli_count(p->c, "color") || severity > 4)
        return "";
    return severity <= 3 ? "\033[01;31m" : "\033[01;33m";
}

/* "<pri>1 TIME RANK APP PROC - - text", pri = severity * 8 + facility, as
 * "TIME APP.level[RANK]: text". */
static void print_line(struct printer *p, const char *line)
{
    char time[64], rank[256], app[64], proc[64];
    int pri, used = 0;

    if (sscanf(line, "<%d>1 %63s %255s %63s %63s %*s %*s %n", &pri, time, rank, app, proc,
               &used) < 5 ||
        used == 0) {
        cli_print_safe(stdout, line);
    } else {
        const char *color = color_of(p, pri >> 3 & 7);

        print_time(p, time);
        printf("%s%s.%s[%s]: ", color, app, severities[pri >> 3 & 7], rank);
        cli_print_safe(stdout, line + used);
        fputs(*color ? "\033[0m" : "", stdout);
    }
    putchar('\n');
}

static int print_log(struct cli *c, flux_t *h)
{
    bool follow = cli_count(c, "follow") || cli_count(c, "new");
    flux_future_t *f =
        flux_rpc_pack(h, "log.dmesg", FLUX_NODEID_ANY, FLUX_RPC_STREAMING, "{s:b s:b}",
                      "follow", follow, "nobacklog", cli_count(c, "new") > 0);
    struct printer p = {.c = c};
    const char *line;
    int rc = 0;

    while (f && flux_rpc_get(f, &line) == 0) {
        print_line(&p, line);
        fflush(stdout);
        flux_future_reset(f);
    }
    if (!f || errno != ENODATA)
        rc = cli_fail(c, "log.dmesg: %s", cli_why(f));
    flux_future_destroy(f);
    return rc;
}

static int clear_log(struct cli *c, flux_t *h)
{
    return cli_finish(c, "log.clear", flux_rpc(h, "log.clear", NULL, FLUX_NODEID_ANY, 0));
}

static int run_dmesg(struct cli *c)
{
    bool clear = cli_count(c, "clear") || cli_count(c, "read-clear");
    flux_t *h;
    int rc = 0;

    if (cli_argc(c) != 0)
        return cli_usage(c, "no argument is expected");
    if (!(h = cli_open(c)))
        return 1;
    if (!cli_count(c, "clear"))
        rc = print_log(c, h);
    if (rc == 0 && clear)
        rc = clear_log(c, h);
    flux_close(h);
    return rc;
}

const struct cli_command cmd_dmesg = {
    .name = "dmesg",
    .args = "",
    .help = "Print the broker's log",
    .options = (const struct cli_option *const[]){dmesg_options, NULL},
    .run = run_dmesg,
};

static const struct cli_option logger_options[] = {
    {"severity", 's', CLI_REQUIRED, "LEVEL",
     "emerg alert crit err warning notice info debug"},
    {"appname", 'n', CLI_REQUIRED, "NAME", "Log under this name (default: logger)"},
    {0},
};

static int parse_severity(const char *s)
{
    for (int i = 0; i < 8; i++) {
        if (!strcmp(s, severities[i]))
            return i;
    }
    return -1;
}

static int run_logger(struct cli *c)
{
    int level = parse_severity(cli_str(c, "severity", "notice"));
    char text[4096] = "";
    flux_t *h;

    if (level < 0)
        return cli_usage(c, "--severity: unknown level '%s'", cli_str(c, "severity", ""));
    if (cli_argc(c) == 0)
        return cli_usage(c, "a message is needed");
    for (int i = 0; i < cli_argc(c); i++) {
        size_t n = strlen(text);

        snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "", cli_arg(c, i));
    }
    if (!(h = cli_open(c)))
        return 1;
    flux_log_set_appname(h, cli_str(c, "appname", "logger"));
    flux_log(h, level, "%s", text);
    flux_close(h);
    return 0;
}

const struct cli_command cmd_logger = {
    .name = "logger",
    .args = "MESSAGE...",
    .help = "Write a message to the broker's log",
    .options = (const struct cli_option *const[]){logger_options, NULL},
    .run = run_logger,
};
