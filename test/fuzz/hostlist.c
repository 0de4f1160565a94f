/* Any text: what decodes encodes to text that names the same hosts in the same order. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <flux/hostlist.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_hosts(struct hostlist *a, struct hostlist *b)
{
    const char *x = hostlist_first(a), *y = hostlist_first(b);

    assert(hostlist_count(a) == hostlist_count(b));
    for (; x && y; x = hostlist_next(a), y = hostlist_next(b))
        assert(strcmp(x, y) == 0);
    assert(!x && !y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *encoded;
    struct hostlist *hl, *again;

    memcpy(text, data, size);
    text[size] = '\0';
    if ((hl = hostlist_decode(text))) {
        encoded = hostlist_encode(hl);
        again = hostlist_decode(encoded);
        assert(again);
        same_hosts(hl, again);
        if (hostlist_count(hl) > 0 && hostlist_count(hl) < 1000) {
            char *last = strdup(hostlist_last(hl));

            assert(hostlist_find(hl, last) >= 0);
            hostlist_remove_current(hl);
            hostlist_append(hl, last);
            hostlist_uniq(hl);
            hostlist_uniq(again);
            same_hosts(hl, again);
            free(last);
        }
        free(encoded);
        hostlist_destroy(again);
    }
    hostlist_destroy(hl);
    free(text);
    return 0;
}
