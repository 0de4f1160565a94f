#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/jobspec.h"
#include "suite.h"

#define TASKS                                                                            \
    "\"tasks\":[{\"command\":[\"/bin/app\",\"-n\"],\"slot\":\"task\",\"count\":"         \
    "{\"per_slot\":1}}]"
#define ATTRS "\"attributes\":{\"system\":{\"duration\":0}}"
#define SLOT                                                                             \
    "\"resources\":[{\"type\":\"slot\",\"count\":3,\"label\":\"task\",\"with\":"         \
    "[{\"type\":\"core\",\"count\":2}]}]"
#define DOC(resources, tasks, attrs) "{\"version\":1," resources "," tasks "," attrs "}"

static cJSON *parse(const char *text)
{
    cJSON *o = NULL;

    ck_assert_msg(json_parse(text, strlen(text), NULL, &o, NULL) == 0, "%s", text);
    return o;
}

START_TEST(slots_of_cores)
{
    cJSON *o = parse(DOC(SLOT, TASKS, ATTRS));
    struct jobspec_info info;
    char name[16];

    ck_assert_int_eq(jobspec_read(o, &info, NULL), 0);
    ck_assert_uint_eq(info.shape.nnodes, 0);
    ck_assert_uint_eq(info.shape.nslots, 3);
    ck_assert_uint_eq(info.shape.slots_per_node, 0);
    ck_assert_uint_eq(info.shape.cores_per_slot, 2);
    ck_assert_uint_eq(info.shape.gpus_per_slot, 0);
    ck_assert_uint_eq(info.shape.ntasks, 3);
    ck_assert(!info.shape.exclusive);
    ck_assert_double_eq(info.duration, 0);
    ck_assert_str_eq(info.name, "app");
    ck_assert_ptr_null(info.environment);
    ck_assert_int_eq(cJSON_GetArraySize(info.command), 2);
    ck_assert_int_eq(jobspec_default_name(o, name, sizeof(name)), 3);
    ck_assert_str_eq(name, "app");
    json_free(o);
}
END_TEST

START_TEST(nodes_of_slots_with_gpus)
{
    cJSON *o =
        parse(DOC("\"resources\":[{\"type\":\"node\",\"count\":4,\"exclusive\":true,"
                  "\"with\":[{\"type\":\"slot\",\"count\":2,\"label\":\"task\","
                  "\"with\":[{\"type\":\"core\",\"count\":8},"
                  "{\"type\":\"gpu\",\"count\":1}]}]}]",
                  "\"tasks\":[{\"command\":[\"a\"],\"slot\":\"task\",\"count\":"
                  "{\"total\":5}}]",
                  ATTRS));
    struct jobspec_info info;

    ck_assert_int_eq(jobspec_read(o, &info, NULL), 0);
    ck_assert_uint_eq(info.shape.nnodes, 4);
    ck_assert_uint_eq(info.shape.slots_per_node, 2);
    ck_assert_uint_eq(info.shape.nslots, 8);
    ck_assert_uint_eq(info.shape.cores_per_slot, 8);
    ck_assert_uint_eq(info.shape.gpus_per_slot, 1);
    ck_assert_uint_eq(info.shape.ntasks, 5);
    ck_assert(info.shape.exclusive);
    json_free(o);
}
END_TEST

