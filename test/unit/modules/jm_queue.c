/* The queue to the scheduler is a priority queue; interned strings are shared. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modules/job-manager/intern.h"
#include "modules/job-manager/sched_queue.h"

#define JOBS 1000

static int order(const void *a, const void *b)
{
    const struct job *x = *(struct job *const *)a, *y = *(struct job *const *)b;

    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

START_TEST(jobs_come_out_by_priority_then_id)
{
    struct sched_queue q = {0};
    struct job *jobs[JOBS], *left[JOBS], *job;
    unsigned seed = 1, n = 0;

    for (unsigned i = 0; i < JOBS; i++) {
        jobs[i] = job_new(i + 1);
        jobs[i]->priority = rand_r(&seed) % 32;
        ck_assert_int_eq(sched_queue_add(&q, jobs[i]), 0);
        ck_assert_int_eq(sched_queue_add(&q, jobs[i]), 0);
    }
    ck_assert_uint_eq(q.n, JOBS);
    for (unsigned i = 0; i < JOBS; i += 3) {
        jobs[i]->priority = rand_r(&seed) % 32;
        sched_queue_moved(&q, jobs[i]);
    }
    for (unsigned i = 0; i < JOBS; i += 7) {
        sched_queue_del(&q, jobs[i]);
        sched_queue_del(&q, jobs[i]);
    }
    for (unsigned i = 0; i < JOBS; i++)
        if (i % 7 != 0)
            left[n++] = jobs[i];
    qsort(left, n, sizeof(left[0]), order);
    for (unsigned i = 0; i < n; i++) {
        job = sched_queue_pop(&q);
        ck_assert_ptr_eq(job, left[i]);
        ck_assert_uint_eq(job->qpos, 0);
    }
    ck_assert_ptr_null(sched_queue_pop(&q));
    sched_queue_free(&q);
    for (unsigned i = 0; i < JOBS; i++)
        job_free(jobs[i], NULL);
}
END_TEST

START_TEST(equal_strings_are_one)
{
    struct intern *in = intern_new();
    const char *a = intern_add(in, "hello", 5), *b = intern_add(in, "hello!", 5);
    char text[16];

    ck_assert_ptr_eq(a, b);
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof(text), "%d", i);
        ck_assert_str_eq(intern_add(in, text, strlen(text)), text);
    }
    ck_assert_uint_eq(intern_count(in), 501);
    intern_drop(in, a);
    ck_assert_uint_eq(intern_count(in), 501);
    intern_drop(in, b);
    ck_assert_uint_eq(intern_count(in), 500);
    intern_drop(in, NULL);
    intern_free(in);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job-manager/queue");
    TCase *tc = tcase_create("queue");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, jobs_come_out_by_priority_then_id);
    tcase_add_test(tc, equal_strings_are_one);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
