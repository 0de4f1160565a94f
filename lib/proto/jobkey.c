/* Keys of jobs in the KVS. */
#include "proto/jobkey.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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
    snprintf(text, JOBKEY_SIZE, JOBKEY_DIR ".%04x.%04x.%04x.%04x",
             (unsigned)(id >> 48 & 0xffff), (unsigned)(id >> 32 & 0xffff),
             (unsigned)(id >> 16 & 0xffff), (unsigned)(id & 0xffff));
}

/* Does a key begin with this name? *rest is what is behind it. */
static bool begins(struct slice key, const char *name, struct slice *rest)
{
    size_t n = strlen(name);

    if (key.len < n || memcmp(key.p, name, n) != 0 || (key.len > n && key.p[n] != '.'))
        return false;
    n += key.len > n;
    *rest = (struct slice){key.p + n, key.len - n};
    return true;
}

int jobkey_guest(struct slice key, uint64_t *id, struct slice *guest)
{
    struct slice rest;
    struct jobkey k;

    if (!begins(key, JOBKEY_DIR, &rest) || jobkey_parse(rest, &k) < 0 ||
        k.groups < JOBKEY_GROUPS || !begins(k.rest, JOBKEY_GUEST, guest))
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
