/* The resource event log: resource-define, online, offline, drain, undrain, ... in the
 * order of their happening, kept in memory (the latest ones) and followed by
 * resource.journal:
 *
 *   resource.journal (stream) {} -> {"events":[..]} all that is kept, then {"events":[]},
 *                                   then {"events":[..]} as they happen
 */
#ifndef FLUX_RESOURCE_RESLOG_H
#define FLUX_RESOURCE_RESLOG_H

#include <flux/handle.h>
#include <flux/message.h>

#include "base/buf.h"

struct reslog;

int reslog_new(flux_t *h, struct reslog **ret);
void reslog_free(struct reslog *l); /* ends the streams; accepts NULL */
/* Context: a pack format as of json_pack(). -errno. */
int reslog_add(struct reslog *l, const char *name, const char *context_fmt, ...);
void reslog_journal(struct reslog *l, const flux_msg_t *msg);
void reslog_cancel(struct reslog *l, const flux_msg_t *msg);
void reslog_disconnect(struct reslog *l, const flux_msg_t *msg);
/* Append its lines. */
void reslog_text(const struct reslog *l, struct buf *out);
/* {"eventlog":"lines"} */
void reslog_get(struct reslog *l, const flux_msg_t *msg);

#endif
