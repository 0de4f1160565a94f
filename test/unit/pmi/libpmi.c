/* The libraries that MPI programs open: PMI-1 and PMI-2 with a server, and alone. Each test
 * is a process of its own, as the API is global. */
#include <sys/wait.h>

#include <flux/pmi.h>
#include <flux/pmi2.h>

#include "world.h"

#define MAPPING "(vector,(0,2,2))"

static struct world w;

static void be_rank(int rank)
{
    char fd[16], r[16];

    snprintf(fd, sizeof(fd), "%d", w.client[rank]);
    snprintf(r, sizeof(r), "%d", rank);
    setenv("PMI_FD", fd, 1);
    setenv("PMI_RANK", r, 1);
    setenv("PMI_SIZE", "4", 1);
}

/* Run fn as each rank, each in a process; wait for all. Exit codes by rank. */
static void run_ranks(int (*fn)(int rank), int *codes)
{
    pid_t pids[WORLD_RANKS];

    for (int i = 0; i < WORLD_RANKS; i++) {
        ck_assert_int_ge(pids[i] = fork(), 0);
        if (pids[i] == 0) {
            for (int j = 0; j < WORLD_RANKS; j++) {
                if (j != i)
                    close(w.client[j]);
                close(w.server[j]);
            }
            be_rank(i);
            _exit(fn(i));
        }
    }
    world_answer(&w);
    for (int i = 0; i < WORLD_RANKS; i++) {
        int status;

        close(w.client[i]);
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        codes[i] = WEXITSTATUS(status);
    }
}

/* The number of the first thing that is wrong. */
#define WANT(cond)                                                                       \
    do {                                                                                 \
        if (!(cond))                                                                     \
            return __LINE__ % 250 + 1;                                                   \
    } while (0)

static int pmi1_program(int rank)
{
    char name[256], id[256], key[64], value[1100], want[64];
    int spawned = 7, v, ranks[4] = {9, 9, 9, 9};
    PMI_BOOL yes = PMI_TRUE;

    WANT(PMI_Get_rank(&v) == PMI_ERR_INIT);
    WANT(PMI_Initialized(&yes) == PMI_SUCCESS && !yes);
    WANT(PMI_Init(&spawned) == PMI_SUCCESS && spawned == PMI_FALSE);
    WANT(PMI_Init(&spawned) == PMI_SUCCESS);
    WANT(PMI_Initialized(&yes) == PMI_SUCCESS && yes);
    WANT(PMI_Get_rank(&v) == PMI_SUCCESS && v == rank);
    WANT(PMI_Get_size(&v) == PMI_SUCCESS && v == 4);
    WANT(PMI_Get_universe_size(&v) == PMI_SUCCESS && v == 64);
    WANT(PMI_Get_appnum(&v) == PMI_SUCCESS && v == 2);
    WANT(PMI_Get_rank(NULL) == PMI_ERR_INVALID_ARG);
    WANT(PMI_Get_clique_size(&v) == PMI_SUCCESS && v == 2);
    WANT(PMI_Get_clique_ranks(ranks, 1) == PMI_ERR_INVALID_SIZE);
    WANT(PMI_Get_clique_ranks(ranks, 4) == PMI_SUCCESS);
    WANT(ranks[0] == rank / 2 * 2 && ranks[1] == rank / 2 * 2 + 1 && ranks[2] == 9);
    WANT(PMI_KVS_Get_my_name(name, 3) == PMI_ERR_INVALID_LENGTH);
    WANT(PMI_KVS_Get_my_name(name, sizeof(name)) == PMI_SUCCESS);
    WANT(!strcmp(name, "world"));
    WANT(PMI_Get_id(id, sizeof(id)) == PMI_SUCCESS && !strcmp(id, name));
    WANT(PMI_KVS_Get_name_length_max(&v) == PMI_SUCCESS && v == 256);
    WANT(PMI_KVS_Get_key_length_max(&v) == PMI_SUCCESS && v == 64);
    WANT(PMI_KVS_Get_value_length_max(&v) == PMI_SUCCESS && v == 1024);
    memset(value, 'v', sizeof(value));
    value[1024] = '\0';
    WANT(PMI_KVS_Put(name, "k", value) == PMI_ERR_INVALID_VAL_LENGTH);
    value[1023] = '\0';
    snprintf(key, sizeof(key), "0-%d-key1", rank);
    value[0] = '0' + rank;
    WANT(PMI_KVS_Put("elsewhere", key, value) == PMI_ERR_INVALID_ARG);
    WANT(PMI_KVS_Put(name, "a b", value) == PMI_ERR_INVALID_KEY);
    WANT(PMI_KVS_Put(name, key, value) == PMI_SUCCESS);
    WANT(PMI_KVS_Commit(name) == PMI_SUCCESS);
    WANT(PMI_Barrier() == PMI_SUCCESS);
    snprintf(key, sizeof(key), "0-%d-key1", 3 - rank);
    WANT(PMI_KVS_Get(name, key, value, 1023) == PMI_ERR_INVALID_LENGTH);
    WANT(PMI_KVS_Get(name, key, value, 1024) == PMI_SUCCESS);
    WANT(strlen(value) == 1023 && value[0] == '0' + 3 - rank && value[1022] == 'v');
    WANT(PMI_KVS_Get(name, "none", value, 1024) == PMI_ERR_INVALID_KEY);
    snprintf(want, sizeof(want), "service-%d", rank);
    WANT(PMI_Publish_name(want, "port#1") == PMI_SUCCESS);
    WANT(PMI_Lookup_name(want, value) == PMI_SUCCESS && !strcmp(value, "port#1"));
    WANT(PMI_Unpublish_name(want) == PMI_SUCCESS);
    WANT(PMI_Lookup_name(want, value) == PMI_FAIL);
    WANT(PMI_KVS_Create(name, 256) == PMI_FAIL);
    WANT(PMI_Finalize() == PMI_SUCCESS);
    WANT(PMI_Initialized(&yes) == PMI_SUCCESS && !yes);
    WANT(PMI_Barrier() == PMI_ERR_INIT);
    return 0;
}

