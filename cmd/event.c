/* flux event pub, sub - publish and watch events. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <flux/core.h>

#include "cmds.h"

static const struct cli_option pub_options[] = {
    {"raw", 'r', CLI_NONE, NULL, "The payload is not JSON"},
    {"synchronous", 's', CLI_NONE, NULL, "Wait for the sequence number and print it"},
    {"private", 'p', CLI_NONE, NULL, "Only for the instance owner and the same user"},
    {"loopback", 'l', CLI_NONE, NULL, "Wait until the event came back"},
    {0},
};

/* All arguments after the topic, joined with spaces; NULL when there is none. */
static char *payload_of(const struct cli *c)
{
    size_t n = 1;
    char *s;

    if (cli_argc(c) < 2)
        return NULL;
    for (int i = 1; i < cli_argc(c); i++)
        n += strlen(cli_arg(c, i)) + 1;
    s = calloc(1, n);
    for (int i = 1; s && i < cli_argc(c); i++) {
        if (i > 1)
            strcat(s, " ");
        strcat(s, cli_arg(c, i));
    }
    return s;
}

static bool is_json_object(const char *text)
{
    cJSON *o = cJSON_Parse(text);
    bool yes = cJSON_IsObject(o);

    cJSON_Delete(o);
    return yes;
}

static flux_future_t *publish(struct cli *c, flux_t *h, const char *topic, char *payload)
{
    int flags = cli_count(c, "private") ? FLUX_MSGFLAG_PRIVATE : 0;

    if (cli_count(c, "raw"))
        return flux_event_publish_raw(h, topic, flags, payload,
                                      payload ? strlen(payload) + 1 : 0);
    if (payload && !is_json_object(payload)) {
        errno = EPROTO;
        return NULL;
    }
    return flux_event_publish(h, topic, flags, payload);
}

static int wait_loopback(struct cli *c, flux_t *h, const char *topic)
{
    struct flux_match match = FLUX_MATCH_EVENT;
    flux_msg_t *msg;

    match.topic_glob = (char *)topic;
    if (!(msg = flux_recv(h, match, 0)))
        return cli_fail(c, "%s: %s", topic, strerror(errno));
    flux_msg_destroy(msg);
    return 0;
}

static int run_pub(struct cli *c)
{
    const char *topic = cli_arg(c, 0);
    flux_future_t *f = NULL;
    char *payload;
    flux_t *h;
    int seq, rc = 0;

    if (cli_argc(c) < 1)
        return cli_usage(c, "a topic is needed");
    if (!(h = cli_open(c)))
        return 1;
    payload = payload_of(c);
    if (cli_count(c, "loopback") && flux_event_subscribe(h, topic) < 0)
        rc = cli_fail(c, "%s: subscribe: %s", topic, strerror(errno));
    else if (!(f = publish(c, h, topic, payload)))
        rc = cli_fail(c, "%s: %s", topic,
                      errno == EINVAL || errno == EPROTO
                          ? "the payload is not a JSON object (use --raw for other text)"
                          : strerror(errno));
    else if (flux_event_publish_get_seq(f, &seq) < 0)
        rc = cli_fail(c, "%s: %s", topic, cli_why(f));
    else if (cli_count(c, "synchronous"))
        printf("seq=%d\n", seq);
    if (rc == 0 && cli_count(c, "loopback"))
        rc = wait_loopback(c, h, topic);
    flux_future_destroy(f);
    free(payload);
    flux_close(h);
    return rc;
}

static const struct cli_command event_pub = {
    .name = "pub",
    .args = "TOPIC [PAYLOAD]",
    .help = "Publish an event",
    .options = (const struct cli_option *const[]){pub_options, NULL},
    .run = run_pub,
};

static const struct cli_option sub_options[] = {
    {"count", 'c', CLI_REQUIRED, "N", "Stop after N events"},
    {"raw", 'r', CLI_NONE, NULL, "The payloads are not JSON"},
    {0},
};

static int print_event(struct cli *c, const flux_msg_t *msg)
{
    const char *topic, *text = NULL;

    if (flux_msg_get_topic(msg, &topic) < 0)
        return cli_fail(c, "event without a topic");
    if (flux_msg_has_payload(msg) && flux_msg_get_string(msg, &text) < 0)
        text = NULL;
    printf("%s\t%s\n", topic, text ? text : "");
    fflush(stdout);
    return 0;
}

static int run_sub(struct cli *c)
{
    long count = 0;
    flux_msg_t *msg;
    flux_t *h;
    int rc = 0;

    if (!cli_int(c, "count", 1, 1L << 30, &count))
        return CLI_EXIT_USAGE;
    if (!(h = cli_open(c)))
        return 1;
    for (int i = 0; i < cli_argc(c) || i == 0; i++) {
        const char *topic = cli_argc(c) ? cli_arg(c, i) : "";

        if (flux_event_subscribe(h, topic) < 0)
            rc = cli_fail(c, "%s: %s", topic, strerror(errno));
    }
    for (long n = 0; rc == 0 && (!count || n < count); n++) {
        msg = flux_recv(h, FLUX_MATCH_EVENT, 0);
        rc = msg ? print_event(c, msg) : cli_fail(c, "receive: %s", strerror(errno));
        flux_msg_destroy(msg);
    }
    flux_close(h);
    return rc;
}

static const struct cli_command event_sub = {
    .name = "sub",
    .args = "[TOPIC...]",
    .help = "Print events as they come",
    .options = (const struct cli_option *const[]){sub_options, NULL},
    .run = run_sub,
};

const struct cli_command cmd_event = {
    .name = "event",
    .help = "Publish or watch events",
    .sub = (const struct cli_command *const[]){&event_pub, &event_sub, NULL},
};
