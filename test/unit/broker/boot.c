/* Which method is taken, and booting by PMI: four brokers on threads against the server. */
#include "boot_fixture.h"
#include "../pmi/world.h"
#include "broker/boot_card.h"

static const char *method(void)
{
    struct boot_conf c = {.loop = loop,
                          .attrs = attrs,
                          .conf = flux_conf_create(),
                          .environment = (char *const *)environment,
                          .hostname = "here",
                          .rundir = top};
    const char *name = NULL;

    boot_free(boot);
    boot = NULL;
    boot_rc = boot_new(&c, &boot, &boot_err);
    if (boot_rc == 0)
        name = boot_info(boot)->method;
    flux_conf_decref(c.conf);
    return name;
}

static void set_attr(const char *name, const char *value)
{
    ck_assert_int_eq(attrs_set(attrs, name, value, ATTR_BOOT), 0);
}

START_TEST(what_is_there_decides)
{
    ck_assert_str_eq(method(), "single");
    environment[0] = "PMI_FD=0";
    environment[1] = "PMI_RANK=1";
    environment[2] = "PMI_SIZE=4";
    ck_assert_str_eq(method(), "simple");
    environment[0] = "PMI_FD=987"; /* the variable is inherited, the descriptor is not */
    ck_assert_str_eq(method(), "single");
    environment[0] = "PMI_LIBRARY=/x/libpmi.so";
    ck_assert_str_eq(method(), "libpmi");
    environment[0] = "SLURM_STEP_ID=0";
    environment[1] = "SLURM_PROCID=1";
    environment[2] = "SLURM_STEP_NUM_TASKS=4";
    ck_assert_str_eq(method(), "libpmi");
    environment[3] = "FLUX_PMI_SINGLETON=1";
    ck_assert_str_eq(method(), "single");
    environment[3] = NULL;
    environment[2] = "SLURM_STEP_NUM_TASKS=1";
    ck_assert_str_eq(method(), "single");
    environment[2] = "SLURM_NTASKS=4"; /* a batch script: no step */
    environment[0] = "SLURM_JOB_ID=5";
    ck_assert_str_eq(method(), "single");
}
END_TEST

START_TEST(the_user_decides_before_that)
{
    environment[0] = "PMI_FD=0";
    environment[1] = "PMI_RANK=0";
    environment[2] = "PMI_SIZE=4";
    environment[3] = "FLUX_PMI_CLIENT_METHODS=libpmi2 libpmi single";
    ck_assert_str_eq(method(), "single");
    environment[3] = "FLUX_PMI_CLIENT_METHODS=libpmi:/x/libpmi.so simple";
    ck_assert_str_eq(method(), "libpmi");
    environment[3] = "FLUX_PMI_CLIENT_METHODS=pigeon";
    ck_assert_ptr_null(method());
    ck_assert_ptr_nonnull(strstr(boot_err.text, "no such method 'pigeon'"));
    environment[3] = "FLUX_PMI_CLIENT_METHODS=libpmi";
    ck_assert_ptr_null(method());
    set_attr("boot.method", "single");
    ck_assert_str_eq(method(), "single");
    set_attr("boot.method", "pmi");
    environment[3] = NULL;
    ck_assert_str_eq(method(), "simple");
    set_attr("boot.method", "pigeon");
    ck_assert_ptr_null(method());
    ck_assert_str_eq(boot_err.text, "boot.method: no such method 'pigeon' (single, "
                                    "config, pmi, simple, libpmi)");
}
END_TEST

START_TEST(odd_environments_are_named)
{
    environment[0] = "PMI_FD=0";
    environment[1] = "PMI_RANK=4";
    environment[2] = "PMI_SIZE=4";
    ck_assert_ptr_null(method());
    ck_assert_str_eq(boot_err.text,
                     "PMI_FD=0, but PMI_RANK=4 and PMI_SIZE=4 make no sense");
}
END_TEST

