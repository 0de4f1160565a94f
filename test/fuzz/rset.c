/* R: what is read is written so that it reads the same. */
#include <stdlib.h>
#include <string.h>

#include "proto/rset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf one = {0}, two = {0};
    struct rset *a, *b, *c;

    if (rset_parse((const char *)data, size, &a, NULL) < 0)
        return 0;
    if (rset_print(a, &one) < 0 || rset_parse(one.data, one.len, &b, NULL) < 0 ||
        rset_print(b, &two) < 0 || strcmp(one.data, two.data) != 0)
        abort();
    if (rset_diff(a, b, &c) < 0 || rset_ncores(c) + rset_ngpus(c) != 0)
        abort();
    rset_free(c);
    if (rset_union(a, b, &c) < 0 || rset_ncores(c) != rset_ncores(a))
        abort();
    rset_free(c);
    rset_free(a);
    rset_free(b);
    buf_free(&one);
    buf_free(&two);
    return 0;
}
