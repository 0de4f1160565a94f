#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/uri.h"
#include "suite.h"

static void becomes(const char *uri, enum uri_form form, const char *want)
{
    char *have = uri_transform(uri, form);

    ck_assert_str_eq(have, want);
    free(have);
}

START_TEST(uris_change_their_form)
{
    char host[256], here[512], text[512];

    ck_assert_int_eq(gethostname(host, sizeof(host)), 0);
    snprintf(here, sizeof(here), "ssh://%s/a/b", host);
    becomes("local:///a/b", URI_PLAIN, "local:///a/b");
    becomes("local:///a/b", URI_REMOTE, here);
    becomes("local:///a/b", URI_LOCAL, "local:///a/b");
    becomes(here, URI_LOCAL, "local:///a/b");
    becomes(here, URI_NEAR, "local:///a/b");
    becomes(here, URI_REMOTE, here);
    becomes("ssh://me@else.where:77/a/b", URI_LOCAL, "local:///a/b");
    becomes("ssh://me@else.where:77/a/b", URI_NEAR, "ssh://me@else.where:77/a/b");
    snprintf(text, sizeof(text), "ssh://me@%s:77/a/b", host);
    becomes(text, URI_NEAR, "local:///a/b");
    becomes("loop://", URI_REMOTE, "loop://");
    becomes("ssh://nopath", URI_LOCAL, "ssh://nopath");
}
END_TEST

static const struct {
    const char *target, *says;
} bad[] = {
    {"lsf:5", "unknown scheme (known: jobid, pid, slurm)"},
    {"pid:x", "not a process id"},
    {"pid:", "not a process id"},
    {"pid:999999999", "there is no process 999999999"},
    {"slurm:", "a Slurm job id is needed"},
    {"slurm:1;rm", "a Slurm job id is needed"},
    {"local:///x?far", "neither ?local nor ?remote"},
};

START_TEST(what_is_no_target_is_refused_with_the_reason)
{
    flux_error_t err = {{0}};

    ck_assert_ptr_null(uri_resolve(bad[_i].target, URI_PLAIN, false, &err));
    ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "%s", err.text);
}
END_TEST

START_TEST(a_question_at_the_end_asks_for_a_form)
{
    flux_error_t err;
    char *uri = uri_resolve("ssh://h/p?local", URI_PLAIN, false, &err);

    ck_assert_str_eq(uri, "local:///p");
    free(uri);
}
END_TEST

START_TEST(a_process_knows_its_instance)
{
    char *argv[] = {"cat", NULL}, *envp[] = {"FLUX_URI=local:///x", NULL};
    flux_error_t err = {{0}};
    char text[64], *uri, c;
    int ends[2];
    pid_t pid;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    if ((pid = fork()) == 0) {
        dup2(ends[1], 0);
        dup2(ends[1], 1);
        execve("/bin/cat", argv, envp);
        _exit(1);
    }
    close(ends[1]);
    ck_assert_int_eq(write(ends[0], "x", 1), 1);
    ck_assert_int_eq(read(ends[0], &c, 1), 1); /* it has exec'd, and runs */
    snprintf(text, sizeof(text), "pid:%d", (int)pid);
    uri = uri_resolve(text, URI_PLAIN, false, &err);
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_msg(uri, "%s", err.text);
    ck_assert_str_eq(uri, "local:///x");
    free(uri);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cli/uri");
    TCase *t = tcase_create("uri");

    tcase_set_timeout(t, 30);
    tcase_add_test(t, uris_change_their_form);
    tcase_add_loop_test(t, what_is_no_target_is_refused_with_the_reason, 0,
                        sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(t, a_question_at_the_end_asks_for_a_form);
    tcase_add_test(t, a_process_knows_its_instance);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
