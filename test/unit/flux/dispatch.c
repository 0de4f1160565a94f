/* Message handlers over loop://. */
#include <errno.h>
#include <string.h>

#include <flux/core.h>

#include "suite.h"

static flux_t *h;
static char trace[256];
static struct flux_msglist *responses;
static flux_msg_handler_t *catcher;

static void catch_cb(flux_t *handle, flux_msg_handler_t *mh, const flux_msg_t *msg,
                     void *arg)
{
    OK(flux_msglist_append(responses, msg));
}

/* Responses come back to the handle, too: they are kept for the test to look at. */
static void open_handle(void)
{
    h = flux_open("loop://", 0);
    ck_assert_ptr_nonnull(h);
    trace[0] = '\0';
    responses = flux_msglist_create();
    catcher = flux_msg_handler_create(h, FLUX_MATCH_RESPONSE, catch_cb, NULL);
    flux_msg_handler_allow_rolemask(catcher, FLUX_ROLE_ALL);
    flux_msg_handler_start(catcher);
}

static void close_handle(void)
{
    flux_msglist_destroy(responses);
    flux_msg_handler_destroy(catcher);
    flux_close(h);
}

static void send_type(flux_msg_t *msg)
{
    ck_assert_ptr_nonnull(msg);
    OK(flux_send_new(h, &msg, 0));
}

static void send_request(const char *topic)
{
    send_type(flux_request_encode(topic, NULL));
}

static void set_role(uint32_t rolemask)
{
    OK(flux_opt_set(h, FLUX_OPT_TESTING_ROLEMASK, &rolemask, sizeof(rolemask)));
}

static void run(void)
{
    ck_assert_int_ge(flux_reactor_run(flux_get_reactor(h), FLUX_REACTOR_NOWAIT), 0);
}

/* The next response. */
static int next_errnum(const char **text)
{
    static char buf[128];
    const flux_msg_t *msg = flux_msglist_pop(responses);
    const char *s = NULL;
    int errnum;

    ck_assert_ptr_nonnull(msg);
    OK(flux_msg_get_errnum(msg, &errnum));
    flux_msg_get_string(msg, &s);
    snprintf(buf, sizeof(buf), "%s", s ? s : "");
    if (text)
        *text = buf;
    flux_msg_decref(msg);
    return errnum;
}

static void note_cb(flux_t *handle, flux_msg_handler_t *mh, const flux_msg_t *msg,
                    void *arg)
{
    const char *topic;

    ck_assert_ptr_eq(handle, h);
    OK(flux_msg_get_topic(msg, &topic));
    strcat(trace, arg ? arg : topic);
    strcat(trace, " ");
}

static flux_msg_handler_t *add(int type, const char *topic, flux_msg_handler_f cb,
                               void *arg)
{
    struct flux_match m = FLUX_MATCH_ANY;
    flux_msg_handler_t *mh;

    m.typemask = type;
    m.topic_glob = topic;
    mh = flux_msg_handler_create(h, m, cb, arg);
    ck_assert_ptr_nonnull(mh);
    flux_msg_handler_start(mh);
    return mh;
}

START_TEST(a_request_goes_to_the_handler_of_its_topic)
{
    flux_msg_handler_t *a, *b;

    open_handle();
    a = add(FLUX_MSGTYPE_REQUEST, "x.a", note_cb, "A");
    b = add(FLUX_MSGTYPE_REQUEST, "x.b", note_cb, "B");
    send_request("x.b");
    send_request("x.a");
    run();
    ck_assert_str_eq(trace, "B A ");
    flux_msg_handler_destroy(a);
    flux_msg_handler_destroy(b);
    close_handle();
}
END_TEST

