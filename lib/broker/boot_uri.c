/* Addresses as users write them. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "broker/boot_uri.h"
#include "env/net.h"

static int bad(flux_error_t *err, const char *text, const char *why)
{
    return error_set(err, EINVAL, "address '%s': %s", text, why);
}

/* "HOST:PORT" or "[V6]:PORT". */
static int parse_tcp(const char *text, const char *rest, struct boot_uri *u,
                     flux_error_t *err)
{
    const char *host = rest, *colon = strrchr(rest, ':'), *port;
    size_t len;
    char *end;
    long v;

    if (!colon || colon[1] == '\0')
        return bad(err, text, "there is no port (tcp://HOST:PORT)");
    len = colon - host;
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    } else if (memchr(host, ':', len))
        return bad(err, text, "an IPv6 address goes in brackets");
    if (len == 0 || len >= sizeof(u->host))
        return bad(err, text, "there is no host (tcp://HOST:PORT)");
    memcpy(u->host, host, len);
    u->host[len] = '\0';
    port = colon + 1;
    v = strcmp(port, "*") == 0 ? 0 : strtol(port, &end, 10);
    if (strcmp(port, "*") != 0 && (*end || end == port || v < 0 || v > 65535))
        return bad(err, text, "the port is no number below 65536");
    u->port = (int)v;
    return 0;
}

static int parse_ipc(const char *text, const char *rest, struct boot_uri *u,
                     flux_error_t *err)
{
    if (*rest == '\0')
        return bad(err, text, "there is no path (ipc:///PATH)");
    if (strlen(rest) > BOOT_IPC_MAX)
        return error_set(err, ENAMETOOLONG,
                         "address '%.60s...': a path of more than %d "
                         "bytes: choose a shorter one",
                         text, BOOT_IPC_MAX);
    u->path = rest;
    return 0;
}

int boot_uri_parse(const char *text, struct boot_uri *ret, flux_error_t *err)
{
    struct boot_uri u = {0};
    int rc = 0;

    if (!strncmp(text, "tcp://", 6)) {
        u.kind = BOOT_TCP;
        rc = parse_tcp(text, text + 6, &u, err);
    } else if (!strncmp(text, "ipc://", 6)) {
        u.kind = BOOT_IPC;
        rc = parse_ipc(text, text + 6, &u, err);
    } else if (!strncmp(text, "sim://", 6)) {
        u.kind = BOOT_SIM;
        u.path = text + 6;
    } else
        rc = bad(err, text, "expected tcp://HOST:PORT or ipc://PATH");
    if (rc == 0)
        *ret = u;
    return rc;
}

bool boot_uri_equal(const struct boot_uri *a, const struct boot_uri *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == BOOT_TCP)
        return a->port == b->port && !strcmp(a->host, b->host);
    return strcmp(a->path, b->path) == 0;
}

char *boot_uri_tcp(const char *host, int port)
{
    struct buf b = {0};
    bool v6 = strchr(host, ':') != NULL;

    buf_addf(&b, "tcp://%s%s%s:%d", v6 ? "[" : "", host, v6 ? "]" : "", port);
    return buf_take(&b, NULL);
}

static const struct boot_token *find_token(const struct boot_token *tokens, char letter)
{
    for (; tokens->letter; tokens++) {
        if (tokens->letter == letter)
            return tokens;
    }
    return NULL;
}

int boot_expand(const char *text, const struct boot_token *tokens, char **ret,
                flux_error_t *err)
{
    struct buf b = {0};

    for (const char *p = text; *p; p++) {
        const struct boot_token *t = NULL;

        if (*p != '%') {
            buf_addc(&b, *p);
            continue;
        }
        if (*++p == '%')
            buf_addc(&b, '%');
        else if (*p && (t = find_token(tokens, *p)) && t->value)
            buf_adds(&b, t->value);
        else {
            buf_free(&b);
            if (*p && t)
                return error_set(err, EINVAL, "address '%s': %s", text, t->missing);
            return error_set(err, EINVAL, "address '%s': %%%.1s stands for nothing", text,
                             p);
        }
    }
    if (!(*ret = buf_take(&b, NULL)))
        return error_set(err, ENOMEM, "out of memory");
    return 0;
}

static bool is_number(const char *host)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

int boot_bind_address(struct env *env, const char *text, bool v6, char **ret,
                      flux_error_t *err)
{
    char address[NET_ADDRESS_SIZE];
    const char *host = address;
    struct boot_uri u;
    int rc = boot_uri_parse(text, &u, err);

    if (rc < 0)
        return rc;
    if (u.kind != BOOT_TCP)
        *ret = strdup(text);
    else {
        if (!strcmp(u.host, "*"))
            host = v6 ? "::" : "0.0.0.0";
        else if (is_number(u.host))
            host = u.host;
        else if (net_interface_address(env, u.host, v6, address) < 0 &&
                 net_name_address(env, u.host, v6, address) < 0)
            return error_set(err, ENODEV,
                             "address '%s': here is no interface '%s' with an address, "
                             "and no host of that name",
                             text, u.host);
        *ret = boot_uri_tcp(host, u.port);
    }
    return *ret ? 0 : error_set(err, ENOMEM, "out of memory");
}
