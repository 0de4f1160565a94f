/* Reading configuration files. TOML is parsed by libflux-toml.so, a private shared object
 * that is opened when the first TOML file is read, and closed after it.
 */
#include "flux/conf_private.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "env/file.h"
#include "flux/toml/toml.h"

#define FILE_MAX ((size_t)4 << 20)
#define FILES_MAX 1024

DEFINE_CLEANUP(cJSON *, json_free)

int conf_merge(cJSON *to, cJSON *from)
{
    cJSON *value;

    while ((value = from->child)) {
        cJSON *old = cJSON_GetObjectItemCaseSensitive(to, value->string);

        cJSON_DetachItemViaPointer(from, value);
        if (cJSON_IsObject(old) && cJSON_IsObject(value)) {
            conf_merge(old, value);
        } else {
            AUTOFREE char *key = strdup(value->string);

            if (!key)
                return -ENOMEM;
            cJSON_DeleteItemFromObjectCaseSensitive(to, key);
            cJSON_AddItemToObject(to, key, value);
        }
    }
    json_free(from);
    return 0;
}

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    return n > m && strcmp(s + n - m, suffix) == 0;
}

static int parse_json(const char *path, const char *text, size_t len, cJSON **ret,
                      flux_error_t *error)
{
    CLEANUP(json_free_p) cJSON *tree = NULL;
    flux_error_t e;
    int rc = json_parse(text, len, NULL, &tree, &e);

    if (rc < 0)
        return error_set(error, EINVAL, "%s: %s", path, e.text);
    if (!cJSON_IsObject(tree))
        return error_set(error, EINVAL, "%s: not a JSON object", path);
    *ret = TAKE(tree);
    return 0;
}

static int toml_to_json(const char *path, const char *text, size_t len, char **ret,
                        flux_error_t *error)
{
    const char *so = flux_conf_builtin_get("toml_path", FLUX_CONF_AUTO);
    void *dso = so ? dlopen(so, RTLD_NOW | RTLD_LOCAL) : NULL;
    flux_toml_to_json_f convert = NULL;
    char err[160] = "";
    int rc = 0;

    if (dso)
        *(void **)&convert = dlsym(dso, FLUX_TOML_SYMBOL);
    if (!convert)
        rc = error_set(error, ENOSYS, "%s: cannot read TOML: %s", path, dlerror());
    else if (!(*ret = convert(text, len, err, sizeof(err))))
        rc = error_set(error, EINVAL, "%s: %s", path, err);
    if (dso)
        dlclose(dso);
    return rc;
}

static int parse_toml(const char *path, const char *text, size_t len, cJSON **ret,
                      flux_error_t *error)
{
    AUTOFREE char *json = NULL;
    int rc = toml_to_json(path, text, len, &json, error);

    return rc < 0 ? rc : parse_json(path, json, strlen(json), ret, error);
}

int conf_read_file(struct env *env, const char *path, cJSON **ret, flux_error_t *error)
{
    AUTOFREE char *text = NULL;
    size_t len;
    int rc = file_read(env, path, FILE_MAX, &text, &len);

    if (rc < 0)
        return error_set(error, -rc, "%s: %s", path, strerror(-rc));
    if (has_suffix(path, ".json"))
        return parse_json(path, text, len, ret, error);
    return parse_toml(path, text, len, ret, error);
}

/* ---- folders ---- */

struct names {
    char *v[FILES_MAX];
    size_t n;
};

static int add_name(const char *name, void *arg)
{
    struct names *names = arg;

    if (name[0] == '.' || !has_suffix(name, ".toml"))
        return 0;
    if (names->n == FILES_MAX)
        return -E2BIG;
    if (!(names->v[names->n] = strdup(name)))
        return -ENOMEM;
    names->n++;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int merge_file(struct env *env, const char *folder, const char *name, cJSON *tree,
                      flux_error_t *error)
{
    AUTOFREE char *path = NULL;
    cJSON *part;
    int rc;

    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    if ((rc = conf_read_file(env, path, &part, error)) < 0)
        return rc;
    return conf_merge(tree, part);
}

static int merge_all(struct env *env, const char *folder, struct names *names,
                     cJSON *tree, flux_error_t *error)
{
    int rc = dir_each(env, folder, add_name, names);

    if (rc < 0)
        return error_set(error, -rc, "%s: %s", folder, strerror(-rc));
    qsort(names->v, names->n, sizeof(names->v[0]), compare_names);
    for (size_t i = 0; i < names->n && rc == 0; i++)
        rc = merge_file(env, folder, names->v[i], tree, error);
    return rc;
}

static int read_folder(struct env *env, const char *path, cJSON **ret,
                       flux_error_t *error)
{
    CLEANUP(json_free_p) cJSON *tree = cJSON_CreateObject();
    struct names *names = calloc(1, sizeof(*names));
    int rc = tree && names ? merge_all(env, path, names, tree, error) : -ENOMEM;

    for (size_t i = 0; names && i < names->n; i++)
        free(names->v[i]);
    free(names);
    if (rc == 0)
        *ret = TAKE(tree);
    return rc;
}

static int read_path(struct env *env, const char *path, cJSON **ret, flux_error_t *error)
{
    AUTOFREE char *inside = NULL;
    struct stat st;
    int rc;

    /* Through a final link: the folder it points to. */
    if (asprintf(&inside, "%s/.", path) < 0) {
        inside = NULL;
        return -ENOMEM;
    }
    if (file_stat(env, inside, &st) == 0 && S_ISDIR(st.st_mode))
        return read_folder(env, path, ret, error);
    if ((rc = file_stat(env, path, &st)) < 0)
        return error_set(error, -rc, "%s: %s", path, strerror(-rc));
    return conf_read_file(env, path, ret, error);
}

flux_conf_t *flux_conf_parse(const char *path, flux_error_t *error)
{
    struct env *env;
    cJSON *tree;
    int rc;

    if (!path) {
        errno = -error_set(error, EINVAL, "no path");
        return NULL;
    }
    if (env_new_real(&env) < 0) {
        errno = -error_set(error, ENOMEM, "out of memory");
        return NULL;
    }
    rc = read_path(env, path, &tree, error);
    env_unref(env);
    if (rc < 0) {
        errno = -rc;
        return NULL;
    }
    return conf_new(tree);
}