static void check_ranks(int (*fn)(int rank))
{
    int codes[WORLD_RANKS];

    world_open(&w, MAPPING);
    run_ranks(fn, codes);
    world_end(&w);
    for (int i = 0; i < WORLD_RANKS; i++)
        ck_assert_msg(codes[i] == 0, "rank %d: wrong at line %d (modulo 250)", i,
                      codes[i] - 1);
}

START_TEST(pmi1_with_a_server)
{
    check_ranks(pmi1_program);
}
END_TEST

static int pmi2_program(int rank)
{
    char id[64], key[64], value[1100];
    int spawned = 7, size, r, appnum, v, found;

    WANT(PMI2_Initialized() == 0);
    WANT(PMI2_KVS_Fence() == PMI2_ERR_INIT);
    WANT(PMI2_Init(&spawned, &size, &r, &appnum) == PMI2_SUCCESS);
    WANT(spawned == 0 && size == 4 && r == rank && appnum == 2);
    WANT(PMI2_Initialized() == 1);
    WANT(PMI2_Job_GetRank(&v) == PMI2_SUCCESS && v == rank);
    WANT(PMI2_Info_GetSize(&v) == PMI2_SUCCESS && v == 4);
    WANT(PMI2_Job_GetId(id, sizeof(id)) == PMI2_SUCCESS && !strcmp(id, "world"));
    snprintf(key, sizeof(key), "key-%d", rank);
    WANT(PMI2_KVS_Put(key, "hello there") == PMI2_SUCCESS);
    WANT(PMI2_KVS_Fence() == PMI2_SUCCESS);
    snprintf(key, sizeof(key), "key-%d", (rank + 1) % 4);
    WANT(PMI2_KVS_Get(NULL, PMI2_ID_NULL, key, value, 100, &v) == PMI2_SUCCESS);
    WANT(v == 11 && !strcmp(value, "hello there"));
    WANT(PMI2_KVS_Get(id, (rank + 1) % 4, key, value, 6, &v) == PMI2_SUCCESS);
    WANT(v == -11 && !strcmp(value, "hello"));
    WANT(PMI2_KVS_Get("other", PMI2_ID_NULL, key, value, 100, &v) ==
         PMI2_ERR_INVALID_ARG);
    WANT(PMI2_KVS_Get(id, PMI2_ID_NULL, "none", value, 100, &v) == PMI2_ERR_INVALID_KEY);
    WANT(PMI2_Info_GetJobAttr("universeSize", value, 100, &found) == PMI2_SUCCESS);
    WANT(found && !strcmp(value, "64"));
    WANT(PMI2_Info_GetJobAttr("PMI_process_mapping", value, 100, &found) == PMI2_SUCCESS);
    WANT(found && !strcmp(value, MAPPING));
    WANT(PMI2_Info_GetJobAttr("physTopology", value, 100, &found) == PMI2_SUCCESS);
    WANT(!found);
    /* Ranks 0 and 1 are one node, 2 and 3 another: the odd ones wait for the even. */
    WANT(PMI2_Info_GetNodeAttr("none", value, 100, &found, 0) == PMI2_SUCCESS && !found);
    if (rank % 2 == 0) {
        snprintf(value, sizeof(value), "%d,5", rank);
        WANT(PMI2_Info_PutNodeAttr("seg", value) == PMI2_SUCCESS);
    }
    WANT(PMI2_Info_GetNodeAttr("seg", value, 100, &found, 1) == PMI2_SUCCESS && found);
    WANT(atoi(value) == rank / 2 * 2);
    int array[2];
    WANT(PMI2_Info_GetNodeAttrIntArray("seg", array, 2, &v, &found) == PMI2_SUCCESS);
    WANT(found && v == 2 && array[0] == rank / 2 * 2 && array[1] == 5);
    WANT(PMI2_Job_Disconnect("x") == PMI2_FAIL);
    WANT(PMI2_Finalize() == PMI2_SUCCESS);
    return 0;
}

