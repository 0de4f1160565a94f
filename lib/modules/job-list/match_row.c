/* What the store's row of a finished job says about a constraint without its record, and
 * what a constraint says about the rows that are worth looking at; see match.h. */

#include <math.h>
#include <string.h>

#include <flux/job.h>

#include "modules/job-list/match_private.h"

enum verdict { NO, UNKNOWN, YES };

static enum verdict row_object(const cJSON *o, const struct match_row *row);

static enum verdict worst_of(const cJSON *values, const struct match_row *row)
{
    enum verdict worst = YES, one;
    const cJSON *v;

    cJSON_ArrayForEach(v, values)
    {
        if ((one = row_object(v, row)) < worst)
            worst = one;
    }
    return worst;
}

static enum verdict best_of(const cJSON *values, const struct match_row *row)
{
    enum verdict best = cJSON_GetArraySize(values) == 0 ? YES : NO, one;
    const cJSON *v;

    cJSON_ArrayForEach(v, values)
    {
        if ((one = row_object(v, row)) > best)
            best = one;
    }
    return best;
}

static enum verdict row_userid(const cJSON *values, const struct match_row *row)
{
    const cJSON *v;
    int64_t want;

    cJSON_ArrayForEach(v, values)
    {
        if (json_int64(v, &want) == 0 &&
            ((uint32_t)want == row->userid || (uint32_t)want == UINT32_MAX))
            return YES;
    }
    return NO;
}

static enum verdict row_text(const cJSON *values, const char *have)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, values)
    {
        if (have && !strcmp(have, json_str(v)))
            return YES;
    }
    return NO;
}

static enum verdict row_object(const cJSON *o, const struct match_row *row)
{
    enum verdict worst = YES, one;
    const cJSON *v;

    cJSON_ArrayForEach(v, o)
    {
        if (!strcmp(v->string, "and"))
            one = worst_of(v, row);
        else if (!strcmp(v->string, "not"))
            one = YES - worst_of(v, row);
        else if (!strcmp(v->string, "or"))
            one = best_of(v, row);
        else if (!strcmp(v->string, "userid"))
            one = row_userid(v, row);
        else if (!strcmp(v->string, "states"))
            one = match_mask(v) & FLUX_JOB_STATE_INACTIVE ? YES : NO;
        else if (!strcmp(v->string, "results"))
            one = match_mask(v) & row->result ? YES : NO;
        else if (!strcmp(v->string, "name"))
            one = row_text(v, row->name);
        else if (!strcmp(v->string, "queue"))
            one = row_text(v, row->queue);
        else if (!strcmp(v->string, "t_inactive"))
            one = match_time(v, row->t_inactive) ? YES : NO;
        else if (!strcmp(v->string, "t_submit"))
            one = match_time(v, row->t_submit) ? YES : NO;
        else
            one = UNKNOWN;
        if (one < worst)
            worst = one;
    }
    return worst;
}

int match_row(const struct match *m, const struct match_row *row)
{
    enum verdict v = m->tree ? row_object(m->tree, row) : YES;

    return v == UNKNOWN ? -1 : v == YES;
}

/* The states (or results) that jobs matching o may have: a union over `or`, an
 * intersection over `and`; anything under `not`, or under other operators. A constraint on results,
 * or on the time of the end, admits only inactive jobs. */
static int possible(const cJSON *o, bool states)
{
    int all = states ? ALL_STATES : ALL_RESULTS, mask = all;
    const cJSON *v, *w;

    cJSON_ArrayForEach(v, o)
    {
        if (!strcmp(v->string, states ? "states" : "results"))
            mask &= match_mask(v);
        else if (states &&
                 (!strcmp(v->string, "results") || !strcmp(v->string, "t_inactive")))
            mask &= FLUX_JOB_STATE_INACTIVE;
        else if (!strcmp(v->string, "and")) {
            cJSON_ArrayForEach(w, v) mask &= possible(w, states);
        } else if (!strcmp(v->string, "or") && cJSON_GetArraySize(v) > 0) {
            int any = 0;

            cJSON_ArrayForEach(w, v) any |= possible(w, states);
            mask &= any;
        }
    }
    return mask;
}

/* The one value of an operator, if it has one. */
static const cJSON *single(const cJSON *values)
{
    return values->child && !values->child->next ? values->child : NULL;
}

/* False: more than the narrow search says is asked for. */
static bool narrow_text(const char **field, const cJSON *values)
{
    const cJSON *v = single(values);

    if (!v || *field)
        return false;
    *field = json_str(v);
    return true;
}

static bool narrow_userid(struct match_narrow *n, const cJSON *values)
{
    const cJSON *v = single(values);
    int64_t id;

    if (!v || n->userid != UINT32_MAX || json_int64(v, &id) < 0)
        return false;
    n->userid = (uint32_t)id;
    return true;
}

/* The store's bounds are exclusive. */
static void narrow_time(struct match_narrow *n, const cJSON *values)
{
    const cJSON *v = single(values);
    char op[3];
    double t;

    if (!v || match_bound(json_str(v), op, &t) < 0)
        return;
    if (op[0] == '>')
        n->since = fmax(n->since, op[1] ? nextafter(t, 0.) : t);
    else
        n->before = fmin(n->before, op[1] ? nextafter(t, INFINITY) : t);
}

static bool only_states(const cJSON *o);

static bool all_only_states(const cJSON *values)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, values)
    {
        if (!only_states(v))
            return false;
    }
    return true;
}

/* Nothing but states, which the mask tells exactly. */
static bool only_states(const cJSON *o)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, o)
    {
        if (!strcmp(v->string, "and") || !strcmp(v->string, "or")) {
            if (!all_only_states(v))
                return false;
        } else if (strcmp(v->string, "states"))
            return false;
    }
    return true;
}

static bool narrow_object(struct match_narrow *n, const cJSON *o);

static bool narrow_all(struct match_narrow *n, const cJSON *values)
{
    const cJSON *v;
    bool exact = true;

    cJSON_ArrayForEach(v, values) exact &= narrow_object(n, v);
    return exact;
}

static bool narrow_object(struct match_narrow *n, const cJSON *o)
{
    const cJSON *v;
    bool exact = true;

    cJSON_ArrayForEach(v, o)
    {
        if (!strcmp(v->string, "and"))
            exact &= narrow_all(n, v);
        else if (!strcmp(v->string, "userid"))
            exact &= narrow_userid(n, v);
        else if (!strcmp(v->string, "name"))
            exact &= narrow_text(&n->name, v);
        else if (!strcmp(v->string, "queue"))
            exact &= narrow_text(&n->queue, v);
        else if (!strcmp(v->string, "t_inactive")) {
            narrow_time(n, v);
            exact = false;
        } else if (!strcmp(v->string, "or"))
            exact &= all_only_states(v);
        else
            exact &= !strcmp(v->string, "states");
    }
    return exact;
}

void match_narrow(const struct match *m, struct match_narrow *ret)
{
    *ret = (struct match_narrow){
        .states = m->tree ? possible(m->tree, true) : ALL_STATES,
        .results = m->tree ? possible(m->tree, false) : ALL_RESULTS,
        .userid = UINT32_MAX,
        .before = INFINITY,
        .exact = true,
    };
    if (m->tree)
        ret->exact = narrow_object(ret, m->tree);
}
