/* Configuration: one JSON object, replaced as a whole. That of rank 0 is everybody's: a
 * broker tells it to its children, config.adopt {"config":{}}, and they to theirs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/rpc.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "broker/broker.h"
#include "broker/peers.h"

struct config {
    const flux_conf_t *conf;
    char *path;
    cJSON *keys; /* object of what was set by key: wins over files, also later */
    bool own;    /* given to this broker; not that of rank 0 */
    struct broker *broker;
    struct list reloads;
};

DEFINE_CLEANUP(cJSON *, json_free)

static int set_key(cJSON *o, const char *key_value, flux_error_t *err)
{
    const char *eq = strchr(key_value, '=');
    AUTOFREE char *key = NULL;
    cJSON *value = NULL;
    int rc;

    if (!eq || eq == key_value)
        return error_set(err, EINVAL, "configuration '%s': expected TABLE.KEY=VALUE",
                         key_value);
    if (!(key = strndup(key_value, eq - key_value)))
        return -ENOMEM;
    /* true, 12, "x", [..], {..}, or else a bare string */
    if (json_parse(eq + 1, strlen(eq + 1), NULL, &value, NULL) < 0 &&
        !(value = json_new_str(eq + 1)))
        return -ENOMEM;
    if ((rc = json_set_path(o, key, value)) < 0)
        return error_set(err, -rc, "configuration key '%s': %s", key, strerror(-rc));
    return 0;
}

static int parse_keys(const char *const *keys, cJSON **ret, flux_error_t *err)
{
    CLEANUP(json_free_p) cJSON *o = cJSON_CreateObject();

    for (; o && keys && *keys; keys++) {
        int rc = set_key(o, *keys, err);

        if (rc < 0)
            return rc;
    }
    if (!o)
        return -ENOMEM;
    *ret = TAKE(o);
    return 0;
}

/* Lay the tables of `over` on top of those of `o`. */
static int merge(cJSON *o, const cJSON *over)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, over)
    {
        cJSON *old = json_get(o, item->string);

        if (old && cJSON_IsObject(old) && cJSON_IsObject(item)) {
            if (merge(old, item) < 0)
                return -ENOMEM;
        } else {
            cJSON *copy = json_copy(item);

            if (!copy)
                return -ENOMEM;
            if (old)
                cJSON_DeleteItemFromObjectCaseSensitive(o, item->string);
            cJSON_AddItemToObject(o, item->string, copy);
        }
    }
    return 0;
}

/* The configuration that is o with the keys on top. Consumes o. */
static int finish(struct config *c, cJSON *o, flux_error_t *err)
{
    flux_conf_t *conf;
    int rc = 0;

    if (!cJSON_IsObject(o))
        rc = error_set(err, EINVAL, "configuration: expected a JSON object");
    else if ((rc = merge(o, c->keys)) == 0) {
        if (!(conf = flux_conf_pack("O", o)))
            rc = error_set(err, errno, "configuration: %s", strerror(errno));
        else {
            flux_conf_decref(c->conf);
            c->conf = conf;
        }
    }
    json_free(o);
    return rc;
}

static int load_file(struct config *c, flux_error_t *err)
{
    flux_error_t why = {{0}};
    flux_conf_t *conf = flux_conf_parse(c->path, &why);
    cJSON *o;
    int rc;

    if (!conf) {
        rc = errno;
        return error_set(err, rc, "%s", why.text[0] ? why.text : strerror(rc));
    }
    rc = flux_conf_unpack(conf, err, "O", &o) < 0 ? -errno : finish(c, o, err);
    flux_conf_decref(conf);
    return rc;
}

static int load_text(struct config *c, const char *text, flux_error_t *err)
{
    flux_error_t why = {{0}};
    cJSON *o;
    int rc = json_parse(text, strlen(text), NULL, &o, &why);

    if (rc < 0)
        return error_set(err, -rc, "configuration: %s", why.text);
    return finish(c, o, err);
}

int config_new(const char *source, const char *const *keys, struct config **ret,
               flux_error_t *err)
{
    struct config *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return -ENOMEM;
    list_init(&c->reloads);
    c->own = source || (keys && *keys);
    if ((rc = parse_keys(keys, &c->keys, err)) < 0)
        goto error;
    if (source && source[0] != '{') {
        if (!(c->path = strdup(source)))
            rc = -ENOMEM;
        else
            rc = load_file(c, err);
    } else
        rc = load_text(c, source ? source : "{}", err);
    if (rc < 0)
        goto error;
    *ret = c;
    return 0;
error:
    config_free(c);
    return rc;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    flux_conf_decref(c->conf);
    json_free(c->keys);
    free(c->path);
    free(c);
}

const flux_conf_t *config_get(const struct config *c)
{
    return c->conf;
}

const char *config_path(const struct config *c)
{
    return c->path;
}

bool config_bool(const struct config *c, const char *table, const char *key, bool def)
{
    int value = def;

    if (flux_conf_unpack(c->conf, NULL, "{s?{s?b}}", table, key, &value) < 0)
        return def;
    return value;
}

const char *config_str(const struct config *c, const char *table, const char *key)
{
    const char *value = NULL;

    if (flux_conf_unpack(c->conf, NULL, "{s?{s?s}}", table, key, &value) < 0)
        return NULL;
    return value;
}

cJSON *config_tree(const struct config *c)
{
    cJSON *o;

    return flux_conf_unpack(c->conf, NULL, "o", &o) < 0 ? NULL : o;
}

