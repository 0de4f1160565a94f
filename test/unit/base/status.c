#include <errno.h>
#include <signal.h>

#include "base/status.h"
#include "suite.h"

START_TEST(exit_codes_and_signals_as_a_command_line_shows_them)
{
    ck_assert_int_eq(status_code(0), 0);
    ck_assert_int_eq(status_code(3 << 8), 3);
    ck_assert_int_eq(status_code(SIGKILL), 128 + 9);
    ck_assert_int_eq(status_code(SIGSEGV | 0x80), 128 + 11); /* with a core file */
}
END_TEST

START_TEST(a_job_ends_as_its_worst_task)
{
    ck_assert_int_eq(status_worst(0, 1 << 8), 1 << 8);
    ck_assert_int_eq(status_worst(2 << 8, 1 << 8), 2 << 8);
    ck_assert_int_eq(status_worst(1 << 8, SIGKILL), SIGKILL); /* 137 > 1 */
    ck_assert_int_eq(status_worst(SIGKILL, 255 << 8), 255 << 8);
    ck_assert_int_eq(status_worst(SIGTERM, 0), SIGTERM);
}
END_TEST

START_TEST(a_missing_program_is_127_another_failure_126)
{
    ck_assert_int_eq(status_of_exec_error(ENOENT), 127 << 8);
    ck_assert_int_eq(status_of_exec_error(ENOTDIR), 127 << 8);
    ck_assert_int_eq(status_of_exec_error(EACCES), 126 << 8);
    ck_assert_int_eq(status_of_exec_error(ENOEXEC), 126 << 8);
}
END_TEST

SUITE_MAIN("status", exit_codes_and_signals_as_a_command_line_shows_them,
           a_job_ends_as_its_worst_task, a_missing_program_is_127_another_failure_126)
