/* Between the files of a stream: stream.c, and import.c for records of other nodes.
 */
#ifndef FLUX_SHELL_STREAM_PRIVATE_H
#define FLUX_SHELL_STREAM_PRIVATE_H

#include "base/cleanup.h"
#include "base/map.h"
#include "shell/segment.h"
#include "shell/stream.h"

struct stream {
    int refs;
    struct env *env;
    char *path;
    struct file *file; /* NULL until there is data */
    unsigned ntasks;
    double time;
    uint64_t limit, used[2]; /* limit 0: not known yet */
    bool full[2];
    bool has_data; /* the file is worth making */
    bool ended;
    uint64_t base, seq;   /* numbers of the first record here, and of the next */
    uint64_t size;        /* bytes of records in the file */
    struct buf pending;   /* records behind those */
    struct umap *origins; /* struct origin; NULL: there are none */
};

/* How much of len bytes fits below the limit, and is counted. Then: was it not all? */
size_t stream_take_room(struct stream *s, unsigned stream, size_t len);
void stream_check_full(struct stream *s, unsigned stream, bool cut);
/* A record of another origin is in the file. -ENOMEM. */
int stream_note_origin(struct stream *s, const struct segment_record *r);

#endif
