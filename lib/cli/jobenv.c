/* The environment that a job gets; see jobenv.h. */

#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/jobenv.h"

const struct cli_option jobenv_options[] = {
    {"env", 0, CLI_REQUIRED, "RULE",
     "Change the job's environment: -PATTERN, ^FILE, VAR=VALUE or PATTERN"},
    {"env-remove", 0, CLI_REQUIRED, "PATTERN", "Remove matching variables"},
    {"env-file", 0, CLI_REQUIRED, "FILE", "Read --env rules from a file"},
    {0},
};

struct state {
    struct cli *c;
    char *const *environ_;
    cJSON *env;
    int depth; /* files within files */
};

/* Globs by default; /.../ is an extended regular expression. */
static bool name_matches(const char *pattern, const char *name)
{
    size_t n = strlen(pattern);
    char text[512];
    regex_t re;
    bool yes;

    if (n < 2 || n > sizeof(text) || pattern[0] != '/' || pattern[n - 1] != '/')
        return fnmatch(pattern, name, 0) == 0;
    snprintf(text, sizeof(text), "%.*s", (int)n - 2, pattern + 1);
    if (regcomp(&re, text, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    yes = regexec(&re, name, 0, NULL, 0) == 0;
    regfree(&re);
    return yes;
}

static void set_var(struct state *s, const char *name, const char *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(s->env, name);
    cJSON_AddStringToObject(s->env, name, value);
}

static void copy_matching(struct state *s, const char *pattern)
{
    for (char *const *e = s->environ_; *e; e++) {
        const char *eq = strchr(*e, '=');
        char *name;

        if (!eq || eq == *e)
            continue;
        name = strndup(*e, eq - *e);
        if (name && name_matches(pattern, name))
            set_var(s, name, eq + 1);
        free(name);
    }
}

static void remove_matching(struct state *s, const char *pattern)
{
    cJSON *next;

    for (cJSON *v = s->env->child; v; v = next) {
        next = v->next;
        if (name_matches(pattern, v->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(s->env, v));
    }
}

/* The value of NAME in the job's environment so far, else in ours. */
static const char *lookup(const struct state *s, const char *name)
{
    const char *v = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(s->env, name));

    return v ? v : getenv(name);
}

/* Expand one $NAME or ${NAME} at p; returns the first character after it, or NULL when the
 * variable is not set (its name is then in `name`). */
static const char *expand_one(const struct state *s, const char *p, struct buf *out,
                              char *name, size_t size)
{
    bool brace = p[1] == '{';
    const char *start = p + 1 + brace;
    size_t len = strspn(start, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                               "0123456789_");
    const char *value;

    if (len == 0 || (brace && start[len] != '}')) {
        buf_addc(out, '$');
        return p + 1;
    }
    snprintf(name, size, "%.*s", (int)len, start);
    value = lookup(s, name);
    if (!value)
        return NULL;
    buf_adds(out, value);
    return start + len + brace;
}

static int set_expanded(struct state *s, const char *rule)
{
    const char *eq = strchr(rule, '=');
    AUTOFREE char *name = strndup(rule, eq - rule);
    struct buf out = {0};
    char var[256];

    for (const char *p = eq + 1; *p;) {
        if (*p != '$') {
            buf_addc(&out, *p++);
            continue;
        }
        p = expand_one(s, p, &out, var, sizeof(var));
        if (!p) {
            buf_free(&out);
            return cli_fail(s->c, "--env: %s: variable $%s is not set", name, var);
        }
    }
    set_var(s, name, out.data ? out.data : "");
    buf_free(&out);
    return 0;
}

static int apply_rule(struct state *s, const char *rule);

static int apply_file(struct state *s, const char *path)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    int rc = 0;

    if (!f)
        return cli_fail(s->c, "--env: %s: %m", path);
    if (++s->depth > 8)
        rc = cli_fail(s->c, "--env: %s: files are nested too deeply", path);
    while (rc == 0 && getline(&line, &size, f) >= 0) {
        char *p = line + strspn(line, " \t");

        p[strcspn(p, "\r\n")] = '\0';
        if (*p && *p != '#')
            rc = apply_rule(s, p);
    }
    s->depth--;
    free(line);
    fclose(f);
    return rc;
}

static int apply_rule(struct state *s, const char *rule)
{
    if (rule[0] == '-')
        remove_matching(s, rule + 1);
    else if (rule[0] == '^')
        return apply_file(s, rule + 1);
    else if (strchr(rule, '=') && rule[0] != '=')
        return set_expanded(s, rule);
    else
        copy_matching(s, rule);
    return 0;
}

static int apply_option(struct state *s, const char *name, const char *value)
{
    if (!strcmp(name, "env"))
        return apply_rule(s, value);
    if (!strcmp(name, "env-remove"))
        remove_matching(s, value);
    else if (!strcmp(name, "env-file"))
        return apply_file(s, value);
    return 0;
}

/* Rules that only add (`PATTERN` first) start from nothing; everything else starts from
 * the whole environment. */
static bool starts_empty(struct cli *c)
{
    const char *first;
    size_t it = 0;

    first = cli_each(c, "env", &it);
    return first && first[0] != '-' && first[0] != '^' && !strchr(first, '=');
}

cJSON *jobenv_build(struct cli *c, char *const *environ_)
{
    struct state s = {.c = c, .environ_ = environ_, .env = cJSON_CreateObject()};
    const char *name, *value;
    size_t it = 0;

    if (!s.env)
        return NULL;
    if (!starts_empty(c))
        copy_matching(&s, "*");
    while (cli_each_option(c, &it, &name, &value)) {
        if (apply_option(&s, name, value)) {
            cJSON_Delete(s.env);
            return NULL;
        }
    }
    return s.env;
}
