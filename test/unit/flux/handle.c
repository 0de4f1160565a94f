/* Handles over loop://, where what is sent comes back. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <flux/core.h>

#include "suite.h"

static flux_t *h;

static void setup_handle(void)
{
    h = flux_open("loop://", 0);
    ck_assert_ptr_nonnull(h);
}

static void send_request(const char *topic)
{
    flux_msg_t *msg = flux_request_encode(topic, NULL);

    OK(flux_send(h, msg, 0));
    flux_msg_destroy(msg);
}

static struct flux_match match_topic(const char *topic)
{
    struct flux_match m = FLUX_MATCH_REQUEST;

    m.topic_glob = topic;
    return m;
}

static void expect(const char *topic)
{
    flux_msg_t *msg = flux_recv(h, FLUX_MATCH_ANY, FLUX_O_NONBLOCK);
    const char *t;

    ck_assert_ptr_nonnull(msg);
    OK(flux_msg_get_topic(msg, &t));
    ck_assert_str_eq(t, topic);
    flux_msg_destroy(msg);
}

START_TEST(open_names_the_schemes_it_knows)
{
    flux_error_t error;

    FAILS_NULL(flux_open_ex("other://host/path", 0, &error), EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "other://host/path"));
    ck_assert_ptr_nonnull(strstr(error.text, "local, loop, ssh"));
    FAILS_NULL(flux_open_ex("nonsense", 0, &error), EINVAL);
    FAILS_NULL(flux_open_ex("loop://", 0x10000, &error), EINVAL);
    FAILS_NULL(flux_open_ex("local:///nonexistent/x", 0, &error), ENOENT);
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent/x"));
}
END_TEST

START_TEST(open_takes_the_uri_of_the_environment)
{
    setenv("FLUX_URI", "loop://", 1);
    h = flux_open(NULL, 0);
    ck_assert_ptr_nonnull(h);
    flux_close(h);
    setenv("FLUX_URI", "local:///nonexistent/y", 1);
    FAILS_NULL(flux_open(NULL, 0), ENOENT);
    unsetenv("FLUX_URI");
}
END_TEST

START_TEST(an_ancestor_is_found_by_the_parents_uri)
{
    setenv("FLUX_URI", "loop://", 1);
    ck_assert_ptr_nonnull(h = flux_open(".", 0));
    flux_close(h);
    /* This one answers no question about its parent, and says so rather than hang. */
    ck_assert_ptr_nonnull(h = flux_open("..", 0));
    flux_close(h);
    ck_assert_ptr_nonnull(h = flux_open("/", 0));
    flux_close(h);
    unsetenv("FLUX_URI");
}
END_TEST

START_TEST(messages_come_in_the_order_they_were_sent)
{
    setup_handle();
    send_request("a");
    send_request("b");
    expect("a");
    expect("b");
    FAILS_NULL(flux_recv(h, FLUX_MATCH_ANY, FLUX_O_NONBLOCK), EAGAIN);
    FAILS_NULL(flux_recv(h, FLUX_MATCH_ANY, 0), EDEADLK);
    flux_close(h);
}
END_TEST

START_TEST(recv_keeps_what_does_not_match)
{
    flux_msg_t *msg;

    setup_handle();
    send_request("a");
    send_request("b");
    send_request("c");
    msg = flux_recv(h, match_topic("c"), 0);
    ck_assert_ptr_nonnull(msg);
    flux_msg_destroy(msg);
    FAILS_NULL(flux_recv(h, match_topic("d"), FLUX_O_NONBLOCK), EAGAIN);
    expect("a");
    expect("b");
    flux_close(h);
}
END_TEST

START_TEST(requeue_puts_back_at_either_end)
{
    flux_msg_t *msg;

    setup_handle();
    send_request("a");
    send_request("b");
    msg = flux_recv(h, FLUX_MATCH_ANY, 0);
    OK(flux_requeue(h, msg, FLUX_RQ_TAIL));
    flux_msg_decref(msg);
    /* What is put back comes before what is still to be read. */
    msg = flux_recv(h, match_topic("b"), 0);
    OK(flux_requeue(h, msg, FLUX_RQ_HEAD));
    flux_msg_decref(msg);
    expect("b");
    expect("a");
    FAILS(flux_requeue(h, msg, 7), EINVAL);
    flux_close(h);
}
END_TEST

