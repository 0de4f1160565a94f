/* flux config get, set, unset, load, reload, builtin - the instance's configuration. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <flux/core.h>

#include "cmds.h"

/* The configuration object; NULL after printing why not. Free with cJSON_Delete(). */
static cJSON *get_config(struct cli *c, flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "config.get", NULL, FLUX_NODEID_ANY, 0);
    const char *text = NULL;
    cJSON *o = NULL;

    if (!f || flux_rpc_get(f, &text) < 0)
        cli_fail(c, "config.get: %s", cli_why(f));
    else if (!(o = cJSON_Parse(text ? text : "{}")))
        cli_fail(c, "config.get: the answer is not JSON");
    flux_future_destroy(f);
    return o;
}

/* The last part of a dotted key, and the object that holds it (made if need be). */
static cJSON *find_holder(cJSON *o, const char *key, bool make, const char **last)
{
    const char *dot;

    while (o && (dot = strchr(key, '.'))) {
        char part[128];
        cJSON *next;

        snprintf(part, sizeof(part), "%.*s", (int)(dot - key), key);
        next = cJSON_GetObjectItemCaseSensitive(o, part);
        if (!next && make)
            next = cJSON_AddObjectToObject(o, part);
        o = next;
        key = dot + 1;
    }
    *last = key;
    return o;
}

static cJSON *find_key(cJSON *o, const char *key)
{
    const char *last;
    cJSON *holder;

    if (!key)
        return o;
    holder = find_holder(o, key, false, &last);
    return holder ? cJSON_GetObjectItemCaseSensitive(holder, last) : NULL;
}

static void print_value(const cJSON *v)
{
    char *s;

    if (cJSON_IsString(v)) {
        printf("%s\n", v->valuestring);
        return;
    }
    s = cJSON_PrintUnformatted(v);
    printf("%s\n", s ? s : "");
    cJSON_free(s);
}

static const struct cli_option get_options[] = {
    {"default", 'd', CLI_REQUIRED, "VALUE", "Print VALUE when the key is not set"},
    {"quiet", 'q', CLI_NONE, NULL, "Print nothing; the exit code tells"},
    {"type", 't', CLI_REQUIRED, "TYPE",
     "Demand string, integer, real, boolean, object or array"},
    {0},
};

static bool has_type(const cJSON *v, const char *type)
{
    if (!strcmp(type, "string"))
        return cJSON_IsString(v);
    if (!strcmp(type, "integer"))
        return cJSON_IsNumber(v) && v->valuedouble == (double)(long long)v->valuedouble;
    if (!strcmp(type, "real"))
        return cJSON_IsNumber(v) || cJSON_IsRaw(v);
    if (!strcmp(type, "boolean"))
        return cJSON_IsBool(v);
    if (!strcmp(type, "object"))
        return cJSON_IsObject(v);
    if (!strcmp(type, "array"))
        return cJSON_IsArray(v);
    return !strcmp(type, "any");
}

static int run_get(struct cli *c)
{
    const char *type = cli_str(c, "type", "any");
    const char *dflt = cli_str(c, "default", NULL);
    const char *key = cli_arg(c, 0);
    cJSON *o, *v;
    flux_t *h;
    int rc = 0;

    if (!(h = cli_open(c)))
        return 1;
    if (!(o = get_config(c, h))) {
        flux_close(h);
        return 1;
    }
    v = find_key(o, key);
    if (!v && dflt)
        printf("%s\n", dflt);
    else if (!v)
        rc = cli_count(c, "quiet") ? 1 : cli_fail(c, "%s is not set", key);
    else if (!has_type(v, type))
        rc = cli_fail(c, "%s does not have the type %s", key ? key : "the configuration",
                      type);
    else if (!cli_count(c, "quiet"))
        print_value(v);
    cJSON_Delete(o);
    flux_close(h);
    return rc;
}

static const struct cli_command config_get = {
    .name = "get",
    .args = "[KEY]",
    .help = "Print a key such as `resource.noverify', or all as JSON",
    .options = (const struct cli_option *const[]){get_options, NULL},
    .run = run_get,
};

static int load_config(struct cli *c, flux_t *h, const cJSON *o)
{
    char *text = cJSON_PrintUnformatted(o);
    flux_future_t *f = flux_rpc(h, "config.load", text, FLUX_NODEID_ANY, 0);
    int rc = 0;

    if (!f || flux_future_get(f, NULL) < 0)
        rc = cli_fail(c, "%s", cli_why(f));
    flux_future_destroy(f);
    cJSON_free(text);
    return rc;
}

