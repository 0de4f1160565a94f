/* What was signed, out of J. */
#include <stdlib.h>

#include "cli/signed.h"
#include "suite.h"

START_TEST(the_middle_part_is_the_payload)
{
    char *text = cli_signed_payload("aGVhZA==.eyJhIjoxfQ==.none");

    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, "{\"a\":1}");
    free(text);
}
END_TEST

START_TEST(nonsense_has_none)
{
    ck_assert_ptr_null(cli_signed_payload(""));
    ck_assert_ptr_null(cli_signed_payload("aGVhZA=="));
    ck_assert_ptr_null(cli_signed_payload("aGVhZA==.eyJhIjoxfQ=="));
    ck_assert_ptr_null(cli_signed_payload("aGVhZA==.?.none"));
}
END_TEST

SUITE_MAIN("cli/signed", the_middle_part_is_the_payload, nonsense_has_none)
