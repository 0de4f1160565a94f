#include <errno.h>
#include <signal.h>
#include <string.h>

#include "shell/plan.h"
#include "shell/taskenv.h"
#include "suite.h"

#define R_TEXT                                                                           \
    "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"3\",\"children\":"            \
    "{\"core\":\"0-3\"}}],\"nodelist\":[\"fluke3\"],\"starttime\":100.0,"                \
    "\"expiration\":160.0}}"

static cJSON *parse(const char *text)
{
    cJSON *o;
    flux_error_t err;
    ck_assert_msg(json_parse(text, strlen(text), NULL, &o, &err) == 0, "%s", err.text);
    return o;
}

static int make_on(unsigned broker_rank, const char *r, const char *command,
                   const char *options, struct plan **p, flux_error_t *err)
{
    char text[4096];
    snprintf(
        text, sizeof(text),
        "{\"version\":1,\"resources\":[{\"type\":\"slot\",\"count\":2,\"label\":\"t\","
        "\"with\":[{\"type\":\"core\",\"count\":2}]}],"
        "\"tasks\":[{\"command\":%s,\"slot\":\"t\",\"count\":{\"per_slot\":1}}],"
        "\"attributes\":{\"system\":{\"duration\":0,\"cwd\":\"/home/user/dir\","
        "\"environment\":{\"HOME\":\"/h\",\"FLUX_JOB_ID\":\"outer\",\"PMI_RANK\":\"9\","
        "\"FLUX_URI\":\"outer\",\"PMIX\":\"kept\"},\"shell\":{\"options\":%s}}}}",
        command, options);
    return plan_new(5, broker_rank, parse(text), parse(r), p, err);
}

/* options: text of attributes.system.shell.options. */
static int make(const char *command, const char *options, struct plan **p,
                flux_error_t *err)
{
    return make_on(3, R_TEXT, command, options, p, err);
}

static struct plan *good(const char *command, const char *options)
{
    struct plan *p;
    flux_error_t err;
    ck_assert_msg(make(command, options, &p, &err) == 0, "%s", err.text);
    return p;
}

START_TEST(defaults)
{
    struct plan *p = good("[\"/bin/prog\",\"a\"]", "{}");
    ck_assert_uint_eq(p->ntasks, 2);
    ck_assert_str_eq(p->name, "prog");
    ck_assert_double_eq(p->expiration, 160.0);
    ck_assert_double_eq(p->exit_timeout, 30.0);
    ck_assert(!p->exit_on_error && p->own_group && !p->warn_signum && !p->input);
    ck_assert(!p->stream[0].path && !p->stream[1].path);
    ck_assert(p->output_limit == 1ull << 30);
    ck_assert_uint_eq(p->vars.broker_rank, 3);
    ck_assert_uint_eq(p->vars.ncores, 4);
    ck_assert_str_eq(p->vars.node_name, "fluke3");
    ck_assert_str_eq(p->vars.cores, "0-3");
    plan_free(p);
}
END_TEST

START_TEST(options_are_read)
{
    struct plan *p =
        good("[\"x\"]", "{\"exit-timeout\":\"2m\",\"exit-on-error\":1,"
                        "\"signal\":{\"signum\":12,\"timeleft\":5},"
                        "\"rlimit\":{\"core\":0,\"stack\":-1},"
                        "\"output\":{\"limit\":\"10M\",\"mode\":\"append\","
                        "\"stdout\":{\"type\":\"file\",\"path\":\"o.{{taskid}}\","
                        "\"label\":true,\"buffer\":{\"type\":\"none\"}}},"
                        "\"input\":{\"stdin\":{\"type\":\"file\",\"path\":\"in\"}}}");
    ck_assert_double_eq(p->exit_timeout, 120.0);
    ck_assert(p->exit_on_error);
    ck_assert_int_eq(p->warn_signum, 12);
    ck_assert_double_eq(p->warn_left, 5.0);
    ck_assert_uint_eq(p->nrlimits, 2);
    ck_assert_int_eq(p->rlimits[0].resource, RLIMIT_CORE);
    ck_assert(p->rlimits[0].soft == 0 && p->rlimits[1].soft == RLIM_INFINITY);
    ck_assert(p->output_limit == 10ull << 20);
    ck_assert(p->stream[0].append && p->stream[0].label && p->stream[0].unbuffered);
    ck_assert_str_eq(p->stream[1].path, "o.{{taskid}}"); /* stderr follows stdout */
    ck_assert_str_eq(p->input, "in");
    char *path;
    ck_assert_int_eq(plan_path(p, p->stream[0].path, 1, &path), 0);
    ck_assert_str_eq(path, "/home/user/dir/o.1");
    free(path);
    plan_free(p);
}
END_TEST

