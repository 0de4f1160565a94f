/* ping {anything} -> the same and {"route","userid","rolemask","rank"};
 * rusage {"who":"self"|"children"|"thread"} -> getrusage(2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "broker/methods.h"
#include "proto/msg_private.h"

int ping_answer(const flux_msg_t *msg, uint32_t rank, struct buf *out)
{
    AUTOFREE char *route = flux_msg_route_string(msg);
    const cJSON *o;
    int rc;

    if (!route)
        return -ENOMEM;
    if ((rc = msg_json(msg, &o)) < 0)
        return rc;
    if ((rc = json_print_buf(o, out)) < 0)
        return rc;
    out->len--; /* the closing brace */
    if (out->len > 1)
        buf_addc(out, ',');
    buf_adds(out, "\"route\":");
    json_buf_str(out, route, strlen(route));
    buf_addf(out, ",\"userid\":%u,\"rolemask\":%u,\"rank\":%u}", (unsigned)msg->userid,
             (unsigned)msg->rolemask, (unsigned)rank);
    return out->failed ? -ENOMEM : 0;
}

static double seconds(const struct timeval *tv)
{
    return (double)tv->tv_sec + (double)tv->tv_usec * 1e-6;
}

int rusage_answer(const flux_msg_t *msg, struct buf *out)
{
    const char *who = "self";
    struct rusage ru;
    int target = RUSAGE_SELF;

    if (flux_msg_has_payload(msg) && flux_msg_unpack(msg, "{s?s}", "who", &who) < 0)
        return -errno;
    if (!strcmp(who, "children"))
        target = RUSAGE_CHILDREN;
    else if (!strcmp(who, "thread"))
        target = RUSAGE_THREAD;
    else if (strcmp(who, "self") != 0)
        return -EPROTO;
    if (getrusage(target, &ru) < 0)
        return -errno;
    return json_pack_buf(
        out, "{s:f s:f s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I}", "utime",
        seconds(&ru.ru_utime), "stime", seconds(&ru.ru_stime), "maxrss",
        (int64_t)ru.ru_maxrss, "ixrss", (int64_t)ru.ru_ixrss, "idrss",
        (int64_t)ru.ru_idrss, "isrss", (int64_t)ru.ru_isrss, "minflt",
        (int64_t)ru.ru_minflt, "majflt", (int64_t)ru.ru_majflt, "nswap",
        (int64_t)ru.ru_nswap, "inblock", (int64_t)ru.ru_inblock, "oublock",
        (int64_t)ru.ru_oublock, "msgsnd", (int64_t)ru.ru_msgsnd, "msgrcv",
        (int64_t)ru.ru_msgrcv, "nsignals", (int64_t)ru.ru_nsignals, "nvcsw",
        (int64_t)ru.ru_nvcsw, "nivcsw", (int64_t)ru.ru_nivcsw);
}
