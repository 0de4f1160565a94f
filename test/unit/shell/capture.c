#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "env/pipe.h"
#include "shell/capture.h"
#include "suite.h"

static struct env *env;
static struct loop *loop;
static int fds[2];
static struct buf got;
static int eofs;

static void note(unsigned tag, const char *data, size_t len, void *arg)
{
    ck_assert_uint_eq(tag, 7);
    if (len == 0) {
        eofs++;
        return;
    }
    buf_addc(&got, '[');
    buf_add(&got, data, len);
    buf_addc(&got, ']');
}

static struct capture *begin(bool by_line)
{
    struct capture *c;
    ck_assert_int_eq(env_new_real(&env), 0);
    ck_assert_int_eq(loop_new(env, &loop), 0);
    ck_assert_int_eq(pipe_open(env, fds), 0);
    ck_assert_int_eq(capture_new(loop, fds[0], by_line, note, 7, NULL, &c), 0);
    return c;
}

static void put(const char *s)
{
    ck_assert_int_eq(write(fds[1], s, strlen(s)), (ssize_t)strlen(s));
    loop_run(loop, LOOP_NOWAIT);
}

static void end(struct capture *c)
{
    capture_free(c);
    loop_unref(loop);
    env_unref(env);
    buf_free(&got);
}

START_TEST(lines_are_passed_on_whole)
{
    struct capture *c = begin(true);
    put("a\nb\nc");
    ck_assert_str_eq(got.data, "[a\nb\n]");
    put("d\ne\nf");
    ck_assert_str_eq(got.data, "[a\nb\n][cd\n][e\n]");
    ck_assert_int_eq(eofs, 0);
    close(fds[1]);
    loop_run(loop, 0);
    ck_assert_str_eq(got.data, "[a\nb\n][cd\n][e\n][f]");
    ck_assert_int_eq(eofs, 1);
    end(c);
}
END_TEST

START_TEST(bytes_are_passed_on_as_they_come_when_unbuffered)
{
    struct capture *c = begin(false);
    put("ab");
    put("c\nd");
    ck_assert_str_eq(got.data, "[ab][c\nd]");
    close(fds[1]);
    end(c);
}
END_TEST

START_TEST(finish_takes_what_is_there_although_another_holds_the_pipe)
{
    struct capture *c = begin(true);
    ck_assert_int_eq(write(fds[1], "tail", 4), 4);
    capture_finish(c);
    ck_assert_str_eq(got.data, "[tail]");
    ck_assert_int_eq(eofs, 1);
    capture_finish(c);
    ck_assert_int_eq(eofs, 1);
    close(fds[1]);
    end(c);
}
END_TEST

START_TEST(a_line_without_end_is_passed_on_in_pieces)
{
    struct capture *c = begin(true);
    char block[4096];
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 32; i++) {
        ck_assert_int_eq(write(fds[1], block, sizeof(block)), sizeof(block));
        loop_run(loop, LOOP_NOWAIT);
    }
    ck_assert_uint_ge(got.len, 65536);
    close(fds[1]);
    loop_run(loop, 0);
    size_t n = 0;
    for (size_t i = 0; i < got.len; i++)
        n += got.data[i] == 'x';
    ck_assert_uint_eq(n, 32 * sizeof(block));
    end(c);
}
END_TEST

SUITE_MAIN("capture", lines_are_passed_on_whole,
           bytes_are_passed_on_as_they_come_when_unbuffered,
           finish_takes_what_is_there_although_another_holds_the_pipe,
           a_line_without_end_is_passed_on_in_pieces)
