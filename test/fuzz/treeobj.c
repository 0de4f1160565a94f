#include <stdlib.h>

#include "proto/treeobj.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *ns, *target;
    flux_error_t err;
    cJSON *o, *copy;
    char *value;

    if (treeobj_parse((const char *)data, size, &o, &err) < 0)
        return 0;
    if (treeobj_type(o) == TREEOBJ_VAL) {
        if (treeobj_val_decode(o, &value, NULL) < 0)
            abort();
        free(value);
    }
    treeobj_symlink_get(o, &ns, &target);
    for (int i = 0; i < treeobj_blobref_count(o); i++)
        if (!treeobj_blobref(o, i))
            abort();
    copy = json_copy(o);
    if (treeobj_validate(copy, &err) < 0)
        abort();
    json_free(copy);
    json_free(o);
    return 0;
}