START_TEST(send_checks_its_arguments_and_leaves_the_message_alone)
{
    flux_msg_t *msg = flux_request_encode("a", NULL);
    uint32_t userid;

    setup_handle();
    FAILS(flux_send(h, NULL, 0), EINVAL);
    FAILS(flux_send(h, msg, 0xff00), EINVAL);
    OK(flux_send(h, msg, 0));
    OK(flux_msg_get_userid(msg, &userid));
    ck_assert_uint_eq(userid, FLUX_USERID_UNKNOWN);
    OK(flux_send_new(h, &msg, 0));
    ck_assert_ptr_null(msg);
    expect("a");
    expect("a");
    flux_close(h);
}
END_TEST

START_TEST(the_senders_credentials_are_ours_or_those_under_test)
{
    uint32_t userid = 42, rolemask = FLUX_ROLE_USER;
    struct flux_msg_cred cred;
    flux_msg_t *msg;

    setup_handle();
    send_request("a");
    msg = flux_recv(h, FLUX_MATCH_ANY, 0);
    OK(flux_msg_get_cred(msg, &cred));
    ck_assert_uint_eq(cred.userid, getuid());
    ck_assert_uint_eq(cred.rolemask, FLUX_ROLE_OWNER);
    flux_msg_destroy(msg);
    OK(flux_opt_set(h, FLUX_OPT_TESTING_USERID, &userid, sizeof(userid)));
    OK(flux_opt_set(h, FLUX_OPT_TESTING_ROLEMASK, &rolemask, sizeof(rolemask)));
    FAILS(flux_opt_set(h, "nonsense", &userid, sizeof(userid)), EINVAL);
    send_request("a");
    msg = flux_recv(h, FLUX_MATCH_ANY, 0);
    OK(flux_msg_get_cred(msg, &cred));
    ck_assert_uint_eq(cred.userid, 42);
    ck_assert_uint_eq(cred.rolemask, FLUX_ROLE_USER);
    flux_msg_destroy(msg);
    flux_close(h);
}
END_TEST

static void free_int(void *arg)
{
    ++*(int *)arg;
}

START_TEST(aux_items_live_as_long_as_the_handle)
{
    int freed = 0;

    setup_handle();
    OK(flux_aux_set(h, "x", &freed, free_int));
    ck_assert_ptr_eq(flux_aux_get(h, "x"), &freed);
    FAILS_NULL(flux_aux_get(h, "y"), ENOENT);
    FAILS(flux_aux_set(h, NULL, NULL, NULL), EINVAL);
    OK(flux_aux_set(h, NULL, &freed, free_int));
    flux_incref(h);
    flux_close(h);
    ck_assert_int_eq(freed, 0);
    flux_decref(h);
    ck_assert_int_eq(freed, 2);
}
END_TEST

START_TEST(flags_can_be_set_and_unset)
{
    setup_handle();
    ck_assert_int_eq(flux_flags_get(h), 0);
    flux_flags_set(h, FLUX_O_NONBLOCK | FLUX_O_CLONE);
    ck_assert_int_eq(flux_flags_get(h), FLUX_O_NONBLOCK);
    FAILS_NULL(flux_recv(h, FLUX_MATCH_ANY, 0), EAGAIN);
    flux_flags_unset(h, FLUX_O_NONBLOCK);
    ck_assert_int_eq(flux_flags_get(h), 0);
    flux_close(h);
}
END_TEST

START_TEST(matchtags_are_the_smallest_free_ones)
{
    uint32_t avail;

    setup_handle();
    avail = flux_matchtag_avail(h);
    ck_assert_uint_eq(flux_matchtag_alloc(h), 1);
    ck_assert_uint_eq(flux_matchtag_alloc(h), 2);
    ck_assert_uint_eq(flux_matchtag_avail(h), avail - 2);
    flux_matchtag_free(h, 1);
    ck_assert_uint_eq(flux_matchtag_alloc(h), 1);
    flux_close(h);
}
END_TEST

START_TEST(a_clone_shares_the_connection_but_not_the_rest)
{
    flux_t *c;

    setup_handle();
    c = flux_clone(h);
    ck_assert_ptr_nonnull(c);
    ck_assert_int_ne(flux_flags_get(c) & FLUX_O_CLONE, 0);
    ck_assert_uint_eq(flux_matchtag_alloc(c), 1);
    ck_assert_uint_eq(flux_matchtag_alloc(h), 2);
    ck_assert_ptr_ne(flux_get_reactor(c), flux_get_reactor(h));
    send_request("a");
    flux_msg_destroy(flux_recv(c, FLUX_MATCH_ANY, 0));
    FAILS_NULL(flux_recv(h, FLUX_MATCH_ANY, FLUX_O_NONBLOCK), EAGAIN);
    flux_close(h); /* the connection lives until the clone has gone, too */
    flux_close(c);
}
END_TEST

