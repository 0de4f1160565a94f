/* Quoted strings for JSON text. */
#include <errno.h>

#include "base/json_impl.h"
#include "base/utf8.h"

static bool plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Length of the longest start of s that needs no escape. */
static size_t plain_run(const char *s, size_t len)
{
    size_t i = 0, n;

    for (;;) {
        while (i < len && plain((unsigned char)s[i]))
            i++;
        if (i >= len || (unsigned char)s[i] < 0x80)
            return i;
        if (!(n = utf8_char(s + i, len - i)))
            return i;
        i += n;
    }
}

static int add_escape(struct buf *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letter[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                  ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c >= 0x80 || c == 0)
        return -EINVAL;
    if (c < sizeof(letter) && letter[c]) {
        text[1] = letter[c];
        return buf_add(out, text, 2);
    }
    return buf_add(out, text, 6);
}

int json_buf_str(struct buf *out, const char *s, size_t len)
{
    size_t start = out->len, n;
    int rc;

    if (buf_reserve(out, len + 2) < 0)
        return -ENOMEM;
    out->data[out->len++] = '"';
    for (;;) {
        n = plain_run(s, len);
        if ((rc = buf_add(out, s, n)) < 0)
            return rc;
        s += n;
        len -= n;
        if (len == 0)
            break;
        if ((rc = add_escape(out, (unsigned char)*s)) < 0)
            goto fail;
        s++;
        len--;
    }
    return buf_addc(out, '"');
fail:
    out->len = start;
    out->data[start] = '\0';
    return rc;
}
