/* Bytes of three ranks at a PMI-1 server: each piece begins with a byte that says whose it
 * is and how long. What is answered must be a line that our own client can read. The
 * first byte also decides whether barriers and keys are completed by the owner. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pmi/mapping.h"
#include "pmi/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pmi_server *server;

static void send_cb(int rank, const char *text, size_t len, void *arg)
{
    char copy[3 * PMI_LINE_MAX];
    struct pmi_line l;

    if (len < 2 || len >= sizeof(copy) || text[len - 1] != '\n')
        abort();
    memcpy(copy, text, len);
    if (pmi_line_parse(copy, len - 1, &l) < 0)
        abort();
}

static void barrier_cb(void *arg)
{
    const char *key, *value;

    for (size_t it = 0; pmi_server_each_put(server, &it, &key, &value);) {
        if (!pmi_key_ok(key, PMI_KEYLEN_MAX) || !pmi_value_ok(value, PMI_VALLEN_MAX))
            abort();
    }
    pmi_server_forget_puts(server);
    pmi_server_barrier_done(server, 0);
}

static void get_cb(int rank, const char *key, void *arg)
{
    pmi_server_get_done(server, rank, strlen(key) % 2 ? key : NULL);
}

static void abort_cb(int rank, int code, const char *text, void *arg)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pmi_server_ops alone = {.send = send_cb, .abort = abort_cb};
    static const struct pmi_server_ops wide = {
        .send = send_cb, .barrier = barrier_cb, .get = get_cb, .abort = abort_cb};
    struct pmi_server_conf conf = {
        .size = 3, .kvsname = "k", .mapping = "(vector,(0,1,3))"};
    char text[256];
    int nodes[8];

    if (size == 0)
        return 0;
    conf.ops = data[0] % 2 ? &wide : &alone;
    if (pmi_server_new(&conf, &server) < 0)
        abort();
    for (size_t at = 1; at < size;) {
        size_t len = data[at] >> 1, rank = data[at] % 3;

        at++;
        if (len > size - at)
            len = size - at;
        if (pmi_server_feed(server, (int)rank, (const char *)data + at, len) < 0)
            pmi_server_gone(server, (int)rank);
        at += len;
    }
    pmi_server_free(server);
    memcpy(text, data, size < sizeof(text) ? size : sizeof(text) - 1);
    text[size < sizeof(text) ? size : sizeof(text) - 1] = '\0';
    if (pmi_mapping_decode(text, 8, nodes) == 0) {
        struct buf b = {0};
        int again[8];

        if (pmi_mapping_encode(&b, nodes, 8) < 0 ||
            pmi_mapping_decode(b.data, 8, again) < 0 ||
            memcmp(nodes, again, sizeof(again)) != 0)
            abort();
        buf_free(&b);
    }
    return 0;
}
