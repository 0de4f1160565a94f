/* Constraints on jobs as JSON objects; see match.h. What the store's rows tell is in
 * match_row.c. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/hostlist.h>
#include <flux/idset.h>
#include <flux/job.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/job-list/match_private.h"

#define MAX_DEPTH 16

struct op {
    const char *name;
    int (*check)(const cJSON *values, int depth, flux_error_t *err);
    bool (*eval)(const cJSON *values, const char *name, const cJSON *job);
};

static const struct op *find_op(const char *name);

/* One operator an object; several mean `and'. */
static int check_object(const cJSON *o, int depth, flux_error_t *err)
{
    const cJSON *v;

    if (!cJSON_IsObject(o))
        return error_set(err, EINVAL, "constraint: an object is expected");
    if (depth > MAX_DEPTH)
        return error_set(err, EINVAL, "constraint: nested more than %d deep", MAX_DEPTH);
    cJSON_ArrayForEach(v, o)
    {
        const struct op *op = find_op(v->string);
        int rc;

        if (!op)
            return error_set(err, EINVAL, "unknown constraint operator: %s", v->string);
        if (!cJSON_IsArray(v))
            return error_set(err, EINVAL, "constraint: values of %s must be an array",
                             v->string);
        if ((rc = op->check(v, depth, err)) < 0)
            return rc;
    }
    return 0;
}

static bool eval_object(const cJSON *o, const cJSON *job)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, o)
    {
        if (!find_op(v->string)->eval(v, v->string, job))
            return false;
    }
    return true;
}

static int check_nested(const cJSON *values, int depth, flux_error_t *err)
{
    const cJSON *v;
    int rc = 0;

    cJSON_ArrayForEach(v, values)
    {
        if ((rc = check_object(v, depth + 1, err)) < 0)
            break;
    }
    return rc;
}

static bool eval_and(const cJSON *values, const char *name, const cJSON *job)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, values)
    {
        if (!eval_object(v, job))
            return false;
    }
    return true;
}

static bool eval_or(const cJSON *values, const char *name, const cJSON *job)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, values)
    {
        if (eval_object(v, job))
            return true;
    }
    return cJSON_GetArraySize(values) == 0;
}

static bool eval_not(const cJSON *values, const char *name, const cJSON *job)
{
    return !eval_and(values, name, job);
}

static int check_integers(const cJSON *values, int depth, flux_error_t *err)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, values)
    {
        if (!json_is_integer(v))
            return error_set(err, EINVAL, "constraint: values of %s must be integers",
                             values->string);
    }
    return 0;
}

static int check_strings(const cJSON *values, int depth, flux_error_t *err)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, values)
    {
        if (!json_str(v))
            return error_set(err, EINVAL, "constraint: values of %s must be strings",
                             values->string);
    }
    return 0;
}

static bool eval_userid(const cJSON *values, const char *name, const cJSON *job)
{
    int64_t want, have;
    const cJSON *v;

    if (json_int64(json_get(job, "userid"), &have) < 0)
        return false;
    cJSON_ArrayForEach(v, values)
    {
        if (json_int64(v, &want) == 0 && (want == have || (uint32_t)want == UINT32_MAX))
            return true;
    }
    return false;
}

static bool eval_text(const cJSON *values, const char *name, const cJSON *job)
{
    const char *have = json_str(json_get(job, name));
    const cJSON *v;

    cJSON_ArrayForEach(v, values)
    {
        if (have && !strcmp(have, json_str(v)))
            return true;
    }
    return false;
}

/* A state or result as number or name; 0: neither. */
static int mask_of(const cJSON *v, bool states)
{
    flux_job_result_t result;
    flux_job_state_t state;
    int64_t n;

    if (json_int64(v, &n) == 0)
        return n > 0 && n <= (states ? ALL_STATES : ALL_RESULTS) ? (int)n : 0;
    if (!json_str(v))
        return 0;
    if (states)
        return flux_job_strtostate(json_str(v), &state) == 0 ? (int)state : 0;
    return flux_job_strtoresult(json_str(v), &result) == 0 ? (int)result : 0;
}

int match_mask(const cJSON *values)
{
    bool states = !strcmp(values->string, "states");
    const cJSON *v;
    int mask = 0;

    cJSON_ArrayForEach(v, values) mask |= mask_of(v, states);
    return mask;
}

static int check_mask(const cJSON *values, int depth, flux_error_t *err)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, values)
    {
        if (mask_of(v, !strcmp(values->string, "states")) == 0)
            return error_set(err, EINVAL, "constraint: invalid value of %s",
                             values->string);
    }
    return 0;
}

