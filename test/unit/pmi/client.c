/* PMI clients against the server: over the wire, and by the libpmi.so of this build. */
#include <dlfcn.h>
#include <errno.h>

#include "pmi/client.h"
#include "world.h"

static struct world w;

/* ---- over the wire ---- */

START_TEST(a_client_learns_the_facts)
{
    const struct pmi_facts *f;
    struct pmi_client *c;
    flux_error_t err;

    world_begin(&w, NULL);
    ck_assert_int_eq(pmi_client_wire(w.client[2], 2, 4, NULL, NULL, &c, &err), 0);
    f = pmi_client_facts(c);
    ck_assert_int_eq(f->rank, 2);
    ck_assert_int_eq(f->size, 4);
    ck_assert_int_eq(f->appnum, 2);
    ck_assert_int_eq(f->universe_size, 64);
    ck_assert_int_eq(f->keylen_max, 64);
    ck_assert_int_eq(f->vallen_max, 1024);
    ck_assert_str_eq(f->kvsname, "world");
    ck_assert_int_eq(pmi_client_finalize(c, &err), 0);
    pmi_client_free(c);
    close(w.client[0]);
    close(w.client[1]);
    close(w.client[3]);
    world_end(&w);
}
END_TEST

struct rank {
    int rank;
    char got[1024];
    int missing;
};

static void *exchange(void *arg)
{
    struct rank *r = arg;
    int next = (r->rank + 1) % WORLD_RANKS;
    struct pmi_client *c;
    flux_error_t err;
    char key[16], value[32], *got;

    ck_assert_int_eq(pmi_client_wire(w.client[r->rank], r->rank, 4, NULL, NULL, &c, &err),
                     0);
    snprintf(key, sizeof(key), "k%d", r->rank);
    snprintf(value, sizeof(value), "value = of %d", r->rank);
    ck_assert_int_eq(pmi_client_put(c, key, value, &err), 0);
    ck_assert_int_eq(pmi_client_barrier(c, &err), 0);
    snprintf(key, sizeof(key), "k%d", next);
    ck_assert_int_eq(pmi_client_get(c, key, &got, &err), 0);
    snprintf(r->got, sizeof(r->got), "%s", got);
    free(got);
    r->missing = pmi_client_get(c, "k9", &got, &err);
    ck_assert_int_eq(pmi_client_finalize(c, &err), 0);
    pmi_client_free(c);
    return NULL;
}

START_TEST(clients_exchange_values)
{
    struct rank ranks[WORLD_RANKS] = {{0}};
    pthread_t threads[WORLD_RANKS];
    char want[32];

    world_begin(&w, NULL);
    for (int i = 0; i < WORLD_RANKS; i++) {
        ranks[i].rank = i;
        pthread_create(&threads[i], NULL, exchange, &ranks[i]);
    }
    for (int i = 0; i < WORLD_RANKS; i++) {
        pthread_join(threads[i], NULL);
        snprintf(want, sizeof(want), "value = of %d", (i + 1) % WORLD_RANKS);
        ck_assert_str_eq(ranks[i].got, want);
        ck_assert_int_eq(ranks[i].missing, -ENOENT);
    }
    world_end(&w);
}
END_TEST

/* A server that says `lines` whatever it is asked, then hangs up. */
static int open_against(const char *lines, flux_error_t *err)
{
    struct pmi_client *c = NULL;
    int sv[2], rc;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
    ck_assert_int_eq(write(sv[1], lines, strlen(lines)), strlen(lines));
    shutdown(sv[1], SHUT_WR);
    err->text[0] = '\0';
    rc = pmi_client_wire(sv[0], 0, 2, NULL, NULL, &c, err);
    if (rc < 0)
        close(sv[0]);
    pmi_client_free(c);
    close(sv[1]);
    return rc;
}

#define HELLO "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0\n"
#define MAXES "cmd=maxes kvsname_max=256 keylen_max=64 vallen_max=1024\n"
#define NAME "cmd=my_kvsname kvsname=7.0\n"

START_TEST(odd_servers_are_told_apart)
{
    static char flood[10000];
    flux_error_t err;

    ck_assert_int_eq(open_against("", &err), -ECONNRESET);
    ck_assert_str_eq(err.text, "PMI: response_to_init: the launcher hung up");
    ck_assert_int_eq(open_against("HTTP/1.0 400 Bad\n", &err), -EPROTO);
    ck_assert_str_eq(err.text,
                     "PMI: response_to_init: the launcher does not speak PMI-1");
    ck_assert_int_eq(
        open_against("cmd=response_to_init rc=-1 pmi_version=2 pmi_subversion=0\n", &err),
        -EREMOTEIO);
    ck_assert_int_eq(
        open_against("cmd=response_to_init rc=0 pmi_version=2 pmi_subversion=0\n", &err),
        -EPROTO);
    ck_assert_str_eq(err.text, "PMI: the launcher speaks version 2, not 1");
    ck_assert_int_eq(open_against(HELLO "cmd=maxes rc=0\n", &err), -EPROTO);
    ck_assert_int_eq(open_against(HELLO MAXES, &err), -ECONNRESET);
    ck_assert_int_eq(open_against(HELLO MAXES "cmd=my_kvsname rc=0\n", &err), -EPROTO);
    memset(flood, 'x', sizeof(flood) - 1);
    ck_assert_int_eq(open_against(flood, &err), -EPROTO);
    /* Servers that do not know of appnum and universe_size, and say no rc. */
    ck_assert_int_eq(open_against(HELLO MAXES NAME "cmd=appnum rc=-1\n"
                                                   "cmd=universe_size rc=-1\n",
                                  &err),
                     0);
}
END_TEST

