/* Removing ended jobs, see purge.h. A purge goes in steps: a worker looks up who may go,
 * they are deleted with the open batch, and when that is on disk the next step begins. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fsd.h"
#include "base/json.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/jobtap.h"
#include "modules/job-manager/purge.h"
#include "modules/job-manager/purge_tell.h"
#include "modules/job-manager/wait.h"

#define BATCH_DEFAULT 100
#define BATCH_MAX 10000
#define TIMER_MIN 0.1 /* seconds */
#define TIMER_MAX 3600.

struct purge {
    struct list link;
    const flux_msg_t *msg; /* NULL: the configuration wants it */
    bool force;
    double older;        /* those may go that ended before this time */
    uint64_t keep;       /* all but the latest so many may go; UINT64_MAX: no limit */
    uint64_t left;       /* at most so many now */
    flux_jobid_t *given; /* purge-id: these; NULL: the oldest */
    size_t ngiven, next;
    /* One step. */
    uint64_t excess; /* jobs beyond `keep` */
    flux_jobid_t ids[PURGE_STEP];
    size_t n, max;
    bool tell; /* plug-ins want to know */
    struct purge_rows rows;
    double oldest; /* when the oldest ended that stays; 0: there is none */

    uint64_t count; /* gone so far; without force: that may go */
};

struct purger {
    struct job_manager *jm;
    struct list waiting;
    struct purge *now;
    bool reading, deleting; /* what it is at */
    bool automatic;         /* one of the configuration's is waiting or under way */
    double age_limit;       /* seconds; negative: none */
    int64_t num_limit;      /* negative: none */
    flux_watcher_t *timer;  /* the next job gets too old */
};

static void purge_free(void *arg)
{
    struct purge *p = arg;

    if (!p)
        return;
    list_del(&p->link);
    flux_msg_decref(p->msg);
    free(p->given);
    purge_rows_clear(&p->rows);
    free(p);
}

static struct purge *purge_new(const flux_msg_t *msg)
{
    struct purge *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    list_init(&p->link);
    p->msg = flux_msg_incref(msg);
    p->keep = UINT64_MAX;
    p->left = UINT64_MAX;
    return p;
}

static int take_oldest(uint64_t id, double t_inactive, void *arg)
{
    struct purge *p = arg;

    if (p->n == p->max)
        return 1;
    if (p->n >= p->excess && !(t_inactive < p->older)) {
        p->oldest = t_inactive;
        return 1;
    }
    p->ids[p->n++] = id;
    return 0;
}

static int is_inactive(const struct store_job *job, void *arg)
{
    return job->state == FLUX_JOB_STATE_INACTIVE ? 0 : -EBUSY;
}

static int read_given(struct store_reader *r, struct purge *p)
{
    while (p->n < p->max && p->next < p->ngiven) {
        flux_jobid_t id = p->given[p->next++];

        if (store_reader_job(r, id, is_inactive, NULL) == 0)
            p->ids[p->n++] = id;
    }
    return 0;
}

static int count_given(struct store_reader *r, struct purge *p)
{
    for (size_t i = 0; i < p->ngiven; i++)
        p->count += store_reader_job(r, p->given[i], is_inactive, NULL) == 0;
    return 0;
}

static int count_oldest(struct store_reader *r, struct purge *p)
{
    int rc = store_reader_count_older(r, p->older, &p->count);

    if (p->count < p->excess)
        p->count = p->excess;
    return rc;
}

/* On a worker thread. */
static int purge_read(struct store_reader *r, void *arg)
{
    struct purge *p = arg;
    int rc;

    if (!p->force)
        return p->given ? count_given(r, p) : count_oldest(r, p);
    rc = p->given ? read_given(r, p)
                  : store_reader_oldest(r, 1e300, p->max + 1, take_oldest, p);
    if (rc >= 0 && p->tell)
        rc = purge_rows_read(&p->rows, r, p->ids, p->n);
    return rc < 0 ? rc : 0;
}

static void next_purge(struct purger *pg);

/* When does the oldest that is left become too old? */
static void set_timer(struct purger *pg, double oldest)
{
    double wait = oldest + pg->age_limit - flux_reactor_now(pg->jm->r);

    if (pg->age_limit < 0 || oldest <= 0)
        return;
    wait = wait < TIMER_MIN ? TIMER_MIN : wait > TIMER_MAX ? TIMER_MAX : wait;
    flux_watcher_stop(pg->timer);
    flux_timer_watcher_reset(pg->timer, wait, 0.);
    flux_watcher_start(pg->timer);
}

