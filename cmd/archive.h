/* Archives of an instance's state, as `flux dump` writes and `flux restore` reads them: a
 * tar of the primary namespace's keys ("a.b" is the file a/b), and of what is not a key of
 * it. Names that no key can have hold the latter, for there is a dot in them:
 *
 *   flux.dump/format                      {"format":1,..}, the first entry
 *   flux.dump/namespace/NAME/info.json    owner and flags of another namespace
 *   flux.dump/namespace/NAME/keys/..      its keys
 *   flux.dump/meta/NAME                   small facts that services keep
 *   job/ID/row.json                       a job, then its pieces beside it
 *   flux.dump/output/..                   what jobs have printed
 *   flux.dump/end                         {"entries":n,"crc":s}, the last entry
 *
 * In a name, '/' and '%' are written as %2F and %25. ID has four hexadecimal digits in each of
 * four names, as in job keys: job/0000/0012/3456/789a/row.json.
 */
#ifndef FLUX_CMD_ARCHIVE_H
#define FLUX_CMD_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "cli/cli.h"

#define ARCHIVE_OWN "flux.dump/"
#define ARCHIVE_FORMAT 1

/* Append a key as a path, a path as a key. The second: -1, it is no key's. */
void archive_path(struct buf *out, const char *key);
int archive_key(struct buf *out, const char *path);
/* Is it the folder that all is in? */
bool archive_is_top(const char *path);

/* Say on stderr that the nth entry is at hand: its path with --verbose, else, if not --quiet,
 * now and then their number. True: it left a line begun, which "\r" begins again. */
bool archive_tell(struct cli *c, const char *path, uint64_t n);
/* The folder with the output of jobs. False: it cannot be seen from here, for it is the
 * leader's. */
bool archive_output_dir(flux_t *h, char *dir, size_t size);

/* A program of its own compresses, by the ending of the name (.gz, .tgz, .bz2, .xz, .zst),
 * or decompresses, by the first bytes. */
struct archive_file {
    FILE *f;
    char *path, *partial; /* where it goes, and where it is written first */
    int program;          /* process id; 0: none */
};

/* "-" is the standard output. -1 after a message. */
int archive_create(struct cli *c, const char *path, struct archive_file *a);
/* Finish it: only now it has its name. A failure, or !keep, leaves nothing. */
int archive_finish(struct cli *c, struct archive_file *a, bool keep);
/* A file that can be read twice; "-" is the standard input. NULL after a message. */
FILE *archive_open(struct cli *c, const char *path);

#endif
