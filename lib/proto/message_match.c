/* Messages: is this the one? */
#include "proto/msg_private.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct flux_match flux_match_init(int typemask, uint32_t matchtag, const char *topic_glob)
{
    return (struct flux_match){typemask, matchtag, topic_glob};
}

void flux_match_free(struct flux_match m)
{
    int saved_errno = errno;

    free((char *)m.topic_glob);
    errno = saved_errno;
}

int flux_match_asprintf(struct flux_match *m, const char *topic_glob_fmt, ...)
{
    char *s = NULL;
    va_list ap;
    int rc;

    if (!m || !topic_glob_fmt) {
        errno = EINVAL;
        return -1;
    }
    va_start(ap, topic_glob_fmt);
    rc = vasprintf(&s, topic_glob_fmt, ap);
    va_end(ap);
    if (rc < 0)
        return -1;
    m->topic_glob = s;
    return 0;
}

static bool topic_matches(const flux_msg_t *msg, const char *glob)
{
    if (!glob || !*glob || strcmp(glob, "*") == 0)
        return true;
    if (!(msg->flags & FLUX_MSGFLAG_TOPIC))
        return false;
    if (glob[strcspn(glob, "*?[\\")] == '\0')
        return strcmp(glob, msg->topic) == 0;
    return fnmatch(glob, msg->topic, 0) == 0;
}

bool flux_msg_cmp(const flux_msg_t *msg, struct flux_match match)
{
    if (!msg)
        return false;
    if (match.typemask && !(msg->type & match.typemask))
        return false;
    if (match.matchtag != FLUX_MATCHTAG_NONE &&
        !flux_msg_cmp_matchtag(msg, match.matchtag))
        return false;
    return topic_matches(msg, match.topic_glob);
}
