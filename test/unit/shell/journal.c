#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shell/journal.h"
#include "suite.h"

static struct place place;
static char jdir[128], path[160];

static void setup_place(void)
{
    place_make(&place);
    snprintf(jdir, sizeof(jdir), "%s/shell", place.dir);
    snprintf(path, sizeof(path), "%s/journal", jdir);
}

static struct journal_log open_log(struct journal **j)
{
    struct journal_log log;
    ck_assert_int_eq(journal_open(place.env, jdir, j, &log), 0);
    return log;
}

static void append(const char *text)
{
    struct file *f;
    ck_assert_int_eq(file_open(place.env, path, O_WRONLY | O_APPEND, 0, &f), 0);
    ck_assert_int_eq(file_append(f, text, strlen(text)), 0);
    file_close(f);
}

START_TEST(a_new_shell_reads_what_the_old_one_wrote)
{
    struct journal *j;
    setup_place();
    struct journal_log log = open_log(&j);
    char uuid[37];
    strcpy(uuid, journal_uuid(j));
    ck_assert_uint_eq(strlen(uuid), 36);
    ck_assert_uint_eq(umap_count(log.jobs), 0);
    journal_log_clear(&log);

    struct journal_task t = {.rank = 3, .pid = 4711, .start = 99887766554433ull};
    struct journal_end e = {.status = 256, .utime = 1.5, .stime = 0.25, .maxrss = 2048};
    journal_begin(j, 1);
    journal_begin(j, 2);
    journal_begin(j, 3);
    journal_task(j, 1, &t);
    journal_exception(j, 2, 0, "timeout", "two words\nand a line");
    journal_end(j, 2, &e);
    journal_end(j, 3, &e);
    journal_ack(j, 3);
    ck_assert_int_eq(journal_flush(j), 0);
    journal_close(j);

    log = open_log(&j);
    ck_assert_str_eq(journal_uuid(j), uuid);
    ck_assert_uint_eq(umap_count(log.jobs), 2); /* 3 can be forgotten */
    struct journal_job *one = umap_get(log.jobs, 1), *two = umap_get(log.jobs, 2);
    ck_assert(one && !one->ended && !one->type);
    ck_assert_uint_eq(one->ntasks, 1);
    ck_assert_uint_eq(one->tasks[0].rank, 3);
    ck_assert_int_eq(one->tasks[0].pid, 4711);
    ck_assert(one->tasks[0].start == 99887766554433ull);
    ck_assert(two && two->ended);
    ck_assert_int_eq(two->end.status, 256);
    ck_assert_double_eq(two->end.utime, 1.5);
    ck_assert_int_eq(two->end.maxrss, 2048);
    ck_assert_str_eq(two->type, "timeout");
    ck_assert_str_eq(two->note, "two words and a line");
    journal_log_clear(&log);
    journal_close(j);
    place_drop(&place);
}
END_TEST

START_TEST(a_torn_last_line_harms_neither_what_was_nor_what_comes)
{
    struct journal *j;
    setup_place();
    struct journal_log log = open_log(&j);
    journal_log_clear(&log);
    journal_begin(j, 7);
    journal_close(j);
    append("e 7 0 0.0"); /* torn: the job has not ended */
    log = open_log(&j);
    struct journal_job *job = umap_get(log.jobs, 7);
    ck_assert(job && !job->ended);
    journal_log_clear(&log);
    journal_begin(j, 8);
    journal_close(j);
    log = open_log(&j);
    ck_assert_uint_eq(umap_count(log.jobs), 2);
    ck_assert(!((struct journal_job *)umap_get(log.jobs, 7))->ended);
    journal_log_clear(&log);
    journal_close(j);
    place_drop(&place);
}
END_TEST

START_TEST(rubbish_is_skipped)
{
    static const char text[] = "J 1 9ab0f5f4-0000-4000-8000-000000000000\n"
                               "b 5\n\n?? 5\nb\nb x\ne 5 zero\nt 5 1 1 0\nt 5 0 900 12\n"
                               "e 6 0 0 0 0\n\x80\x81\nx 5 0\n";
    struct journal_log log;
    ck_assert_int_eq(journal_parse(text, sizeof(text) - 1, &log), 0);
    ck_assert_str_eq(log.uuid, "9ab0f5f4-0000-4000-8000-000000000000");
    ck_assert_uint_eq(umap_count(log.jobs), 1);
    struct journal_job *job = umap_get(log.jobs, 5);
    ck_assert(!job->ended && !job->type);
    ck_assert_uint_eq(job->ntasks, 1); /* process 1 is never ours */
    ck_assert_int_eq(job->tasks[0].pid, 900);
    journal_log_clear(&log);
}
END_TEST

START_TEST(processes_of_an_earlier_boot_are_forgotten)
{
    static const char text[] = "k 11111111-aaaa\nb 5\nt 5 0 900 12\n"
                               "k 22222222-bbbb\nb 6\nt 6 0 901 13\n"
                               "k 22222222-bbbb\n";
    struct journal_log log;
    ck_assert_int_eq(journal_parse(text, sizeof(text) - 1, &log), 0);
    ck_assert_uint_eq(((struct journal_job *)umap_get(log.jobs, 5))->ntasks, 0);
    ck_assert_uint_eq(((struct journal_job *)umap_get(log.jobs, 6))->ntasks, 1);
    journal_log_clear(&log);
}
END_TEST

START_TEST(one_shell_at_a_time)
{
    struct journal *j, *other;
    struct journal_log log, none;
    setup_place();
    log = open_log(&j);
    ck_assert_int_eq(journal_open(place.env, jdir, &other, &none), -EBUSY);
    journal_log_clear(&log);
    journal_close(j);
    log = open_log(&other);
    journal_log_clear(&log);
    journal_close(other);
    place_drop(&place);
}
END_TEST

static void save_nine(struct journal *j, void *arg)
{
    journal_begin(j, 9);
}

START_TEST(rewriting_keeps_what_is_given_and_the_mark)
{
    struct journal *j;
    char uuid[37];
    setup_place();
    struct journal_log log = open_log(&j);
    journal_log_clear(&log);
    strcpy(uuid, journal_uuid(j));
    for (int i = 0; i < 20000; i++)
        journal_begin(j, 100 + (unsigned)i);
    ck_assert_int_eq(journal_flush(j), 0);
    ck_assert(journal_is_large(j, true));
    ck_assert(!journal_is_large(j, false));
    ck_assert_int_eq(journal_rewrite(j, save_nine, NULL), 0);
    ck_assert(!journal_is_large(j, true));
    journal_begin(j, 10);
    journal_close(j);
    log = open_log(&j);
    ck_assert_str_eq(journal_uuid(j), uuid);
    ck_assert_uint_eq(umap_count(log.jobs), 2);
    ck_assert(umap_get(log.jobs, 9) && umap_get(log.jobs, 10));
    journal_log_clear(&log);
    journal_close(j);
    place_drop(&place);
}
END_TEST

SUITE_MAIN("journal", a_new_shell_reads_what_the_old_one_wrote,
           a_torn_last_line_harms_neither_what_was_nor_what_comes, rubbish_is_skipped,
           processes_of_an_earlier_boot_are_forgotten, one_shell_at_a_time,
           rewriting_keeps_what_is_given_and_the_mark)
