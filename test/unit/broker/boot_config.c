/* Booting by [bootstrap]: places, addresses, and what is wrong with a table. */
#include "boot_fixture.h"

static const flux_conf_t *conf;

/* The table's contents, without curve_cert, in TOML. */
static int try_table(const char *hostname, const char *text)
{
    char path[96];
    char full[4096];

    snprintf(path, sizeof(path), "%s/c.toml", top);
    snprintf(full, sizeof(full), "[bootstrap]\ncurve_cert = \"%s\"\n%s", key_path, text);
    write_file(path, full, 0644);
    flux_conf_decref(conf);
    conf = flux_conf_parse(path, &boot_err);
    ck_assert_msg(conf != NULL, "%s", boot_err.text);
    return try_boot(hostname, conf);
}

static void teardown(void)
{
    fixture_teardown();
    flux_conf_decref(conf);
    conf = NULL;
}

#define CLUSTER                                                                          \
    "default_port = 8050\n"                                                              \
    "default_bind = \"tcp://lo:%p\"\n"                                                   \
    "default_connect = \"tcp://e%h:%p\"\n"                                               \
    "hosts = [ { host = \"mgmt\", bind = \"tcp://*:9001\","                              \
    "            connect = \"tcp://mgmt-x:9001\" },"                                     \
    "          { host = \"node[1-64]\" } ]\n"

START_TEST(hosts_have_places)
{
    const struct boot_info *i;

    ck_assert_msg(try_table("mgmt", CLUSTER) == 0, "%s", boot_err.text);
    i = boot_info(boot);
    ck_assert_str_eq(i->method, "config");
    ck_assert_int_eq(i->rank, 0);
    ck_assert_int_eq(i->size, 65);
    ck_assert_str_eq(i->bind, "tcp://0.0.0.0:9001");
    ck_assert_ptr_null(i->parent);
    ck_assert_str_eq(i->hostlist, "mgmt,node[1-64]");
    ck_assert_int_eq(i->key[31], 31);
    ck_assert(i->encrypt);

    ck_assert_msg(try_table("node1", CLUSTER) == 0, "%s", boot_err.text);
    i = boot_info(boot);
    ck_assert_int_eq(i->rank, 1);
    ck_assert_str_eq(i->bind, "tcp://127.0.0.1:8050");
    ck_assert_str_eq(i->parent, "tcp://mgmt-x:9001");

    /* (33 - 1) / 32 */
    ck_assert_msg(try_table("node33.example.org", CLUSTER) == 0, "%s", boot_err.text);
    i = boot_info(boot);
    ck_assert_int_eq(i->rank, 33);
    ck_assert_ptr_null(i->bind);
    ck_assert_str_eq(i->parent, "tcp://enode1:8050");
}
END_TEST

START_TEST(the_second_step_has_nothing_to_do)
{
    ck_assert_int_eq(try_table("node1", CLUSTER), 0);
    boot_rc = -1;
    boot_exchange(boot, "tcp://127.0.0.1:8050", boot_done, NULL);
    loop_run(loop, 0);
    ck_assert_int_eq(boot_rc, 0);
    ck_assert_str_eq(boot_info(boot)->parent, "tcp://mgmt-x:9001");
}
END_TEST

START_TEST(a_pretended_hostname_counts)
{
    environment[0] = "FLUX_FAKE_HOSTNAME=node2";
    ck_assert_int_eq(try_table("elsewhere", CLUSTER), 0);
    ck_assert_int_eq(boot_info(boot)->rank, 2);
    ck_assert_str_eq(attrs_get(attrs, "hostname"), "node2");
}
END_TEST

START_TEST(without_hosts_it_is_alone)
{
    ck_assert_int_eq(try_table("any", ""), 0);
    ck_assert_int_eq(boot_info(boot)->size, 1);
    ck_assert_str_eq(boot_info(boot)->method, "config");
    ck_assert_int_eq(try_table("any", "hosts = []\n"), 0);
    ck_assert_int_eq(boot_info(boot)->size, 1);
}
END_TEST

START_TEST(shapes_are_chosen)
{
    const struct topo *t;

    ck_assert_int_eq(attrs_set(attrs, "tbon.topo", "kary:2", ATTR_BOOT), 0);
    ck_assert_int_eq(try_table("node5", CLUSTER), 0);
    ck_assert_str_eq(boot_info(boot)->parent, "tcp://enode2:8050");
    ck_assert_int_eq(attrs_set(attrs, "tbon.topo", "ring", ATTR_BOOT), 0);
    ck_assert_int_eq(try_table("node5", CLUSTER), -EINVAL);
    ck_assert_ptr_nonnull(strstr(boot_err.text, "ring"));
    attrs_free(attrs);
    ck_assert_int_eq(attrs_new(&attrs), 0);
    ck_assert_int_eq(try_table("node5", CLUSTER "\n[tbon]\ntopo = \"binomial\"\n"), 0);
    t = boot_info(boot)->topo;
    ck_assert_int_eq(topo_parent(t, 5), 4);
    ck_assert_str_eq(attrs_get(attrs, "tbon.topo"), "binomial");
}
END_TEST

