/* From submission options to a jobspec: attributes, and the whole; the shape is in
 * jobspec_shape.c. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <flux/core.h>

#include "base/cleanup.h"
#include "base/fsd.h"
#include "base/json.h"
#include "cli/datetime.h"
#include "cli/jobenv.h"
#include "cli/joblimit.h"
#include "cli/jobspec.h"
#include "cli/jobspec_impl.h"

const struct cli_option cli_jobspec_options[] = {
    {"ntasks", 'n', CLI_REQUIRED, "N", "Number of tasks (default 1)"},
    {"cores-per-task", 'c', CLI_REQUIRED, "N", "Cores for each task"},
    {"gpus-per-task", 'g', CLI_REQUIRED, "N", "GPUs for each task"},
    {"nodes", 'N', CLI_REQUIRED, "N",
     "Number of nodes; alone: one task on each, exclusive"},
    {"exclusive", 'x', CLI_NONE, NULL, "Whole nodes"},
    {"cores", 0, CLI_REQUIRED, "N", "Cores in total, instead of tasks"},
    {"tasks-per-node", 0, CLI_REQUIRED, "N", "Tasks on each node"},
    {"tasks-per-core", 0, CLI_REQUIRED, "N", "Tasks on each core"},
    {"gpus-per-node", 0, CLI_REQUIRED, "N", "GPUs on each node"},
    {"time-limit", 't', CLI_REQUIRED, "MIN|FSD", "Limit: minutes, or 30s, 2h, 1d"},
    {"queue", 'q', CLI_REQUIRED, "NAME", "Queue"},
    {"bank", 'B', CLI_REQUIRED, "NAME", "Bank to charge"},
    {"job-name", 0, CLI_REQUIRED, "NAME", "Name (default: the command's)"},
    {"begin-time", 0, CLI_REQUIRED, "+FSD|TIME", "Do not start before this time"},
    {"signal", 0, CLI_OPTIONAL, "SIG@TIME", "Signal before the limit (default USR1@60s)"},
    {"input", 0, CLI_REQUIRED, "FILE", "Read stdin from a file"},
    {"output", 0, CLI_REQUIRED, "TMPL",
     "Write stdout to a file; {{id}} and others expand"},
    {"error", 0, CLI_REQUIRED, "TMPL", "Write stderr to a file"},
    {"unbuffered", 'u', CLI_NONE, NULL, "Do not gather output into lines"},
    {"label-io", 'l', CLI_NONE, NULL, "Put the task rank before each line"},
    {"cwd", 0, CLI_REQUIRED, "DIR", "Working directory of the job"},
    {"requires", 0, CLI_REQUIRED, "CONSTRAINT",
     "Properties or hosts: gpu, ^slow, host:h[1-3]"},
    {"urgency", 0, CLI_REQUIRED, "N", "0-31, hold, default, expedite"},
    {"dependency", 0, CLI_REQUIRED, "SCHEME:VALUE", "Wait: after:ID, afterok:ID, ..."},
    {"flags", 0, CLI_REQUIRED, "LIST", "debug, waitable, novalidate"},
    {"setopt", 'o', CLI_REQUIRED, "KEY[=VALUE]", "Shell option"},
    {"setattr", 'S', CLI_REQUIRED, "KEY[=VALUE]",
     "Jobspec attribute; ^KEY=FILE reads JSON"},
    {"dry-run", 0, CLI_NONE, NULL, "Print the jobspec instead of submitting it"},
    {0},
};

/* JSON if it reads as such, else a string; no value means 1. */
static cJSON *value_of(const char *text)
{
    cJSON *o;

    if (!text)
        return json_new_int(1);
    if (json_parse(text, strlen(text), NULL, &o, NULL) == 0)
        return o;
    return json_new_str(text);
}

/* Set `prefix` + KEY to VALUE of "KEY[=VALUE]". */
static int set_pair(cJSON *jobspec, const char *prefix, const char *pair)
{
    const char *eq = strchr(pair, '=');
    char path[512];

    snprintf(path, sizeof(path), "%s%.*s", prefix,
             eq ? (int)(eq - pair) : (int)strlen(pair), pair);
    return json_set_path(jobspec, path, value_of(eq ? eq + 1 : NULL));
}

static cJSON *read_json_file(struct cli *c, const char *path)
{
    FILE *f = fopen(path, "re");
    AUTOFREE char *text = NULL;
    flux_error_t error;
    cJSON *o = NULL;
    size_t len;

    if (!f || !(text = cli_read_all(f, &len)))
        cli_fail(c, "--setattr: %s: %s", path, strerror(errno));
    else if (json_parse(text, len, NULL, &o, &error) < 0)
        cli_fail(c, "--setattr: %s: %s", path, error.text);
    if (f)
        fclose(f);
    return o;
}

static const char *attr_prefix(const char *key)
{
    if (!strncmp(key, "attributes.", 11))
        return "";
    if (!strncmp(key, "user.", 5) || !strncmp(key, "system.", 7))
        return "attributes.";
    return "attributes.system.";
}