START_TEST(pollevents_and_pollfd_tell_of_messages)
{
    struct pollfd p = {.events = POLLIN};

    setup_handle();
    p.fd = flux_pollfd(h);
    ck_assert_int_ge(p.fd, 0);
    ck_assert_int_eq(flux_pollevents(h), FLUX_POLLOUT);
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    send_request("a");
    ck_assert_int_eq(flux_pollevents(h), FLUX_POLLIN | FLUX_POLLOUT);
    ck_assert_int_eq(poll(&p, 1, 0), 1);
    expect("a");
    FAILS_NULL(flux_recv(h, FLUX_MATCH_ANY, FLUX_O_NONBLOCK), EAGAIN);
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    flux_close(h);
}
END_TEST

START_TEST(pollfd_tells_of_messages_put_back)
{
    struct pollfd p = {.events = POLLIN};
    flux_msg_t *msg = flux_request_encode("a", NULL);

    setup_handle();
    p.fd = flux_pollfd(h);
    OK(flux_requeue(h, msg, FLUX_RQ_TAIL));
    flux_msg_destroy(msg);
    ck_assert_int_eq(poll(&p, 1, 0), 1);
    expect("a");
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    flux_close(h);
}
END_TEST

START_TEST(messages_are_counted_by_type)
{
    flux_msgcounters_t c;

    setup_handle();
    send_request("a");
    expect("a");
    flux_get_msgcounters(h, &c);
    ck_assert_int_eq(c.request_tx, 1);
    ck_assert_int_eq(c.request_rx, 1);
    ck_assert_int_eq(c.event_rx, 0);
    flux_clr_msgcounters(h);
    flux_get_msgcounters(h, &c);
    ck_assert_int_eq(c.request_tx, 0);
    flux_close(h);
}
END_TEST

START_TEST(a_reactor_is_made_when_asked_for_and_cannot_be_changed)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_reactor_t *other = flux_reactor_create(0);

    setup_handle();
    OK(flux_set_reactor(h, r));
    OK(flux_set_reactor(h, r));
    ck_assert_ptr_eq(flux_get_reactor(h), r);
    FAILS(flux_set_reactor(h, other), EEXIST);
    flux_reactor_destroy(other);
    flux_reactor_destroy(r);
    flux_close(h);
}
END_TEST

static void on_handle(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    ck_assert_int_eq(revents, FLUX_POLLIN);
    expect("a");
    if (++*(int *)arg == 2)
        flux_reactor_stop(r);
}

START_TEST(a_handle_watcher_calls_back_while_there_are_messages)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_watcher_t *w;
    int n = 0;

    setup_handle();
    w = flux_handle_watcher_create(r, h, FLUX_POLLIN, on_handle, &n);
    ck_assert_ptr_eq(flux_handle_watcher_get_flux(w), h);
    flux_watcher_start(w);
    flux_reactor_run(r, FLUX_REACTOR_NOWAIT);
    ck_assert_int_eq(n, 0);
    send_request("a");
    send_request("a");
    flux_reactor_run(r, 0);
    ck_assert_int_eq(n, 2);
    flux_watcher_destroy(w);
    flux_reactor_destroy(r);
    flux_close(h);
}
END_TEST

SUITE_MAIN("flux/handle", open_names_the_schemes_it_knows,
           open_takes_the_uri_of_the_environment, an_ancestor_is_found_by_the_parents_uri,
           messages_come_in_the_order_they_were_sent, recv_keeps_what_does_not_match,
           requeue_puts_back_at_either_end,
           send_checks_its_arguments_and_leaves_the_message_alone,
           the_senders_credentials_are_ours_or_those_under_test,
           aux_items_live_as_long_as_the_handle, flags_can_be_set_and_unset,
           matchtags_are_the_smallest_free_ones,
           a_clone_shares_the_connection_but_not_the_rest,
           pollevents_and_pollfd_tell_of_messages, pollfd_tells_of_messages_put_back,
           messages_are_counted_by_type,
           a_reactor_is_made_when_asked_for_and_cannot_be_changed,
           a_handle_watcher_calls_back_while_there_are_messages)
