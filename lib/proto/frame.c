/* Messages on a local socket: eight bytes in front of the parts. */
#include "proto/frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "proto/msg_private.h"

#define FRAME_MAGIC 0xffee0012u
#define FRAME_HEAD 8

static ssize_t need(size_t *ret_need, size_t n)
{
    if (ret_need)
        *ret_need = n;
    return 0;
}

ssize_t frame_decode(const char *in, size_t len, size_t max, flux_msg_t **ret,
                     size_t *ret_need)
{
    uint32_t magic, size;
    int rc;

    /* A wrong start is told from its first bytes, not once eight have come. */
    magic = FRAME_MAGIC;
    if (memcmp(in, &magic, len < 4 ? len : 4) != 0)
        return -EPROTO;
    if (len < FRAME_HEAD)
        return need(ret_need, FRAME_HEAD);
    memcpy(&size, in + 4, 4);
    size = ntohl(size);
    if (size < 1 + MSG_HEADER_SIZE)
        return -EPROTO;
    if (size > max)
        return -EMSGSIZE;
    if (len - FRAME_HEAD < size)
        return need(ret_need, FRAME_HEAD + (size_t)size);
    if ((rc = msg_parts_decode(in + FRAME_HEAD, size, ret)) < 0)
        return rc;
    return FRAME_HEAD + (ssize_t)size;
}

size_t frame_size(const flux_msg_t *msg)
{
    return FRAME_HEAD + msg_parts_size(msg);
}

int frame_encode(const flux_msg_t *msg, struct buf *out)
{
    uint32_t magic = FRAME_MAGIC, size;
    size_t parts = msg_parts_size(msg);
    char *p;

    if (msg->type == FLUX_MSGTYPE_ANY)
        return -EINVAL;
    if (parts > UINT32_MAX)
        return -EMSGSIZE;
    if (buf_reserve(out, FRAME_HEAD + parts + 1) < 0)
        return -ENOMEM;
    p = out->data + out->len;
    size = htonl(parts);
    memcpy(p, &magic, 4);
    memcpy(p + 4, &size, 4);
    msg_parts_encode(msg, p + FRAME_HEAD);
    out->len += FRAME_HEAD + parts;
    out->data[out->len] = '\0';
    return 0;
}