START_TEST(one_alone_has_a_place)
{
    ck_assert_int_eq(try_boot("here", NULL), 0);
    ck_assert_int_eq(boot_info(boot)->size, 1);
    ck_assert_int_eq(boot_info(boot)->rank, 0);
    ck_assert_int_eq(topo_size(boot_info(boot)->topo), 1);
    boot_rc = -1;
    boot_exchange(boot, NULL, boot_done, NULL);
    loop_run(loop, 0);
    ck_assert_int_eq(boot_rc, 0);
}
END_TEST

START_TEST(a_library_that_is_not_there_is_named)
{
    environment[0] = "PMI_LIBRARY=/nonexistent/libpmi.so";
    ck_assert_int_eq(try_boot("here", NULL), -ELIBACC);
    ck_assert_ptr_nonnull(strstr(boot_err.text, "/nonexistent/libpmi.so"));
}
END_TEST

/* ---- four brokers ---- */

static struct world w;

struct broker4 {
    int rank;
    struct env *env; /* of its own: a step that waits holds a worker of it */
    struct boot *boot;
    struct loop *loop;
    struct attrs *attrs;
    char hostname[16], vars[3][32];
    char *environment[8];
    flux_conf_t *conf;
    int rc;
    flux_error_t err;
};

static void done4(int rc, const flux_error_t *err, void *arg)
{
    struct broker4 *b = arg;

    b->rc = rc;
    b->err = *err;
}

static void make4(struct broker4 *b, int rank, const char *extra)
{
    b->rank = rank;
    ck_assert_int_eq(env_new_real(&b->env), 0);
    ck_assert_int_eq(loop_new(b->env, &b->loop), 0);
    ck_assert_int_eq(attrs_new(&b->attrs), 0);
    attrs_set(b->attrs, "tbon.topo", "kary:2", ATTR_BOOT);
    snprintf(b->hostname, sizeof(b->hostname), "node%d", rank);
    snprintf(b->vars[0], 32, "PMI_FD=%d", w.client[rank]);
    snprintf(b->vars[1], 32, "PMI_RANK=%d", rank);
    snprintf(b->vars[2], 32, "PMI_SIZE=4");
    for (int i = 0; i < 3; i++)
        b->environment[i] = b->vars[i];
    b->environment[3] = (char *)extra;
    b->conf = flux_conf_create();
}

static void *boot4(void *arg)
{
    struct broker4 *b = arg;
    struct boot_conf c = {.loop = b->loop,
                          .attrs = b->attrs,
                          .conf = b->conf,
                          .environment = b->environment,
                          .hostname = b->hostname,
                          .rundir = top};
    char address[128];

    if ((b->rc = boot_new(&c, &b->boot, &b->err)) < 0)
        return NULL;
    boot_start(b->boot, done4, b);
    loop_run(b->loop, 0);
    if (b->rc < 0)
        return NULL;
    snprintf(address, sizeof(address), "tcp://10.0.0.%d:1%d", b->rank, b->rank);
    boot_exchange(b->boot, boot_info(b->boot)->bind ? address : NULL, done4, b);
    loop_run(b->loop, 0);
    return NULL;
}

static void free4(struct broker4 *b)
{
    boot_free(b->boot);
    attrs_free(b->attrs);
    loop_unref(b->loop);
    flux_conf_decref(b->conf);
    env_unref(b->env);
}

