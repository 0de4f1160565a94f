#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "suite.h"

/* RFC 4648, section 10. */
static const char *const vectors[][2] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

START_TEST(rfc_4648_vectors)
{
    char text[16], back[16];

    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const char *plain = vectors[i][0], *coded = vectors[i][1];
        ssize_t n;

        base64_encode(text, plain, strlen(plain));
        ck_assert_str_eq(text, coded);
        ck_assert_uint_eq(base64_encoded_len(strlen(plain)), strlen(coded));
        n = base64_decode(back, coded, strlen(coded));
        ck_assert_int_eq(n, (ssize_t)strlen(plain));
        ck_assert_mem_eq(back, plain, (size_t)n);
    }
}
END_TEST

START_TEST(malformed_text_is_refused)
{
    static const char *const bad[] = {
        "Z",        "Zg",   "Zg=",    "Zh==", "Zm9=", "====",
        "Zg==Zg==", "Z===", "Zm9v\n", "Zm-v", "=Zg="};
    char out[32];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(base64_decode(out, bad[i], strlen(bad[i])) == -EINVAL, "%s",
                      bad[i]);
}
END_TEST

START_TEST(buffers_round_trip_all_bytes)
{
    unsigned char all[257];
    struct buf text = {0}, back = {0};

    for (size_t n = 0; n < sizeof(all); n++) {
        for (size_t i = 0; i < n; i++)
            all[i] = (unsigned char)(i * 7 + n);
        text.len = back.len = 0;
        ck_assert_int_eq(base64_encode_buf(&text, all, n), 0);
        ck_assert_int_eq(base64_decode_buf(&back, text.data, text.len), 0);
        ck_assert_uint_eq(back.len, n);
        ck_assert_mem_eq(back.data, all, n);
    }
    ck_assert_int_eq(base64_decode_buf(&back, "!!!!", 4), -EINVAL);
    buf_free(&text);
    buf_free(&back);
}
END_TEST

SUITE_MAIN("base/base64", rfc_4648_vectors, malformed_text_is_refused,
           buffers_round_trip_all_bytes)
