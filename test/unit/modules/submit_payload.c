/* The payload of job-manager.submit: what is packed is read; text is cut right. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/submit.h"

static const char spec[] =
    "{\"attributes\":{\"system\":{\"duration\":60,\"environment\":{\"A\":\"x\\\"}y\"},"
    "\"cwd\":\"/tmp\",\"queue\":\"q\",\"dependencies\":[{\"scheme\":\"after\",\"value\":"
    "\"f1\"}]},\"user\":{}},\"version\":1,\"resources\":[{\"type\":\"slot\",\"count\":3,"
    "\"label\":\"task\",\"with\":[{\"type\":\"core\",\"count\":2}]}],\"tasks\":[{"
    "\"command\":[\"/bin/true\"],\"slot\":\"task\",\"count\":{\"per_slot\":1}}]}";

static void make(struct submit_digest *d)
{
    flux_error_t err;
    cJSON *o;

    ck_assert_int_eq(json_parse(spec, strlen(spec), NULL, &o, &err), 0);
    ck_assert_msg(submit_digest_make(d, o, &err) == 0, "%s", err.text);
    json_free(o);
}

START_TEST(packed_jobs_are_read)
{
    struct submit_digest d;
    struct submit_batch b = {0};
    struct slice envs, jobs, one;
    struct submit_job sj;
    AUTOFREE char *payload = NULL;
    size_t len, pos = 0, epos = 0;
    int64_t n = 0;

    make(&d);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(submit_batch_add(&b, &d, 1000, 10 + i, 4, i == 1 ? "no" : NULL),
                         0);
    payload = submit_batch_take(&b, &len);
    ck_assert_int_eq(submit_read(payload, len, &envs, &jobs), 0);
    ck_assert_int_eq(slice_element(envs, &epos, &one), 1);
    ck_assert(slice_is(one, "{\"A\":\"x\\\"}y\"}"));
    ck_assert_int_eq(slice_element(envs, &epos, &one), 0);
    for (; slice_element(jobs, &pos, &one) > 0; n++) {
        ck_assert_int_eq(submit_read_job(one, &sj), 0);
        ck_assert(sj.digested);
        ck_assert_uint_eq(sj.userid, 1000);
        ck_assert_int_eq(sj.urgency, 10 + n);
        ck_assert_int_eq(sj.flags, 4);
        ck_assert_int_eq(sj.env, 0);
        ck_assert(n == 1 ? slice_is(sj.nonce, "no") : sj.nonce.p == NULL);
        ck_assert_uint_eq(sj.shape.nslots, 3);
        ck_assert_uint_eq(sj.shape.cores_per_slot, 2);
        ck_assert(sj.duration == 60);
        ck_assert(slice_is(sj.name, "\"true\""));
        ck_assert(slice_is(sj.queue, "\"q\""));
        ck_assert(sj.deps.p && !sj.bank.p);
    }
    ck_assert_int_eq(n, 3);
    submit_digest_free(&d);
}
END_TEST

START_TEST(environment_is_put_back)
{
    struct submit_digest d;
    struct slice all, jobspec;
    struct buf braces = {0}, out = {0};
    cJSON *before, *after;

    make(&d);
    buf_addc(&braces, '{');
    buf_add(&braces, d.text.data, d.text.len);
    buf_addc(&braces, '}');
    ck_assert_int_eq(slice_value(braces.data, braces.len, &all), 0);
    ck_assert_int_eq(slice_get(all, "jobspec", &jobspec), 0);
    ck_assert_ptr_null(memmem(jobspec.p, jobspec.len, "environment", 11));
    ck_assert_int_eq(submit_splice(&out, jobspec, "environment",
                                   (struct slice){d.env.data, d.env.len}),
                     0);
    ck_assert_int_eq(json_parse(spec, strlen(spec), NULL, &before, NULL), 0);
    ck_assert_int_eq(json_parse(out.data, out.len, NULL, &after, NULL), 0);
    ck_assert(json_equal(before, after));
    json_free(before);
    json_free(after);
    buf_free(&braces);
    buf_free(&out);
    submit_digest_free(&d);
}
END_TEST

START_TEST(slices_of_odd_text)
{
    static const char *const bad[] = {
        "",         "{",       "{\"a\"}", "{\"a\":}",          "{a:1}",
        "{\"a\":1", "{\"a:1}", "[1,2",    "{\"a\":1 \"b\":2}", "{\"a\":[1}"};
    static const char odd[] = " { \"a\\\\\" : [ 1 , \"}\" ] , \"b\" : -12 } ";
    struct slice all, key, val;
    int64_t i;
    double d;

    for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
        size_t pos = 0;
        int rc = slice_value(bad[k], strlen(bad[k]), &all);

        while (rc >= 0 && (rc = slice_member(all, &pos, &key, &val)) > 0)
            ;
        ck_assert_msg(rc == -EPROTO || strchr("[", bad[k][0]) || k == 9, "%s", bad[k]);
    }
    ck_assert_int_eq(slice_value(odd, strlen(odd), &all), 0);
    ck_assert_int_eq(slice_get(all, "b", &val), 0);
    ck_assert_int_eq(slice_int(val, &i), 0);
    ck_assert_int_eq(i, -12);
    ck_assert_int_eq(slice_get(all, "c", &val), -ENOENT);
    ck_assert_int_lt(slice_int(slice_of("9223372036854775808"), &i), 0);
    ck_assert_int_lt(slice_int(slice_of("1.5"), &i), 0);
    ck_assert_int_eq(slice_real(slice_of("1.5e3"), &d), 0);
    ck_assert(d == 1500);
    ck_assert_int_lt(slice_real(slice_of("nan"), &d), 0);
    ck_assert_int_eq(slice_str(slice_of("\"a\\n\""), &val), -EILSEQ);
    ck_assert_int_eq(slice_str(slice_of("1"), &val), -EPROTO);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job-manager/submit");
    TCase *tc = tcase_create("submit");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, packed_jobs_are_read);
    tcase_add_test(tc, environment_is_put_back);
    tcase_add_test(tc, slices_of_odd_text);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