static void run4(struct broker4 *b, const char *mapping, const char *extra)
{
    pthread_t threads[4];

    memset(b, 0, 4 * sizeof(*b));
    world_begin(&w, mapping);
    for (int i = 0; i < 4; i++)
        make4(&b[i], i, extra);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, boot4, &b[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void end4(struct broker4 *b)
{
    for (int i = 0; i < 4; i++)
        free4(&b[i]);
    world_end(&w);
}

START_TEST(four_find_each_other)
{
    static const char *const parents[] = {NULL, "tcp://10.0.0.0:10", "tcp://10.0.0.0:10",
                                          "tcp://10.0.0.1:11"};
    struct broker4 b[4];

    run4(b, "(vector,(0,4,1))", "FLUX_IPADDR_INTERFACE=lo");
    for (int i = 0; i < 4; i++) {
        const struct boot_info *info = boot_info(b[i].boot);

        ck_assert_msg(b[i].rc == 0, "rank %d: %s", i, b[i].err.text);
        ck_assert_int_eq(info->rank, i);
        ck_assert_int_eq(info->size, 4);
        ck_assert_str_eq(info->method, "simple");
        ck_assert_str_eq(info->jobid, "world");
        ck_assert_int_eq(memcmp(info->key, boot_info(b[0].boot)->key, 32), 0);
        if (parents[i])
            ck_assert_str_eq(info->parent, parents[i]);
        else
            ck_assert_ptr_null(info->parent);
        if (i < 2)
            ck_assert_str_eq(info->bind, "tcp://127.0.0.1:0");
        else
            ck_assert_ptr_null(info->bind);
    }
    ck_assert_str_eq(boot_info(b[0].boot)->hostlist, "node[0-3]");
    end4(b);
}
END_TEST

START_TEST(on_one_host_sockets_will_do)
{
    struct broker4 b[4];
    char want[128];

    run4(b, "(vector,(0,1,4))", NULL);
    ck_assert_msg(b[0].rc == 0 && b[1].rc == 0, "%s", b[1].err.text);
    snprintf(want, sizeof(want), "ipc://%s/tbon-1", top);
    ck_assert_str_eq(boot_info(b[1].boot)->bind, want);
    end4(b);
}
END_TEST

/* A boot of rank 1 alone, until it waits for the others. */
START_TEST(waiting_for_others_can_end)
{
    struct broker4 b = {0};
    struct boot_conf c;

    world_begin(&w, NULL);
    make4(&b, 1, NULL);
    c = (struct boot_conf){.loop = b.loop,
                           .attrs = b.attrs,
                           .conf = b.conf,
                           .environment = b.environment,
                           .hostname = "node1",
                           .rundir = top};
    ck_assert_int_eq(boot_new(&c, &b.boot, &b.err), 0);
    boot_start(b.boot, done4, &b);
    loop_run(b.loop, 0);
    ck_assert_int_eq(b.rc, 0);
    boot_exchange(b.boot, "tcp://10.0.0.1:1", done4, &b);
    boot_cancel(b.boot);
    boot_cancel(b.boot);
    loop_run(b.loop, 0);
    ck_assert_int_eq(b.rc, -ECANCELED);
    free4(&b);
    for (int i = 0; i < 4; i++) {
        if (i != 1)
            close(w.client[i]);
    }
    world_end(&w);
}
END_TEST

START_TEST(cards_survive_odd_characters)
{
    struct buf b = {0};
    char *host, *address;

    ck_assert_int_eq(boot_card_encode("h", "ipc:///tmp/a b=c,d%;", &b), 0);
    ck_assert_str_eq(b.data, "h,ipc:///tmp/a%20b%3Dc%2Cd%25%3B");
    ck_assert_int_eq(boot_card_decode(b.data, &host, &address), 0);
    ck_assert_str_eq(host, "h");
    ck_assert_str_eq(address, "ipc:///tmp/a b=c,d%;");
    free(host);
    free(address);
    buf_free(&b);
    ck_assert_int_eq(boot_card_decode("h,", &host, &address), 0);
    ck_assert_ptr_null(address);
    free(host);
    ck_assert_int_eq(boot_card_decode("", &host, &address), -EPROTO);
    ck_assert_int_eq(boot_card_decode("h", &host, &address), -EPROTO);
    ck_assert_int_eq(boot_card_decode(",x", &host, &address), -EPROTO);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("broker/boot");
    TCase *tc = tcase_create("boot");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, what_is_there_decides);
    tcase_add_test(tc, the_user_decides_before_that);
    tcase_add_test(tc, odd_environments_are_named);
    tcase_add_test(tc, one_alone_has_a_place);
    tcase_add_test(tc, a_library_that_is_not_there_is_named);
    tcase_add_test(tc, four_find_each_other);
    tcase_add_test(tc, on_one_host_sockets_will_do);
    tcase_add_test(tc, waiting_for_others_can_end);
    tcase_add_test(tc, cards_survive_odd_characters);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
