#include <string.h>

#include "base/hash.h"
#include "suite.h"

START_TEST(equal_bytes_hash_alike_wherever_they_lie)
{
    char a[40], b[41];

    memset(a, 'x', sizeof(a));
    memcpy(b + 1, a, sizeof(a));
    for (size_t n = 0; n <= sizeof(a); n++)
        ck_assert_uint_eq(hash_bytes(a, n, 1), hash_bytes(b + 1, n, 1));
}
END_TEST

START_TEST(seed_length_and_every_byte_matter)
{
    unsigned char a[24] = {0};
    uint64_t h = hash_bytes(a, sizeof(a), 1);

    ck_assert_uint_ne(h, hash_bytes(a, sizeof(a), 3));
    ck_assert_uint_ne(h, hash_bytes(a, sizeof(a) - 1, 1));
    for (size_t i = 0; i < sizeof(a); i++) {
        a[i] = 1;
        ck_assert_uint_ne(h, hash_bytes(a, sizeof(a), 1));
        a[i] = 0;
    }
}
END_TEST

/* 64k consecutive integers into 64k slots: a good hash leaves about 1/e of them empty. */
START_TEST(integers_spread)
{
    static unsigned char used[65536];
    size_t empty = 0;

    for (uint64_t i = 0; i < 65536; i++)
        used[hash_u64(i, 1) & 65535] = 1;
    for (size_t i = 0; i < 65536; i++)
        empty += !used[i];
    ck_assert_uint_gt(empty, 15000);
    ck_assert_uint_lt(empty, 33000);
}
END_TEST

START_TEST(seed_is_one_for_the_process)
{
    ck_assert_uint_eq(hash_seed(), hash_seed());
}
END_TEST

SUITE_MAIN("base/hash", equal_bytes_hash_alike_wherever_they_lie,
           seed_length_and_every_byte_matter, integers_spread,
           seed_is_one_for_the_process)
