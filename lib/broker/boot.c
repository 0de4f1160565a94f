/* Booting: which method, and its two steps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/strv.h"
#include "broker/boot_key.h"
#include "broker/boot_private.h"
#include "env/file.h"

/* ---- what is learned ---- */

void boot_info_clear(struct boot_info *info)
{
    topo_free(info->topo);
    free(info->bind);
    free(info->parent);
    free(info->hostlist);
    free(info->jobid);
    explicit_bzero(info->key, sizeof(info->key));
}

int boot_copy(const char *s, char **ret)
{
    if (s && !(*ret = strdup(s)))
        return -ENOMEM;
    return 0;
}

/* ---- what methods share ---- */

int boot_make_topo(struct boot *b, flux_error_t *err)
{
    return topo_new(b->topo ? b->topo : BOOT_TOPO, b->info.size, &b->info.topo, err);
}

bool boot_has_children(const struct boot *b)
{
    return topo_has_children(b->info.topo, b->info.rank);
}

int boot_read_key(struct boot *b, const char *named, flux_error_t *err)
{
    const char *path = b->key_file ? b->key_file : named;
    const char *home = strv_getenv_set(b->environment, "HOME");
    AUTOFREE char *own = NULL;
    struct stat st;

    if (path)
        return boot_key_read(b->env, path, b->info.key, err);
    if (!home || asprintf(&own, "%s/.flux/curve", home) < 0)
        own = NULL;
    if (own && file_stat(b->env, own, &st) == 0)
        return boot_key_read(b->env, own, b->info.key, err);
    return error_set(err, ENOENT,
                     "the brokers need a key in common: make one with flux "
                     "keygen, copy it to all hosts, and name it in "
                     "bootstrap.curve_cert");
}

/* ---- single ---- */

static int single_start(struct boot *b, flux_error_t *err)
{
    b->info.rank = 0;
    b->info.size = 1;
    return boot_make_topo(b, err);
}

const struct boot_method boot_single = {.name = "single", .start = single_start};

/* ---- choice ---- */

static bool has_bootstrap(const struct boot *b)
{
    cJSON *table = NULL;

    return flux_conf_unpack(b->conf, NULL, "{s?o}", "bootstrap", &table) == 0 && table;
}

/* By what is there: a configuration, then a launcher, then nothing. */
static int choose(struct boot *b, flux_error_t *err)
{
    int rc;

    if (b->config_file)
        b->method = &boot_list;
    else if (has_bootstrap(b))
        b->method = &boot_config;
    else if ((rc = boot_simple_offered(b, err)) < 0)
        return rc;
    else if (rc > 0)
        b->method = &boot_simple;
    else if (boot_libpmi_offered(b))
        b->method = &boot_libpmi;
    else
        b->method = &boot_single;
    return 0;
}

/* "libpmi:PATH" names the library. */
static int take_library(struct boot *b, const char *name, size_t len)
{
    const char *colon = memchr(name, ':', len);

    if (!colon)
        return 0;
    free(b->pmi_library);
    b->pmi_library = strndup(colon + 1, len - (colon + 1 - name));
    return b->pmi_library ? 0 : -ENOMEM;
}

static bool is_named(const char *name, size_t len, const char *method)
{
    size_t n = strcspn(name, ":");

    return strlen(method) == (n < len ? n : len) &&
           !strncmp(name, method, strlen(method));
}

/* One of the user's list of PMI clients. 1: it is the one; 0: it does not apply here. */
static int try_client(struct boot *b, const char *name, size_t len, flux_error_t *err)
{
    int rc;

    if (is_named(name, len, "simple")) {
        b->method = &boot_simple;
        return boot_simple_offered(b, err);
    }
    if (is_named(name, len, "libpmi")) {
        b->method = &boot_libpmi;
        rc = take_library(b, name, len);
        return rc < 0 ? rc : b->pmi_library || boot_libpmi_offered(b);
    }
    if (is_named(name, len, "single")) {
        b->method = &boot_single;
        return 1;
    }
    if (is_named(name, len, "libpmi2"))
        return 0; /* where it is, libpmi or PMI_FD are, too */
    return error_set(err, EINVAL,
                     "FLUX_PMI_CLIENT_METHODS: no such method '%.*s' (simple, libpmi, "
                     "libpmi2, single)",
                     (int)len, name);
}

