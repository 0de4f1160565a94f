/* What the parts of `flux resource` share: rows of a table of nodes. */
#ifndef FLUX_CMD_RESOURCE_H
#define FLUX_CMD_RESOURCE_H

#include <cjson/cJSON.h>
#include <flux/core.h>
#include <flux/hostlist.h>
#include <flux/idset.h>

#include "cli/format.h"
#include "cli/rcount.h"
#include "cmds.h"

extern const struct cli_command resource_list, resource_info, resource_status;

/* resource_status.c */
int resource_print_drained(struct cli *c, flux_t *h);

/* Nodes in one state. */
struct row {
    const char *state;
    const char *up; /* a mark, or "" */
    size_t nnodes, ncores, ngpus;
    char *ranks, *nodelist; /* yours */
    const char *reason;     /* "" */
    double timestamp;       /* 0: none */
};

/* resource_table.c */
extern const struct cli_option resource_table_options[]; /* states, include, ... */
struct table {
    struct cli *c;
    struct format *format;
    struct hostlist *hosts; /* of the brokers, by rank */
    struct idset *only;     /* ranks of --include; NULL: all */
};
/* 0; or an exit code after a message. `dflt` is the format. */
int table_open(struct cli *c, flux_t *h, const char *dflt, struct table *t);
void table_close(struct table *t);
/* Read --include, which may name hosts of the resource set. An exit code after a message. */
int table_include(struct table *t, const struct rcount *all);
/* Is a state asked for? dflt: those that are when none was named. "drain" stands for
 * draining and drained. */
bool table_wants(const struct table *t, const char *state, const char *dflt);
/* Leave out the ranks that were not asked for. */
int table_limit(const struct table *t, struct rcount *rc);
int table_limit_ranks(const struct table *t, struct idset *ranks);
/* Hosts of ranks by the resource set, or else as the brokers say; yours. */
char *table_hosts(const struct table *t, const struct rcount *all,
                  const struct idset *ranks);
/* Print the header (unless --no-header) and n rows, whose texts are freed. */
void table_print(struct table *t, struct row *rows, size_t n);

#endif
