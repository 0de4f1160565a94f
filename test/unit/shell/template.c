#include "shell/template.h"
#include "suite.h"

static const struct template_vars vars = {
    .id = 1,
    .name = "sim",
    .nnodes = 2,
    .ntasks = 8,
    .node_id = 1,
    .broker_rank = 3,
    .node_name = "fluke3",
    .cores = "0-3",
    .gpus = "",
    .ncores = 4,
    .rank = 5,
    .local_id = 1,
};

static void expect(const char *tmpl, const char *want)
{
    struct buf out = {0};
    ck_assert_int_eq(template_expand(tmpl, &vars, &out), 0);
    ck_assert_str_eq(out.data, want);
    buf_free(&out);
}

START_TEST(every_tag_has_its_value)
{
    expect("out.{{id}}", "out.\xc6\x92"
                         "2"); /* F58 of 1: the second digit of its alphabet */
    expect("{{jobid}}", "\xc6\x92"
                        "2");
    expect("{{id.dec}} {{id.hex}} {{id.dothex}}", "1 0x1 0000.0000.0000.0001");
    expect("{{name}}-{{nnodes}}-{{size}}-{{ntasks}}", "sim-2-8-8");
    expect("{{node.id}} {{node.name}} {{node.broker_rank}}", "1 fluke3 3");
    expect("{{node.cores}}/{{node.ncores}} {{node.ngpus}}[{{node.gpus}}]", "0-3/4 0[]");
    expect("{{taskid}} {{task.id}} {{task.rank}} {{task.index}} {{task.localid}}",
           "5 5 5 1 1");
}
END_TEST

START_TEST(what_is_no_tag_stays)
{
    expect("", "");
    expect("plain", "plain");
    expect("{{nothing}}", "{{nothing}}");
    expect("{{tmpdir}}/x", "{{tmpdir}}/x"); /* not known here */
    expect("{id} }} {{", "{id} }} {{");
    expect("{{{{name}}}}", "{{sim}}");
    expect("{{id.klingon}}", "{{id.klingon}}");
}
END_TEST

START_TEST(blanks_inside_are_allowed)
{
    expect("{{ name }}.{{name }}", "sim.sim");
}
END_TEST

START_TEST(tells_names_that_differ_by_task)
{
    ck_assert(template_names_task("o.{{taskid}}"));
    ck_assert(template_names_task("{{id}}.{{task.rank}}"));
    ck_assert(!template_names_task("o.{{id}}.{{node.id}}"));
    ck_assert(!template_names_task("task.rank"));
}
END_TEST

SUITE_MAIN("template", every_tag_has_its_value, what_is_no_tag_stays,
           blanks_inside_are_allowed, tells_names_that_differ_by_task)
