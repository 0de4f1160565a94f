/* The table of mounts. */
#include "modules/kvs/mount.h"

#include <stddef.h>
#include <string.h>

#include "proto/blobref.h"

static const struct mount mounts[] = {
    {"job", "job-info"},
    {"resource", "resource"},
};

const char mount_entries[] =
    "{\"job\":" BLOBREF_MOUNTED_DIR ",\"resource\":" BLOBREF_MOUNTED_DIR "}";

const struct mount *mount_find(struct slice key, struct slice *rest)
{
    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        size_t n = strlen(mounts[i].name);

        if (key.len < n || memcmp(key.p, mounts[i].name, n) != 0 ||
            (key.len > n && key.p[n] != '.'))
            continue;
        n += key.len > n;
        if (rest)
            *rest = (struct slice){key.p + n, key.len - n};
        return &mounts[i];
    }
    return NULL;
}

bool mount_covers(struct slice key)
{
    return mount_find(key, NULL) != NULL;
}
