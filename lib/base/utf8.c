/* Strict UTF-8; see utf8.h. */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

static bool cont(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

size_t utf8_char(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;

    if (len >= 1 && p[0] < 0x80)
        return 1;
    if (len >= 2 && p[0] >= 0xc2 && p[0] <= 0xdf && cont(p[1]))
        return 2;
    if (len >= 3 && (p[0] & 0xf0) == 0xe0 && cont(p[1]) && cont(p[2]) &&
        !(p[0] == 0xe0 && p[1] < 0xa0) && !(p[0] == 0xed && p[1] > 0x9f))
        return 3;
    if (len >= 4 && p[0] >= 0xf0 && p[0] <= 0xf4 && cont(p[1]) && cont(p[2]) &&
        cont(p[3]) && !(p[0] == 0xf0 && p[1] < 0x90) && !(p[0] == 0xf4 && p[1] > 0x8f))
        return 4;
    return 0;
}

size_t utf8_prefix(const char *s, size_t len)
{
    size_t i = 0, n;
    uint64_t w;

    while (i < len) {
        if (len - i >= 8) {
            memcpy(&w, s + i, 8);
            if (!(w & 0x8080808080808080u)) {
                i += 8;
                continue;
            }
        }
        if (!(n = utf8_char(s + i, len - i)))
            break;
        i += n;
    }
    return i;
}

bool utf8_valid(const char *s, size_t len)
{
    return utf8_prefix(s, len) == len;
}