START_TEST(pmi2_with_a_server)
{
    check_ranks(pmi2_program);
}
END_TEST

static int abort_program(int rank)
{
    int spawned;

    WANT(PMI_Init(&spawned) == PMI_SUCCESS);
    if (rank == 2)
        PMI_Abort(41, "out of tea");
    return 0;
}

START_TEST(abort_ends_the_program)
{
    int codes[WORLD_RANKS];

    world_open(&w, NULL);
    run_ranks(abort_program, codes);
    world_end(&w);
    ck_assert_int_eq(codes[2], 41);
    ck_assert_int_eq(w.aborted, 41);
}
END_TEST

START_TEST(without_a_server_one_is_alone)
{
    int v, ranks[2], spawned;
    char name[256], value[64];

    unsetenv("PMI_FD");
    ck_assert_int_eq(PMI_Init(&spawned), PMI_SUCCESS);
    ck_assert_int_eq(PMI_Get_size(&v), PMI_SUCCESS);
    ck_assert_int_eq(v, 1);
    ck_assert_int_eq(PMI_Get_clique_ranks(ranks, 1), PMI_SUCCESS);
    ck_assert_int_eq(ranks[0], 0);
    ck_assert_int_eq(PMI_KVS_Get_my_name(name, 256), PMI_SUCCESS);
    ck_assert_int_eq(PMI_KVS_Put(name, "a", "b"), PMI_SUCCESS);
    ck_assert_int_eq(PMI_Barrier(), PMI_SUCCESS);
    ck_assert_int_eq(PMI_KVS_Get(name, "a", value, 64), PMI_SUCCESS);
    ck_assert_str_eq(value, "b");
    ck_assert_int_eq(PMI_Publish_name("a", "b"), PMI_FAIL);
    ck_assert_int_eq(PMI_Finalize(), PMI_SUCCESS);
}
END_TEST

START_TEST(a_dead_descriptor_is_an_error)
{
    int spawned;

    setenv("PMI_FD", "999", 1);
    setenv("PMI_RANK", "0", 1);
    setenv("PMI_SIZE", "2", 1);
    ck_assert_int_eq(PMI_Init(&spawned), PMI_FAIL);
    setenv("PMI_RANK", "2", 1);
    ck_assert_int_eq(PMI_Init(&spawned), PMI_FAIL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pmi/libpmi");
    TCase *tc = tcase_create("libpmi");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, pmi1_with_a_server);
    tcase_add_test(tc, pmi2_with_a_server);
    tcase_add_test(tc, abort_ends_the_program);
    tcase_add_test(tc, without_a_server_one_is_alone);
    tcase_add_test(tc, a_dead_descriptor_is_an_error);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