/* KEY=VALUE: JSON if it reads as such, else a string. */
static int set_one(struct cli *c, cJSON *o, const char *arg)
{
    const char *eq = strchr(arg, '='), *last;
    const char *type = cli_str(c, "type", "any");
    cJSON *holder, *value = NULL;
    char key[256];

    if (!eq || eq == arg)
        return cli_usage(c, "'%s' is not KEY=VALUE", arg);
    snprintf(key, sizeof(key), "%.*s", (int)(eq - arg), arg);
    if (strcmp(type, "string"))
        value = cJSON_Parse(eq + 1);
    if (!value && (!strcmp(type, "any") || !strcmp(type, "string")))
        value = cJSON_CreateString(eq + 1);
    if (!value || !has_type(value, type)) {
        cJSON_Delete(value);
        return cli_usage(c, "%s: '%s' does not have the type %s", key, eq + 1, type);
    }
    holder = find_holder(o, key, true, &last);
    if (!holder || !cJSON_IsObject(holder) || !value) {
        cJSON_Delete(value);
        return cli_fail(c, "%s: a part of the key is not a table", key);
    }
    cJSON_DeleteItemFromObjectCaseSensitive(holder, last);
    cJSON_AddItemToObject(holder, last, value);
    return 0;
}

static int unset_one(struct cli *c, cJSON *o, const char *key)
{
    const char *last;
    cJSON *holder = find_holder(o, key, false, &last);

    if (!holder || !cJSON_HasObjectItem(holder, last))
        return cli_fail(c, "%s is not set", key);
    cJSON_DeleteItemFromObjectCaseSensitive(holder, last);
    return 0;
}

/* Read the configuration, apply change to each argument, load the result. */
static int edit(struct cli *c, int (*change)(struct cli *, cJSON *, const char *))
{
    flux_t *h;
    cJSON *o;
    int rc = 0;

    if (cli_argc(c) < 1)
        return cli_usage(c, "a key is needed");
    if (!(h = cli_open(c)))
        return 1;
    o = get_config(c, h);
    for (int i = 0; o && rc == 0 && i < cli_argc(c); i++)
        rc = change(c, o, cli_arg(c, i));
    rc = o && rc == 0 ? load_config(c, h, o) : 1;
    cJSON_Delete(o);
    flux_close(h);
    return rc;
}

static int run_set(struct cli *c)
{
    return edit(c, set_one);
}

static int run_unset(struct cli *c)
{
    return edit(c, unset_one);
}

static const struct cli_option set_options[] = {
    {"type", 't', CLI_REQUIRED, "TYPE",
     "Take VALUE as string, integer, real, boolean, object or array"},
    {0},
};

static const struct cli_command config_set = {
    .name = "set",
    .args = "KEY=VALUE...",
    .help = "Set keys in the running instance",
    .options = (const struct cli_option *const[]){set_options, NULL},
    .run = run_set,
};

static const struct cli_command config_unset = {
    .name = "unset",
    .args = "KEY...",
    .help = "Remove keys in the running instance",
    .run = run_unset,
};

static int run_load(struct cli *c)
{
    flux_error_t error;
    flux_conf_t *conf = NULL;
    const cJSON *o;
    flux_t *h;
    int rc;

    if (cli_argc(c) != 1)
        return cli_usage(c, "a TOML file or a folder of them is needed");
    if (!(conf = flux_conf_parse(cli_arg(c, 0), &error)))
        return cli_fail(c, "%s", error.text);
    if (!(h = cli_open(c))) {
        flux_conf_decref(conf);
        return 1;
    }
    if (flux_conf_unpack(conf, &error, "o", &o) < 0)
        rc = cli_fail(c, "%s", error.text);
    else
        rc = load_config(c, h, o);
    flux_conf_decref(conf);
    flux_close(h);
    return rc;
}

static const struct cli_command config_load = {
    .name = "load",
    .args = "PATH",
    .help = "Replace the configuration with that of a file or folder",
    .run = run_load,
};

static int run_reload(struct cli *c)
{
    flux_t *h;
    int rc;

    if (!(h = cli_open(c)))
        return 1;
    rc = cli_finish(c, "reload", flux_rpc(h, "config.reload", NULL, FLUX_NODEID_ANY, 0));
    flux_close(h);
    return rc;
}

static const struct cli_command config_reload = {
    .name = "reload",
    .args = "",
    .help = "Read the configuration files again",
    .run = run_reload,
};

static int run_builtin_get(struct cli *c)
{
    const char *value;

    if (cli_argc(c) != 1)
        return cli_usage(c, "one name is needed");
    value = flux_conf_builtin_get(cli_arg(c, 0), FLUX_CONF_AUTO);
    if (!value)
        return cli_fail(c, "%s: no such built-in", cli_arg(c, 0));
    printf("%s\n", value);
    return 0;
}

static const struct cli_command config_builtin = {
    .name = "builtin",
    .args = "NAME",
    .help = "Print a path that this installation was built with",
    .run = run_builtin_get,
};

const struct cli_command cmd_config = {
    .name = "config",
    .help = "Read or change the instance's configuration",
    .sub = (const struct cli_command *const[]){&config_get, &config_set, &config_unset,
                                               &config_load, &config_reload,
                                               &config_builtin, NULL},
};
