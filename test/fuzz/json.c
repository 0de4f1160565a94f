/* Any text: parsing it never crashes; what is accepted prints, and the print reads back
 * as an equal tree. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unpack_somehow(const cJSON *o)
{
    flux_error_t err;
    const char *s;
    int64_t big;
    double f;
    int i, b;
    cJSON *v, *copy;

    json_unpack(o, &err, "{s?s s?i s?I s?f s?b s?[s,f]}", "s", &s, "i", &i, "I", &big,
                "f", &f, "b", &b, "a", &s, &f);
    json_unpack(o, &err, "[I,f !]", &big, &f);
    if (json_unpack(o, &err, "{s:o s:O}", "a", &v, "o", &copy) == 0)
        json_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct json_limits limits = {.bytes = 1 << 20, .depth = 40, .nodes = 5000};
    flux_error_t err;
    cJSON *o, *again;
    char *text, *second;

    if (json_parse((const char *)data, size, &limits, &o, &err) < 0)
        return 0;
    text = json_print(o);
    assert(text);
    assert(json_parse(text, strlen(text), &limits, &again, &err) == 0);
    assert(json_equal(o, again));
    second = json_print(again);
    assert(strcmp(text, second) == 0);
    unpack_somehow(o);
    free(text);
    free(second);
    json_free(o);
    json_free(again);
    return 0;
}
