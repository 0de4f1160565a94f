/* Logging: the form of a record, where it goes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <flux/core.h>

#include "suite.h"

static char last[4096];

static void catch_record(const char *buf, int len, void *arg)
{
    snprintf(last, sizeof(last), "%.*s", len, buf);
}

static flux_t *open_handle(void)
{
    flux_t *h = flux_open("loop://", 0);

    flux_log_set_redirect(h, catch_record, NULL);
    flux_log_set_appname(h, "my app");
    flux_log_set_procid(h, "7");
    return h;
}

START_TEST(a_record_has_the_form_of_rfc_5424)
{
    flux_t *h = open_handle();
    int level, year;
    char rest[256];

    errno = EPIPE;
    OK(flux_log(h, LOG_NOTICE, "one %d\ntwo\n", 1));
    ck_assert_int_eq(errno, EPIPE);
    ck_assert_int_eq(sscanf(last, "<%d>1 %d-%*[^Z]Z %[^\n]", &level, &year, rest), 3);
    ck_assert_int_eq(level, LOG_NOTICE << 3);
    ck_assert_int_ge(year, 2024);
    ck_assert_str_eq(rest, "- my_app 7 - - one 1 two");
    flux_log_set_hostname(h, "4");
    OK(flux_log(h, LOG_DEBUG, "x"));
    ck_assert_ptr_nonnull(strstr(last, "Z 4 my_app 7 - - x"));
    flux_close(h);
}
END_TEST

START_TEST(log_error_adds_the_text_of_errno)
{
    flux_t *h = open_handle();

    errno = ENOENT;
    flux_log_error(h, "open %s", "x");
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_ptr_nonnull(strstr(last, "- - open x: No such file or directory"));
    ck_assert_int_eq(atoi(last + 1), LOG_ERR << 3);
    flux_close(h);
}
END_TEST

START_TEST(long_texts_are_cut)
{
    flux_t *h = open_handle();
    char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    OK(flux_log(h, LOG_INFO, "%s", text));
    ck_assert_uint_gt(strlen(last), 2000);
    ck_assert_uint_lt(strlen(last), 2600);
    flux_close(h);
}
END_TEST

START_TEST(without_a_redirect_it_is_a_request_for_no_response)
{
    flux_t *h = flux_open("loop://", 0);
    const char *topic;
    const void *data;
    flux_msg_t *msg;
    size_t len;

    OK(flux_log(h, LOG_INFO, "hello"));
    msg = flux_recv(h, FLUX_MATCH_REQUEST, FLUX_O_NONBLOCK);
    ck_assert_ptr_nonnull(msg);
    OK(flux_request_decode_raw(msg, &topic, &data, &len));
    ck_assert_str_eq(topic, "log.append");
    ck_assert(flux_msg_is_noresponse(msg));
    ck_assert_ptr_nonnull(strstr(data, " - - hello"));
    flux_msg_destroy(msg);
    flux_close(h);
}
END_TEST

START_TEST(a_record_can_be_printed)
{
    flux_t *h = open_handle();
    char line[256] = "";
    FILE *f = tmpfile();

    OK(flux_log(h, LOG_WARNING, "be careful"));
    flux_log_fprint(last, (int)strlen(last), f);
    rewind(f);
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
    ck_assert_str_eq(line, "my_app: warning: be careful\n");
    fclose(f);
    flux_close(h);
}
END_TEST

START_TEST(strerror_knows_all_numbers)
{
    ck_assert_str_eq(flux_strerror(ENOENT), "No such file or directory");
    ck_assert_str_eq(flux_strerror(987654), "Unknown error");
}
END_TEST

SUITE_MAIN("flux/flog", a_record_has_the_form_of_rfc_5424,
           log_error_adds_the_text_of_errno, long_texts_are_cut,
           without_a_redirect_it_is_a_request_for_no_response, a_record_can_be_printed,
           strerror_knows_all_numbers)
