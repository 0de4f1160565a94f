/* Configuration objects, and the one that a handle has. */
#include "flux/conf_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/handle.h>
#include <flux/rpc.h>

#include "base/error.h"
#include "flux/handle_private.h"

#define AUX_NAME "flux::conf"

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

flux_conf_t *conf_new(cJSON *tree)
{
    flux_conf_t *conf = tree ? malloc(sizeof(*conf)) : NULL;

    if (!conf) {
        json_free(tree);
        errno = ENOMEM;
        return NULL;
    }
    atomic_init(&conf->refs, 1);
    conf->tree = tree;
    return conf;
}

flux_conf_t *flux_conf_create(void)
{
    return conf_new(cJSON_CreateObject());
}

flux_conf_t *flux_conf_copy(const flux_conf_t *conf)
{
    if (!conf) {
        errno = EINVAL;
        return NULL;
    }
    return conf_new(json_copy(conf->tree));
}

const flux_conf_t *flux_conf_incref(const flux_conf_t *conf)
{
    if (conf)
        atomic_fetch_add(&((flux_conf_t *)conf)->refs, 1);
    return conf;
}

void flux_conf_decref(const flux_conf_t *cconf)
{
    flux_conf_t *conf = (flux_conf_t *)cconf;
    int saved_errno = errno;

    if (conf && atomic_fetch_sub(&conf->refs, 1) == 1) {
        json_free(conf->tree);
        free(conf);
    }
    errno = saved_errno;
}

flux_conf_t *flux_conf_vpack(const char *fmt, va_list ap)
{
    cJSON *tree;

    if (!fmt) {
        errno = EINVAL;
        return NULL;
    }
    if (!(tree = json_vpack(fmt, ap)))
        return NULL;
    if (!cJSON_IsObject(tree)) {
        json_free(tree);
        errno = EINVAL;
        return NULL;
    }
    return conf_new(tree);
}

flux_conf_t *flux_conf_pack(const char *fmt, ...)
{
    flux_conf_t *conf;
    va_list ap;

    va_start(ap, fmt);
    conf = flux_conf_vpack(fmt, ap);
    va_end(ap);
    return conf;
}

int flux_conf_vunpack(const flux_conf_t *conf, flux_error_t *error, const char *fmt,
                      va_list ap)
{
    int rc;

    if (!conf || !fmt || !*fmt)
        return fail(-error_set(error, EINVAL, "no configuration, or no format"));
    rc = json_vunpack(conf->tree, error, fmt, ap);
    return rc < 0 ? fail(-rc) : 0;
}

int flux_conf_unpack(const flux_conf_t *conf, flux_error_t *error, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = flux_conf_vunpack(conf, error, fmt, ap);
    va_end(ap);
    return rc;
}

/* ---- of a handle ---- */

static void conf_decref(void *arg)
{
    flux_conf_decref(arg);
}

int flux_set_conf_new(flux_t *h, const flux_conf_t *conf)
{
    if (!h)
        return fail(EINVAL);
    return flux_aux_set(h->root, AUX_NAME, (void *)conf, conf_decref);
}

int flux_set_conf(flux_t *h, const flux_conf_t *conf)
{
    flux_conf_incref(conf);
    if (flux_set_conf_new(h, conf) < 0) {
        flux_conf_decref(conf);
        return -1;
    }
    return 0;
}

/* The payload as a configuration. */
static const flux_conf_t *from_text(const char *text)
{
    cJSON *tree;
    int rc;

    if (!text) {
        errno = EPROTO;
        return NULL;
    }
    if ((rc = json_parse(text, strlen(text), NULL, &tree, NULL)) < 0) {
        errno = -rc;
        return NULL;
    }
    if (!cJSON_IsObject(tree)) {
        json_free(tree);
        errno = EPROTO;
        return NULL;
    }
    return conf_new(tree);
}

static const flux_conf_t *ask(flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "config.get", NULL, FLUX_NODEID_ANY, 0);
    const flux_conf_t *conf = NULL;
    const char *text;

    if (f && flux_rpc_get(f, &text) == 0)
        conf = from_text(text);
    flux_future_destroy(f);
    return conf;
}

const flux_conf_t *flux_get_conf(flux_t *h)
{
    const flux_conf_t *conf;

    if (!h) {
        errno = EINVAL;
        return NULL;
    }
    if ((conf = flux_aux_get(h->root, AUX_NAME)))
        return conf;
    if (!(conf = ask(h)))
        return NULL;
    if (flux_set_conf_new(h, conf) < 0) {
        flux_conf_decref(conf);
        return NULL;
    }
    return conf;
}

int flux_conf_reload_decode(const flux_msg_t *msg, const flux_conf_t **ret)
{
    const flux_conf_t *conf;
    const char *text;

    if (!msg || !ret)
        return fail(EINVAL);
    if (flux_msg_get_string(msg, &text) < 0 || !(conf = from_text(text)))
        return -1;
    *ret = conf;
    return 0;
}
