/* A PMI client by somebody's libpmi.so: the PMI-1 API, opened at run time. Such a library
 * has one state for the whole process. */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "pmi/client_impl.h"

struct api {
    int (*init)(int *spawned);
    int (*finalize)(void);
    int (*get_size)(int *size);
    int (*get_rank)(int *rank);
    int (*get_universe_size)(int *size);
    int (*get_appnum)(int *appnum);
    int (*barrier)(void);
    int (*get_my_name)(char name[], int length);
    int (*key_max)(int *length);
    int (*value_max)(int *length);
    int (*put)(const char name[], const char key[], const char value[]);
    int (*commit)(const char name[]);
    int (*get)(const char name[], const char key[], char value[], int length);
};

static const struct symbol {
    const char *name;
    size_t offset;
} symbols[] = {
    {"PMI_Init", offsetof(struct api, init)},
    {"PMI_Finalize", offsetof(struct api, finalize)},
    {"PMI_Get_size", offsetof(struct api, get_size)},
    {"PMI_Get_rank", offsetof(struct api, get_rank)},
    {"PMI_Get_universe_size", offsetof(struct api, get_universe_size)},
    {"PMI_Get_appnum", offsetof(struct api, get_appnum)},
    {"PMI_Barrier", offsetof(struct api, barrier)},
    {"PMI_KVS_Get_my_name", offsetof(struct api, get_my_name)},
    {"PMI_KVS_Get_key_length_max", offsetof(struct api, key_max)},
    {"PMI_KVS_Get_value_length_max", offsetof(struct api, value_max)},
    {"PMI_KVS_Put", offsetof(struct api, put)},
    {"PMI_KVS_Commit", offsetof(struct api, commit)},
    {"PMI_KVS_Get", offsetof(struct api, get)},
};

struct dso_client {
    struct pmi_client base;
    void *dso;
    char *name; /* of the library */
    struct api api;
    pmi_trace_f trace;
    void *trace_arg;
};

static struct dso_client *dso_of(struct pmi_client *c)
{
    return (struct dso_client *)c;
}

static const char *code_name(int code)
{
    static const char *const names[] = {
        "success",          "not initialized", "no memory",
        "invalid argument", "invalid key",     "key too long",
        "invalid value",    "value too long",  "invalid length",
    };

    return code >= 0 && code < (int)ARRAY_SIZE(names) ? names[code] : "failed";
}

/* After a call: trace it, and make an error of its code. */
static int check(struct dso_client *c, int code, int errnum, const char *what,
                 const char *detail, flux_error_t *err)
{
    char line[256];

    if (c->trace) {
        snprintf(line, sizeof(line), "%s %s: %s", what, detail, code_name(code));
        c->trace(code == 0, line, c->trace_arg);
    }
    if (code == 0)
        return 0;
    return error_set(err, errnum, "PMI: %s: %s %s: %s (%d)", c->name, what, detail,
                     code_name(code), code);
}

static int dso_put(struct pmi_client *base, const char *key, const char *value,
                   flux_error_t *err)
{
    struct dso_client *c = dso_of(base);
    int code = c->api.put(base->facts.kvsname, key, value);

    return check(c, code, EREMOTEIO, "PMI_KVS_Put", key, err);
}

static int dso_barrier(struct pmi_client *base, flux_error_t *err)
{
    struct dso_client *c = dso_of(base);
    int rc = check(c, c->api.commit(base->facts.kvsname), EREMOTEIO, "PMI_KVS_Commit", "",
                   err);

    return rc < 0 ? rc : check(c, c->api.barrier(), EREMOTEIO, "PMI_Barrier", "", err);
}

static int dso_get(struct pmi_client *base, const char *key, char **ret,
                   flux_error_t *err)
{
    struct dso_client *c = dso_of(base);
    AUTOFREE char *value = calloc(1, base->facts.vallen_max + 1);
    int rc;

    if (!value)
        return error_set(err, ENOMEM, "out of memory");
    rc = c->api.get(base->facts.kvsname, key, value, base->facts.vallen_max);
    if ((rc = check(c, rc, ENOENT, "PMI_KVS_Get", key, err)) < 0)
        return rc;
    *ret = TAKE(value);
    return 0;
}

static int dso_finalize(struct pmi_client *base, flux_error_t *err)
{
    struct dso_client *c = dso_of(base);

    return check(c, c->api.finalize(), EREMOTEIO, "PMI_Finalize", "", err);
}

/* The library stays open: what it left behind (threads, handlers) may still run. */
static void dso_free(struct pmi_client *base)
{
    struct dso_client *c = dso_of(base);

    free(c->name);
    free(c);
}

static const struct pmi_client_ops dso_ops = {
    .put = dso_put,
    .barrier = dso_barrier,
    .get = dso_get,
    .finalize = dso_finalize,
    .free = dso_free,
};

/* Global: plug-ins that Slurm's library opens find its symbols that way. */
static int open_any(struct dso_client *c, const char *const *names, flux_error_t *err)
{
    const char *why = "no name given";

    for (; *names; names++) {
        if ((c->dso = dlopen(*names, RTLD_NOW | RTLD_GLOBAL))) {
            c->name = strdup(*names);
            return c->name ? 0 : -ENOMEM;
        }
        why = dlerror();
    }
    return error_set(err, ELIBACC, "PMI: %s", why ? why : "cannot open");
}

static int find_symbols(struct dso_client *c, flux_error_t *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
        void *f = dlsym(c->dso, symbols[i].name);

        if (!f)
            return error_set(err, ELIBBAD, "PMI: %s has no %s", c->name, symbols[i].name);
        memcpy((char *)&c->api + symbols[i].offset, &f, sizeof(f));
    }
    return 0;
}

static int learn(struct dso_client *c, flux_error_t *err)
{
    struct pmi_facts *f = &c->base.facts;
    const struct api *a = &c->api;
    int spawned, code, rc;

    if ((rc = check(c, a->init(&spawned), EREMOTEIO, "PMI_Init", "", err)) < 0)
        return rc;
    if ((code = a->get_rank(&f->rank)) || (code = a->get_size(&f->size)) ||
        (code = a->key_max(&f->keylen_max)) || (code = a->value_max(&f->vallen_max)) ||
        (code = a->get_my_name(f->kvsname, sizeof(f->kvsname))))
        return check(c, code, EREMOTEIO, "learning rank and size", "", err);
    if (a->get_universe_size(&f->universe_size) != 0)
        f->universe_size = f->size;
    if (a->get_appnum(&f->appnum) != 0)
        f->appnum = 0;
    if (f->size < 1 || f->rank < 0 || f->rank >= f->size || f->vallen_max < 1)
        return error_set(err, EPROTO, "PMI: %s says rank %d of %d", c->name, f->rank,
                         f->size);
    return 0;
}

int pmi_client_dso(const char *const *names, pmi_trace_f trace, void *arg,
                   struct pmi_client **ret, flux_error_t *err)
{
    struct dso_client *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return error_set(err, ENOMEM, "out of memory");
    c->base.ops = &dso_ops;
    c->trace = trace;
    c->trace_arg = arg;
    if ((rc = open_any(c, names, err)) < 0 || (rc = find_symbols(c, err)) < 0 ||
        (rc = learn(c, err)) < 0) {
        dso_free(&c->base);
        return rc;
    }
    *ret = &c->base;
    return 0;
}
