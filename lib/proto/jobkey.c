/* Keys of jobs in the KVS. */
#include "proto/jobkey.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/jobid.h"
#include "proto/key.h"

/* Four hexadecimal digits, as they are written: no capitals. */
static int parse_group(const char *s, size_t len, uint64_t *group)
{
    uint64_t n = 0;

    if (len != 4)
        return -ENOENT;
    for (size_t i = 0; i < len; i++) {
        if (s[i] >= '0' && s[i] <= '9')
            n = n << 4 | (unsigned)(s[i] - '0');
        else if (s[i] >= 'a' && s[i] <= 'f')
            n = n << 4 | (unsigned)(s[i] - 'a' + 10);
        else
            return -ENOENT;
    }
    *group = n;
    return 0;
}

int jobkey_parse(struct slice key, struct jobkey *ret)
{
    const char *p = key.p, *end = key.p + key.len, *name;
    struct jobkey k = {0};
    uint64_t group;
    size_t len;

    for (; k.groups < JOBKEY_GROUPS && key_next(&p, end, &name, &len); k.groups++) {
        if (parse_group(name, len, &group) < 0)
            return -ENOENT;
        k.id |= group << (48 - 16 * k.groups);
    }
    k.rest = (struct slice){p, (size_t)(end - p)};
    *ret = k;
    return 0;
}

void jobkey_print(uint64_t id, char text[JOBKEY_SIZE])
{
    (void)jobid_encode(id, "kvs", text, JOBKEY_SIZE);
}

int jobkey_guest(struct slice key, uint64_t *id, struct slice *guest)
{
    struct slice rest;
    struct jobkey k;

    if (!key_begins(key, JOBKEY_DIR, &rest) || jobkey_parse(rest, &k) < 0 ||
        k.groups < JOBKEY_GROUPS || !key_begins(k.rest, JOBKEY_GUEST, guest))
        return 0;
    *id = k.id;
    return 1;
}

void jobkey_namespace(uint64_t id, char text[JOBKEY_NAMESPACE_SIZE])
{
    snprintf(text, JOBKEY_NAMESPACE_SIZE, "job-%" PRIu64, id);
}

int jobkey_namespace_parse(const char *name, uint64_t *id)
{
    char again[JOBKEY_NAMESPACE_SIZE];

    if (strncmp(name, "job-", 4) != 0 || name[4] < '0' || name[4] > '9')
        return -ENOENT;
    *id = strtoull(name + 4, NULL, 10);
    jobkey_namespace(*id, again);
    return strcmp(name, again) == 0 ? 0 : -ENOENT;
}
