/* Stream data in messages; see iodata.h. */

#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/utf8.h"
#include "cli/iodata.h"

int iodata_decode(const cJSON *io, struct buf *out, bool *ret_eof)
{
    const char *data = json_str(json_get(io, "data"));
    const char *encoding = json_str(json_get(io, "encoding"));

    if (ret_eof)
        *ret_eof = cJSON_IsTrue(json_get(io, "eof"));
    if (!data)
        return 0;
    if (!encoding || !strcmp(encoding, "UTF-8"))
        return buf_adds(out, data);
    if (strcmp(encoding, "base64"))
        return -EPROTO;
    return base64_decode_buf(out, data, strlen(data)) < 0 ? -EPROTO : 0;
}

cJSON *iodata_encode(const char *stream, const char *rank, const char *data, size_t len,
                     bool eof)
{
    cJSON *o = json_pack("{s:s s:s}", "stream", stream, "rank", rank);
    struct buf b = {0};

    if (o && len > 0 && utf8_valid(data, len) && !memchr(data, '\0', len))
        cJSON_AddItemToObject(o, "data", json_new_strn(data, len));
    else if (o && len > 0 && base64_encode_buf(&b, data, len) == 0) {
        cJSON_AddItemToObject(o, "data", json_new_str(b.data));
        cJSON_AddStringToObject(o, "encoding", "base64");
    }
    if (o && eof)
        cJSON_AddBoolToObject(o, "eof", true);
    buf_free(&b);
    return o;
}
