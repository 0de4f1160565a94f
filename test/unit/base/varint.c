#include "base/varint.h"
#include "suite.h"

START_TEST(numbers_come_back)
{
    unsigned char b[VARINT_MAX];

    for (int bit = 0; bit < 64; bit++)
        for (int d = -1; d <= 1; d++) {
            uint64_t v = ((uint64_t)1 << bit) + (uint64_t)d, got = 1;
            unsigned char *end = varint_put(b, v);

            ck_assert_uint_eq((size_t)(end - b), varint_size(v));
            ck_assert_ptr_eq(varint_get(b, end, &got), end);
            ck_assert_uint_eq(got, v);
        }
}
END_TEST

START_TEST(known_bytes)
{
    unsigned char b[VARINT_MAX];

    ck_assert_ptr_eq(varint_put(b, 300), b + 2);
    ck_assert_uint_eq(b[0], 0xac);
    ck_assert_uint_eq(b[1], 0x02);
    ck_assert_ptr_eq(varint_put(b, UINT64_MAX), b + 10);
    ck_assert_uint_eq(b[9], 0x01);
}
END_TEST

START_TEST(cut_and_overlong_ones_are_refused)
{
    unsigned char b[12] = {0x80, 0x80};
    uint64_t v;

    ck_assert_ptr_null(varint_get(b, b, &v));
    ck_assert_ptr_null(varint_get(b, b + 2, &v));
    for (int i = 0; i < 11; i++)
        b[i] = 0xff;
    b[9] = 0x02; /* bit 64 */
    ck_assert_ptr_null(varint_get(b, b + 10, &v));
    b[9] = 0x81;
    b[10] = 0;
    ck_assert_ptr_null(varint_get(b, b + 11, &v));
}
END_TEST

SUITE_MAIN("base/varint", numbers_come_back, known_bytes,
           cut_and_overlong_ones_are_refused)
