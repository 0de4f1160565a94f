/* The table of mounts. */
#include "modules/kvs/mount.h"

#include <stddef.h>

#include "proto/blobref.h"
#include "proto/key.h"

static const struct mount mounts[] = {
    {"job", "job-info"},
    {"resource", "resource"},
};

const char mount_entries[] =
    "{\"job\":" BLOBREF_MOUNTED_DIR ",\"resource\":" BLOBREF_MOUNTED_DIR "}";

const struct mount *mount_find(struct slice key, struct slice *rest)
{
    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        if (key_begins(key, mounts[i].name, rest))
            return &mounts[i];
    }
    return NULL;
}

bool mount_covers(struct slice key)
{
    return mount_find(key, NULL) != NULL;
}
