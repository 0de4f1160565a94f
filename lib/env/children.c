/* The table of spawned, not yet reaped children (children.h). */
#include <errno.h>

#include "env/children.h"

int children_init(struct children *c)
{
    pthread_mutex_init(&c->lock, NULL);
    list_init(&c->births);
    c->pids = umap_new(NULL);
    return c->pids ? 0 : -ENOMEM;
}

void children_fini(struct children *c)
{
    umap_free(c->pids);
    pthread_mutex_destroy(&c->lock);
}

void children_begin(struct children *c, struct birth *birth)
{
    atomic_init(&birth->pid, 0);
    pthread_mutex_lock(&c->lock);
    list_append(&c->births, &birth->link);
    pthread_mutex_unlock(&c->lock);
}

int children_end(struct children *c, struct birth *birth, pid_t pid)
{
    int rc = 0;
    pthread_mutex_lock(&c->lock);
    list_del(&birth->link);
    if (pid > 0)
        rc = umap_set(c->pids, (uint64_t)pid, c); /* any value but NULL */
    pthread_mutex_unlock(&c->lock);
    return rc;
}

bool children_known(const struct children *c, pid_t pid)
{
    list_each(birth, &c->births, struct birth, link)
    {
        if (atomic_load(&birth->pid) == pid)
            return true;
    }
    return umap_get(c->pids, (uint64_t)pid) != NULL;
}

void children_forget(struct children *c, pid_t pid)
{
    umap_del(c->pids, (uint64_t)pid);
}
