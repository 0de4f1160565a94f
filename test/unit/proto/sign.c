#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "proto/sign.h"
#include "suite.h"

/* What flux-core's clients send for userid 1001 (the header), and "{}". */
#define HEADER_1001 "dmVyc2lvbgBpMQB1c2VyaWQAaTEwMDEAbWVjaGFuaXNtAHNub25lAA=="
#define J_1001 HEADER_1001 ".e30=.none"

START_TEST(wrap_gives_what_flux_clients_send)
{
    struct buf b = {0};

    ck_assert_int_eq(sign_wrap_none("{}", 2, 1001, &b), 0);
    ck_assert_str_eq(b.data, J_1001);
    buf_free(&b);
}
END_TEST

START_TEST(unwrap_gives_payload_and_user)
{
    char *payload;
    size_t len;
    uint32_t userid;

    ck_assert_int_eq(sign_unwrap(J_1001, strlen(J_1001), &payload, &len, &userid, NULL),
                     0);
    ck_assert_uint_eq(userid, 1001);
    ck_assert_uint_eq(len, 2);
    ck_assert_str_eq(payload, "{}");
    free(payload);
}
END_TEST

static int unwrap_header(const char *header, size_t size, flux_error_t *err)
{
    struct buf b = {0};
    char *payload;
    size_t len;
    uint32_t userid;
    int rc;

    base64_encode_buf(&b, header, size);
    buf_adds(&b, ".e30=.none");
    rc = sign_unwrap(b.data, b.len, &payload, &len, &userid, err);
    if (rc == 0)
        free(payload);
    buf_free(&b);
    return rc;
}

#define HEADER(text) unwrap_header(text, sizeof(text) - 1, &err)

START_TEST(headers_are_checked)
{
    flux_error_t err;

    ck_assert_int_eq(HEADER("version\0i1\0userid\0i7\0mechanism\0snone\0"), 0);
    ck_assert_int_eq(HEADER("mechanism\0snone\0extra\0bfalse\0userid\0i7\0version\0i1\0"),
                     0);
    ck_assert_int_eq(HEADER("version\0i2\0userid\0i7\0mechanism\0snone\0"), -EINVAL);
    ck_assert_int_eq(HEADER("version\0i1\0userid\0i-1\0mechanism\0snone\0"), -EINVAL);
    ck_assert_int_eq(HEADER("version\0i1\0userid\0i4294967295\0mechanism\0snone\0"),
                     -EINVAL);
    ck_assert_int_eq(HEADER("version\0i1\0userid\0s7\0mechanism\0snone\0"), -EINVAL);
    ck_assert_int_eq(HEADER("version\0i1\0userid\0i7x\0mechanism\0snone\0"), -EINVAL);
    ck_assert_int_eq(HEADER("version\0i1\0userid\0i\0mechanism\0snone\0"), -EINVAL);
    ck_assert_int_eq(HEADER("version\0i1\0mechanism\0snone\0"), -EINVAL);
    ck_assert_int_eq(HEADER("version\0i1\0userid\0i7\0userid\0i0\0mechanism\0snone\0"),
                     -EINVAL);
    ck_assert_int_eq(HEADER("version\0i1\0userid\0i7\0mechanism\0snone"), -EINVAL);
    ck_assert_int_eq(HEADER("version\0i1\0userid\0"), -EINVAL);
    ck_assert_int_eq(HEADER("\0i1\0"), -EINVAL);
    ck_assert_int_eq(HEADER("version\0x1\0userid\0i7\0mechanism\0snone\0"), -EINVAL);
    ck_assert_int_eq(HEADER(""), -EINVAL);
    ck_assert_int_eq(HEADER("version\0i1\0userid\0i7\0mechanism\0smunge\0"),
                     -EPROTONOSUPPORT);
    ck_assert_ptr_nonnull(strstr(err.text, "munge"));
}
END_TEST

START_TEST(malformed_envelopes_are_refused)
{
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "..none",
        HEADER_1001,
        HEADER_1001 ".e30=",
        HEADER_1001 ".e30=.",
        HEADER_1001 ".e30=.non",
        HEADER_1001 ".e30=.none2",
        HEADER_1001 ".e30.none",
        HEADER_1001 ".e!0=.none",
        "AAAA.e30=.none",
        "!!!!.e30=.none",
    };
    char *payload;
    size_t len;
    uint32_t userid;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(
            sign_unwrap(bad[i], strlen(bad[i]), &payload, &len, &userid, NULL) == -EINVAL,
            "%s", bad[i]);
}
END_TEST

START_TEST(a_huge_header_is_refused)
{
    flux_error_t err;
    char *header = malloc(100000);

    memset(header, 'k', 100000);
    ck_assert_int_eq(unwrap_header(header, 100000, &err), -EINVAL);
    free(header);
}
END_TEST

SUITE_MAIN("proto/sign", wrap_gives_what_flux_clients_send, unwrap_gives_payload_and_user,
           headers_are_checked, malformed_envelopes_are_refused, a_huge_header_is_refused)