START_TEST(attributes_are_read)
{
    cJSON *o = parse(DOC(
        SLOT, TASKS,
        "\"attributes\":{\"user\":{},\"system\":{\"duration\":3600.5,\"queue\":\"batch\","
        "\"cwd\":\"/tmp\",\"bank\":\"b\",\"project\":\"p\",\"job\":{\"name\":\"my job\"},"
        "\"environment\":{\"PATH\":\"/bin\",\"EMPTY\":\"\"},"
        "\"dependencies\":[{\"scheme\":\"afterok\",\"value\":\"1\"}],"
        "\"constraints\":{\"properties\":[\"ssd\"]}}}"));
    struct jobspec_info info;
    char name[4];

    ck_assert_int_eq(jobspec_read(o, &info, NULL), 0);
    ck_assert_double_eq(info.duration, 3600.5);
    ck_assert_str_eq(info.queue, "batch");
    ck_assert_str_eq(info.cwd, "/tmp");
    ck_assert_str_eq(info.bank, "b");
    ck_assert_str_eq(info.project, "p");
    ck_assert_str_eq(info.name, "my job");
    ck_assert_str_eq(json_str(json_get(info.environment, "PATH")), "/bin");
    ck_assert_int_eq(cJSON_GetArraySize(info.dependencies), 1);
    ck_assert_ptr_nonnull(info.constraints);
    ck_assert_ptr_nonnull(json_get(info.system, "job"));
    ck_assert_int_eq(jobspec_default_name(o, name, sizeof(name)), 6);
    ck_assert_str_eq(name, "my ");
    json_free(o);
}
END_TEST

