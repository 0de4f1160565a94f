/* --cc and --bcc; see copies.h. */

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "cli/copies.h"

const struct cli_option copies_options[] = {
    {"cc", 0, CLI_REQUIRED, "IDSET",
     "Submit a copy for each id; {cc} and FLUX_JOB_CC tell it"},
    {"bcc", 0, CLI_REQUIRED, "IDSET", "Submit a copy for each id, without FLUX_JOB_CC"},
    {0},
};

struct idset *copies_ids(struct cli *c, bool *ret_cc, bool *ok)
{
    const char *cc = cli_str(c, "cc", NULL), *bcc = cli_str(c, "bcc", NULL);
    struct idset *ids;

    *ret_cc = cc != NULL;
    *ok = true;
    if (!cc && !bcc)
        return NULL;
    ids = cc && bcc ? NULL : idset_decode(cc ? cc : bcc);
    if (ids && idset_count(ids) > 0)
        return ids;
    *ok = false;
    if (cc && bcc)
        cli_usage(c, "--cc and --bcc exclude each other");
    else
        cli_usage(c, "--%s: '%s' is not a set of ids (such as 1-100 or 0,4,8)",
                  cc ? "cc" : "bcc", cc ? cc : bcc);
    idset_destroy(ids);
    return NULL;
}

static char *replace_cc(const char *s, const char *id)
{
    struct buf b = {0};
    const char *p;

    while ((p = strstr(s, "{cc}"))) {
        buf_add(&b, s, p - s);
        buf_adds(&b, id);
        s = p + 4;
    }
    buf_adds(&b, s);
    return buf_take(&b, NULL);
}

/* Replace in every string below o but those of the environment. */
static void replace_all(cJSON *o, const char *id)
{
    cJSON *v;

    cJSON_ArrayForEach(v, o)
    {
        if (v->string && !strcmp(v->string, "environment"))
            continue;
        if (cJSON_IsString(v) && strstr(v->valuestring, "{cc}")) {
            char *s = replace_cc(v->valuestring, id);

            if (s)
                cJSON_SetValuestring(v, s);
            free(s);
        } else
            replace_all(v, id);
    }
}

cJSON *copies_make(const cJSON *jobspec, unsigned id, bool set_env)
{
    cJSON *o = json_copy(jobspec);
    char text[16];

    if (!o)
        return NULL;
    snprintf(text, sizeof(text), "%u", id);
    replace_all(o, text);
    if (set_env)
        json_set_path(o, "attributes.system.environment.FLUX_JOB_CC", json_new_str(text));
    return o;
}

static bool has_cc(const cJSON *o)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, o)
    {
        if (v->string && !strcmp(v->string, "environment"))
            continue;
        if (cJSON_IsString(v) ? strstr(v->valuestring, "{cc}") != NULL : has_cc(v))
            return true;
    }
    return false;
}

bool copies_identical(const cJSON *jobspec, bool set_env)
{
    return !set_env && !has_cc(jobspec);
}