void config_apply(struct config *c, struct broker *b)
{
    bool guests = config_bool(c, "access", "allow-guest-user", false);
    bool root = config_bool(c, "access", "allow-root-owner", false);

    if (b->server)
        server_set_access(b->server, guests, root);
}

/* A change on its way to the modules; answered when all have taken it. */
struct reload {
    struct list link;
    struct config *config;
    const flux_msg_t *msg; /* NULL: the parent told it */
    struct list asked;
    int errnum;
    char text[256];
};

/* A module that was told. */
struct asked {
    struct list link;
    struct reload *reload;
    flux_future_t *f;
};

static void asked_free(struct asked *a)
{
    list_del(&a->link);
    flux_future_destroy(a->f);
    free(a);
}

static void reload_free(struct reload *r)
{
    while (!list_empty(&r->asked))
        asked_free(list_first(&r->asked, struct asked, link));
    list_del(&r->link);
    flux_msg_decref(r->msg);
    free(r);
}

static void reload_done(struct reload *r)
{
    struct core *core = r->config->broker->core;

    if (!list_empty(&r->asked))
        return;
    if (r->errnum && !r->msg)
        log_printf(r->config->broker->log, LOG_ERR, "configuration: %s", r->text);
    else if (r->errnum)
        core_error(core, r->msg, r->errnum, r->text);
    else if (r->msg)
        core_respond(core, r->msg, NULL);
    reload_free(r);
}

static void module_done(flux_future_t *f, void *arg)
{
    struct asked *a = arg;
    struct reload *r = a->reload;

    if (flux_future_get(f, NULL) < 0 && !r->errnum) {
        r->errnum = errno;
        snprintf(r->text, sizeof(r->text), "%s", flux_future_error_string(f));
    }
    asked_free(a);
    reload_done(r);
}

static void tell_module(const char *name, void *arg)
{
    struct reload *r = arg;
    struct broker *b = r->config->broker;
    struct asked *a = calloc(1, sizeof(*a));
    char topic[256];

    if (!a)
        return;
    snprintf(topic, sizeof(topic), "%s.config-reload", name);
    a->reload = r;
    list_append(&r->asked, &a->link);
    a->f = flux_rpc_pack(b->h, topic, b->rank, 0, "O", config_tree(r->config));
    if (!a->f || flux_future_then(a->f, -1, module_done, a) < 0)
        asked_free(a);
}

/* Children that come later hear it in their welcome. */
static void tell_children(struct config *c)
{
    struct broker *b = c->broker;
    struct peer *p = NULL;

    while (b->peers && (p = overlay_next_child(peers_overlay(b->peers), p)))
        flux_future_destroy(flux_rpc_pack(b->h, "config.adopt", peer_rank(p),
                                          FLUX_RPC_NORESPONSE, "{s:O}", "config",
                                          config_tree(c)));
}

static void spread(struct config *c, const flux_msg_t *msg)
{
    struct reload *r = calloc(1, sizeof(*r));

    config_apply(c, c->broker);
    tell_children(c);
    if (!r) {
        if (msg)
            core_error(c->broker->core, msg, ENOMEM, NULL);
        return;
    }
    r->config = c;
    r->msg = flux_msg_incref(msg);
    list_init(&r->asked);
    list_append(&c->reloads, &r->link);
    modhost_each(c->broker->modhost, tell_module, r);
    reload_done(r);
}

int config_adopt(struct config *c, const cJSON *o, flux_error_t *err)
{
    cJSON *copy;
    int rc;

    if (c->own || json_equal(config_tree(c), o))
        return 0;
    if (!(copy = json_copy(o)))
        return -ENOMEM;
    if ((rc = finish(c, copy, err)) < 0)
        return rc;
    if (flux_set_conf(c->broker->h, c->conf) < 0)
        return -errno;
    spread(c, NULL);
    return 0;
}

static void adopt_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct config *c = arg;
    flux_error_t err = {{0}};
    cJSON *o;
    int rc;

    if (flux_msg_unpack(msg, "{s:o}", "config", &o) < 0)
        core_error(c->broker->core, msg, errno, NULL);
    else if ((rc = config_adopt(c, o, &err)) < 0) {
        log_printf(c->broker->log, LOG_ERR, "configuration of rank 0: %s", err.text);
        core_error(c->broker->core, msg, rc, err.text);
    } else
        core_respond(c->broker->core, msg, NULL);
}

static void get_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct config *c = arg;

    core_respond(c->broker->core, msg, "O", config_tree(c));
}

static void reload_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct config *c = arg;
    flux_error_t err = {{0}};
    int rc;

    if (c->path && (rc = load_file(c, &err)) < 0)
        core_error(c->broker->core, msg, rc, err.text);
    else
        spread(c, msg);
}

static void load_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct config *c = arg;
    flux_error_t err = {{0}};
    cJSON *o;
    int rc;

    if (flux_msg_unpack(msg, "O", &o) < 0)
        core_error(c->broker->core, msg, errno, NULL);
    else if ((rc = finish(c, o, &err)) < 0)
        core_error(c->broker->core, msg, rc, err.text);
    else
        spread(c, msg);
}

static const struct core_method methods[] = {
    {"config.get", FLUX_ROLE_USER, get_cb},
    {"config.reload", 0, reload_cb},
    {"config.load", 0, load_cb},
    {"config.adopt", 0, adopt_cb},
};

void config_stop(struct config *c)
{
    while (!list_empty(&c->reloads))
        reload_free(list_first(&c->reloads, struct reload, link));
}

int config_serve(struct config *c, struct broker *b)
{
    c->broker = b;
    return core_add(b->core, methods, ARRAY_SIZE(methods), c);
}