START_TEST(exact_topics_come_before_globs_and_the_latest_first)
{
    flux_msg_handler_t *mh[4];

    open_handle();
    mh[0] = add(FLUX_MSGTYPE_REQUEST, "x.a", note_cb, "old");
    mh[1] = add(FLUX_MSGTYPE_REQUEST, "x.a", note_cb, "new");
    mh[2] = add(FLUX_MSGTYPE_REQUEST, "x.*", note_cb, "glob");
    mh[3] = add(FLUX_MSGTYPE_REQUEST, NULL, note_cb, "any");
    send_request("x.a");
    send_request("x.c");
    run();
    ck_assert_str_eq(trace, "new any ");
    flux_msg_handler_stop(mh[1]);
    flux_msg_handler_destroy(mh[3]);
    send_request("x.a");
    send_request("x.c");
    run();
    ck_assert_str_eq(trace, "new any old glob ");
    for (int i = 0; i < 3; i++)
        flux_msg_handler_destroy(mh[i]);
    close_handle();
}
END_TEST

START_TEST(an_event_goes_to_all_who_match)
{
    flux_msg_handler_t *mh[3];

    open_handle();
    mh[0] = add(FLUX_MSGTYPE_EVENT, "e.*", note_cb, "1");
    mh[1] = add(FLUX_MSGTYPE_EVENT, "e.x", note_cb, "2");
    mh[2] = add(FLUX_MSGTYPE_EVENT, "f", note_cb, "3");
    send_type(flux_event_encode("e.x", NULL));
    run();
    ck_assert_int_eq(strlen(trace), 4);
    ck_assert_ptr_nonnull(strchr(trace, '1'));
    ck_assert_ptr_nonnull(strchr(trace, '2'));
    for (int i = 0; i < 3; i++)
        flux_msg_handler_destroy(mh[i]);
    close_handle();
}
END_TEST

START_TEST(a_request_for_nobody_is_answered_enosys)
{
    flux_msg_handler_t *mh;
    const char *text;

    open_handle();
    mh = add(FLUX_MSGTYPE_REQUEST, "x.a", note_cb, NULL);
    send_request("x.nope");
    run();
    ck_assert_int_eq(next_errnum(&text), ENOSYS);
    ck_assert_str_eq(text, "Unknown service method 'x.nope'");
    flux_msg_handler_destroy(mh);
    close_handle();
}
END_TEST

START_TEST(a_request_without_response_for_nobody_is_dropped)
{
    flux_msg_handler_t *mh;
    flux_msg_t *msg;

    open_handle();
    mh = add(FLUX_MSGTYPE_REQUEST, "x.a", note_cb, NULL);
    msg = flux_request_encode("x.nope", NULL);
    flux_msg_set_noresponse(msg);
    send_type(msg);
    run();
    ck_assert_int_eq(flux_msglist_count(responses), 0);
    flux_msg_handler_destroy(mh);
    close_handle();
}
END_TEST

START_TEST(guests_are_refused_unless_allowed)
{
    flux_msg_handler_t *mh;
    const char *text;

    open_handle();
    mh = add(FLUX_MSGTYPE_REQUEST, "x.a", note_cb, NULL);
    set_role(FLUX_ROLE_USER);
    send_request("x.a");
    run();
    ck_assert_str_eq(trace, "");
    ck_assert_int_eq(next_errnum(&text), EPERM);
    ck_assert_str_eq(text, "Request requires owner credentials");
    flux_msg_handler_allow_rolemask(mh, FLUX_ROLE_USER);
    send_request("x.a");
    run();
    ck_assert_str_eq(trace, "x.a ");
    flux_msg_handler_deny_rolemask(mh, FLUX_ROLE_ALL);
    send_request("x.a");
    run();
    ck_assert_int_eq(next_errnum(NULL), EPERM);
    set_role(FLUX_ROLE_OWNER); /* cannot be denied */
    send_request("x.a");
    run();
    ck_assert_str_eq(trace, "x.a x.a ");
    flux_msg_handler_destroy(mh);
    close_handle();
}
END_TEST

