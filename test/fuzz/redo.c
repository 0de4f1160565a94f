/* The bytes behind the checksum, so that mutations get past it. */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "proto/redo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct redo_item *item)
{
    const unsigned char *hash;
    struct slice ns, target;
    size_t pos = 0;
    uint64_t n;

    if (item->op == REDO_LINK && redo_link(item->value, &ns, &target) < 0)
        abort();
    while ((item->op == REDO_VALREF || item->op == REDO_DIRREF) &&
           redo_ref(item->value, &pos, &hash, &n) > 0)
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *rec = malloc(size + 4);
    uint32_t crc = crc32c(0, data, size), seen = 0;
    struct redo_item item;
    struct redo_head h;
    size_t pos;
    int rc;

    memcpy(rec, &crc, 4);
    memcpy(rec + 4, data, size);
    if (redo_read(rec, size + 4, &h, &pos) == 0) {
        while ((rc = redo_next(rec, size + 4, &pos, &item)) > 0) {
            use(&item);
            seen++;
        }
        if (rc < 0 || seen != h.nops)
            abort();
        redo_chain(rec);
    }
    free(rec);
    return 0;
}
