/* Folders for temporary files: see tmpdir.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "env/file.h"
#include "shell/tmpdir.h"

#define IDLE_MAX 64 /* folders that wait for a job */

struct tmpdirs {
    struct env *env;
    struct loop *loop;
    char *base;
    char *own; /* below base, of this shell; NULL until it is needed */
    struct list idle;
    unsigned nidle, count;
};

struct tmpdir {
    struct list link; /* in idle */
    struct tmpdirs *all;
    struct env *env;
    char *path;
    bool is_made;
};

int tmpdirs_new(struct loop *loop, const char *base, struct tmpdirs **ret)
{
    struct tmpdirs *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->env = env_ref(loop_env(loop));
    t->loop = loop;
    t->base = strdup(base);
    list_init(&t->idle);
    if (!t->base) {
        tmpdirs_free(t);
        return -ENOMEM;
    }
    *ret = t;
    return 0;
}

static void tmpdir_free(struct tmpdir *d)
{
    list_del(&d->link);
    env_unref(d->env);
    free(d->path);
    free(d);
}

void tmpdirs_free(struct tmpdirs *t)
{
    if (!t)
        return;
    list_each(d, &t->idle, struct tmpdir, link) tmpdir_free(d);
    if (t->own)
        (void)dir_remove(t->env, t->own);
    free(t->own);
    free(t->base);
    env_unref(t->env);
    free(t);
}

/* -- what an earlier shell left -- */

static int remove_other(const char *name, void *arg)
{
    struct tmpdirs *t = arg;
    AUTOFREE char *path = NULL;
    if (asprintf(&path, "%s/%s", t->base, name) < 0)
        path = NULL;
    else if (strcmp(path, t->own) != 0)
        (void)dir_remove(t->env, path);
    return 0;
}

static int make_own(struct tmpdirs *t)
{
    char *own;
    int rc = dir_make(t->env, t->base, 0700);
    if (rc < 0 && rc != -EEXIST)
        return rc;
    if (asprintf(&own, "%s/XXXXXX", t->base) < 0)
        return -ENOMEM;
    rc = dir_make_temp(t->env, own);
    if (rc < 0) {
        free(own);
        return rc;
    }
    t->own = own;
    (void)dir_each(t->env, t->base, remove_other, t);
    return 0;
}

/* -- one of a job -- */

static struct tmpdir *make_new(struct tmpdirs *t)
{
    struct tmpdir *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    list_init(&d->link);
    d->all = t;
    d->env = env_ref(t->env);
    if (asprintf(&d->path, "%s/%u", t->own, ++t->count) < 0) {
        d->path = NULL;
        tmpdir_free(d);
        return NULL;
    }
    return d;
}

struct tmpdir *tmpdir_take(struct tmpdirs *t)
{
    struct tmpdir *d = list_first(&t->idle, struct tmpdir, link);
    if (d) {
        list_del(&d->link);
        t->nidle--;
        return d;
    }
    return t->own || make_own(t) == 0 ? make_new(t) : NULL;
}

const char *tmpdir_path(const struct tmpdir *d)
{
    return d->path;
}

int tmpdir_make(struct tmpdir *d)
{
    if (d->is_made)
        return 0;
    int rc = dir_make(d->env, d->path, 0700);
    d->is_made = rc == 0;
    return rc;
}

static int is_entry(const char *name, void *arg)
{
    return 1;
}

static void remove_work(void *arg)
{
    struct tmpdir *d = arg;
    (void)dir_remove(d->env, d->path);
    tmpdir_free(d);
}

void tmpdir_give_back(struct tmpdir *d)
{
    if (!d)
        return;
    struct tmpdirs *t = d->all;
    bool empty = !d->is_made || dir_each(d->env, d->path, is_entry, NULL) == 0;
    if (empty && t->nidle < IDLE_MAX) {
        list_append(&t->idle, &d->link);
        t->nidle++;
        return;
    }
    if (loop_work(t->loop, remove_work, NULL, d) < 0)
        remove_work(d);
}
