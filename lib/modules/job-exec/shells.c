/* The resident shells by rank: see shells.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "modules/job-exec/shells.h"

struct shells {
    struct exec *x;
    struct umap *ranks; /* rank -> struct shellctl */
    struct list dirty;  /* by shellctl_dirty() */
};

static void free_shell(void *s)
{
    shellctl_free(s);
}

int shells_new(struct exec *x, struct shells **ret)
{
    struct shells *set = calloc(1, sizeof(*set));
    if (!set)
        return -ENOMEM;
    set->x = x;
    list_init(&set->dirty);
    set->ranks = umap_new(free_shell);
    if (!set->ranks) {
        free(set);
        return -ENOMEM;
    }
    *ret = set;
    return 0;
}

void shells_free(struct shells *set)
{
    if (!set)
        return;
    umap_free(set->ranks);
    free(set);
}

struct shellctl *shells_find(const struct shells *set, unsigned rank)
{
    return umap_get(set->ranks, rank);
}

struct shellctl *shells_need(struct shells *set, unsigned rank)
{
    struct shellctl *s = umap_get(set->ranks, rank);
    if (s)
        return s;
    if (shellctl_new(set->x, rank, &s) < 0)
        return NULL;
    if (umap_add(set->ranks, rank, s) < 0) {
        shellctl_free(s);
        return NULL;
    }
    return s;
}

void shells_each(struct shells *set, void (*fn)(struct shellctl *s, void *arg), void *arg)
{
    void *s;
    for (size_t it = 0; umap_next(set->ranks, &it, NULL, &s);)
        fn(s, arg);
}

void shells_mark(struct shells *set, struct shellctl *s)
{
    struct list *link = shellctl_dirty(s);
    if (list_empty(link))
        list_append(&set->dirty, link);
    exec_poke(set->x);
}

void shells_turn(struct shells *set)
{
    struct list todo;
    list_init(&todo);
    list_splice(&todo, &set->dirty); /* telling one may mark another */
    while (!list_empty(&todo)) {
        struct list *link = todo.next;
        list_del(link);
        shellctl_turn(shellctl_of_dirty(link));
    }
}

void shells_hello(struct shells *set, const flux_msg_t *msg)
{
    int64_t rank = 0;
    struct shellctl *s = NULL;
    int err = EPROTO;
    if (flux_request_unpack(msg, NULL, "{s?I}", "rank", &rank) == 0 && rank >= 0 &&
        rank < UINT32_MAX) {
        s = shells_need(set, (unsigned)rank);
        err = ENOMEM;
    }
    if (s)
        shellctl_hello(s, msg);
    else
        (void)flux_respond_error(set->x->h, msg, err, NULL);
}

static void disconnect(struct shellctl *s, void *msg)
{
    shellctl_disconnect(s, msg);
}

void shells_disconnect(struct shells *set, const flux_msg_t *msg)
{
    shells_each(set, disconnect, (void *)msg);
}

void shells_output_end(struct shells *set, flux_jobid_t id)
{
    struct shellctl *s = shells_find(set, 0);
    if (s)
        shellctl_output_end(s, id);
}

static void ack_stray(struct shellctl *s, void *id)
{
    shellctl_ack_stray(s, *(flux_jobid_t *)id);
}

void shells_ack_stray(struct shells *set, flux_jobid_t id)
{
    shells_each(set, ack_stray, &id);
    shells_output_end(set, id);
}