static bool eval_mask(const cJSON *values, const char *name, const cJSON *job)
{
    int64_t have;

    return json_int64(json_get(job, !strcmp(name, "states") ? "state" : "result"),
                      &have) == 0 &&
           (have & match_mask(values));
}

static bool eval_ranks(const cJSON *values, const char *name, const cJSON *job)
{
    const char *s = json_str(json_get(job, "ranks"));
    struct idset *have = s ? idset_decode(s) : NULL;
    bool found = false;
    const cJSON *v;

    cJSON_ArrayForEach(v, values)
    {
        struct idset *want = idset_decode(json_str(v));
        struct idset *both = have && want ? idset_intersect(have, want) : NULL;

        found |= both && idset_count(both) > 0;
        idset_destroy(both);
        idset_destroy(want);
    }
    idset_destroy(have);
    return found;
}

static bool eval_hostlist(const cJSON *values, const char *name, const cJSON *job)
{
    const char *s = json_str(json_get(job, "nodelist"));
    struct hostlist *have = s ? hostlist_decode(s) : NULL;
    bool found = false;
    const cJSON *v;

    cJSON_ArrayForEach(v, values)
    {
        struct hostlist *want = have ? hostlist_decode(json_str(v)) : NULL;

        for (const char *h = want ? hostlist_first(want) : NULL; h && !found;
             h = hostlist_next(want))
            found = hostlist_find(have, h) >= 0;
        hostlist_destroy(want);
    }
    hostlist_destroy(have);
    return found;
}

/* ">=T", "<=T", ">T", "<T". */
int match_bound(const char *s, char op[3], double *ret)
{
    char *end;
    size_t n = strspn(s, "<>=");

    if (n < 1 || n > 2 || s[0] == '=' || (n == 2 && s[1] != '='))
        return -EINVAL;
    memcpy(op, s, n);
    op[n] = '\0';
    *ret = strtod(s + n, &end);
    return end == s + n || *end ? -EINVAL : 0;
}

static int check_time(const cJSON *values, int depth, flux_error_t *err)
{
    const cJSON *v;
    char op[3];
    double t;

    cJSON_ArrayForEach(v, values)
    {
        if (!json_str(v) || match_bound(json_str(v), op, &t) < 0)
            return error_set(err, EINVAL,
                             "constraint: %s needs values such as \">=1700000000\"",
                             values->string);
    }
    return 0;
}

bool match_time(const cJSON *values, double have)
{
    const cJSON *v;
    char op[3];
    double t;

    if (have <= 0.)
        return false;
    cJSON_ArrayForEach(v, values)
    {
        match_bound(json_str(v), op, &t);
        if (op[0] == '>' ? (op[1] ? have >= t : have > t)
                         : (op[1] ? have <= t : have < t))
            return true;
    }
    return false;
}

static bool eval_time(const cJSON *values, const char *name, const cJSON *job)
{
    double have;

    return json_real(json_get(job, name), &have) == 0 && match_time(values, have);
}

static const struct op ops[] = {
    {"and", check_nested, eval_and},       {"or", check_nested, eval_or},
    {"not", check_nested, eval_not},       {"userid", check_integers, eval_userid},
    {"name", check_strings, eval_text},    {"queue", check_strings, eval_text},
    {"states", check_mask, eval_mask},     {"results", check_mask, eval_mask},
    {"ranks", check_strings, eval_ranks},  {"hostlist", check_strings, eval_hostlist},
    {"t_submit", check_time, eval_time},   {"t_depend", check_time, eval_time},
    {"t_run", check_time, eval_time},      {"t_cleanup", check_time, eval_time},
    {"t_inactive", check_time, eval_time},
};

static const struct op *find_op(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        if (name && !strcmp(ops[i].name, name))
            return &ops[i];
    }
    return NULL;
}

int match_new(const cJSON *constraint, struct match **ret, flux_error_t *err)
{
    struct match *m;
    int rc;

    if (constraint && (rc = check_object(constraint, 0, err)) < 0)
        return rc;
    m = calloc(1, sizeof(*m));
    if (!m)
        return -ENOMEM;
    m->tree = constraint ? json_copy(constraint) : NULL;
    if (constraint && !m->tree) {
        free(m);
        return -ENOMEM;
    }
    *ret = m;
    return 0;
}

void match_free(struct match *m)
{
    if (!m)
        return;
    json_free(m->tree);
    free(m);
}

bool match_job(const struct match *m, const cJSON *job)
{
    return !m->tree || eval_object(m->tree, job);
}
