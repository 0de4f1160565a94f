/* Submission options and the jobspec that RFC 25 says they mean. */
#include "cli/jobspec.h"
#include "cli/jobenv.h"
#include "cli/joblimit.h"
#include "suite.h"

static char *const environment[] = {(char *)"HOME=/h", (char *)"A=1", NULL};
static cJSON *built;
static int urgency, flags;

static int build(struct cli *c)
{
    json_free(built);
    built = NULL;
    if (!cli_jobspec_urgency(c, &urgency) || !cli_jobspec_flags(c, &flags))
        return 1;
    built = cli_jobspec_build(c, environment);
    return built ? 0 : 1;
}

static const struct cli_command command = {
    .name = "submit",
    .help = "Try",
    .options = (const struct cli_option *const[]){cli_jobspec_options, jobenv_options,
                                                  joblimit_options, NULL},
    .run = build,
};

/* The jobspec of "LINE true"; freed at the next one. */
static cJSON *spec(const char *line)
{
    char text[1024];

    snprintf(text, sizeof(text), "%s true", line);
    ck_assert_msg(run_line(&command, text) == 0, "%s", line);
    return built;
}

/* What is at path, from the first task when it begins with "task.". */
static cJSON *at(cJSON *jobspec, const char *path)
{
    if (strncmp(path, "task.", 5) == 0)
        return json_get_path(cJSON_GetArrayItem(json_get(jobspec, "tasks"), 0), path + 5);
    return json_get_path(jobspec, path);
}

static void part(const char *line, const char *path, const char *want)
{
    cJSON *o = at(spec(line), path);

    if (!want)
        ck_assert_msg(!o, "%s: %s", line, path);
    else
        expect_json(line, json_copy(o), want);
}

static void refused(const char *line)
{
    char text[1024];

    snprintf(text, sizeof(text), "%s true", line);
    ck_assert_msg(run_line(&command, text) == 1, "%s", line);
}

#define SLOT(count, with)                                                                \
    "{'type':'slot','count':" count ",'with':[" with "],'label':'task'}"
#define CORE(n) "{'type':'core','count':" n "}"
#define GPU(n) ",{'type':'gpu','count':" n "}"
#define NODE(n, slot) "{'type':'node','count':" n ",'with':[" slot "]}"
#define NODE_X(n, slot) "{'type':'node','count':" n ",'with':[" slot "],'exclusive':true}"

static const struct {
    const char *line, *resources, *count;
} shapes[] = {
    {"", SLOT("1", CORE("1")), "{'per_slot':1}"},
    {"-n4", SLOT("4", CORE("1")), "{'per_slot':1}"},
    {"-c3", SLOT("1", CORE("3")), "{'per_slot':1}"},
    {"-n4 -c2 -g1", SLOT("4", CORE("2") GPU("1")), "{'per_slot':1}"},
    {"-g0", SLOT("1", CORE("1")), "{'per_slot':1}"},
    /* Nodes alone are whole ones, a task on each. */
    {"-N2", NODE_X("2", SLOT("1", CORE("1"))), "{'per_slot':1}"},
    {"-N2 -n2", NODE("2", SLOT("1", CORE("1"))), "{'per_slot':1}"},
    {"-N2 -n4", NODE("2", SLOT("2", CORE("1"))), "{'per_slot':1}"},
    {"-N2 -n4 -x", NODE_X("2", SLOT("2", CORE("1"))), "{'per_slot':1}"},
    /* Three tasks on two nodes: two slots on each, three tasks in all. */
    {"-N2 -n3", NODE("2", SLOT("2", CORE("1"))), "{'total':3}"},
    {"-N2 -n4 -c3 -g1", NODE("2", SLOT("2", CORE("3") GPU("1"))), "{'per_slot':1}"},
    /* By resource. */
    {"--cores=6", SLOT("6", CORE("1")), "{'per_slot':1}"},
    {"--cores=6 -N2", NODE("2", SLOT("3", CORE("1"))), "{'per_slot':1}"},
    {"--cores=6 --tasks-per-core=2", SLOT("6", CORE("1")), "{'total':12}"},
    {"-N2 --tasks-per-node=5", NODE_X("2", SLOT("1", CORE("1"))), "{'total':10}"},
    {"-N2 --gpus-per-node=2 --cores=8", NODE("2", SLOT("1", CORE("4") GPU("2"))),
     "{'total':8}"},
};

START_TEST(shapes_are_as_rfc_25_says)
{
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        char want[512];

        snprintf(want, sizeof(want), "[%s]", shapes[i].resources);
        part(shapes[i].line, "resources", want);
        part(shapes[i].line, "task.count", shapes[i].count);
    }
}
END_TEST

