#include "proto/jobspec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jobspec_info info;
    flux_error_t err;
    char name[64];
    cJSON *o;

    if (json_parse((const char *)data, size, NULL, &o, &err) < 0)
        return 0;
    if (jobspec_read(o, &info, &err) == 0)
        jobspec_default_name(o, name, sizeof(name));
    json_free(o);
    return 0;
}
