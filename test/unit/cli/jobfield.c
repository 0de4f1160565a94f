#include <time.h>

#include "cli/jobfield.h"
#include "suite.h"

#define NOW 1700000100.

static void expect_of(const cJSON *o, const char *job, const char *field, char conversion,
                      const char *want)
{
    struct jobfield_context ctx = {.now = NOW};
    struct buf out = {0};

    ck_assert_msg(jobfield_value(o, field, conversion, &out, &ctx), "%s", field);
    ck_assert_msg(!strcmp(out.len ? out.data : "", want), "%s of %s: '%s', not '%s'",
                  field, job, out.len ? out.data : "", want);
    buf_free(&out);
}

static bool is_named(const char *names, const char *name)
{
    size_t n = strlen(name);

    for (; *names; names += strcspn(names, " "), names += *names == ' ') {
        if (!strncmp(names, name, n) && (!names[n] || names[n] == ' '))
            return true;
    }
    return false;
}

/* The value of a field; and that it is made of what it says it is made of. */
static void expect(const char *job, const char *field, char conversion, const char *want)
{
    cJSON *o = quoted(job), *next;

    expect_of(o, job, field, conversion, want);
    for (cJSON *v = o->child; v; v = next) {
        next = v->next;
        if (strcmp(v->string, "id") && !is_named(jobfield_needs(field), v->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(o, v));
    }
    expect_of(o, job, field, conversion, want);
    json_free(o);
}

START_TEST(ids)
{
    expect("{'id':12}", "id", 0,
           "\xc6\x92"
           "D");
    expect("{'id':12}", "id.f58", 0,
           "\xc6\x92"
           "D");
    expect("{'id':12}", "id.f58plain", 0, "fD");
    expect("{'id':12}", "id.dec", 0, "12");
    expect("{'id':255}", "id.hex", 0, "0xff");
    expect("{}", "id", 0, "");
}
END_TEST

START_TEST(states_and_results)
{
    expect("{'state':8}", "state", 0, "SCHED");
    expect("{'state':8}", "state_single", 0, "S");
    expect("{'state':16}", "status", 0, "RUN");
    expect("{'state':64,'result':1}", "status", 0, "COMPLETED");
    expect("{'state':64,'result':2}", "status_abbrev", 0, "F");
    expect("{'state':64,'result':4}", "result", 0, "CANCELED");
    expect("{'state':64,'result':8}", "result_abbrev", 0, "TO");
    expect("{'state':16}", "result", 0, "");
    expect("{'state':64,'result':1}", "success", 0, "True");
    expect("{'state':64,'result':2}", "success", 0, "False");
    expect("{'state':16}", "success", 0, "");
}
END_TEST

START_TEST(exit_codes)
{
    expect("{'state':64,'result':1,'waitstatus':0}", "returncode", 0, "0");
    expect("{'state':64,'result':2,'waitstatus':10752}", "returncode", 0,
           "42"); /* 42 << 8 */
    expect("{'state':64,'result':2,'waitstatus':9}", "returncode", 0, "-9");
    expect("{'state':64,'result':4}", "returncode", 0,
           "-128"); /* cancelled before it ran */
    expect("{'state':64,'result':2}", "returncode", 0, "-127");
    expect("{'state':16}", "returncode", 0, "");
}
END_TEST

START_TEST(times)
{
    const char *ran = "{'state':64,'t_run':1700000000.5,'t_cleanup':1700000062.0}";
    const char *runs = "{'state':16,'t_run':1700000040.0,'expiration':1700003700.0}";

    setenv("TZ", "UTC", 1);
    tzset();
    expect(ran, "runtime", 0, "1.025m"); /* 61.5 s */
    expect(ran, "runtime", 'H', "0:01:01");
    expect(runs, "runtime", 0, "1m"); /* until now */
    expect(runs, "t_remaining", 'H', "1:00:00");
    expect("{'state':8}", "runtime", 0, "");
    expect("{'state':8}", "t_remaining", 0, "");
    expect("{'t_submit':1700000000.0}", "t_submit", 'D', "2023-11-14T22:13:20");
    expect("{'t_submit':1700000000.0}", "t_submit", 'd', "Nov14 22:13:20");
    expect("{'t_run':0}", "t_run", 'D', "");
    expect("{'duration':90}", "duration", 'F', "1.5m");
    expect("{'duration':1e14}", "duration", 'H', "27777777777:46:40");
    expect("{'state':8,'duration':60}", "contextual_time", 'F', "1m");
    expect("{'state':8,'duration':0}", "contextual_time", 'F', "");
}
END_TEST

START_TEST(plain_fields)
{
    expect("{'name':'x'}", "name", 0, "x");
    expect("{'ntasks':4}", "ntasks", 0, "4");
    expect("{'ntasks':4}", "nnodes", 0, "");
    expect("{'userid':0}", "username", 0, "root");
    expect("{'userid':4000000000}", "username", 0, "4000000000");
    expect("{'priority':4294967295}", "priority", 0, "4294967295");
    expect("{'exception_occurred':true}", "exception.occurred", 0, "True");
    expect("{'exception_type':'cancel'}", "exception.type", 0, "cancel");
    expect("{'dependencies':['after-ok=1','x']}", "dependencies", 0, "after-ok=1,x");
    expect("{'annotations':{'user':{'uri':'u','a':5}}}", "user.a", 0, "5");
    expect("{'annotations':{'user':{'uri':'u','a':5}}}", "uri", 0, "u");
    expect("{'annotations':{'sched':{'x':1.5}}}", "annotations.sched.x", 0, "1.500000");
    expect("{'name':'a\\u001b]0;b'}", "name", 0, "a?]0;b"); /* no terminal is driven */
}
END_TEST

START_TEST(what_it_is_doing)
{
    expect("{'state':2,'dependencies':['a','b']}", "contextual_info", 0, "depends:a,b");
    expect("{'state':4}", "contextual_info", 0, "priority-wait");
    expect("{'state':8,'priority':0}", "contextual_info", 0, "held");
    expect("{'state':8,'priority':16}", "contextual_info", 0, "");
    expect(
        "{'state':8,'priority':16,'annotations':{'sched':{'t_estimate':1700000130.0}}}",
        "contextual_info", 0, "eta:30s");
    expect("{'state':16,'nodelist':'h[1-2]'}", "contextual_info", 0, "h[1-2]");
}
END_TEST

START_TEST(fields_have_titles_and_others_do_not)
{
    ck_assert_str_eq(jobfield_title("id", NULL), "JOBID");
    ck_assert_str_eq(jobfield_title("id.hex", NULL), "JOBID");
    ck_assert_str_eq(jobfield_title("status_abbrev", NULL), "ST");
    ck_assert_ptr_null(jobfield_title("nosuch", NULL));
    ck_assert_ptr_null(jobfield_title("", NULL));
    ck_assert_ptr_nonnull(jobfield_named_format("default"));
    ck_assert_ptr_nonnull(jobfield_named_format("deps"));
    ck_assert_ptr_null(jobfield_named_format("nosuch"));
}
END_TEST

static int compare(const char *a, const char *b, const char *field)
{
    cJSON *x = quoted(a), *y = quoted(b);
    struct jobfield_context ctx = {.now = NOW};
    int rc = jobfield_compare(x, y, field, &ctx);

    json_free(x);
    json_free(y);
    return rc;
}

START_TEST(order)
{
    ck_assert_int_lt(compare("{'id':9}", "{'id':10}", "id"), 0);
    ck_assert_int_gt(compare("{'id':10}", "{'id':9}", "id.f58"), 0);
    ck_assert_int_lt(compare("{'ntasks':9}", "{'ntasks':10}", "ntasks"),
                     0); /* as numbers */
    ck_assert_int_lt(compare("{'name':'a'}", "{'name':'b'}", "name"), 0);
    ck_assert_int_eq(compare("{'name':'a'}", "{'name':'a'}", "name"), 0);
    ck_assert_int_lt(compare("{}", "{'name':'a'}", "name"), 0);
}
END_TEST

SUITE_MAIN("jobfield", ids, states_and_results, exit_codes, times, plain_fields,
           what_it_is_doing, fields_have_titles_and_others_do_not, order)
