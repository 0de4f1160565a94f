/* The services module.load {"path","name"?,"args"?}, remove {"name"}, list -> {"mods":
 * [{name,path,idle,status,services,sendqueue,recvqueue}]}, status {"status"} (a module
 * says of itself that it runs), debug {"name","defer"?}.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "broker/broker.h"
#include "broker/module.h"

#define ARGS_MAX 64

/* A request that is answered when a module has started or gone. */
struct pending {
    struct core *core;
    const flux_msg_t *msg;
};

static void pending_done(int errnum, const flux_error_t *err, void *arg)
{
    struct pending *p = arg;

    if (errnum)
        core_error(p->core, p->msg, errnum, err ? err->text : NULL);
    else
        core_respond(p->core, p->msg, NULL);
    flux_msg_decref(p->msg);
    free(p);
}

static struct pending *pending_new(struct core *c, const flux_msg_t *msg)
{
    struct pending *p = calloc(1, sizeof(*p));

    if (!p) {
        core_error(c, msg, ENOMEM, NULL);
        return NULL;
    }
    p->core = c;
    p->msg = flux_msg_incref(msg);
    return p;
}

static int get_args(const cJSON *args, const char **argv)
{
    const cJSON *a;
    int argc = 0;

    if (!args)
        return 0;
    if (!cJSON_IsArray(args))
        return -EPROTO;
    cJSON_ArrayForEach(a, args)
    {
        if (!json_str(a) || argc == ARGS_MAX)
            return -EPROTO;
        argv[argc++] = json_str(a);
    }
    return argc;
}

static void load_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct modhost *mh = arg;
    struct core *c = modhost_broker(mh)->core;
    const char *path, *name = NULL, *argv[ARGS_MAX];
    struct pending *p;
    cJSON *args = NULL;
    int argc;

    if (flux_msg_unpack(msg, "{s:s s?s s?o}", "path", &path, "name", &name, "args",
                        &args) < 0) {
        core_error(c, msg, errno, NULL);
        return;
    }
    if ((argc = get_args(args, argv)) < 0) {
        core_error(c, msg, EPROTO, "args: expected at most 64 strings");
        return;
    }
    if ((p = pending_new(c, msg)))
        modhost_load(mh, path, name, argc, argv, pending_done, p);
}

static void remove_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct modhost *mh = arg;
    struct core *c = modhost_broker(mh)->core;
    const char *name;
    struct pending *p;

    if (flux_msg_unpack(msg, "{s:s}", "name", &name) < 0)
        core_error(c, msg, errno, NULL);
    else if ((p = pending_new(c, msg)))
        modhost_remove(mh, name, pending_done, p);
}

static void add_name(const char *name, void *arg)
{
    cJSON_AddItemToArray(arg, json_new_str(name));
}

static cJSON *describe(struct modhost *mh, struct module *m)
{
    struct broker *b = modhost_broker(mh);
    cJSON *services = cJSON_CreateArray();
    int idle = 0;

    if (!services)
        return NULL;
    if (m->port) {
        router_service_each(b->router, port_endpoint(m->port), add_name, services);
        idle = (int)(env_monotonic(b->env) - port_last_seen(m->port));
    }
    return json_pack("{s:s s:s s:i s:i s:o s:i s:i}", "name", m->name, "path", m->path,
                     "idle", idle, "status", (int)m->status, "services", services,
                     "sendqueue", 0, "recvqueue", 0);
}

static void list_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct modhost *mh = arg;
    cJSON *mods = cJSON_CreateArray();

    list_each(m, modhost_list(mh), struct module, link)
    {
        cJSON *o = describe(mh, m);

        if (mods && o)
            cJSON_AddItemToArray(mods, o);
    }
    core_respond(modhost_broker(mh)->core, msg, "{s:o}", "mods", mods);
}

static void status_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct modhost *mh = arg;
    struct core *c = modhost_broker(mh)->core;
    int status;

    if (flux_msg_unpack(msg, "{s:i}", "status", &status) < 0) {
        core_error(c, msg, errno, NULL);
        return;
    }
    list_each(m, modhost_list(mh), struct module, link)
    {
        if (m->port && port_endpoint(m->port) == from) {
            if (status == MODULE_RUNNING)
                module_set_running(m);
            core_respond(c, msg, NULL);
            return;
        }
    }
    core_error(c, msg, ENOENT, "only a module tells its own status");
}

static void debug_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct modhost *mh = arg;
    struct core *c = modhost_broker(mh)->core;
    struct module *m;
    const char *name;

    if (flux_msg_unpack(msg, "{s:s}", "name", &name) < 0) {
        core_error(c, msg, errno, NULL);
        return;
    }
    if (!(m = modhost_find(mh, name)))
        core_error(c, msg, ENOENT, NULL);
    else
        core_respond(c, msg, "{s:b s:b}", "thread", m->on_thread, "stopping",
                     m->stopping);
}

static const struct core_method methods[] = {
    {"module.load", 0, load_cb},
    {"module.remove", 0, remove_cb},
    {"module.list", FLUX_ROLE_USER, list_cb},
    {"module.status", 0, status_cb},
    {"module.debug", 0, debug_cb},
};

int modhost_serve(struct modhost *mh)
{
    return core_add(modhost_broker(mh)->core, methods, ARRAY_SIZE(methods), mh);
}