static int choose_client(struct boot *b, const char *list, flux_error_t *err)
{
    for (const char *p = list; *(p += strspn(p, " "));) {
        size_t len = strcspn(p, " ");
        int rc = try_client(b, p, len, err);

        if (rc != 0)
            return rc < 0 ? rc : 0;
        p += len;
    }
    return error_set(err, ENOENT, "none of FLUX_PMI_CLIENT_METHODS='%s' applies here",
                     list);
}

static int choose_named(struct boot *b, const char *name, flux_error_t *err)
{
    if (!strcmp(name, "config")) {
        b->method = b->config_file ? &boot_list : &boot_config;
        return 0;
    }
    if (!strcmp(name, "single"))
        b->method = &boot_single;
    else if (!strcmp(name, "simple"))
        b->method = &boot_simple;
    else if (is_named(name, strlen(name), "libpmi")) {
        b->method = &boot_libpmi;
        return take_library(b, name, strlen(name));
    } else
        return error_set(err, EINVAL,
                         "boot.method: no such method '%s' (single, config, pmi, simple, "
                         "libpmi)",
                         name);
    return 0;
}

/* The attribute's two names: of 2018, and of today. */
static const char *method_attr(const struct attrs *a)
{
    const char *s = attrs_get(a, "boot.method");

    if (!s)
        s = attrs_get(a, "broker.boot-method");
    return s && strcmp(s, "pmi") != 0 ? s : NULL;
}

static int choose_method(struct boot *b, const struct attrs *a, flux_error_t *err)
{
    const char *name = method_attr(a);
    const char *clients = strv_getenv_set(b->environment, "FLUX_PMI_CLIENT_METHODS");

    if (name)
        return choose_named(b, name, err);
    if (clients && !b->config_file && !has_bootstrap(b))
        return choose_client(b, clients, err);
    return choose(b, err);
}

/* ---- making it ---- */

static const char *first(const char *a, const char *b)
{
    return a ? a : b;
}

/* All that is said about the tree, attributes before configuration. */
static int take_settings(struct boot *b, const struct boot_conf *conf)
{
    const struct attrs *a = conf->attrs;
    const char *topo = NULL, *hint = NULL;
    const char *host = strv_getenv_set(b->environment, "FLUX_FAKE_HOSTNAME");
    int rc;

    (void)flux_conf_unpack(b->conf, NULL, "{s?{s?s s?s}}", "tbon", "topo", &topo,
                           "interface-hint", &hint);
    if (strv_getenv_set(b->environment, "FLUX_IPADDR_HOSTNAME"))
        hint = "hostname";
    if (attrs_get(a, "tbon.interface-hint"))
        hint = attrs_get(a, "tbon.interface-hint");
    b->prefer_tcp = attrs_true(a, "tbon.prefertcp");
    if ((rc = boot_copy(first(host, conf->hostname), &b->hostname)) < 0 ||
        (rc = boot_copy(conf->rundir, &b->rundir)) < 0 ||
        (rc = boot_copy(first(attrs_get(a, "tbon.topo"), topo), &b->topo)) < 0 ||
        (rc = boot_copy(attrs_get(a, "tbon.endpoint"), &b->endpoint)) < 0 ||
        (rc = boot_copy(
             first(strv_getenv_set(b->environment, "FLUX_IPADDR_INTERFACE"), hint),
             &b->interface)) < 0 ||
        (rc = boot_copy(attrs_get(a, "boot.config_file"), &b->config_file)) < 0 ||
        (rc = boot_copy(attrs_get(a, "boot.curve_cert"), &b->key_file)) < 0 ||
        (rc = boot_copy(strv_getenv_set(b->environment, "PMI_LIBRARY"),
                        &b->pmi_library)) < 0)
        return rc;
    return 0;
}

/* What was settled here others are to see. */
static int set_attrs(struct boot *b, struct attrs *a)
{
    const char *fake = strv_getenv_set(b->environment, "FLUX_FAKE_HOSTNAME");

    if (b->topo && attrs_default(a, "tbon.topo", b->topo, ATTR_BOOT) < 0)
        return -ENOMEM;
    if (fake && attrs_set(a, "hostname", fake, ATTR_READONLY) < 0)
        return -ENOMEM;
    return 0;
}

