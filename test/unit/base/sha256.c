#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "suite.h"

static const char *hex(void (*fn)(const void *, size_t, unsigned char *),
                       const void *data, size_t len)
{
    static char text[2 * SHA256_SIZE + 1];
    unsigned char h[SHA256_SIZE];

    fn(data, len, h);
    for (int i = 0; i < SHA256_SIZE; i++)
        sprintf(text + 2 * i, "%02x", h[i]);
    return text;
}

/* FIPS 180-4 examples. */
static const struct {
    const char *text, *hash;
} known[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

START_TEST(known_values)
{
    static char a[1000000];

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        ck_assert_str_eq(hex(sha256, known[i].text, strlen(known[i].text)),
                         known[i].hash);
        ck_assert_str_eq(hex(sha256_portable, known[i].text, strlen(known[i].text)),
                         known[i].hash);
    }
    memset(a, 'a', sizeof(a));
    ck_assert_str_eq(hex(sha256, a, sizeof(a)),
                     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

START_TEST(both_ways_agree_at_every_length)
{
    unsigned char b[400], one[SHA256_SIZE], two[SHA256_SIZE];

    for (size_t i = 0; i < sizeof(b); i++)
        b[i] = i * 131 + 7;
    for (size_t len = 0; len <= sizeof(b); len++) {
        sha256(b, len, one);
        sha256_portable(b, len, two);
        ck_assert_mem_eq(one, two, SHA256_SIZE);
    }
}
END_TEST

SUITE_MAIN("base/sha256", known_values, both_ways_agree_at_every_length)
