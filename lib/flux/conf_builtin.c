/* Where things are. Paths follow from where this library lies, so that an installed tree
 * may be moved and the build tree runs in place: BUILD/lib/flux/libflux.so there,
 * PREFIX/LIBDIR/libflux.so when installed. The table is made once, at the first
 * question, and never changes: the pointers that callers get must outlive every handle.
 */
#include <flux/conf.h>

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "flux/paths.h"

#define INTREE_LIBDIR "lib/flux"

enum base {
    PLAIN,  /* not a path */
    PREFIX, /* below the prefix, or the build folder */
};

struct builtin {
    const char *name;
    enum base base;
    const char *installed;
    const char *intree; /* NULL: as installed */
};

static const struct builtin builtins[] = {
    {"version", PLAIN, FLUX_BUILT_VERSION, NULL},
    {"system_uri", PLAIN, "local:///run/flux/local", NULL},
    {"rundir", PLAIN, "/run/flux", NULL},
    {"sysconfdir", PLAIN, "/etc/flux", NULL},
    {"prefix", PREFIX, "", NULL},
    {"bindir", PREFIX, FLUX_BUILT_BINDIR, "cmd"},
    {"exec_path", PREFIX, FLUX_BUILT_BINDIR, "cmd"},
    {"libdir", PREFIX, FLUX_BUILT_LIBDIR, INTREE_LIBDIR},
    {"libexecdir", PREFIX, FLUX_BUILT_LIBEXECDIR, "cmd"},
    {"mandir", PREFIX, FLUX_BUILT_MANDIR, "man"},
    {"man_path", PREFIX, FLUX_BUILT_MANDIR, "man"},
    {"broker_path", PREFIX, FLUX_BUILT_BINDIR "/flux-broker", "cmd/flux-broker"},
    {"shell_path", PREFIX, FLUX_BUILT_BINDIR "/flux-shell", "cmd/flux-shell"},
    {"module_path", PREFIX, FLUX_BUILT_LIBDIR "/flux/modules", "lib/modules"},
    {"connector_path", PREFIX, FLUX_BUILT_LIBDIR "/flux/connectors", INTREE_LIBDIR},
    {"shell_pluginpath", PREFIX, FLUX_BUILT_LIBDIR "/flux/shell/plugins", "lib/shell"},
    {"jobtap_pluginpath", PREFIX, FLUX_BUILT_LIBDIR "/flux/job-manager/plugins",
     "lib/modules/job-manager"},
    {"pmi_library_path", PREFIX, FLUX_BUILT_LIBDIR "/flux/libpmi.so",
     "lib/pmi/libpmi.so"},
    {"toml_path", PREFIX, FLUX_BUILT_LIBDIR "/flux/libflux-toml.so",
     INTREE_LIBDIR "/libflux-toml.so"},
    {"python_path", PREFIX, FLUX_BUILT_PYTHONDIR, "bindings/python"},
    {"python", PLAIN, FLUX_BUILT_PYTHON, NULL},
    {"lua_cpath_add", PREFIX, FLUX_BUILT_LIBDIR "/lua/5.4/?.so", "bindings/lua/?.so"},
};

struct table {
    const char *values[ARRAY_SIZE(builtins)];
    char text[ARRAY_SIZE(builtins) * PATH_MAX / 8];
    size_t used;
    bool intree;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct table *table; /* NULL: no memory */

/* Is `dir` a folder `tail` below something? Then cut it off. */
static bool cut_tail(char *dir, const char *tail)
{
    size_t n = strlen(dir), m = strlen(tail);

    if (n <= m || strcmp(dir + n - m, tail) != 0 || dir[n - m - 1] != '/')
        return false;
    dir[n - m - 1] = '\0';
    return true;
}

/* The prefix, or the build folder. */
static bool find_root(char root[PATH_MAX], bool *intree)
{
    Dl_info info;
    char *slash;

    if (!dladdr(builtins, &info) || !realpath(info.dli_fname, root))
        return false;
    if (!(slash = strrchr(root, '/')))
        return false;
    *slash = '\0';
    *intree = !cut_tail(root, FLUX_BUILT_LIBDIR);
    return !*intree || cut_tail(root, INTREE_LIBDIR);
}

/* A `rest` that is a whole path lies outside the prefix. */
static const char *keep(struct table *t, const char *root, const char *sep,
                        const char *rest)
{
    if (*rest == '/')
        return rest;

    char *p = t->text + t->used;
    int n = snprintf(p, sizeof(t->text) - t->used, "%s%s%s", root, sep, rest);

    if (n < 0 || (size_t)n >= sizeof(t->text) - t->used)
        return NULL;
    t->used += (size_t)n + 1;
    return p;
}

static void make_table(void)
{
    struct table *t = calloc(1, sizeof(*t));
    char root[PATH_MAX];

    if (!t)
        return;
    if (!find_root(root, &t->intree))
        strcpy(root, FLUX_BUILT_PREFIX);
    for (size_t i = 0; i < ARRAY_SIZE(builtins); i++) {
        const struct builtin *b = &builtins[i];
        const char *rest = t->intree && b->intree ? b->intree : b->installed;

        t->values[i] =
            b->base == PLAIN ? b->installed : keep(t, root, *rest ? "/" : "", rest);
    }
    table = t;
}

const char *flux_conf_builtin_get(const char *name, enum flux_conf_flags flags)
{
    pthread_once(&once, make_table);
    for (size_t i = 0; name && table && i < ARRAY_SIZE(builtins); i++) {
        if (strcmp(builtins[i].name, name) != 0)
            continue;
        if ((flags == FLUX_CONF_INTREE && !table->intree) ||
            (flags == FLUX_CONF_INSTALLED && table->intree) || !table->values[i])
            break;
        return table->values[i];
    }
    errno = EINVAL;
    return NULL;
}