static void answer_error(struct purger *pg, const struct purge *p, int rc)
{
    struct job_manager *jm = pg->jm;
    int errnum;
    const char *refusal =
        store_has_failed(jm->store) ? batches_refusal(jm->batches, &errnum) : NULL;

    if (refusal)
        manager_respond_error(jm, p->msg, errnum, "%s", refusal);
    else
        manager_respond_error(jm, p->msg, -rc, "the store cannot be read: %s",
                              strerror(-rc));
}

static void finish(struct purger *pg, int rc)
{
    struct purge *p = TAKE(pg->now);

    if (!p->msg) {
        pg->automatic = false;
        set_timer(pg, p->oldest);
    } else if (rc < 0)
        answer_error(pg, p, rc);
    else
        flux_respond_pack(pg->jm->h, p->msg, "{s:I}", "count", (int64_t)p->count);
    purge_free(p);
    next_purge(pg);
}

static void delete_jobs(struct purger *pg, struct purge *p)
{
    struct job_manager *jm = pg->jm;
    char text[24];
    size_t n;

    for (n = 0; n < p->n && batch_delete(jm->batches, p->ids[n]) == 0; n++) {
        wait_forget(jm->wait, p->ids[n]);
        if (p->tell)
            purge_rows_tell(&p->rows, n, jm, p->ids[n]);
    }
    jm->purged += n;
    snprintf(text, sizeof(text), "%ju", (uintmax_t)jm->purged);
    if (n > 0)
        batch_meta(jm->batches, PURGED_META, text);
    p->count += n;
    p->left -= n;
    jm->inactive -= jm->inactive < n ? jm->inactive : n;
    pg->deleting = n > 0;
}

static void read_done(struct job_manager *jm, int rc, void *arg)
{
    struct purger *pg = jm->purger;
    struct purge *p = arg;

    pg->reading = false;
    if (rc == 0 && p->force)
        delete_jobs(pg, p);
    if (!pg->deleting)
        finish(pg, rc);
}

static void step(struct purger *pg)
{
    struct purge *p = pg->now;
    uint64_t inactive = pg->jm->inactive;
    int rc;

    p->n = 0;
    p->tell = jobtap_has(pg->jm->jobtap, JOBTAP_INACTIVE_REMOVE);
    p->max = p->left < PURGE_STEP ? p->left : PURGE_STEP;
    p->oldest = 0;
    p->excess = inactive > p->keep ? inactive - p->keep : 0;
    pg->reading = true;
    if ((rc = manager_read(pg->jm, purge_read, read_done, purge_free, p)) < 0) {
        pg->reading = false;
        finish(pg, rc);
    }
}

static void next_purge(struct purger *pg)
{
    if (pg->now || !(pg->now = list_first(&pg->waiting, struct purge, link)))
        return;
    list_del(&pg->now->link);
    step(pg);
}

/* Others may have something of these jobs. */
static void publish(struct job_manager *jm, const struct purge *p)
{
    struct buf out = {0};
    flux_msg_t *msg;

    buf_adds(&out, "{\"jobs\":[");
    for (size_t i = 0; i < p->n; i++)
        buf_addf(&out, "%s%ju", i ? "," : "", (uintmax_t)p->ids[i]);
    buf_adds(&out, "]}");
    msg = out.failed ? NULL : flux_event_encode("job-purge-inactive", out.data);
    if (!msg || flux_send_new(jm->h, &msg, 0) < 0)
        flux_log_error(jm->h, "job-purge-inactive");
    flux_msg_decref(msg);
    buf_free(&out);
}

void purger_stored(struct purger *pg)
{
    struct purge *p = pg->now;

    if (!pg->deleting)
        return;
    pg->deleting = false;
    publish(pg->jm, p);
    if (p->left > 0 && (p->given ? p->next < p->ngiven : p->n == p->max))
        step(pg);
    else
        finish(pg, 0);
}

/* The store has failed for good: one that removes has nothing to wait for. */
static void refuse(struct purger *pg, struct purge *p)
{
    if (p->msg)
        answer_error(pg, p, -EIO);
    else
        pg->automatic = false;
    purge_free(p);
}

void purger_failed(struct purger *pg)
{
    list_each(p, &pg->waiting, struct purge, link)
    {
        if (p->force)
            refuse(pg, p);
    }
    if (pg->deleting) {
        pg->deleting = false;
        finish(pg, -EIO);
    }
}

static void add(struct purger *pg, struct purge *p)
{
    if (p->force && store_has_failed(pg->jm->store)) {
        refuse(pg, p);
        return;
    }
    list_append(&pg->waiting, &p->link);
    next_purge(pg);
}

static void set_limits(struct purger *pg, struct purge *p, double age, int64_t num)
{
    p->older = age >= 0 ? flux_reactor_now(pg->jm->r) - age : 0;
    p->keep = num >= 0 ? (uint64_t)num : UINT64_MAX;
}

