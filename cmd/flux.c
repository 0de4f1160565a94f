/* flux - the front end: finds a command and runs it.
 *
 * `flux NAME` and an executable or link named `flux-NAME` do the same. Commands
 * built in come first, then executables flux-NAME in FLUX_EXEC_PATH, then in PATH.
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/core.h>

#include "cmds.h"

const struct cli_command *const cmd_table[] = {
    &cmd_broker,  &cmd_cancel, &cmd_capacitor, &cmd_config,   &cmd_content, &cmd_dmesg,
    &cmd_dump,    &cmd_env,    &cmd_event,     &cmd_exec,     &cmd_fsck,    &cmd_gc,
    &cmd_getattr, &cmd_help,   &cmd_job,       &cmd_jobs,     &cmd_keygen,  &cmd_kvs,
    &cmd_logger,  &cmd_lsattr, &cmd_module,    &cmd_overlay,  &cmd_ping,    &cmd_pmi,
    &cmd_proxy,   &cmd_pstree, &cmd_python,    &cmd_queue,    &cmd_relay,   &cmd_resource,
    &cmd_restore, &cmd_run,    &cmd_setattr,   &cmd_shutdown, &cmd_start,   &cmd_submit,
    &cmd_uptime,  &cmd_uri,    &cmd_version,   NULL,
};

static char bindir[PATH_MAX];

const char *cmd_bindir(void)
{
    return bindir;
}

int cmd_become(struct cli *c, const char *name)
{
    char path[PATH_MAX + 32];
    char **argv = calloc((size_t)cli_argc(c) + 2, sizeof(*argv));

    if (!argv)
        return cli_fail(c, "out of memory");
    snprintf(path, sizeof(path), "%s/%s", bindir, name);
    argv[0] = path;
    for (int i = 0; i < cli_argc(c); i++)
        argv[i + 1] = cli_argv(c)[i];
    execv(path, argv);
    free(argv);
    return cli_fail(c, "%s: %s", path, strerror(errno));
}

static void find_bindir(void)
{
    ssize_t n = readlink("/proc/self/exe", bindir, sizeof(bindir) - 1);
    char *slash;

    bindir[n > 0 ? n : 0] = '\0';
    slash = strrchr(bindir, '/');
    if (slash)
        *slash = '\0';
}

static const struct cli_command *find_builtin(const char *name)
{
    for (const struct cli_command *const *c = cmd_table; *c; c++) {
        if (!strcmp((*c)->name, name))
            return *c;
    }
    return NULL;
}

static int run_builtin(const struct cli_command *cmd, int argc, char **argv)
{
    char prog[64];

    snprintf(prog, sizeof(prog), "flux-%s", cmd->name);
    return cli_main(cmd, prog, argc, argv);
}

/* Try flux-NAME in each folder of a colon-separated path; returns if none runs. */
static void try_path(const char *path, const char *name, char **argv)
{
    char file[PATH_MAX];

    while (path && *path) {
        size_t len = strcspn(path, ":");

        snprintf(file, sizeof(file), "%.*s/flux-%s", (int)len, path, name);
        if (len > 0)
            execv(file, argv);
        path += len + (path[len] == ':');
    }
}

/* Put our own folder first in PATH, so that scripts find the same flux. */
static void prepend_path(void)
{
    const char *path = getenv("PATH");
    size_t n = strlen(bindir);
    char *s;

    if (n == 0 || (path && !strncmp(path, bindir, n) && (!path[n] || path[n] == ':')))
        return;
    if (asprintf(&s, "%s:%s", bindir, path ? path : "/usr/bin:/bin") < 0)
        return;
    setenv("PATH", s, 1);
    free(s);
}

static int use_root(struct cli *c)
{
    flux_error_t error;
    flux_t *h = flux_open_ex("/", 0, &error);
    const char *uri = h ? flux_attr_get(h, "local-uri") : NULL;
    int rc = 0;

    if (uri)
        setenv("FLUX_URI", uri, 1);
    else
        rc = cli_fail(c, "the outermost instance: %s", h ? strerror(errno) : error.text);
    flux_close(h);
    return rc;
}

static int use_parent(struct cli *c)
{
    flux_t *h = cli_open(c);
    const char *uri, *ns;
    int rc = 0;

    if (!h)
        return 1;
    uri = flux_attr_get(h, "parent-uri");
    if (uri) {
        setenv("FLUX_URI", uri, 1);
        if ((ns = flux_attr_get(h, "parent-kvs-namespace")))
            setenv("FLUX_KVS_NAMESPACE", ns, 1);
    } else {
        rc = cli_fail(c, "this instance has no parent");
    }
    flux_close(h);
    return rc;
}

static int run_flux(struct cli *c)
{
    const char *name = cli_arg(c, 0);
    const struct cli_command *cmd;

    if (cli_count(c, "version"))
        return run_builtin(&cmd_version, 1, (char *[]){"flux-version", NULL});
    if (!name) {
        cmd_help.run(c);
        return 1;
    }
    prepend_path();
    for (int i = 0; i < cli_count(c, "parent"); i++)
        if (use_parent(c))
            return 1;
    if (cli_count(c, "root") && use_root(c))
        return 1;
    cmd = find_builtin(name);
    if (cmd)
        return run_builtin(cmd, cli_argc(c), cli_argv(c));
    try_path(getenv("FLUX_EXEC_PATH"), name, cli_argv(c));
    try_path(getenv("PATH"), name, cli_argv(c));
    return cli_fail(c, "'%s' is not a flux command. See `flux help'.", name);
}

static const struct cli_option flux_options[] = {
    {"verbose", 'v', CLI_NONE, NULL, "Say more"},
    {"version", 'V', CLI_NONE, NULL, "Show the version"},
    {"parent", 'p', CLI_NONE, NULL,
     "Run the command in the parent instance; twice: in its parent"},
    {"root", 'r', CLI_NONE, NULL, "Run the command in the outermost instance"},
    {0},
};

static const struct cli_command flux_command = {
    .name = "flux",
    .args = "COMMAND [ARGS]",
    .help = "Run a Flux command; `flux help' lists them",
    .options = (const struct cli_option *const[]){flux_options, NULL},
    .run = run_flux,
};

int main(int argc, char **argv)
{
    const char *base = strrchr(argv[0], '/');
    const struct cli_command *cmd = NULL;

    base = base ? base + 1 : argv[0];
    find_bindir();
    if (!strncmp(base, "flux-", 5))
        cmd = find_builtin(base + 5);
    if (cmd) {
        prepend_path();
        return run_builtin(cmd, argc, argv);
    }
    return cli_main(&flux_command, "flux", argc, argv);
}
