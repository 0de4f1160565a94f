/* Names with {{tags}} in them: paths of output files, arguments of commands. A tag that
 * is not known stays as it is.
 *
 * Tags: id jobid id.{f58,dec,hex,dothex,kvs,words,emoji} name nnodes size ntasks
 * node.{id,name,broker_rank,cores,gpus,ncores,ngpus} taskid task.{id,rank,index,localid}
 * tmpdir
 */
#ifndef FLUX_SHELL_TEMPLATE_H
#define FLUX_SHELL_TEMPLATE_H

#include <stdbool.h>

#include <flux/types.h>

#include "base/buf.h"

struct template_vars {
    flux_jobid_t id;
    const char *name;
    unsigned nnodes, ntasks;
    unsigned node_id, broker_rank;
    const char *node_name;
    const char *cores, *gpus; /* idsets, as text */
    unsigned ncores, ngpus;
    const char *tmpdir; /* NULL: not known */
    unsigned rank, local_id;
};

/* Does the text differ from one task to the next? From one node to the next? */
bool template_names_task(const char *text);
bool template_names_node(const char *text);
/* Append the expansion. 0, -ENOMEM. */
int template_expand(const char *text, const struct template_vars *vars, struct buf *out);

#endif