static void start_automatic(struct purger *pg)
{
    struct purge *p;

    if (pg->automatic || !(p = purge_new(NULL)))
        return;
    p->force = true;
    set_limits(pg, p, pg->age_limit, pg->num_limit);
    pg->automatic = true;
    add(pg, p);
}

static void timer_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    start_automatic(arg);
}

void purger_ended(struct purger *pg)
{
    if (pg->num_limit >= 0 && pg->jm->inactive > (uint64_t)pg->num_limit)
        start_automatic(pg);
    if (pg->age_limit >= 0 && !pg->automatic && !flux_watcher_is_active(pg->timer))
        set_timer(pg, flux_reactor_now(pg->jm->r));
}

static int read_limits(const flux_conf_t *conf, double *age, int64_t *num,
                       flux_error_t *err)
{
    const cJSON *a = NULL, *n = NULL;

    if (flux_conf_unpack(conf, err, "{s?{s?o s?o}}", "job-manager", "inactive-age-limit",
                         &a, "inactive-num-limit", &n) < 0)
        return -EINVAL;
    if (a && (!json_str(a) || fsd_parse(json_str(a), age) < 0))
        return error_set(err, EINVAL,
                         "job-manager.inactive-age-limit: not a duration such as \"7d\"");
    if (n && (json_int64(n, num) < 0 || *num < 0))
        return error_set(err, EINVAL,
                         "job-manager.inactive-num-limit: not a number of jobs");
    return 0;
}

int purger_configure(struct purger *pg, const flux_conf_t *conf, flux_error_t *err)
{
    double age = -1;
    int64_t num = -1;
    int rc = read_limits(conf, &age, &num, err);

    if (rc < 0)
        return rc;
    pg->age_limit = age;
    pg->num_limit = num;
    flux_watcher_stop(pg->timer);
    if (age >= 0 || num >= 0)
        start_automatic(pg);
    return 0;
}

int purger_new(struct job_manager *jm, struct purger **ret)
{
    struct purger *pg = calloc(1, sizeof(*pg));

    if (!pg)
        return -ENOMEM;
    pg->jm = jm;
    list_init(&pg->waiting);
    pg->age_limit = -1;
    pg->num_limit = -1;
    if (!(pg->timer = flux_timer_watcher_create(jm->r, 0., 0., timer_cb, pg))) {
        free(pg);
        return -ENOMEM;
    }
    flux_watcher_unref(pg->timer);
    *ret = pg;
    return 0;
}

void purger_free(struct purger *pg)
{
    if (!pg)
        return;
    list_each(p, &pg->waiting, struct purge, link) purge_free(p);
    /* A read under way drops it when it comes back. */
    if (!pg->reading)
        purge_free(pg->now);
    flux_watcher_destroy(pg->timer);
    free(pg);
}

void purge_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    double age_limit = -1;
    int num_limit = -1, max = BATCH_DEFAULT, force = 0;
    struct purge *p;

    if (flux_request_unpack(msg, NULL, "{s?f s?i s?i s?b}", "age_limit", &age_limit,
                            "num_limit", &num_limit, "batch", &max, "force",
                            &force) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed purge request");
        return;
    }
    if (max < 1 || max > BATCH_MAX) {
        manager_respond_error(jm, msg, EINVAL, "batch must be 1 to %d", BATCH_MAX);
        return;
    }
    if (!(p = purge_new(msg))) {
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
        return;
    }
    p->force = force;
    p->left = (uint64_t)max;
    set_limits(jm->purger, p, age_limit, num_limit);
    add(jm->purger, p);
}

static int take_ids(struct purge *p, const cJSON *ids, int64_t id)
{
    const cJSON *e;

    if (!(p->given = calloc((size_t)cJSON_GetArraySize(ids) + 1, sizeof(*p->given))))
        return -ENOMEM;
    if (id > 0)
        p->given[p->ngiven++] = (flux_jobid_t)id;
    cJSON_ArrayForEach(e, ids)
    {
        if (json_int64(e, &id) == 0 && id > 0)
            p->given[p->ngiven++] = (flux_jobid_t)id;
    }
    return 0;
}

void purge_id_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    const cJSON *ids = NULL;
    int64_t id = 0;
    int force = 1;
    struct purge *p;

    if (flux_request_unpack(msg, NULL, "{s?o s?I s?b}", "ids", &ids, "id", &id, "force",
                            &force) < 0 ||
        (!cJSON_IsArray(ids) && id <= 0)) {
        manager_respond_error(jm, msg, EPROTO, "malformed purge-id request");
        return;
    }
    if (!(p = purge_new(msg)) || take_ids(p, ids, id) < 0) {
        purge_free(p);
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
        return;
    }
    p->force = force;
    add(jm->purger, p);
}