START_TEST(a_guests_event_is_dropped_unless_allowed)
{
    flux_msg_handler_t *mh;

    open_handle();
    mh = add(FLUX_MSGTYPE_EVENT, "e", note_cb, NULL);
    set_role(FLUX_ROLE_USER);
    send_type(flux_event_encode("e", NULL));
    run();
    ck_assert_str_eq(trace, "");
    flux_msg_handler_allow_rolemask(mh, FLUX_ROLE_ALL);
    send_type(flux_event_encode("e", NULL));
    run();
    ck_assert_str_eq(trace, "e ");
    flux_msg_handler_destroy(mh);
    close_handle();
}
END_TEST

START_TEST(a_response_is_matched_by_its_tag)
{
    struct flux_match m = FLUX_MATCH_RESPONSE;
    flux_msg_handler_t *mh;
    flux_msg_t *msg;

    open_handle();
    m.matchtag = flux_matchtag_alloc(h);
    mh = flux_msg_handler_create(h, m, note_cb, "mine");
    flux_msg_handler_start(mh);
    for (uint32_t tag = m.matchtag; tag < m.matchtag + 2; tag++) {
        msg = flux_response_encode("t", NULL);
        flux_msg_set_matchtag(msg, tag);
        send_type(msg);
    }
    run();
    ck_assert_str_eq(trace, "mine ");
    flux_msg_handler_destroy(mh);
    flux_matchtag_free(h, m.matchtag);
    close_handle();
}
END_TEST

static void destroy_self_cb(flux_t *handle, flux_msg_handler_t *mh, const flux_msg_t *msg,
                            void *arg)
{
    strcat(trace, "gone ");
    flux_msg_handler_destroy(mh);
}

static flux_msg_handler_t *victim;

static void destroy_other_cb(flux_t *handle, flux_msg_handler_t *mh,
                             const flux_msg_t *msg, void *arg)
{
    strcat(trace, "killer ");
    flux_msg_handler_destroy(victim);
    victim = NULL;
}

START_TEST(handlers_may_be_destroyed_while_one_runs)
{
    flux_msg_handler_t *mh;

    open_handle();
    victim = add(FLUX_MSGTYPE_EVENT, "e", note_cb, "victim");
    mh = add(FLUX_MSGTYPE_EVENT, "e", destroy_other_cb, NULL);
    add(FLUX_MSGTYPE_EVENT, "e", destroy_self_cb, NULL);
    send_type(flux_event_encode("e", NULL));
    send_type(flux_event_encode("e", NULL));
    run();
    ck_assert_str_eq(trace, "gone killer killer ");
    flux_msg_handler_destroy(mh);
    close_handle();
}
END_TEST

static void answer_cb(flux_t *handle, flux_msg_handler_t *mh, const flux_msg_t *msg,
                      void *arg)
{
    OK(flux_respond_pack(handle, msg, "{s:i}", "n", 5));
}

static const struct flux_msg_handler_spec table[] = {
    {FLUX_MSGTYPE_REQUEST, "one", answer_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "two", answer_cb, FLUX_ROLE_USER},
    FLUX_MSGHANDLER_TABLE_END,
};

START_TEST(a_table_makes_a_service)
{
    flux_msg_handler_t **handlers;

    open_handle();
    OK(flux_msg_handler_addvec_ex(h, "svc", table, NULL, &handlers));
    ck_assert_ptr_null(handlers[2]);
    set_role(FLUX_ROLE_USER);
    send_request("svc.one");
    send_request("svc.two");
    send_request("one");
    run();
    ck_assert_int_eq(next_errnum(NULL), EPERM);
    ck_assert_int_eq(next_errnum(NULL), 0);
    ck_assert_int_eq(next_errnum(NULL), ENOSYS);
    flux_msg_handler_delvec(handlers);
    FAILS(flux_msg_handler_addvec(h, NULL, NULL, &handlers), EINVAL);
    close_handle();
}
END_TEST

