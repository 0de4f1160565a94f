/* A program's half of the PMI-1 wire, on a descriptor (PMI_FD). Each call writes a line and
 * waits for its answer. One thread at a time; no event loop, and nothing of lib/env, so that
 * libpmi.so is this and little else.
 *
 * Functions return 0 or more, or -errno with the reason in err (may be NULL): -ECONNRESET
 * the server hung up, -EPROTO it speaks something else, -EREMOTEIO it said no.
 */
#ifndef FLUX_PMI_WIRE_CLIENT_H
#define FLUX_PMI_WIRE_CLIENT_H

#include <flux/types.h>

#include "pmi/wire.h"

/* A line that was sent or received, for traces. */
typedef void (*pmi_trace_f)(bool sent, const char *line, void *arg);

struct pmi_wire {
    int fd;
    int rank, size, appnum, universe_size;
    int kvsname_max, keylen_max, vallen_max; /* with the final NUL */
    char kvsname[PMI_KVSNAME_MAX];
    pmi_trace_f trace; /* or NULL */
    void *trace_arg;
    size_t used;  /* bytes of `in` that have come */
    size_t taken; /* bytes of `in` that were the last line */
    char in[2 *
            PMI_LINE_MAX]; /* what the last answer's words point into, and what follows */
};

/* Say hello, and learn all of the above. The descriptor stays the caller's. */
int pmi_wire_init(struct pmi_wire *w, int fd, int rank, int size, pmi_trace_f trace,
                  void *arg, flux_error_t *err);
/* Say a line (without newline), and wait for the answer cmd=`answer`, with rc=0 or none.
 * What it says is good until the next call. */
int pmi_wire_ask(struct pmi_wire *w, const char *answer, struct pmi_line *ret,
                 flux_error_t *err, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
int pmi_wire_put(struct pmi_wire *w, const char *key, const char *value,
                 flux_error_t *err);
int pmi_wire_barrier(struct pmi_wire *w, flux_error_t *err);
/* Borrowed until the next call. -ENOENT: there is no such key. */
int pmi_wire_get(struct pmi_wire *w, const char *key, const char **ret,
                 flux_error_t *err);
int pmi_wire_finalize(struct pmi_wire *w, flux_error_t *err);
/* Has no answer. */
int pmi_wire_abort(struct pmi_wire *w, int exitcode, const char *text);

#endif
