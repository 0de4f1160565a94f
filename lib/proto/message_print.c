/* Messages: shown to a person, on one line that no content can break. */
#include "proto/msg_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SHOW_TEXT 400 /* bytes of a payload */
#define SHOW_BINARY 32

const char *flux_msg_typestr(int type)
{
    switch (type) {
    case FLUX_MSGTYPE_REQUEST:
        return "request";
    case FLUX_MSGTYPE_RESPONSE:
        return "response";
    case FLUX_MSGTYPE_EVENT:
        return "event";
    case FLUX_MSGTYPE_CONTROL:
        return "control";
    default:
        return "unknown";
    }
}

static void print_text(FILE *f, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = s[i];

        if (iscntrl(c))
            fprintf(f, "\\x%02x", c);
        else
            fputc(c, f);
    }
}

static bool is_text(const char *s, size_t len)
{
    return len > 0 && s[len - 1] == '\0' && !memchr(s, '\0', len - 1);
}

static void print_payload(FILE *f, const flux_msg_t *msg)
{
    size_t len = msg->payload_len;

    fprintf(f, " payload[%zu]=", len);
    if (is_text(msg->payload, len)) {
        print_text(f, msg->payload, len - 1 < SHOW_TEXT ? len - 1 : SHOW_TEXT);
        if (len - 1 > SHOW_TEXT)
            fputs("...", f);
        return;
    }
    for (size_t i = 0; i < len && i < SHOW_BINARY; i++)
        fprintf(f, "%02x", (unsigned char)msg->payload[i]);
    if (len > SHOW_BINARY)
        fputs("...", f);
}

static void print_numbers(FILE *f, const flux_msg_t *msg)
{
    switch (msg->type) {
    case FLUX_MSGTYPE_REQUEST:
        if (msg->aux1 == FLUX_NODEID_ANY)
            fputs(" nodeid=any", f);
        else
            fprintf(f, " nodeid=%u", msg->aux1);
        fprintf(f, " matchtag=%u", msg->aux2);
        break;
    case FLUX_MSGTYPE_RESPONSE:
        fprintf(f, " errnum=%u matchtag=%u", msg->aux1, msg->aux2);
        break;
    case FLUX_MSGTYPE_EVENT:
        fprintf(f, " seq=%u", msg->aux1);
        break;
    case FLUX_MSGTYPE_CONTROL:
        fprintf(f, " type=%d status=%d", (int)msg->aux1, (int)msg->aux2);
        break;
    }
}

static void print_bits(FILE *f, const char *label, const char *const names[],
                       unsigned bits)
{
    const char *sep = "=";

    if (!bits)
        return;
    fprintf(f, " %s", label);
    for (int i = 0; i < 8; i++)
        if ((bits & (1u << i)) && names[i]) {
            fprintf(f, "%s%s", sep, names[i]);
            sep = ",";
        }
}

static const char *const flag_names[8] = {NULL,       NULL,      "noresponse", NULL,
                                          "upstream", "private", "streaming",  "user1"};
static const char *const role_names[8] = {"owner", "user", "local", "admin"};
#define FLAGS_SHOWN                                                                      \
    (FLUX_MSGFLAG_NORESPONSE | FLUX_MSGFLAG_UPSTREAM | FLUX_MSGFLAG_PRIVATE |            \
     FLUX_MSGFLAG_STREAMING | FLUX_MSGFLAG_USER1)

static void print_route(FILE *f, const flux_msg_t *msg)
{
    char *route = msg->nroutes ? flux_msg_route_string(msg) : NULL;

    if (route) {
        fputs(" route=", f);
        print_text(f, route, strlen(route));
    }
    free(route);
}

void flux_msg_fprint(FILE *f, const flux_msg_t *msg)
{
    if (!msg) {
        fputs("(no message)\n", f);
        return;
    }
    fputs(flux_msg_typestr(msg->type), f);
    if (msg->flags & FLUX_MSGFLAG_TOPIC) {
        fputc(' ', f);
        print_text(f, msg->topic, msg->topic_len);
    }
    print_numbers(f, msg);
    if (msg->userid == FLUX_USERID_UNKNOWN)
        fputs(" userid=unknown", f);
    else
        fprintf(f, " userid=%u", msg->userid);
    print_bits(f, "roles", role_names, msg->rolemask & 0xf);
    print_bits(f, "flags", flag_names, msg->flags & FLAGS_SHOWN);
    print_route(f, msg);
    if (msg->flags & FLUX_MSGFLAG_PAYLOAD)
        print_payload(f, msg);
    fputc('\n', f);
}

void flux_msg_fprint_ts(FILE *f, const flux_msg_t *msg, double timestamp)
{
    if (timestamp >= 0)
        fprintf(f, "%.6f ", timestamp);
    flux_msg_fprint(f, msg);
}
