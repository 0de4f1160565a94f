/* Services that somebody used. */
#include "broker/used.h"
#include "fake.h"

static char text[512];

static void print(const struct used *u, void *arg)
{
    char one[128];

    if (u->remote)
        snprintf(one, sizeof(one), "%s@%u%s ", u->name, (unsigned)u->nodeid,
                 u->upstream ? "^" : "");
    else
        snprintf(one, sizeof(one), "%s ", u->name);
    strcat(text, one);
}

START_TEST(each_place_of_each_service_once)
{
    struct used_set s = {0};

    for (int i = 0; i < 3; i++) {
        used_note(&s, "kvs.get", 3, false, 0, false);
        used_note(&s, "kvs", 3, true, 3, false);
        used_note(&s, "kvs", 3, true, 4, false);
        used_note(&s, "kvs", 3, true, 4, false);
        used_note(&s, "kvs", 3, true, 4, true);
        used_note(&s, "job-info", 8, false, 0, false);
    }
    text[0] = '\0';
    used_each(&s, print, NULL);
    ck_assert_str_eq(text, "kvs kvs@3 kvs@4 kvs@4^ job-info ");
    used_clear(&s);
    text[0] = '\0';
    used_each(&s, print, NULL);
    ck_assert_str_eq(text, "");
}
END_TEST

SUITE_MAIN("used", each_place_of_each_service_once)
