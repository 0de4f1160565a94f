/* flux start, flux broker - start an instance: both end as flux-broker, and a test instance
 * of several brokers as flux-launcher, which starts them. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <flux/conf.h>

#include "cmds.h"

struct args {
    char **argv;
    int n, max;
};

static void add(struct args *a, const char *s)
{
    if (a->n + 1 >= a->max) {
        a->max = a->max ? 2 * a->max : 32;
        a->argv = realloc(a->argv, a->max * sizeof(char *));
        if (!a->argv)
            abort();
    }
    a->argv[a->n++] = (char *)s;
    a->argv[a->n] = NULL;
}

static int exec_broker(struct cli *c, struct args *a)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/flux-broker", cmd_bindir());
    a->argv[0] = path;
    execv(path, a->argv);
    return cli_fail(c, "%s: %s", path, strerror(errno));
}

static int run_broker(struct cli *c)
{
    return cmd_become(c, "flux-broker");
}

const struct cli_command cmd_broker = {
    .name = "broker",
    .args = "[BROKER-OPTIONS] [PROGRAM [ARGS]]",
    .help = "Run a broker; `flux-broker --help' lists its options",
    .run = run_broker,
    .raw = true,
};

static const struct cli_option start_options[] = {
    {"setattr", 'S', CLI_REQUIRED, "NAME=VALUE", "Set a broker attribute"},
    {"config-path", 'c', CLI_REQUIRED, "PATH",
     "Read configuration from a file or folder"},
    {"conf", 0, CLI_REQUIRED, "KEY=VALUE", "Set one configuration key"},
    {"broker-opts", 'o', CLI_REQUIRED, "OPTS", "Options for the broker, comma-separated"},
    {"rundir", 0, CLI_REQUIRED, "DIR", "Use DIR for sockets"},
    {"statedir", 0, CLI_REQUIRED, "DIR", "Keep state in DIR, so that it survives"},
    {"recovery", 'r', CLI_OPTIONAL, "TARGET",
     "Look at a damaged statedir, or at what an archive holds; no job starts"},
    {"test-cores", 0, CLI_REQUIRED, "N", "Schedule N cores, whatever this host has"},
    {"verbose", 'v', CLI_NONE, NULL, "Say more"},
    {"noexec", 'X', CLI_NONE, NULL, "Print the command instead of running it"},
    {"wrap", 0, CLI_REQUIRED, "ARGS", "Run the broker under this, comma-separated"},
    {"test-size", 's', CLI_REQUIRED, "N", "Start N brokers on this host"},
    {"test-hosts", 0, CLI_REQUIRED, "HOSTLIST", "Hostnames that the brokers pretend"},
    {"test-exit-timeout", 0, CLI_REQUIRED, "DURATION",
     "After an exit, kill the other brokers (default: 20s)"},
    {"test-exit-mode", 0, CLI_REQUIRED, "any|leader",
     "Whose exit that is (default: any)"},
    {"test-start-mode", 0, CLI_REQUIRED, "all|leader",
     "Whom to start at once (default: all)"},
    {"test-rundir", 0, CLI_REQUIRED, "DIR",
     "Use DIR, which exists, for sockets; keep it"},
    {"test-rundir-cleanup", 0, CLI_NONE, NULL, "Remove it at the end all the same"},
    {"test-pmi-clique", 0, CLI_REQUIRED, "MODE",
     "Who seems to share a node: single, none, per-broker, or a task map"},
    {0},
};

/* What only a launcher understands. */
static const char *const test_options[] = {
    "test-hosts",  "test-exit-timeout",   "test-exit-mode",  "test-start-mode",
    "test-rundir", "test-rundir-cleanup", "test-pmi-clique",
};
#define NTEST (sizeof(test_options) / sizeof(test_options[0]))

static char *attr(const char *name, const char *value)
{
    char *s;

    if (asprintf(&s, "-S%s=%s", name, value) < 0)
        abort();
    return s;
}