START_TEST(the_reactor_ends_when_the_last_handler_stops)
{
    flux_msg_handler_t *mh;

    open_handle();
    mh = add(FLUX_MSGTYPE_REQUEST, "x", note_cb, NULL);
    ck_assert_int_gt(flux_reactor_run(flux_get_reactor(h), FLUX_REACTOR_NOWAIT), 0);
    flux_msg_handler_stop(mh);
    flux_msg_handler_stop(catcher);
    ck_assert_int_eq(flux_reactor_run(flux_get_reactor(h), 0), 0);
    flux_msg_handler_destroy(mh);
    close_handle();
}
END_TEST

START_TEST(handlers_that_outlive_the_handle_can_be_destroyed)
{
    flux_msg_handler_t *a, *b;

    open_handle();
    a = add(FLUX_MSGTYPE_ANY, NULL, note_cb, NULL);
    b = add(FLUX_MSGTYPE_REQUEST, "t", note_cb, NULL);
    close_handle();
    flux_msg_handler_stop(a);
    flux_msg_handler_destroy(a);
    flux_msg_handler_destroy(b);
}
END_TEST

static void count_cb(flux_t *handle, flux_msg_handler_t *mh, const flux_msg_t *msg,
                     void *arg)
{
    ++*(int *)arg;
}

START_TEST(more_than_a_batch_is_handled)
{
    flux_msg_handler_t *mh;
    int n = 0;

    open_handle();
    mh = add(FLUX_MSGTYPE_REQUEST, "x", count_cb, &n);
    for (int i = 0; i < 5000; i++)
        send_request("x");
    while (n < 5000)
        run();
    flux_msg_handler_destroy(mh);
    close_handle();
}
END_TEST

static void clone_cb(flux_t *c, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    strcat(trace, "clone ");
    flux_reactor_stop(flux_get_reactor(c));
}

START_TEST(a_clone_gives_back_what_it_does_not_want)
{
    struct flux_match m = FLUX_MATCH_REQUEST;
    flux_msg_handler_t *mine, *its;
    flux_t *c;

    open_handle();
    mine = add(FLUX_MSGTYPE_REQUEST, "mine", note_cb, NULL);
    c = flux_clone(h);
    m.topic_glob = "its";
    its = flux_msg_handler_create(c, m, clone_cb, NULL);
    flux_msg_handler_start(its);
    send_request("mine");
    send_request("its");
    flux_reactor_run(flux_get_reactor(c), 0);
    ck_assert_str_eq(trace, "clone ");
    OK(flux_dispatch_requeue(c));
    run();
    ck_assert_str_eq(trace, "clone mine ");
    flux_msg_handler_destroy(its);
    flux_close(c);
    flux_msg_handler_destroy(mine);
    close_handle();
}
END_TEST

START_TEST(what_came_before_the_handler_is_delivered)
{
    flux_msg_handler_t *mh;

    open_handle();
    flux_msg_handler_stop(catcher);
    send_request("x");
    mh = add(FLUX_MSGTYPE_REQUEST, "x", note_cb, NULL);
    run();
    ck_assert_str_eq(trace, "x ");
    flux_msg_handler_destroy(mh);
    close_handle();
}
END_TEST

SUITE_MAIN("flux/dispatch", what_came_before_the_handler_is_delivered,
           a_request_goes_to_the_handler_of_its_topic,
           exact_topics_come_before_globs_and_the_latest_first,
           an_event_goes_to_all_who_match, a_request_for_nobody_is_answered_enosys,
           a_request_without_response_for_nobody_is_dropped,
           guests_are_refused_unless_allowed, a_guests_event_is_dropped_unless_allowed,
           a_response_is_matched_by_its_tag, handlers_may_be_destroyed_while_one_runs,
           a_table_makes_a_service, the_reactor_ends_when_the_last_handler_stops,
           handlers_that_outlive_the_handle_can_be_destroyed,
           more_than_a_batch_is_handled, a_clone_gives_back_what_it_does_not_want)
