/* job-exec and the world around it: see job_exec_fixture.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/connector.h>
#include <flux/module.h>

#include "job_exec_fixture.h"

extern const struct flux_module job_exec_module;

struct fixture fx;

void respond(const flux_msg_t *req, int errnum, const char *payload)
{
    flux_msg_t *msg = flux_response_derive(req, errnum);
    ck_assert(msg);
    if (payload)
        ck_assert_int_eq(flux_msg_set_string(msg, payload), 0);
    ck_assert_int_eq(flux_port_send_new(fx.port, &msg), 0);
}

static void take_results(const flux_msg_t *msg)
{
    const char *s;
    cJSON *o, *one;
    ck_assert_int_eq(flux_msg_get_string(msg, &s), 0);
    ck_assert_int_eq(json_parse(s, strlen(s), NULL, &o, NULL), 0);
    while ((one = cJSON_DetachItemFromArray(json_get(o, "results"), 0)))
        cJSON_AddItemToArray(fx.results, one);
    json_free(o);
}

static void on_attr(const flux_msg_t *msg)
{
    const char *name;
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:s}", "name", &name), 0);
    if (!strcmp(name, "local-uri"))
        respond(msg, 0, "{\"value\":\"local:///run/x\",\"flags\":1}");
    else if (!strcmp(name, "rundir"))
        respond(msg, 0, "{\"value\":\"/run/x\",\"flags\":1}");
    else
        respond(msg, ENOENT, NULL); /* no statedir */
}

static void on_exec(struct rank *rank, const flux_msg_t *msg)
{
    const char *s;
    ck_assert_int_eq(flux_msg_get_string(msg, &s), 0);
    snprintf(rank->exec_payload, sizeof(rank->exec_payload), "%s", s);
    rank->execs++;
    respond(msg, rank->errnum,
            rank->errnum ? "no such file" : "{\"type\":\"started\",\"pid\":77}");
}

static void on_shell(struct rank *rank, const char *topic, const flux_msg_t *msg)
{
    const char *s;
    ck_assert_int_eq(flux_msg_get_string(msg, &s), 0);
    if (!strcmp(topic, "output-end")) {
        snprintf(rank->ends, sizeof(rank->ends), "%s", s);
        return;
    }
    snprintf(rank->topic, sizeof(rank->topic), "%s", topic);
    free(rank->payload);
    rank->payload = strdup(s ? s : "");
    rank->requests++;
    if (flux_msg_is_streaming(msg)) {
        flux_msg_decref(fx.output_request);
        fx.output_request = flux_msg_incref(msg);
    } else if (!strcmp(topic, "kill")) {
        rank->kills++;
        respond(msg, rank->kill_errnum, NULL);
    } else if (!flux_msg_is_noresponse(msg)) {
        respond(msg, 0, NULL);
    }
}

static struct rank *rank_of(const flux_msg_t *msg)
{
    uint32_t nodeid;
    ck_assert_int_eq(flux_msg_get_nodeid(msg, &nodeid), 0);
    if (nodeid == FLUX_NODEID_ANY)
        nodeid = 0;
    ck_assert_uint_lt(nodeid, RANKS);
    return &fx.ranks[nodeid];
}

static void on_request(const flux_msg_t *msg)
{
    const char *topic;
    struct rank *rank = rank_of(msg);
    ck_assert_int_eq(flux_msg_get_topic(msg, &topic), 0);
    if (!strcmp(topic, "job-manager.exec-hello")) {
        respond(msg, 0, "{}");
    } else if (!strcmp(topic, "job-manager.exec-results")) {
        take_results(msg);
    } else if (rank->errnum == EHOSTUNREACH) {
        rank->execs += !strcmp(topic, "attr.get") || !strcmp(topic, "rexec.exec");
        if (!flux_msg_is_noresponse(msg))
            respond(msg, EHOSTUNREACH, NULL);
    } else if (!strcmp(topic, "attr.get")) {
        on_attr(msg);
    } else if (!strcmp(topic, "rexec.exec")) {
        on_exec(rank, msg);
    } else if (!strcmp(topic, "rexec.wait")) {
        flux_msg_decref(rank->waiter);
        rank->waiter = flux_msg_incref(msg);
    } else if (!strncmp(topic, "1234-shell.", 11)) {
        on_shell(rank, topic + 11, msg);
    }
}

static void on_response(const flux_msg_t *msg)
{
    const char *s, *topic;
    int errnum;
    ck_assert_int_eq(flux_msg_get_topic(msg, &topic), 0);
    ck_assert_int_eq(flux_msg_get_errnum(msg, &errnum), 0);
    if (!strcmp(topic, "job-exec.output")) {
        if (errnum)
            fx.relayed_errnum = errnum;
        else if (flux_msg_get_string(msg, &s) == 0)
            buf_adds(&fx.relayed, s);
    } else if (!strcmp(topic, "job-exec.shell-hello")) {
        fx.hello_answered = errnum == 0;
    } else if (!strcmp(topic, "job-exec.kill")) {
        fx.kill_answer = errnum;
    }
}

static void on_message(struct flux_port *p, flux_msg_t *msg, void *arg)
{
    int type;
    ck_assert_int_eq(flux_msg_get_type(msg, &type), 0);
    if (type == FLUX_MSGTYPE_REQUEST)
        on_request(msg);
    else if (type == FLUX_MSGTYPE_RESPONSE)
        on_response(msg);
    flux_msg_destroy(msg);
    flux_reactor_stop(fx.r);
}

static flux_conf_t *make_conf(double lost_timeout)
{
    flux_conf_t *conf = flux_conf_pack("{s:{s:f}}", "exec", "lost-timeout", lost_timeout);
    ck_assert(conf);
    return conf;
}