static void add_list(struct args *a, const char *list)
{
    char *copy = strdup(list), *save = NULL;

    for (char *s = strtok_r(copy, ",", &save); s; s = strtok_r(NULL, ",", &save))
        add(a, s);
}

/* A folder is a statedir, a file an archive. */
static void add_recovery(struct args *a, const char *target)
{
    struct stat st;

    add(a, attr("broker.recovery-mode", "1"));
    if (target && *target)
        add(a, attr(stat(target, &st) == 0 && !S_ISDIR(st.st_mode) ? "content.restore"
                                                                   : "statedir",
                    target));
}

static void add_option(struct args *a, const char *name, const char *value)
{
    if (!strcmp(name, "setattr")) {
        add(a, "-S");
        add(a, value);
    } else if (!strcmp(name, "config-path")) {
        add(a, "-c");
        add(a, value);
    } else if (!strcmp(name, "conf")) {
        add(a, "--conf");
        add(a, value);
    } else if (!strcmp(name, "broker-opts"))
        add_list(a, value);
    else if (!strcmp(name, "rundir") || !strcmp(name, "statedir"))
        add(a, attr(name, value));
    else if (!strcmp(name, "test-cores"))
        add(a, attr("test.cores", value));
    else if (!strcmp(name, "verbose"))
        add(a, "-v");
    else if (!strcmp(name, "recovery"))
        add_recovery(a, value);
}

/* True when the broker was told to run no initial program. */
static bool stays_up(const struct cli *c)
{
    const char *value;

    for (size_t it = 0; (value = cli_each(c, "setattr", &it));) {
        if (!strncmp(value, "broker.rc2_none", 15))
            return true;
    }
    return false;
}

/* ---- a test instance ---- */

static bool one_of(struct cli *c, const char *name, const char *a, const char *b)
{
    const char *s = cli_str(c, name, a);

    if (!strcmp(s, a) || !strcmp(s, b))
        return true;
    cli_usage(c, "--%s: '%s' is neither %s nor %s", name, s, a, b);
    return false;
}

static bool check_test_options(struct cli *c)
{
    double timeout;
    long size;

    if (!cli_int(c, "test-size", 1, 1 << 20, &size))
        return false;
    if (cli_count(c, "test-rundir") && cli_count(c, "rundir")) {
        cli_usage(c, "--rundir or --test-rundir, not both");
        return false;
    }
    if (cli_count(c, "test-rundir-cleanup") && !cli_count(c, "test-rundir")) {
        cli_usage(c, "--test-rundir-cleanup is about --test-rundir");
        return false;
    }
    return cli_duration(c, "test-exit-timeout", &timeout) &&
           one_of(c, "test-exit-mode", "any", "leader") &&
           one_of(c, "test-start-mode", "all", "leader");
}

static void add_long(struct args *a, const char *name, const char *value)
{
    char *s;

    if (asprintf(&s, "--%s%s%s", name, *value ? "=" : "", value) < 0)
        abort();
    add(a, s);
}

static bool is_launchers(const char *name)
{
    for (size_t i = 0; i < NTEST; i++) {
        if (!strcmp(name, test_options[i]))
            return true;
    }
    return !strcmp(name, "rundir") || !strcmp(name, "statedir") ||
           !strcmp(name, "wrap") || !strcmp(name, "noexec");
}

