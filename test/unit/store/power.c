/* What was acknowledged survives a power cut; a few cuts here, thousands in
 * test/system/power_cut. */
#include "powercut.h"
#include "suite.h"

static struct powercut run(int seeds, bool simulated, enum store_durability d, char *why)
{
    struct powercut p = {.lives = 4, .durability = d, .simulated = simulated};

    for (p.seed = 1; p.seed <= (uint64_t)seeds; p.seed++)
        powercut_run(&p, why, 200);
    return p;
}

START_TEST(nothing_acknowledged_is_lost)
{
    for (int simulated = 0; simulated < 2; simulated++) {
        char why[200] = "";
        struct powercut p = run(10, simulated, STORE_POWER, why);

        ck_assert_msg(p.corrupt == 0, "%s", why);
        ck_assert_int_eq(p.lost, 0);
        ck_assert_int_eq(p.cuts, 40);
        ck_assert_int_gt(p.acked, 100);
    }
}
END_TEST

START_TEST(the_weaker_class_loses_but_does_not_corrupt)
{
    char why[200] = "";
    struct powercut p = run(10, true, STORE_PROCESS, why);

    ck_assert_msg(p.corrupt == 0, "%s", why);
    ck_assert_int_gt(p.lost, 0);
}
END_TEST

START_TEST(a_simulated_run_repeats)
{
    char why[200] = "";
    struct powercut a = run(3, true, STORE_POWER, why);
    struct powercut b = run(3, true, STORE_POWER, why);

    ck_assert_int_eq(a.acked, b.acked);
}
END_TEST

SUITE_MAIN("store/power", nothing_acknowledged_is_lost,
           the_weaker_class_loses_but_does_not_corrupt, a_simulated_run_repeats)
