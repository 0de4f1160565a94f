#include <errno.h>
#include <string.h>

#include "base/jobid.h"
#include "suite.h"

/* From RFC 19 and the forms published with it. */
static const struct vector {
    uint64_t id;
    const char *type, *text;
} vectors[] = {
    {0, "f58", "ƒ1"},
    {1, "f58", "ƒ2"},
    {57, "f58", "ƒz"},
    {1234, "f58", "ƒNH"},
    {3364, "f58", "ƒ211"},
    {65535, "f58plain", "fLUv"},
    {4294967295, "f58", "ƒ7YXq9G"},
    {6731191091817518, "f58", "ƒuZZybuNNy"},
    {18446744073709551615u, "f58", "ƒjpXCZedGfVQ"},
    {18446744073709551615u, "dec", "18446744073709551615"},
    {0x17e9fb8df16c2e, "hex", "0x17e9fb8df16c2e"},
    {0x17e9fb8df16c2e, "dothex", "0017.e9fb.8df1.6c2e"},
    {0xedaf97d000000, "dothex", "000e.daf9.7d00.0000"},
    {0xedaf97d000000, "kvs", "job.000e.daf9.7d00.0000"},
    {0x17e9fb8df16c2e, "words", "reform-remote-galileo--heart-package-academy"},
    {0xedaf97d000000, "words", "random-idea-yoyo--sugar-printer-academy"},
    {65535, "words", "nevada-archive-academy--academy-academy-academy"},
    {18446744073709551614u, "words", "mustang-analyze-verbal--natural-analyze-verbal"},
    {0, "emoji", "😃"},
    {1, "emoji", "😄"},
    {65535, "emoji", "💁📚"},
    {6787342413402046, "emoji", "👴😱🔚🎮🕙🚩"},
    {18446744073709551614u, "emoji", "🚹💗💧👗😷📷📙"},
};

START_TEST(published_vectors_both_ways)
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        char buf[JOBID_SIZE];
        flux_jobid_t id;

        ck_assert_int_eq(jobid_encode(v->id, v->type, buf, sizeof(buf)),
                         (int)strlen(v->text));
        ck_assert_str_eq(buf, v->text);
        ck_assert_int_eq(jobid_parse(v->text, &id, NULL), 0);
        ck_assert_uint_eq(id, v->id);
    }
}
END_TEST

START_TEST(every_form_round_trips)
{
    static const char *const types[] = {"f58",    "f58plain", "dec",   "hex",
                                        "dothex", "kvs",      "words", "emoji"};
    uint64_t id = 1;

    for (int i = 0; i < 2000;
         i++, id = id * 6364136223846793005u + 1442695040888963407u) {
        for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
            char buf[JOBID_SIZE];
            flux_jobid_t back;

            ck_assert_int_gt(jobid_encode(id >> (i % 64), types[t], buf, sizeof(buf)), 0);
            ck_assert_int_eq(jobid_parse(buf, &back, NULL), 0);
            ck_assert_uint_eq(back, id >> (i % 64));
        }
    }
}
END_TEST

START_TEST(white_space_around_does_not_matter)
{
    flux_jobid_t id;

    ck_assert_int_eq(jobid_parse(" \t42\n", &id, NULL), 0);
    ck_assert_uint_eq(id, 42);
    ck_assert_int_eq(jobid_parse("f111", &id, NULL), 0);
    ck_assert_uint_eq(id, 0);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    static const char *const bad[] = {
        "",
        " ",
        "f",
        "ƒ",
        "0x",
        "x",
        "12a",
        "-1",
        "1.5",
        "job.",
        "job.0000.0000.0000",
        "18446744073709551616",
        "0x10000000000000000",
        "fjpXCZedGfVR",
        "f0",
        "fl",
        "fO",
        "0000.0000.0000.000g",
        "0000.0000.0000.00000",
        "000.00000.0000.0000",
        "academy-academy-academy",
        "verbal-verbal-verbal--academy-academy-academy",
        "nosuch-academy-academy--academy-academy-academy",
        "academy-academy-academy--academy-academy-academy-academy",
        "\xf0\x9f",
        "\xf0\x9f\x98\x83\xf0",
        "\xf0\x9f\x99\x82",
        "🚹🚹🚹🚹🚹🚹🚹🚹",
        "ƒ12 3",
        "1 2",
    };
    flux_jobid_t id = 7;
    flux_error_t err;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(jobid_parse(bad[i], &id, &err) == -EINVAL, "%s", bad[i]);
    ck_assert_uint_eq(id, 7);
    ck_assert_int_eq(jobid_parse("no-good", &id, &err), -EINVAL);
    ck_assert_str_eq(err.text, "'no-good' is not a job id");
}
END_TEST

START_TEST(unknown_types_and_short_buffers)
{
    char buf[4];

    ck_assert_int_eq(jobid_encode(1, "roman", buf, sizeof(buf)), -EPROTO);
    ck_assert_int_eq(jobid_encode(1, NULL, buf, sizeof(buf)), 3);
    ck_assert_str_eq(buf, "ƒ2");
    ck_assert_int_eq(jobid_encode(58, NULL, buf, sizeof(buf)), -EOVERFLOW);
}
END_TEST

SUITE_MAIN("base/jobid", published_vectors_both_ways, every_form_round_trips,
           white_space_around_does_not_matter, nonsense_is_refused,
           unknown_types_and_short_buffers)