static int set_attr(struct cli *c, cJSON *jobspec, const char *arg)
{
    const char *eq = strchr(arg, '=');
    char path[512];
    cJSON *o;

    if (arg[0] != '^')
        return set_pair(jobspec, attr_prefix(arg), arg);
    if (!eq)
        return cli_usage(c, "--setattr: '%s' is not ^KEY=FILE", arg);
    if (!(o = read_json_file(c, eq + 1)))
        return 1;
    snprintf(path, sizeof(path), "%s%.*s", attr_prefix(arg + 1), (int)(eq - arg - 1),
             arg + 1);
    return json_set_path(jobspec, path, o);
}

/* -t: a bare number is minutes. */
static int set_duration(struct cli *c, cJSON *jobspec)
{
    const char *s = cli_str(c, "time-limit", NULL);
    double v = 0.;
    char *end;

    if (s) {
        v = strtod(s, &end) * 60.;
        if ((end == s || *end) && fsd_parse(s, &v) < 0)
            return cli_usage(c, "--time-limit: '%s' is neither minutes nor a duration",
                             s);
        if (!(v >= 0.))
            return cli_usage(c, "--time-limit: '%s' is not a length of time", s);
        if (v > 1e10)
            v = 0.;
    }
    return json_set_path(jobspec, "attributes.system.duration",
                         v == (double)(int64_t)v ? json_new_int((int64_t)v)
                                                 : json_new_real(v));
}

static int add_dependency(cJSON *jobspec, cJSON *dep)
{
    cJSON *list = json_get_path(jobspec, "attributes.system.dependencies");

    if (!list) {
        list = cJSON_CreateArray();
        json_set_path(jobspec, "attributes.system.dependencies", list);
    }
    return cJSON_AddItemToArray(list, dep) ? 0 : 1;
}

/* SCHEME:VALUE[?KEY=VALUE[&KEY=VALUE...]] (RFC 26). */
static int parse_dependency(struct cli *c, cJSON *jobspec, const char *arg)
{
    const char *colon = strchr(arg, ':');
    AUTOFREE char *value = NULL;
    char *query, *save = NULL;
    cJSON *dep;

    if (!colon || colon == arg || !colon[1])
        return cli_usage(c, "--dependency: '%s' is not SCHEME:VALUE", arg);
    value = strdup(colon + 1);
    query = strchr(value, '?');
    if (query)
        *query++ = '\0';
    dep = cJSON_CreateObject();
    cJSON_AddItemToObject(dep, "scheme", json_new_strn(arg, colon - arg));
    cJSON_AddStringToObject(dep, "value", value);
    for (char *s = query ? strtok_r(query, "&", &save) : NULL; s;
         s = strtok_r(NULL, "&", &save)) {
        char *eq = strchr(s, '=');

        if (eq)
            *eq = '\0';
        cJSON_AddStringToObject(dep, s, eq ? eq + 1 : "");
    }
    return add_dependency(jobspec, dep);
}

static int set_dependencies(struct cli *c, cJSON *jobspec)
{
    const char *s;
    double t;

    for (size_t it = 0; (s = cli_each(c, "dependency", &it));) {
        if (parse_dependency(c, jobspec, s))
            return 1;
    }
    if ((s = cli_str(c, "begin-time", NULL))) {
        char text[64];
        flux_error_t error;

        if (datetime_parse(s, (double)time(NULL), &t, &error) < 0)
            return cli_usage(c, "--begin-time: %s", error.text);
        snprintf(text, sizeof(text), "%.3f", t);
        return add_dependency(
            jobspec, json_pack("{s:s s:s}", "scheme", "begin-time", "value", text));
    }
    return 0;
}

