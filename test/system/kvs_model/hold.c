/* What is used later: snapshots of namespaces, by version and by hash, and objects. */
#include <errno.h>
#include <time.h>

#include "kvs_model.h"

#define OLD 40        /* rounds: an object that an answer named may be forgotten then */
#define PIN_TIME 400. /* seconds: a little less than the instance keeps a root */

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

void hold_free(struct hold *hd)
{
    free(hd->treeobj);
    free(hd->value);
    model_clear(&hd->m);
    *hd = (struct hold){.treeobj = NULL};
}

struct hold *hold_new(struct run *r)
{
    struct hold *hd = &r->holds[draw(r, HOLDS)];

    hold_free(hd);
    hd->round = r->round;
    hd->boots = r->boots;
    hd->since = now();
    return hd;
}

bool hold_is_good(const struct run *r, const struct hold *hd)
{
    if (hd->is_root && hd->by_hash)
        return now() - hd->since < PIN_TIME;
    if (hd->boots != r->boots)
        return false;
    if (hd->is_root) /* a version: the current one, or one of late */
        return hd->sp->exists && hd->sp->life == hd->life && r->round - hd->round < 3;
    return r->round - hd->round < OLD;
}

struct hold *any_hold(struct run *r)
{
    struct hold *hd = &r->holds[draw(r, HOLDS)];

    return hd->treeobj && hold_is_good(r, hd) && !(hd->is_root && hd->primary) ? hd
                                                                               : NULL;
}

struct hold *any_snapshot(struct run *r)
{
    struct hold *hd = &r->holds[draw(r, HOLDS)];

    return hd->treeobj && hd->type == MODEL_DIR ? hd : NULL;
}

void hold_root(struct run *r, struct space *sp, const char *treeobj, bool by_hash)
{
    struct hold *hd = hold_new(r);

    hd->treeobj = strdup(treeobj);
    hd->type = MODEL_DIR;
    hd->is_root = true;
    hd->by_hash = by_hash;
    hd->primary = sp->primary;
    hd->sp = by_hash ? NULL : sp;
    hd->life = sp->life;
    model_copy(&hd->m, &sp->m);
    say(r, "hold %s of %s, version %ju: %s", by_hash ? "root" : "version", sp->name,
        (uintmax_t)sp->version, treeobj);
    r->n.snapshots++;
}

void holds_forget_objects(struct run *r)
{
    for (int i = 0; i < HOLDS; i++)
        if (!r->holds[i].is_root)
            hold_free(&r->holds[i]);
}

void holds_fini(struct run *r)
{
    for (int i = 0; i < HOLDS; i++)
        hold_free(&r->holds[i]);
}

static void getroot(struct run *r, struct space *sp)
{
    flux_future_t *f = flux_kvs_getroot(r->h, sp->name, 0);
    const char *treeobj;
    int rc = answer_of(r, f), seq;

    if (rc || flux_kvs_getroot_get_treeobj(f, &treeobj) < 0 ||
        flux_kvs_getroot_get_sequence(f, &seq) < 0)
        wrong(r, "getroot of %s: %s", sp->name, strerror(rc ? rc : errno));
    if (!sp->primary && (uint64_t)seq != sp->version)
        wrong(r, "getroot of %s says version %d, not %ju", sp->name, seq,
              (uintmax_t)sp->version);
    hold_root(r, sp, treeobj, true);
    flux_future_destroy(f);
    r->ops++;
}

/* A namespace from a snapshot. */
static void create_with(struct run *r)
{
    struct space *sp = &r->spaces[draw(r, SPACES)];
    struct hold *hd = any_snapshot(r);
    flux_future_t *f;
    int rc;

    if (sp->exists || !hd || !hold_is_good(r, hd) || (hd->is_root && hd->primary))
        return;
    say(r, "create %s with %s", sp->name, hd->treeobj);
    f = flux_kvs_namespace_create_with(r->h, sp->name, hd->treeobj, FLUX_USERID_UNKNOWN,
                                       0);
    if ((rc = answer_of(r, f)))
        wrong(r, "create %s with %s: %s", sp->name, hd->treeobj, strerror(rc));
    flux_future_destroy(f);
    sp->exists = true;
    sp->life++;
    sp->version = sp->promised = 0;
    free(sp->treeobj);
    sp->treeobj = NULL;
    model_copy(&sp->m, &hd->m);
    r->n.namespaces++;
    r->ops++;
}

void hold_act(struct run *r)
{
    struct space *sp = any_space(r);

    if (chance(r, 30) && sp->treeobj)
        hold_root(r, sp, sp->treeobj, false);
    else if (chance(r, 10))
        getroot(r, sp);
    else if (chance(r, 20))
        create_with(r);
}