START_TEST(values_over_the_limit_are_not_sent)
{
    struct pmi_client *c;
    flux_error_t err;
    char value[1025];

    world_begin(&w, NULL);
    ck_assert_int_eq(pmi_client_wire(w.client[0], 0, 4, NULL, NULL, &c, &err), 0);
    memset(value, 'v', 1024);
    value[1024] = '\0';
    ck_assert_int_eq(pmi_client_put(c, "k", value, &err), -EINVAL);
    ck_assert_int_eq(pmi_client_put(c, "k k", "v", &err), -EINVAL);
    ck_assert_int_eq(pmi_client_put(c, "k", "a\nb", &err), -EINVAL);
    value[1023] = '\0';
    ck_assert_int_eq(pmi_client_put(c, "k", value, &err), 0);
    pmi_client_free(c);
    for (int i = 1; i < WORLD_RANKS; i++)
        close(w.client[i]);
    world_end(&w);
}
END_TEST

static char traced[4096];

static void trace_cb(bool sent, const char *line, void *arg)
{
    strcat(traced, sent ? ">" : "<");
    strcat(traced, line);
    strcat(traced, ";");
}

START_TEST(lines_are_traced)
{
    struct pmi_client *c;

    world_begin(&w, NULL);
    ck_assert_int_eq(pmi_client_wire(w.client[0], 0, 4, trace_cb, NULL, &c, NULL), 0);
    ck_assert_ptr_nonnull(
        strstr(traced, ">cmd=get_my_kvsname;<cmd=my_kvsname rc=0 kvsname=world;"));
    pmi_client_free(c);
    for (int i = 1; i < WORLD_RANKS; i++)
        close(w.client[i]);
    world_end(&w);
}
END_TEST

START_TEST(one_alone_gets_what_it_put)
{
    struct pmi_client *c;
    char *got;

    ck_assert_int_eq(pmi_client_single(&c), 0);
    ck_assert_int_eq(pmi_client_facts(c)->size, 1);
    ck_assert_int_eq(pmi_client_get(c, "a", &got, NULL), -ENOENT);
    ck_assert_int_eq(pmi_client_put(c, "a", "1", NULL), 0);
    ck_assert_int_eq(pmi_client_barrier(c, NULL), 0);
    ck_assert_int_eq(pmi_client_get(c, "a", &got, NULL), 0);
    ck_assert_str_eq(got, "1");
    free(got);
    ck_assert_int_eq(pmi_client_finalize(c, NULL), 0);
    pmi_client_free(c);
}
END_TEST

/* ---- by a shared library ---- */

static void set_env(int rank)
{
    char fd[16], r[16];

    snprintf(fd, sizeof(fd), "%d", w.client[rank]);
    snprintf(r, sizeof(r), "%d", rank);
    setenv("PMI_FD", fd, 1);
    setenv("PMI_RANK", r, 1);
    setenv("PMI_SIZE", "4", 1);
}

START_TEST(a_library_serves_as_well)
{
    const char *const names[] = {"/nonexistent/libpmi.so", LIBPMI, NULL};
    const struct pmi_facts *f;
    struct pmi_client *c;
    flux_error_t err;
    char *got;

    world_begin(&w, NULL);
    set_env(1);
    ck_assert_int_eq(pmi_client_dso(names, NULL, NULL, &c, &err), 0);
    f = pmi_client_facts(c);
    ck_assert_int_eq(f->rank, 1);
    ck_assert_int_eq(f->size, 4);
    ck_assert_int_eq(f->universe_size, 64);
    ck_assert_str_eq(f->kvsname, "world");
    ck_assert_int_eq(pmi_client_put(c, "a", "1 = 1", &err), 0);
    ck_assert_int_eq(pmi_client_get(c, "a", &got, &err), 0);
    ck_assert_str_eq(got, "1 = 1");
    free(got);
    ck_assert_int_eq(pmi_client_get(c, "b", &got, &err), -ENOENT);
    ck_assert_int_eq(pmi_client_finalize(c, &err), 0);
    pmi_client_free(c);
    for (int i = 0; i < WORLD_RANKS; i++) {
        if (i != 1)
            close(w.client[i]);
    }
    world_end(&w);
}
END_TEST

START_TEST(other_libraries_do_not)
{
    const char *const none[] = {"/nonexistent/libpmi.so", NULL};
    const char *const other[] = {"libc.so.6", NULL};
    struct pmi_client *c;
    flux_error_t err;

    ck_assert_int_eq(pmi_client_dso(none, NULL, NULL, &c, &err), -ELIBACC);
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/libpmi.so"));
    ck_assert_int_eq(pmi_client_dso(other, NULL, NULL, &c, &err), -ELIBBAD);
    ck_assert_str_eq(err.text, "PMI: libc.so.6 has no PMI_Init");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pmi/client");
    TCase *tc = tcase_create("client");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_client_learns_the_facts);
    tcase_add_test(tc, clients_exchange_values);
    tcase_add_test(tc, odd_servers_are_told_apart);
    tcase_add_test(tc, values_over_the_limit_are_not_sent);
    tcase_add_test(tc, lines_are_traced);
    tcase_add_test(tc, one_alone_gets_what_it_put);
    tcase_add_test(tc, a_library_serves_as_well);
    tcase_add_test(tc, other_libraries_do_not);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