static int set_io(struct cli *c, cJSON *jobspec)
{
    static const struct {
        const char *option, *path;
    } files[] = {
        {"input", "attributes.system.shell.options.input.stdin"},
        {"output", "attributes.system.shell.options.output.stdout"},
        {"error", "attributes.system.shell.options.output.stderr"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        const char *path = cli_str(c, files[i].option, NULL);
        cJSON *o;

        if (!path || !strcmp(path, "none") || !strcmp(path, "kvs"))
            continue;
        if (!*path)
            return cli_usage(c, "--%s: the file name is empty", files[i].option);
        o = json_pack("{s:s s:s}", "type", "file", "path", path);
        if (i > 0 && cli_count(c, "label-io"))
            cJSON_AddBoolToObject(o, "label", true);
        json_set_path(jobspec, files[i].path, o);
    }
    if (cli_count(c, "unbuffered")) {
        json_set_path(jobspec,
                      "attributes.system.shell.options.output.stdout.buffer.type",
                      json_new_str("none"));
        json_set_path(jobspec,
                      "attributes.system.shell.options.output.stderr.buffer.type",
                      json_new_str("none"));
    }
    return 0;
}

static int set_signal(struct cli *c, cJSON *jobspec)
{
    const char *s = cli_str(c, "signal", "");
    const char *at = strchr(s, '@');
    char name[32] = "USR1";
    double left = 60.;
    int signum;

    if (!cli_count(c, "signal"))
        return 0;
    if (*s && *s != '@')
        snprintf(name, sizeof(name), "%.*s", at ? (int)(at - s) : (int)strlen(s), s);
    signum = cli_signal(name);
    if (signum < 0 || (at && fsd_parse(at + 1, &left) < 0))
        return cli_usage(c, "--signal: '%s' is not SIGNAL@TIME", s);
    return json_set_path(jobspec, "attributes.system.shell.options.signal",
                         json_pack("{s:i s:f}", "signum", signum, "timeleft", left));
}

static int set_names(struct cli *c, cJSON *jobspec)
{
    static const struct {
        const char *option, *path;
    } names[] = {
        {"queue", "attributes.system.queue"},
        {"bank", "attributes.system.bank"},
        {"job-name", "attributes.system.job.name"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *s = cli_str(c, names[i].option, NULL);

        if (s && json_set_path(jobspec, names[i].path, json_new_str(s)) < 0)
            return 1;
    }
    return 0;
}

static int set_place(struct cli *c, cJSON *jobspec, char *const *environ_)
{
    const char *cwd = cli_str(c, "cwd", NULL);
    AUTOFREE char *here = cwd ? strdup(cwd) : getcwd(NULL, 0);
    cJSON *env = jobenv_build(c, environ_), *limits;

    if (!env)
        return 1;
    json_set_path(jobspec, "attributes.system.environment", env);
    if (here)
        json_set_path(jobspec, "attributes.system.cwd", json_new_str(here));
    if (!(limits = joblimit_build(c)))
        return 1;
    return json_set_path(jobspec, "attributes.system.shell.options.rlimit", limits);
}

/* What the user sets by key comes last, so that it wins. */
static int set_by_key(struct cli *c, cJSON *jobspec)
{
    const char *s;
    int rc;

    for (size_t it = 0; (s = cli_each(c, "setopt", &it));) {
        if (set_pair(jobspec, "attributes.system.shell.options.", s) < 0)
            return cli_usage(c, "--setopt: cannot set '%s'", s);
    }
    for (size_t it = 0; (s = cli_each(c, "setattr", &it));) {
        if ((rc = set_attr(c, jobspec, s)) != 0)
            return rc > 0 ? rc : cli_usage(c, "--setattr: cannot set '%s'", s);
    }
    return 0;
}

static cJSON *command_of(const struct cli *c)
{
    cJSON *a = cJSON_CreateArray();

    for (int i = 0; i < cli_argc(c); i++)
        cJSON_AddItemToArray(a, json_new_str(cli_arg(c, i)));
    return a;
}

cJSON *cli_jobspec_build(struct cli *c, char *const *environ_)
{
    cJSON *js;

    if (cli_argc(c) == 0) {
        cli_usage(c, "a command is needed");
        return NULL;
    }
    js = json_pack("{s:[] s:[{s:o s:s s:{}}] s:{s:{}} s:i}", "resources", "tasks",
                   "command", command_of(c), "slot", "task", "count", "attributes",
                   "system", "version", 1);
    if (!js)
        return NULL;
    if (jobspec_set_shape(c, js) || set_duration(c, js) || set_place(c, js, environ_) ||
        set_names(c, js) || set_io(c, js) || set_dependencies(c, js) ||
        set_signal(c, js) || jobspec_set_requires(c, js) || set_by_key(c, js)) {
        json_free(js);
        return NULL;
    }
    return js;
}

bool cli_jobspec_urgency(struct cli *c, int *ret)
{
    static const struct {
        const char *name;
        int value;
    } names[] = {{"hold", 0}, {"default", 16}, {"expedite", 31}};
    const char *s = cli_str(c, "urgency", NULL);
    long v = 16;

    for (size_t i = 0; s && i < ARRAY_SIZE(names); i++) {
        if (!strcmp(s, names[i].name)) {
            *ret = names[i].value;
            return true;
        }
    }
    if (!cli_int(c, "urgency", 0, 31, &v))
        return false;
    *ret = (int)v;
    return true;
}

bool cli_jobspec_flags(struct cli *c, int *ret)
{
    const char *list;

    *ret = 0;
    for (size_t it = 0; (list = cli_each(c, "flags", &it));) {
        AUTOFREE char *copy = strdup(list);
        char *save = NULL;

        for (char *s = strtok_r(copy, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
            if (!strcmp(s, "debug"))
                *ret |= 2;
            else if (!strcmp(s, "waitable"))
                *ret |= 4;
            else if (!strcmp(s, "novalidate"))
                *ret |= 8;
            else {
                cli_usage(c, "--flags: unknown flag '%s'", s);
                return false;
            }
        }
    }
    return true;
}
