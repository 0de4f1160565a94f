/* Any text: what decodes encodes to text that decodes to an equal set. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include <flux/idset.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    idset_error_t err;
    struct idset *s, *again;
    size_t count;
    char *text;

    s = idset_decode_ex((const char *)data, (ssize_t)size, 0, IDSET_FLAG_AUTOGROW, &err);
    if (!s) {
        assert(idset_decode_info((const char *)data, (ssize_t)size, NULL, NULL, &err) <
               0);
        return 0;
    }
    assert(idset_decode_info((const char *)data, (ssize_t)size, &count, NULL, &err) == 0);
    assert(count == idset_count(s));
    text = idset_encode(s, IDSET_FLAG_RANGE | IDSET_FLAG_BRACKETS);
    again = idset_decode(text);
    assert(again && idset_equal(s, again));
    assert(idset_decode_subtract(again, text, -1, &err) == 0 && idset_empty(again));
    free(text);
    idset_destroy(s);
    idset_destroy(again);
    return 0;
}
