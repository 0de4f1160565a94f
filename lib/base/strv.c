/* Arrays of strings: see strv.h. */
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"

void strv_free(char **v)
{
    for (char **p = v; p && *p; p++)
        free(*p);
    free(v);
}

char **strv_copy(const char *const *v)
{
    size_t n = 0;
    char **copy;

    if (!v)
        return NULL;
    while (v[n])
        n++;
    if (!(copy = calloc(n + 1, sizeof(char *))))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!(copy[i] = strdup(v[i]))) {
            strv_free(copy);
            return NULL;
        }
    }
    return copy;
}

const char *strv_getenv(char *const *env, const char *name)
{
    size_t len = strlen(name);

    for (; env && *env; env++) {
        if (!strncmp(*env, name, len) && (*env)[len] == '=')
            return *env + len + 1;
    }
    return NULL;
}

const char *strv_getenv_set(char *const *env, const char *name)
{
    const char *s = strv_getenv(env, name);

    return s && *s ? s : NULL;
}