START_TEST(bad_options_are_named)
{
    static const char *const bad[][2] = {
        {"{\"rlimit\":{\"bogus\":1}}", "bogus"},
        {"{\"rlimit\":{\"core\":\"x\"}}", "rlimit.core"},
        {"{\"exit-timeout\":\"soon\"}", "exit-timeout"},
        {"{\"signal\":{\"signum\":99999}}", "signal.signum"},
        {"{\"output\":{\"limit\":\"10X\"}}", "output.limit"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct plan *p;
        flux_error_t err;
        ck_assert_int_eq(make("[\"x\"]", bad[i][0], &p, &err), -EINVAL);
        ck_assert_msg(strstr(err.text, bad[i][1]), "%s: %s", bad[i][0], err.text);
    }
}
END_TEST

START_TEST(arguments_are_expanded_for_each_task)
{
    struct plan *p = good("[\"p\",\"{{task.rank}}/{{size}}\",\"{{other}}\",\"\"]", "{}");
    char **argv;
    ck_assert_int_eq(plan_argv(p, 1, &argv), 0);
    ck_assert_str_eq(argv[0], "p");
    ck_assert_str_eq(argv[1], "1/2");
    ck_assert_str_eq(argv[2], "{{other}}");
    ck_assert_str_eq(argv[3], "");
    ck_assert_ptr_null(argv[4]);
    free(argv);
    plan_free(p);
}
END_TEST

static const char *get(char *const *envp, const char *name)
{
    const char *found = NULL;
    size_t n = strlen(name);
    for (; *envp; envp++)
        if (!strncmp(*envp, name, n) && (*envp)[n] == '=') {
            ck_assert_msg(!found, "%s is there twice", name);
            found = *envp + n + 1;
        }
    return found;
}

START_TEST(the_environment_names_this_job_and_no_other)
{
    struct taskenv_opts opts = {.uri = "local:///x", .uuid = "u-1"};
    struct plan *p = good("[\"p\"]", "{}");
    char **env;
    ck_assert_int_eq(taskenv_make(p, &opts, 1, &env), 0);
    ck_assert_str_eq(get(env, "HOME"), "/h");
    ck_assert_str_eq(get(env, "PMIX"), "kept");
    ck_assert_str_eq(get(env, "FLUX_URI"), "local:///x");
    ck_assert_str_eq(get(env, "FLUX_JOB_ID"), "\xc6\x92"
                                              "6");
    ck_assert_str_eq(get(env, "FLUX_JOB_SIZE"), "2");
    ck_assert_str_eq(get(env, "FLUX_JOB_NNODES"), "1");
    ck_assert_str_eq(get(env, "FLUX_TASK_RANK"), "1");
    ck_assert_str_eq(get(env, "FLUX_TASK_LOCAL_ID"), "1");
    ck_assert_str_eq(get(env, TASKENV_MARK), "u-1.5");
    ck_assert_str_eq(get(env, "PMI_RANK"), "1");
    ck_assert_str_eq(get(env, "PMI_SIZE"), "2");
    ck_assert_str_eq(get(env, "PMI_FD"), "3");
    ck_assert_ptr_null(get(env, "FLUX_PMI_LIBRARY_PATH"));
    free(env);
    opts.pmi_library = "/lib/libpmi.so";
    ck_assert_int_eq(taskenv_make(p, &opts, 0, &env), 0);
    ck_assert_str_eq(get(env, "FLUX_PMI_LIBRARY_PATH"), "/lib/libpmi.so");
    free(env);
    plan_free(p);
}
END_TEST

#define R_THREE                                                                          \
    "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"2,7-8\",\"children\":"        \
    "{\"core\":\"0-3\"}}],\"nodelist\":[\"n[2,7-8]\"],\"starttime\":0,\"expiration\":0}" \
    "}"

START_TEST(pmi_can_be_turned_off)
{
    struct taskenv_opts opts = {
        .uri = "local:///x", .uuid = "u-1", .pmi_library = "/lib/libpmi.so"};
    struct plan *p = good("[\"p\"]", "{\"pmi\":\"off\"}");
    char **env;
    ck_assert_int_eq(taskenv_make(p, &opts, 1, &env), 0);
    ck_assert_ptr_null(get(env, "PMI_FD"));
    ck_assert_ptr_null(get(env, "PMI_RANK"));
    ck_assert_ptr_null(get(env, "PMI_SIZE"));
    /* These two belong together. */
    ck_assert_ptr_nonnull(get(env, "FLUX_JOB_ID"));
    ck_assert_ptr_nonnull(get(env, "FLUX_PMI_LIBRARY_PATH"));
    free(env);
    plan_free(p);
}
END_TEST

START_TEST(on_each_node_a_plan_knows_its_place)
{
    static const unsigned ranks[] = {2, 7, 8}, locals[] = {1, 1, 0};
    static const char *const hosts[] = {"n2", "n7", "n8"};
    for (unsigned i = 0; i < 3; i++) {
        struct plan *p;
        flux_error_t err;
        ck_assert_int_eq(make_on(ranks[i], R_THREE, "[\"x\"]", "{}", &p, &err), 0);
        ck_assert_uint_eq(p->node, i);
        ck_assert_uint_eq(p->leader, 2);
        ck_assert_uint_eq(p->ntasks, 2);
        ck_assert_uint_eq(p->nlocal, locals[i]);
        ck_assert_uint_eq(plan_task_rank(p, 0), i);
        ck_assert_uint_eq(p->vars.nnodes, 3);
        ck_assert_uint_eq(p->vars.node_id, i);
        ck_assert_uint_eq(p->vars.broker_rank, ranks[i]);
        ck_assert_str_eq(p->vars.node_name, hosts[i]);
        plan_free(p);
    }
}
END_TEST

START_TEST(tasks_of_another_node_have_their_rank_in_the_job)
{
    struct taskenv_opts opts = {.uri = "local:///x", .uuid = "u-1"};
    struct plan *p;
    flux_error_t err;
    char **env, *path;
    ck_assert_int_eq(make_on(7, R_THREE, "[\"x\"]", "{}", &p, &err), 0);
    ck_assert_int_eq(taskenv_make(p, &opts, 0, &env), 0);
    ck_assert_str_eq(get(env, "FLUX_TASK_RANK"), "1");
    ck_assert_str_eq(get(env, "FLUX_TASK_LOCAL_ID"), "0");
    ck_assert_str_eq(get(env, "FLUX_JOB_NNODES"), "3");
    ck_assert_str_eq(get(env, "FLUX_JOB_SIZE"), "2");
    ck_assert_int_eq(plan_path(p, "{{taskid}}.{{task.localid}}.{{node.id}}", 0, &path),
                     0);
    ck_assert_str_eq(path, "/home/user/dir/1.0.1");
    free(path);
    free(env);
    plan_free(p);
}
END_TEST

START_TEST(a_node_that_R_does_not_name_has_no_plan)
{
    struct plan *p;
    flux_error_t err;
    ck_assert_int_eq(make_on(3, R_THREE, "[\"x\"]", "{}", &p, &err), -EINVAL);
    ck_assert_str_eq(err.text, "R has nothing on rank 3");
}
END_TEST

SUITE_MAIN("plan", defaults, options_are_read, bad_options_are_named,
           pmi_can_be_turned_off, on_each_node_a_plan_knows_its_place,
           tasks_of_another_node_have_their_rank_in_the_job,
           a_node_that_R_does_not_name_has_no_plan, arguments_are_expanded_for_each_task,
           the_environment_names_this_job_and_no_other)