/* 2018: an address comes from the list, or from the attribute, never from both. */
static int check_attrs(const struct boot *b, const struct attrs *a, flux_error_t *err)
{
    static const char *const names[] = {"tbon.endpoint", "mcast.endpoint", "session-id"};

    if (b->method != &boot_list)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (attrs_get(a, names[i]))
            return error_set(err, EINVAL,
                             "attribute %s is not to be set: %s has these addresses",
                             names[i], b->config_file);
    }
    return 0;
}

int boot_new(const struct boot_conf *conf, struct boot **ret, flux_error_t *err)
{
    struct boot *b = calloc(1, sizeof(*b));
    int rc;

    if (!b)
        return error_set(err, ENOMEM, "out of memory");
    b->env = loop_env(conf->loop);
    b->loop = conf->loop;
    b->conf = conf->conf;
    b->attrs = conf->attrs;
    b->environment = conf->environment;
    b->pmi_fd = -1;
    b->info.encrypt = true;
    if ((rc = take_settings(b, conf)) < 0)
        error_set(err, -rc, "%s", strerror(-rc));
    else if ((rc = choose_method(b, conf->attrs, err)) == 0 &&
             (rc = check_attrs(b, conf->attrs, err)) == 0 &&
             (rc = set_attrs(b, conf->attrs)) < 0)
        error_set(err, -rc, "%s", strerror(-rc));
    if (rc < 0) {
        boot_free(b);
        return rc;
    }
    b->info.method = b->method->name;
    *ret = b;
    return 0;
}

void boot_free(struct boot *b)
{
    if (!b)
        return;
    if (b->method && b->method->free)
        b->method->free(b);
    boot_info_clear(&b->info);
    free(b->hostname);
    free(b->rundir);
    free(b->topo);
    free(b->endpoint);
    free(b->interface);
    free(b->config_file);
    free(b->key_file);
    free(b->address);
    free(b->session);
    free(b->pmi_library);
    free(b);
}

const struct boot_info *boot_info(const struct boot *b)
{
    return &b->info;
}

/* ---- steps ---- */

static void step_done(void *arg)
{
    struct boot *b = arg;

    b->running = false;
    if (b->rc == 0 && b->session)
        b->rc = attrs_set(b->attrs, "session-id", b->session, ATTR_READONLY);
    if (b->cancelled && b->rc < 0) {
        b->rc = -ECANCELED;
        error_set(&b->error, ECANCELED, "told to stop");
    }
    b->done(b->rc, &b->error, b->done_arg);
}

static void start_step(void *arg)
{
    struct boot *b = arg;

    b->rc = b->method->start(b, &b->error);
}

static void exchange_step(void *arg)
{
    struct boot *b = arg;

    b->rc = b->method->exchange ? b->method->exchange(b, &b->error) : 0;
}

static void start_now(void *arg)
{
    start_step(arg);
    step_done(arg);
}

static void exchange_now(void *arg)
{
    exchange_step(arg);
    step_done(arg);
}

/* Queue a step; one that cannot be queued has failed, which is told all the same. */
static void run(struct boot *b, void (*step)(void *), void (*now)(void *),
                boot_done_f done, void *arg)
{
    int rc;

    b->done = done;
    b->done_arg = arg;
    b->running = true;
    b->error.text[0] = '\0';
    if (b->method->waits)
        rc = loop_work(b->loop, step, step_done, b);
    else
        rc = loop_post(b->loop, now, b);
    if (rc < 0) { /* else b is the worker's already */
        b->rc = error_set(&b->error, -rc, "%s", strerror(-rc));
        step_done(b);
    }
}

void boot_start(struct boot *b, boot_done_f done, void *arg)
{
    run(b, start_step, start_now, done, arg);
}

void boot_exchange(struct boot *b, const char *address, boot_done_f done, void *arg)
{
    free(TAKE(b->address));
    if (address)
        b->address = strdup(address);
    run(b, exchange_step, exchange_now, done, arg);
}

void boot_cancel(struct boot *b)
{
    if (!b->running || b->cancelled)
        return;
    b->cancelled = true;
    if (b->method->cancel)
        b->method->cancel(b);
}