#define TREE(parent3)                                                                    \
    "default_bind = \"tcp://*:1\"\ndefault_connect = \"tcp://%h:1\"\n"                   \
    "hosts = [{host = \"a\"}, {host = \"b\"}, {host = \"c\", parent = \"b\"},"           \
    "         {host = \"d\", parent = \"" parent3 "\"}]\n"

START_TEST(parents_make_a_tree)
{
    ck_assert_msg(try_table("d", TREE("c")) == 0, "%s", boot_err.text);
    ck_assert_str_eq(boot_info(boot)->parent, "tcp://c:1");
    ck_assert_int_eq(topo_parent(boot_info(boot)->topo, 2), 1);
    ck_assert_int_eq(topo_parent(boot_info(boot)->topo, 1), 0);
    ck_assert_int_eq(try_table("d", TREE("z")), -EINVAL);
    ck_assert_str_eq(boot_err.text,
                     "bootstrap.hosts: parent z of d is not among the hosts");
    ck_assert_int_eq(try_table("a", TREE("d")), -EINVAL);
    ck_assert_str_eq(boot_err.text, "bootstrap.hosts: d is to come after its parent d");
    ck_assert_int_eq(attrs_set(attrs, "tbon.topo", "kary:2", ATTR_BOOT), 0);
    ck_assert_int_eq(try_table("d", TREE("c")), -EINVAL);
    ck_assert_str_eq(
        boot_err.text,
        "bootstrap.hosts has parents, but tbon.topo is kary:2: make it custom");
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *host, *table, *why;
    } bad[] = {
        {"node65", CLUSTER,
         "bootstrap.hosts has no entry for this host, node65, among its 65"},
        {"a", "hosts = [{host = \"a\"}, {host = \"b,a\"}]\n",
         "bootstrap.hosts: a is rank 0 and rank 2: name it once"},
        {"a", "hosts = [{host = \"a\"}, {host = \"b\"}]\n",
         "a (rank 0) has children, but no address to listen at: set "
         "bootstrap.default_bind, or bind of its entry"},
        {"b", "hosts = [{host = \"a\"}, {host = \"b\"}]\n",
         "a (rank 0) is our parent, but has no address to connect to: set "
         "bootstrap.default_connect, or connect of its entry"},
        {"a", "default_bind = \"tcp://*:%p\"\nhosts = [{host = \"a\"}, {host = \"b\"}]\n",
         "address 'tcp://*:%p': %p needs bootstrap.default_port"},
        {"a", "default_bind = \"tcp://*:*\"\nhosts = [{host = \"a\"}, {host = \"b\"}]\n",
         "address 'tcp://*:*' of a needs a port, for its children to know"},
        {"b",
         "default_connect = \"tcp://*:5\"\nhosts = [{host = \"a\"}, {host = \"b\"}]\n",
         "address 'tcp://*:5': nobody can connect to that"},
        {"a", "default_port = 70000\n", "bootstrap.default_port: 70000 is no port"},
        {"a", "hosts = [{host = \"a[\"}]\n",
         "bootstrap.hosts[0]: 'a[' is no list of hosts"},
        {"a", "hosts = [{host = \"\"}]\n", "bootstrap.hosts[0]: '' is no list of hosts"},
        {"a", "hosts = \"a\"\n", "bootstrap.hosts: expected an array of tables"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_lt(try_table(bad[i].host, bad[i].table), 0);
        ck_assert_str_eq(boot_err.text, bad[i].why);
    }
    ck_assert_int_eq(try_table("a", "hosts = [{host = \"a\", adress = \"x\"}]\n"),
                     -EINVAL);
    ck_assert_ptr_nonnull(strstr(boot_err.text, "adress"));
    ck_assert_int_eq(try_table("a", "default_prt = 5\n"), -EINVAL);
    ck_assert_ptr_nonnull(strstr(boot_err.text, "default_prt"));
}
END_TEST

START_TEST(the_key_is_needed)
{
    ck_assert_int_eq(chmod(key_path, 0644), 0);
    ck_assert_int_eq(try_table("mgmt", CLUSTER), -EPERM);
    ck_assert_ptr_nonnull(strstr(boot_err.text, "others may read key file"));
    ck_assert_int_eq(unlink(key_path), 0);
    ck_assert_int_eq(try_table("mgmt", CLUSTER), -ENOENT);
    ck_assert_ptr_nonnull(strstr(boot_err.text, key_path));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("broker/boot_config");
    TCase *tc = tcase_create("boot_config");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(tc, fixture_setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, hosts_have_places);
    tcase_add_test(tc, the_second_step_has_nothing_to_do);
    tcase_add_test(tc, a_pretended_hostname_counts);
    tcase_add_test(tc, without_hosts_it_is_alone);
    tcase_add_test(tc, shapes_are_chosen);
    tcase_add_test(tc, parents_make_a_tree);
    tcase_add_test(tc, what_is_wrong_is_named);
    tcase_add_test(tc, the_key_is_needed);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