/* flux-launcher --size=N [OPTIONS] flux-broker [OPTIONS] [-- PROGRAM ..] */
static int run_launcher(struct cli *c, const char *shell)
{
    const char *libexec = flux_conf_builtin_get("libexecdir", FLUX_CONF_AUTO);
    char launcher[PATH_MAX], broker[PATH_MAX];
    const char *name, *value;
    struct args a = {0};

    snprintf(launcher, sizeof(launcher), "%s/flux-launcher", libexec ? libexec : "");
    snprintf(broker, sizeof(broker), "%s/flux-broker", cmd_bindir());
    add(&a, launcher);
    add_long(&a, "size", cli_str(c, "test-size", "1"));
    for (size_t it = 0; cli_each_option(c, &it, &name, &value);) {
        if (is_launchers(name))
            add_long(&a, name, value ? value : "");
    }
    add(&a, broker);
    for (size_t it = 0; cli_each_option(c, &it, &name, &value);) {
        if (!is_launchers(name))
            add_option(&a, name, value);
    }
    if (cli_argc(c) > 0 || shell)
        add(&a, "--");
    for (int i = 0; i < cli_argc(c); i++)
        add(&a, cli_arg(c, i));
    if (cli_argc(c) == 0 && shell)
        add(&a, shell);
    execv(launcher, a.argv);
    return cli_fail(c, "%s: %s", launcher, strerror(errno));
}

static bool has_statedir(const struct cli *c)
{
    const char *value;

    for (size_t it = 0; (value = cli_each(c, "setattr", &it));) {
        if (!strncmp(value, "statedir=", 9) || !strncmp(value, "content.restore=", 16))
            return true;
    }
    return cli_count(c, "statedir") > 0;
}

static bool check_recovery(struct cli *c)
{
    const char *target = cli_str(c, "recovery", NULL);
    struct stat st;

    if (!cli_count(c, "recovery"))
        return true;
    if (cli_count(c, "test-size"))
        cli_usage(c, "--recovery is about one broker, --test-size about several");
    else if (!target && !has_statedir(c))
        cli_usage(c, "--recovery of what? --recovery=DIR, or =FILE of flux dump");
    else if (target && stat(target, &st) < 0)
        cli_usage(c, "--recovery: %s: %s", target, strerror(errno));
    else
        return true;
    return false;
}

static int run_start(struct cli *c)
{
    struct args a = {0};
    const char *name, *value;
    const char *shell = getenv("SHELL") ? getenv("SHELL") : "/bin/sh";
    long cores = 1;
    size_t it = 0;

    if (!cli_int(c, "test-cores", 1, 1 << 20, &cores) || !check_recovery(c))
        return CLI_EXIT_USAGE;
    if (cli_count(c, "test-size"))
        return check_test_options(c) ? run_launcher(c, stays_up(c) ? NULL : shell)
                                     : CLI_EXIT_USAGE;
    for (size_t i = 0; i < NTEST; i++) {
        if (cli_count(c, test_options[i]))
            return cli_usage(c, "--%s needs --test-size", test_options[i]);
    }
    add(&a, "flux-broker");
    while (cli_each_option(c, &it, &name, &value))
        add_option(&a, name, value);
    for (int i = 0; i < cli_argc(c); i++)
        add(&a, cli_arg(c, i));
    if (cli_argc(c) == 0 && !stays_up(c))
        add(&a, shell);
    if (cli_count(c, "noexec")) {
        for (int i = 0; i < a.n; i++)
            printf("%s%s", a.argv[i], i + 1 < a.n ? " " : "\n");
        return 0;
    }
    if (cli_count(c, "wrap")) {
        struct args w = {0};
        char path[PATH_MAX];

        add_list(&w, cli_str(c, "wrap", ""));
        snprintf(path, sizeof(path), "%s/flux-broker", cmd_bindir());
        add(&w, path);
        for (int i = 1; i < a.n; i++)
            add(&w, a.argv[i]);
        execvp(w.argv[0], w.argv);
        return cli_fail(c, "%s: %s", w.argv[0], strerror(errno));
    }
    return exec_broker(c, &a);
}

const struct cli_command cmd_start = {
    .name = "start",
    .args = "[PROGRAM [ARGS]]",
    .help = "Start an instance; run PROGRAM (default: a shell) in it",
    .options = (const struct cli_option *const[]){start_options, NULL},
    .run = run_start,
};
