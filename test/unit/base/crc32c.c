#include <string.h>

#include "base/crc32c.h"
#include "suite.h"

/* RFC 3720, appendix B.4. */
START_TEST(known_values)
{
    unsigned char b[32];

    ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283);
    memset(b, 0, sizeof(b));
    ck_assert_uint_eq(crc32c(0, b, sizeof(b)), 0x8a9136aa);
    memset(b, 0xff, sizeof(b));
    ck_assert_uint_eq(crc32c(0, b, sizeof(b)), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        b[i] = i;
    ck_assert_uint_eq(crc32c(0, b, sizeof(b)), 0x46dd794e);
    ck_assert_uint_eq(crc32c(0, "", 0), 0);
}
END_TEST

START_TEST(both_ways_agree_at_every_length_and_place)
{
    unsigned char b[200];

    for (size_t i = 0; i < sizeof(b); i++)
        b[i] = i * 37 + 11;
    for (size_t from = 0; from < 9; from++)
        for (size_t len = 0; from + len <= sizeof(b); len++)
            ck_assert_uint_eq(crc32c(7, b + from, len),
                              crc32c_portable(7, b + from, len));
}
END_TEST

START_TEST(pieces_make_up_the_whole)
{
    ck_assert_uint_eq(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}
END_TEST

SUITE_MAIN("base/crc32c", known_values, both_ways_agree_at_every_length_and_place,
           pieces_make_up_the_whole)