static const struct {
    const char *text, *names; /* what the error must name */
} bad[] = {
    {"[]", "object"},
    {"{}", "version"},
    {"{\"version\":2," SLOT "," TASKS "," ATTRS "}", "version 2"},
    {"{\"version\":\"1\"," SLOT "," TASKS "," ATTRS "}", "version"},
    {"{\"version\":1," TASKS "," ATTRS "}", "resources"},
    {"{\"version\":1," SLOT "," ATTRS "}", "tasks"},
    {"{\"version\":1," SLOT "," TASKS "}", "attributes"},
    {"{\"version\":1,\"extra\":1," SLOT "," TASKS "," ATTRS "}", "extra"},
#define RES(r) DOC("\"resources\":" r, TASKS, ATTRS)
    {RES("{}"), "resources"},
    {RES("[]"), "resources"},
    {RES("[1]"), "resources[0]"},
    {RES("[{\"type\":\"core\",\"count\":1}]"), "core"},
    {RES("[{\"type\":\"slot\",\"label\":\"task\"}]"), "count"},
    {RES("[{\"type\":\"slot\",\"count\":0,\"label\":\"task\"}]"), "count"},
    {RES("[{\"type\":\"slot\",\"count\":1.5,\"label\":\"task\"}]"), "count"},
    {RES("[{\"type\":\"slot\",\"count\":1048577,\"label\":\"task\"}]"), "count"},
    {RES("[{\"type\":\"slot\",\"count\":{\"min\":1},\"label\":\"task\"}]"), "count"},
    {RES("[{\"type\":\"slot\",\"count\":1,\"with\":[{\"type\":\"core\",\"count\":1}]}]"),
     "label"},
    {RES("[{\"type\":\"slot\",\"count\":1,\"label\":\"task\"}]"), "with"},
    {RES("[{\"type\":\"slot\",\"count\":1,\"label\":\"task\",\"with\":[]}]"), "core"},
    {RES("[{\"type\":\"slot\",\"count\":1,\"label\":\"task\",\"with\":"
         "[{\"type\":\"gpu\",\"count\":1}]}]"),
     "core"},
    {RES("[{\"type\":\"slot\",\"count\":1,\"label\":\"task\",\"with\":"
         "[{\"type\":\"memory\",\"count\":1}]}]"),
     "memory"},
    {RES("[{\"type\":\"slot\",\"count\":1,\"label\":\"task\",\"with\":"
         "[{\"type\":\"core\",\"count\":1},{\"type\":\"core\",\"count\":1}]}]"),
     "core"},
    {RES("[{\"type\":\"slot\",\"count\":1,\"color\":1,\"label\":\"task\"}]"), "color"},
    {RES("[{\"type\":\"node\",\"count\":1,\"with\":[{\"type\":\"core\",\"count\":1}]}]"),
     "core"},
    {RES("[{\"type\":\"node\",\"count\":1}]"), "slot"},
    {RES("[{\"type\":\"slot\",\"count\":1048576,\"label\":\"task\",\"with\":"
         "[{\"type\":\"core\",\"count\":1048576}]}]"),
     "too many"},
#define TASK(t) DOC(SLOT, "\"tasks\":" t, ATTRS)
    {TASK("[]"), "tasks"},
    {TASK("[{},{}]"), "tasks"},
    {TASK("[{\"slot\":\"other\",\"command\":[\"a\"],\"count\":{\"per_slot\":1}}]"),
     "other"},
    {TASK("[{\"slot\":\"task\",\"count\":{\"per_slot\":1}}]"), "command"},
    {TASK("[{\"slot\":\"task\",\"command\":[],\"count\":{\"per_slot\":1}}]"), "command"},
    {TASK("[{\"slot\":\"task\",\"command\":\"a\",\"count\":{\"per_slot\":1}}]"),
     "command"},
    {TASK("[{\"slot\":\"task\",\"command\":[1],\"count\":{\"per_slot\":1}}]"), "command"},
    {TASK("[{\"slot\":\"task\",\"command\":[\"\"],\"count\":{\"per_slot\":1}}]"),
     "command"},
    {TASK("[{\"slot\":\"task\",\"command\":[\"a\"]}]"), "count"},
    {TASK("[{\"slot\":\"task\",\"command\":[\"a\"],\"count\":{}}]"), "count"},
    {TASK("[{\"slot\":\"task\",\"command\":[\"a\"],\"count\":{\"per_slot\":0}}]"),
     "per_slot"},
    {TASK("[{\"slot\":\"task\",\"command\":[\"a\"],\"count\":{\"per_slot\":1,"
          "\"total\":1}}]"),
     "count"},
#define ATTR(a) DOC(SLOT, TASKS, "\"attributes\":" a)
    {ATTR("{}"), "system"},
    {ATTR("{\"system\":{}}"), "duration"},
    {ATTR("{\"system\":{\"duration\":-1}}"), "duration"},
    {ATTR("{\"system\":{\"duration\":\"1h\"}}"), "duration"},
    {ATTR("{\"other\":{},\"system\":{\"duration\":0}}"), "other"},
    {ATTR("{\"user\":1,\"system\":{\"duration\":0}}"), "user"},
    {ATTR("{\"system\":{\"duration\":0,\"environment\":[]}}"), "environment"},
    {ATTR("{\"system\":{\"duration\":0,\"environment\":{\"A\":1}}}"), "A"},
    {ATTR("{\"system\":{\"duration\":0,\"environment\":{\"A=B\":\"1\"}}}"), "A=B"},
    {ATTR("{\"system\":{\"duration\":0,\"queue\":1}}"), "queue"},
    {ATTR("{\"system\":{\"duration\":0,\"cwd\":[]}}"), "cwd"},
    {ATTR("{\"system\":{\"duration\":0,\"job\":{\"name\":1}}}"), "name"},
    {ATTR("{\"system\":{\"duration\":0,\"dependencies\":{}}}"), "dependencies"},
    {ATTR("{\"system\":{\"duration\":0,\"dependencies\":[{}]}}"), "dependency"},
    {ATTR("{\"system\":{\"duration\":0,\"constraints\":[]}}"), "constraints"},
};

START_TEST(an_error_names_the_key)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cJSON *o = parse(bad[i].text);
        struct jobspec_info info;
        flux_error_t err = {.text = ""};

        ck_assert_msg(jobspec_read(o, &info, &err) == -EINVAL, "%s", bad[i].text);
        ck_assert_msg(strstr(err.text, bad[i].names) != NULL, "%s: %s", bad[i].text,
                      err.text);
        json_free(o);
    }
}
END_TEST

START_TEST(a_name_needs_a_command)
{
    cJSON *o = parse("{\"tasks\":[{}]}");
    char name[8];

    ck_assert_int_eq(jobspec_default_name(o, name, sizeof(name)), -EINVAL);
    json_free(o);
}
END_TEST

SUITE_MAIN("proto/jobspec", slots_of_cores, nodes_of_slots_with_gpus, attributes_are_read,
           an_error_names_the_key, a_name_needs_a_command)
