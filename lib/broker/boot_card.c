/* Cards of brokers in PMI. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "broker/boot_card.h"

void boot_card_name(uint32_t rank, char name[32])
{
    snprintf(name, 32, "flux.%u", (unsigned)rank);
}

static void add(struct buf *out, const char *s)
{
    for (; *s; s++) {
        if (isalnum((unsigned char)*s) || strchr("-._/:[]", *s))
            buf_addc(out, *s);
        else
            buf_addf(out, "%%%02X", (unsigned char)*s);
    }
}

int boot_card_encode(const char *hostname, const char *address, struct buf *out)
{
    add(out, hostname);
    buf_addc(out, ',');
    if (address)
        add(out, address);
    return out->failed ? -ENOMEM : 0;
}

static char *decode(const char *s, size_t len)
{
    char *text = malloc(len + 1), *to = text;
    unsigned byte;

    for (size_t i = 0; text && i < len; i++) {
        if (s[i] != '%')
            *to++ = s[i];
        else if (i + 2 < len && sscanf(s + i + 1, "%2x", &byte) == 1 && byte) {
            *to++ = (char)byte;
            i += 2;
        }
    }
    if (text)
        *to = '\0';
    return text;
}

int boot_card_decode(const char *card, char **ret_hostname, char **ret_address)
{
    const char *comma = strchr(card, ',');
    char *host, *address = NULL;

    if (!comma || comma == card)
        return -EPROTO;
    host = decode(card, comma - card);
    if (host && comma[1] && !(address = decode(comma + 1, strlen(comma + 1))))
        free(TAKE(host));
    if (!host)
        return -ENOMEM;
    *ret_hostname = host;
    *ret_address = address;
    return 0;
}
