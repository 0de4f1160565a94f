/* flux getattr, setattr, lsattr - broker attributes. */

#include <errno.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <flux/core.h>

#include "cmds.h"

static int run_getattr(struct cli *c)
{
    const char *name = cli_arg(c, 0);
    const char *value;
    flux_t *h;
    int rc = 0;

    if (cli_argc(c) != 1)
        return cli_usage(c, "one attribute name is needed");
    if (!(h = cli_open(c)))
        return 1;
    value = flux_attr_get(h, name);
    if (value)
        printf("%s\n", value);
    else
        rc = cli_fail(c, "%s: %s", name, strerror(errno));
    flux_close(h);
    return rc;
}

const struct cli_command cmd_getattr = {
    .name = "getattr",
    .args = "NAME",
    .help = "Print the value of a broker attribute",
    .run = run_getattr,
};

static const char *set_error(void)
{
    return errno == EPERM ? "attribute may not be updated" : strerror(errno);
}

static int run_setattr(struct cli *c)
{
    flux_t *h;
    int rc = 0;

    if (cli_argc(c) != 2)
        return cli_usage(c, "a name and a value are needed");
    if (!(h = cli_open(c)))
        return 1;
    if (flux_attr_set(h, cli_arg(c, 0), cli_arg(c, 1)) < 0)
        rc = cli_fail(c, "%s: %s", cli_arg(c, 0), set_error());
    flux_close(h);
    return rc;
}

const struct cli_command cmd_setattr = {
    .name = "setattr",
    .args = "NAME VALUE",
    .help = "Set a broker attribute",
    .run = run_setattr,
};

static const struct cli_option lsattr_options[] = {
    {"values", 'v', CLI_NONE, NULL, "Print values too"},
    {0},
};

static int list_attrs(struct cli *c, flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "attr.list", NULL, FLUX_NODEID_ANY, 0);
    const cJSON *names, *name;
    int rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:o}", "names", &names) < 0) {
        rc = cli_fail(c, "attr.list: %s", cli_why(f));
        flux_future_destroy(f);
        return rc;
    }
    cJSON_ArrayForEach(name, names)
    {
        const char *key = cJSON_GetStringValue(name);
        const char *value = cli_count(c, "values") ? flux_attr_get(h, key) : NULL;

        if (value)
            printf("%-40s%s\n", key, value);
        else
            printf("%s\n", key);
    }
    flux_future_destroy(f);
    return rc;
}

static int run_lsattr(struct cli *c)
{
    flux_t *h;
    int rc;

    if (cli_argc(c) != 0)
        return cli_usage(c, "no argument is expected");
    if (!(h = cli_open(c)))
        return 1;
    rc = list_attrs(c, h);
    flux_close(h);
    return rc;
}

const struct cli_command cmd_lsattr = {
    .name = "lsattr",
    .args = "",
    .help = "List broker attributes",
    .options = (const struct cli_option *const[]){lsattr_options, NULL},
    .run = run_lsattr,
};
