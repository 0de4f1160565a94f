/* PMI_process_mapping: which rank is on which node. "(vector,(NODE,NODES,RANKS),...)": on
 * NODES nodes beginning with number NODE there are RANKS ranks each; the vector is
 * repeated until there are enough. Pure. Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PMI_MAPPING_H
#define FLUX_PMI_MAPPING_H

#include "base/buf.h"

/* node[0..size): the node of each rank. -EPROTO: malformed. */
int pmi_mapping_decode(const char *text, int size, int *node);
/* Append the text for ranks on these nodes, blocks merged. */
int pmi_mapping_encode(struct buf *out, const int *node, int size);

#endif
