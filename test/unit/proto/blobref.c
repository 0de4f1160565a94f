#include <errno.h>

#include "proto/blobref.h"
#include "proto/treeobj.h"
#include "suite.h"

START_TEST(a_hash_reads_as_it_was_written)
{
    unsigned char hash[BLOBREF_HASH];
    char text[BLOBREF_SIZE];
    struct blobref ref;

    for (int i = 0; i < BLOBREF_HASH; i++)
        hash[i] = i * 9 + 1;
    blobref_print_hash(hash, text);
    ck_assert(blobref_valid(text));
    ck_assert_uint_eq(strlen(text), 7 + 64);
    ck_assert_int_eq(strncmp(text, "sha256-010a131c", 15), 0);
    ck_assert_int_eq(blobref_parse(slice_of(text), &ref), 0);
    ck_assert(!ref.is_version);
    ck_assert_mem_eq(ref.hash, hash, BLOBREF_HASH);
}
END_TEST

START_TEST(a_version_reads_as_it_was_written)
{
    char text[BLOBREF_SIZE];
    struct blobref ref;

    blobref_print_version(0x123456789abcdef0, 77, text);
    ck_assert(blobref_valid(text));
    ck_assert_str_eq(text, "version-123456789abcdef0000000000000004d");
    ck_assert_int_eq(blobref_parse(slice_of(text), &ref), 0);
    ck_assert(ref.is_version);
    ck_assert_uint_eq(ref.id, 0x123456789abcdef0);
    ck_assert_uint_eq(ref.version, 77);
}
END_TEST

START_TEST(others_are_refused)
{
    static const char *const bad[] = {
        "",
        "sha256-",
        "sha1-89c4973b7c142a14f7337805cd5edc5953dfcb61",
        "version-123456789abcdef0000000000000004",
        "version-123456789ABCDEF0000000000000004d",
        "version-123456789abcdef0000000000000004d0",
    };
    struct blobref ref;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(blobref_parse(slice_of(bad[i]), &ref), -EINVAL);
}
END_TEST

START_TEST(the_one_of_a_mounted_directory_is_a_version)
{
    char text[BLOBREF_SIZE];

    blobref_print_version(BLOBREF_MOUNTED, 0, text);
    ck_assert_str_eq(text, BLOBREF_MOUNTED_TEXT);
}
END_TEST

SUITE_MAIN("proto/blobref", the_one_of_a_mounted_directory_is_a_version,
           a_hash_reads_as_it_was_written, a_version_reads_as_it_was_written,
           others_are_refused)
