/* hello and welcome. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/broker.h"
#include "broker/welcome.h"

cJSON *welcome_hello(struct broker *b)
{
    return json_pack("{s:I s:s}", "seq", (int64_t)router_seq(b->router), "hostname",
                     attrs_get(b->attrs, "hostname"));
}

cJSON *welcome_make(struct broker *b)
{
    const char *jobid = attrs_get(b->attrs, "jobid");
    cJSON *o = json_pack(
        "{s:s s:f s:b s:i s:s s:O}", "hostlist", attrs_get(b->attrs, "hostlist"),
        "orphan-timeout", b->orphan_timeout, "durable", b->durable, "instance-level",
        (int)attrs_int(b->attrs, "instance-level", 0), "jobid-path",
        attrs_get(b->attrs, "jobid-path"), "config", config_tree(b->config));

    if (o && jobid)
        cJSON_AddItemToObject(o, "jobid", json_new_str(jobid));
    return o;
}

/* Attributes that are the same for all. */
static int take_facts(struct broker *b, const char *hostlist, const char *jobid,
                      const char *path, int level)
{
    if (attrs_set(b->attrs, "hostlist", hostlist, ATTR_READONLY) < 0 ||
        attrs_set(b->attrs, "jobid-path", path, ATTR_READONLY) < 0 ||
        attrs_setf(b->attrs, "instance-level", ATTR_READONLY, "%d", level) < 0)
        return -ENOMEM;
    return jobid ? attrs_set(b->attrs, "jobid", jobid, ATTR_READONLY) : 0;
}

int welcome_take(struct broker *b, const cJSON *welcome, flux_error_t *err)
{
    const char *hostlist, *path, *jobid = NULL;
    cJSON *config;
    int durable, level, rc;

    rc = json_unpack(welcome, err, "{s:s s:f s:b s:i s:s s?s s:o}", "hostlist", &hostlist,
                     "orphan-timeout", &b->orphan_timeout, "durable", &durable,
                     "instance-level", &level, "jobid-path", &path, "jobid", &jobid,
                     "config", &config);
    if (rc < 0)
        return rc;
    b->durable = durable;
    if ((rc = take_facts(b, hostlist, jobid, path, level)) < 0)
        return rc;
    return config_adopt(b->config, config, err);
}