static void free_conf(void *conf)
{
    flux_conf_decref(conf);
}

void fixture_init(double lost_timeout)
{
    char arg[] = "job-shell=/x/flux-shell";
    char *argv[] = {arg, NULL};
    fx = (struct fixture){.kill_answer = -1};
    fx.r = flux_reactor_create(0);
    ck_assert(fx.r);
    fx.results = cJSON_CreateArray();
    ck_assert_int_eq(flux_port_create(fx.r, on_message, NULL, NULL, &fx.port, &fx.h), 0);
    ck_assert_int_eq(flux_set_reactor(fx.h, fx.r), 0);
    ck_assert_int_eq(flux_aux_set(fx.h, "flux::name", (void *)"job-exec", NULL), 0);
    if (lost_timeout > 0)
        ck_assert_int_eq(
            flux_aux_set(fx.h, "flux::conf", make_conf(lost_timeout), free_conf), 0);
    ck_assert_int_eq(job_exec_module.init(fx.h, 1, argv, &fx.ctx), 0);
}

void fixture_fini(void)
{
    job_exec_module.fini(fx.h, fx.ctx);
    for (unsigned i = 0; i < RANKS; i++) {
        flux_msg_decref(fx.ranks[i].waiter);
        free(fx.ranks[i].payload);
    }
    flux_msg_decref(fx.output_request);
    flux_close(fx.h);
    flux_port_destroy(fx.port);
    flux_reactor_decref(fx.r);
    json_free(fx.results);
    buf_free(&fx.relayed);
}

static void send_message(const char *who, const char *topic, const char *payload,
                         int flags)
{
    struct flux_msg_cred cred = {OWNER, FLUX_ROLE_OWNER};
    flux_msg_t *msg = flux_request_encode(topic, payload);
    ck_assert(msg);
    flux_msg_route_enable(msg);
    flux_msg_route_push(msg, who);
    flux_msg_set_cred(msg, cred);
    flux_msg_set_matchtag(msg, 5);
    if (flags & FLUX_MSGFLAG_STREAMING)
        flux_msg_set_streaming(msg);
    if (flags & FLUX_MSGFLAG_NORESPONSE)
        flux_msg_set_noresponse(msg);
    ck_assert_int_eq(flux_port_send_new(fx.port, &msg), 0);
}

void send_from(const char *who, const char *topic, bool streaming, const char *payload)
{
    send_message(who, topic, payload,
                 streaming ? FLUX_MSGFLAG_STREAMING : FLUX_MSGFLAG_NORESPONSE);
}

void call_from(const char *who, const char *topic, const char *payload)
{
    send_message(who, topic, payload, 0);
}

static void send_start(int id, const char *R, const char *system, const char *more)
{
    char text[1024];
    snprintf(text, sizeof(text),
             "{\"jobs\":[{\"id\":%d,\"userid\":%d,\"R\":%s,\"jobspec\":{\"version\":1,"
             "\"attributes\":{\"system\":{%s}}}%s}]}",
             id, OWNER, R, system, more);
    send_from("manager", "job-exec.start", false, text);
}

void start(int id, const char *system, const char *more)
{
    send_start(id, "{}", system, more);
}

void start_on(int id, const char *ranks, const char *more)
{
    char R[256];
    snprintf(R, sizeof(R),
             "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"%s\",\"children\":"
             "{\"core\":\"0\"}}],\"nodelist\":[\"n[%s]\"]}}",
             ranks, ranks);
    send_start(id, R, "\"duration\":0", more);
}

void mock(int id, const char *test)
{
    char system[512];
    snprintf(system, sizeof(system), "\"duration\":0,\"exec\":{\"test\":{%s}}", test);
    start(id, system, "");
}

void hello_of(unsigned rank, const char *who, const char *jobs)
{
    char text[512];
    snprintf(text, sizeof(text), "{\"userid\":%d,\"rank\":%u,\"jobs\":[%s]}", OWNER, rank,
             jobs);
    fx.hello_answered = false;
    send_from(who, "job-exec.shell-hello", true, text);
    until(fx.hello_answered);
}

void hello(const char *who, const char *jobs)
{
    hello_of(0, who, jobs);
}

void say(unsigned rank, const char *who, const char *fmt, ...)
{
    char results[512], text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(results, sizeof(results), fmt, ap);
    va_end(ap);
    snprintf(text, sizeof(text), "{\"rank\":%u,\"results\":[%s]}", rank, results);
    send_from(who, "job-exec.shell-results", false, text);
}

static bool is_result(const cJSON *o, int id, const char *type)
{
    int64_t i;
    return json_int64(json_get(o, "id"), &i) == 0 && i == id &&
           !strcmp(json_str(json_get(o, "type")), type);
}

const cJSON *find(int id, const char *type)
{
    for (const cJSON *o = fx.results->child; o; o = o->next)
        if (is_result(o, id, type))
            return json_get(o, "data");
    return NULL;
}

int count(int id, const char *type)
{
    int n = 0;
    for (const cJSON *o = fx.results->child; o; o = o->next)
        n += is_result(o, id, type);
    return n;
}

static bool has_final(int id)
{
    for (const cJSON *o = fx.results->child; o; o = o->next)
        if (is_result(o, id, "release") && cJSON_IsTrue(json_get_path(o, "data.final")))
            return true;
    return false;
}

int finish_of(int id)
{
    int64_t status;
    until(has_final(id));
    ck_assert(find(id, "finish"));
    ck_assert_int_eq(json_int64(json_get(find(id, "finish"), "status"), &status), 0);
    return (int)status;
}
