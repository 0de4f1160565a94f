/* A job's row is read back as the job it was. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "modules/job-manager/record.h"

static struct intern *strings;

static struct job *make_job(void)
{
    struct job *job = job_new(77);
    struct job_more *m = job_more(job);

    job->userid = 1000;
    job->urgency = 20;
    job->priority = 4294967295;
    job->t_submit = 1700000000.25;
    job->t_depend = 1700000001.5;
    job->state = FLUX_JOB_STATE_DEPEND;
    job->flags = FLUX_JOB_WAITABLE;
    job->seq = 5;
    job->posted = 0x1b;
    job->duration = 3600;
    job->shape = (struct jobspec_shape){.nnodes = 2,
                                        .nslots = 8,
                                        .slots_per_node = 4,
                                        .cores_per_slot = 3,
                                        .gpus_per_slot = 1,
                                        .exclusive = true,
                                        .ntasks = 8};
    job->name = intern_add(strings, "na\"me", 5);
    job->cwd = intern_add(strings, "/tmp", 4);
    job->nonce = strdup("abc");
    texts_add(&m->deps, "after-start=f1");
    texts_add(&m->deps_gone, "begin-time=1.000");
    m->deps_spec = strdup("[{\"scheme\":\"after\",\"value\":\"f1\"}]");
    m->constraint = strdup("{\"properties\":[\"x\"]}");
    m->exc = (struct job_exception){strdup("test"), strdup("a note"), 3};
    return job;
}

START_TEST(row_is_read_back)
{
    struct job *job = make_job(), *back;
    struct buf row = {0}, again = {0};
    flux_error_t err;

    record_print_row(job, &row);
    ck_assert_msg(record_parse(row.data, row.len, strings, &back, &err) == 0, "%s",
                  err.text);
    ck_assert_uint_eq(back->id, 77);
    ck_assert_uint_eq(back->userid, 1000);
    ck_assert_uint_eq(back->flags, FLUX_JOB_WAITABLE);
    ck_assert_int_eq(back->priority, 4294967295);
    ck_assert_uint_eq(back->shape.cores_per_slot, 3);
    ck_assert(back->shape.exclusive);
    ck_assert_str_eq(back->name, "na\"me");
    ck_assert_ptr_eq(back->name, job->name);
    ck_assert_str_eq(back->nonce, "abc");
    ck_assert(texts_has(&back->more->deps, "after-start=f1"));
    ck_assert_str_eq(back->more->exc.type, "test");
    ck_assert_int_eq(back->more->exc.severity, 3);
    record_print_row(back, &again);
    ck_assert_str_eq(row.data, again.data);
    job_free(job, strings);
    job_free(back, strings);
    buf_free(&row);
    buf_free(&again);
    ck_assert_uint_eq(intern_count(strings), 0);
}
END_TEST

START_TEST(bad_rows_are_refused_with_a_reason)
{
    static const char *const rows[] = {
        "",
        "{",
        "[]",
        "{\"id\":1}",
        "{\"id\":1,\"state\":3,\"x\":{\"v\":1}}",
        "{\"id\":1,\"state\":8}",
        "{\"id\":1,\"state\":8,\"x\":{\"v\":2}}",
        "{\"id\":1,\"state\":8,\"x\":{\"v\":1,\"shape\":[1,2]}}"};

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        flux_error_t err = {""};
        struct job *job;

        ck_assert_int_lt(record_parse(rows[i], strlen(rows[i]), strings, &job, &err), 0);
        ck_assert_str_ne(err.text, "");
    }
}
END_TEST

START_TEST(only_asked_attributes_are_printed)
{
    struct job *job = make_job();
    cJSON *attrs = json_pack("[s,s,s]", "userid", "name", "nonsense");
    struct buf out = {0};

    record_print(job, record_mask(attrs), &out);
    ck_assert_str_eq(out.data, "{\"id\":77,\"userid\":1000,\"name\":\"na\\\"me\"}");
    json_free(attrs);
    buf_free(&out);
    job_free(job, strings);
}
END_TEST

START_TEST(R_is_summarised)
{
    static const char simple[] =
        "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0-2\",\"children\":"
        "{\"core\":\"0-3,7\"}}],\"starttime\":1.0,\"expiration\":61.5,\"nodelist\":"
        "[\"n[0-2]\"]}}";
    static const char two[] =
        "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0\",\"children\":"
        "{\"core\":\"0-3\"}},{\"rank\":\"2\",\"children\":{\"core\":\"1\"}}],"
        "\"starttime\":0.0,\"expiration\":0.0,\"nodelist\":[\"a\",\"b\"]}}";
    struct job *job = job_new(1);

    ck_assert_int_eq(job_set_R(job, simple, strlen(simple)), 0);
    ck_assert_uint_eq(job->more->R_nnodes, 3);
    ck_assert_uint_eq(job->more->R_ncores, 15);
    ck_assert_str_eq(job->more->ranks, "0-2");
    ck_assert_str_eq(job->more->nodelist, "n[0-2]");
    ck_assert(job->more->expiration == 61.5);
    ck_assert_int_eq(job_set_R(job, two, strlen(two)), 0);
    ck_assert_uint_eq(job->more->R_nnodes, 2);
    ck_assert_uint_eq(job->more->R_ncores, 5);
    ck_assert_str_eq(job->more->ranks, "0,2");
    ck_assert_int_lt(job_set_R(job, "{}", 2), 0);
    ck_assert(!job_has_R(job));
    job_free(job, strings);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job-manager/record");
    TCase *tc = tcase_create("record");
    SRunner *sr;
    int failed;

    strings = intern_new();
    tcase_add_test(tc, row_is_read_back);
    tcase_add_test(tc, bad_rows_are_refused_with_a_reason);
    tcase_add_test(tc, only_asked_attributes_are_printed);
    tcase_add_test(tc, R_is_summarised);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    intern_free(strings);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
