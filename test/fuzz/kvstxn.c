/* Whatever a request says, what comes out of it is sound. */
#include <stdlib.h>

#include "proto/key.h"
#include "proto/kvstxn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(struct slice key)
{
    char out[KEY_MAX];

    /* In normal form already. */
    if (key.len && (key_normalize(key.p, key.len, out, NULL) != (int)key.len ||
                    memcmp(out, key.p, key.len) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kvstxn_expect e;
    struct redo_item item;
    flux_error_t err;
    struct kvstxn t;
    unsigned n = 0;
    size_t pos = 0;
    int rc;
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    if (kvstxn_read(text, size, &t, &err) == 0) {
        for (; (rc = redo_next(t.ops.data, t.ops.len, &pos, &item)) > 0; n++)
            check_key(item.key);
        if (rc < 0 || n != t.nops)
            abort();
        for (pos = n = 0; kvstxn_expect(&t.expects, &pos, &e) > 0; n++)
            check_key(e.key);
        if (n != t.nexpects)
            abort();
        kvstxn_free(&t);
    }
    free(text);
    return 0;
}