START_TEST(contradictions_are_refused)
{
    static const char *const bad[] = {"-n0",
                                      "-n-1",
                                      "-nx",
                                      "-n4.5",
                                      "-N0",
                                      "-c0",
                                      "-g-1",
                                      "-N3 -n2",
                                      "-x",
                                      "--cores=0",
                                      "--cores=5 -N2",
                                      "--cores=4 -n2",
                                      "--cores=4 -c2",
                                      "--tasks-per-node=2",
                                      "--gpus-per-node=1",
                                      "-N1 --tasks-per-node=1 --tasks-per-core=1",
                                      "-n9999999999"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refused(bad[i]);
}
END_TEST

START_TEST(a_plain_jobspec)
{
    cJSON *o = spec("");

    ck_assert_int_eq(cJSON_GetArraySize(o), 4);
    expect_json("version", json_copy(json_get(o, "version")), "1");
    expect_json("tasks", json_copy(json_get(o, "tasks")),
                "[{'command':['true'],'slot':'task','count':{'per_slot':1}}]");
    part("", "attributes.system.duration", "0");
    part("", "attributes.system.environment", "{'HOME':'/h','A':'1'}");
}
END_TEST

START_TEST(time_limits)
{
    part("-t5", "attributes.system.duration", "300"); /* minutes */
    part("-t0.5", "attributes.system.duration", "30");
    part("-t90s", "attributes.system.duration", "90");
    part("-t1h", "attributes.system.duration", "3600");
    part("-t0.5s", "attributes.system.duration", "0.5");
    part("-t0", "attributes.system.duration", "0");
    part("-tinf", "attributes.system.duration", "0"); /* no limit */
    refused("-tnever");
    refused("-t-5");
    refused("-tnan");
    refused("-t5x");
}
END_TEST

START_TEST(names_and_places)
{
    part("-qbatch", "attributes.system.queue", "'batch'");
    part("-Bmoney", "attributes.system.bank", "'money'");
    part("--job-name=me", "attributes.system.job.name", "'me'");
    part("--cwd=/x", "attributes.system.cwd", "'/x'");
    part("", "attributes.system.queue", NULL);
    part("", "attributes.system.dependencies", NULL);
    part("", "attributes.system.constraints", NULL);
}
END_TEST

START_TEST(files)
{
    part("--output=o.{{id}}", "attributes.system.shell.options.output.stdout",
         "{'type':'file','path':'o.{{id}}'}");
    part("--error=e -l", "attributes.system.shell.options.output.stderr",
         "{'type':'file','path':'e','label':true}");
    part("--input=i", "attributes.system.shell.options.input.stdin",
         "{'type':'file','path':'i'}");
    part("-u", "attributes.system.shell.options.output.stderr.buffer.type", "'none'");
    part("--output=none", "attributes.system.shell.options.output", NULL);
    refused("--output=");
}
END_TEST

START_TEST(dependencies)
{
    part("--dependency=afterok:\xc6\x92"
         "5 --dependency=after:7",
         "attributes.system.dependencies",
         "[{'scheme':'afterok','value':'\xc6\x92"
         "5'},{'scheme':'after','value':'7'}]");
    part("--dependency=string:a?type=inout&scope=user", "attributes.system.dependencies",
         "[{'scheme':'string','value':'a','type':'inout','scope':'user'}]");
    part("--begin-time=@1700000000", "attributes.system.dependencies",
         "[{'scheme':'begin-time','value':'1700000000.000'}]");
    refused("--dependency=x");
    refused("--dependency=:x");
    refused("--dependency=x:");
    refused("--begin-time=yore");
}
END_TEST

START_TEST(signals)
{
    const char *path = "attributes.system.shell.options.signal";

    part("--signal", path, "{'signum':10,'timeleft':60.0}");
    part("--signal=USR2@30s", path, "{'signum':12,'timeleft':30.0}");
    part("--signal=sigterm", path, "{'signum':15,'timeleft':60.0}");
    part("--signal=@2m", path, "{'signum':10,'timeleft':120.0}");
    part("--signal=9@1s", path, "{'signum':9,'timeleft':1.0}");
    refused("--signal=nosuch");
    refused("--signal=0");
    refused("--signal=USR1@x");
}
END_TEST

START_TEST(what_is_set_by_key_wins)
{
    part("-ofoo", "attributes.system.shell.options.foo", "1");
    part("-ofoo=bar", "attributes.system.shell.options.foo", "'bar'");
    part("-ofoo={\"a\":[1]}", "attributes.system.shell.options.foo", "{'a':[1]}");
    part("-oa.b=3", "attributes.system.shell.options.a", "{'b':3}");
    part("-Sfoo=1", "attributes.system.foo", "1");
    part("-Ssystem.foo=x", "attributes.system.foo", "'x'");
    part("-Suser.foo=x", "attributes.user.foo", "'x'");
    part("-Sattributes.user.foo=x", "attributes.user.foo", "'x'");
    part("-t5 -Sduration=7", "attributes.system.duration", "7");
    part("-Sexec.test.run_duration=0.1s", "attributes.system.exec.test",
         "{'run_duration':'0.1s'}");
    refused("-S^x");
    refused("-S^x=/no/such/file");
}
END_TEST

START_TEST(urgency_and_flags)
{
    spec("");
    ck_assert_int_eq(urgency, 16);
    ck_assert_int_eq(flags, 0);
    spec("--urgency=hold --flags=waitable,debug --flags=novalidate");
    ck_assert_int_eq(urgency, 0);
    ck_assert_int_eq(flags, 2 | 4 | 8);
    spec("--urgency=expedite");
    ck_assert_int_eq(urgency, 31);
    spec("--urgency=default");
    ck_assert_int_eq(urgency, 16);
    spec("--urgency=7");
    ck_assert_int_eq(urgency, 7);
    refused("--urgency=32");
    refused("--urgency=-1");
    refused("--urgency=high");
    refused("--flags=nosuch");
    refused("--flags=debug,nosuch");
}
END_TEST

START_TEST(a_command_is_needed)
{
    ck_assert_int_eq(run_line(&command, ""), 1);
    ck_assert_int_eq(run_line(&command, "-n2"), 1);
    ck_assert_int_eq(run_line(&command, "-n2 a -n3 b"), 0);
    expect_json("command", json_copy(at(built, "task.command")), "['a','-n3','b']");
}
END_TEST

SUITE_MAIN("jobspec", shapes_are_as_rfc_25_says, contradictions_are_refused,
           a_plain_jobspec, time_limits, names_and_places, files, dependencies, signals,
           what_is_set_by_key_wins, urgency_and_flags, a_command_is_needed)
