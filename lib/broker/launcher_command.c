/* What each broker of a test instance is started with: arguments and environment. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "base/strv.h"
#include "broker/launcher_private.h"

struct strings {
    char **v;
    size_t n, max;
    bool failed;
};

/* Takes s over; NULL is a failure. */
static void add(struct strings *a, char *s)
{
    char **v = a->v;

    if (s && a->n + 2 > a->max) {
        size_t max = a->max ? 2 * a->max : 64;

        if ((v = reallocarray(a->v, max, sizeof(*v)))) {
            a->v = v;
            a->max = max;
        }
    }
    if (!s || !v) {
        free(s);
        a->failed = true;
        return;
    }
    a->v[a->n++] = s;
    a->v[a->n] = NULL;
}

static void addf(struct strings *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void addf(struct strings *a, const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        s = NULL;
    va_end(ap);
    add(a, s);
}

static void add_all(struct strings *a, char *const *v)
{
    for (; v && *v; v++)
        add(a, strdup(*v));
}

static char **take(struct strings *a)
{
    if (!a->failed)
        return a->v;
    strv_free(a->v);
    return NULL;
}

char *launcher_rundir(const struct launcher *l, uint32_t rank)
{
    char *path;

    if (l->conf.size == 1)
        return strdup(l->rundir);
    if (asprintf(&path, "%s/%u", l->rundir, (unsigned)rank) < 0)
        return NULL;
    return path;
}

char **launcher_argv(struct launcher *l, uint32_t rank, const char *address)
{
    const struct launcher_conf *conf = &l->conf;
    AUTOFREE char *rundir = launcher_rundir(l, rank);
    struct strings a = {.failed = !rundir};

    add_all(&a, conf->wrap);
    add(&a, strdup(conf->broker));
    addf(&a, "-Srundir=%s", rundir);
    if (conf->statedir)
        addf(&a, "-Sstatedir=%s", conf->statedir);
    if (address)
        addf(&a, "-Stbon.endpoint=%s", address);
    add_all(&a, conf->options);
    if (rank == 0)
        add_all(&a, conf->program);
    return take(&a);
}

/* What another launcher set for us, or what would make a broker choose another way to
 * boot. */
static bool is_ours(const char *var)
{
    static const char *const names[] = {"PMI_", "PMIX_", "FLUX_PMI_CLIENT_METHODS=",
                                        "FLUX_START_URI=", "FLUX_FAKE_HOSTNAME="};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strncmp(var, names[i], strlen(names[i])))
            return true;
    }
    return false;
}

int launcher_take_env(struct launcher *l)
{
    struct strings a = {0};

    for (char *const *v = l->conf.environment; v && *v; v++) {
        if (!is_ours(*v))
            add(&a, strdup(*v));
    }
    addf(&a, "PMI_FD=%d", LAUNCHER_FD);
    addf(&a, "PMI_SIZE=%u", (unsigned)l->conf.size);
    addf(&a, "FLUX_START_URI=%s", l->uri);
    l->common = take(&a);
    return l->common ? 0 : -ENOMEM;
}

char **launcher_env(struct launcher *l, uint32_t rank)
{
    struct strings a = {0};

    add_all(&a, l->common);
    addf(&a, "PMI_RANK=%u", (unsigned)rank);
    if (l->hosts)
        addf(&a, "FLUX_FAKE_HOSTNAME=%s", hostlist_nth(l->hosts, (int)rank));
    return take(&a);
}
