/* The log: a ring of the latest records, followers, and a hook for stderr; the services
 * log.append, dmesg, clear, cancel. Records are RFC 5424 texts whose priority is
 * level * 8, as Flux's clients write and read them.
 */
#ifndef FLUX_BROKER_LOG_H
#define FLUX_BROKER_LOG_H

#include <syslog.h>

#include <flux/embed.h>

#include "broker/core.h"

struct log;

/* ring: how many records are kept. */
int log_new(struct env *env, size_t ring, struct log **ret);
void log_free(struct log *l); /* accepts NULL */
void log_set_ring_size(struct log *l, size_t ring);
/* Keep records of this level and more urgent ones; give those of the hook's level and
 * more urgent ones to the hook. */
void log_set_level(struct log *l, int level);
void log_set_hook(struct log *l, flux_instance_log_f hook, void *arg);
void log_set_hook_level(struct log *l, int level);
/* Records that do not say where they come from are from here. Those of this level and
 * more urgent ones go to rank 0 as well (level < 0: none do); the hook of another rank
 * than 0 hears of its own records if `local`, that of rank 0 of all, or its own. */
void log_set_rank(struct log *l, uint32_t rank);
void log_set_forward(struct log *l, int level);
void log_set_hook_local(struct log *l, bool local);
/* In the hook: the rank that the record comes from, as text. */
const char *log_speaker(const struct log *l);

/* Take a record in, as a client sent it. -EINVAL: not a record. */
int log_append(struct log *l, const char *rec, size_t len);
/* One of the broker's own. */
void log_printf(struct log *l, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
size_t log_count(const struct log *l);
const char *log_get(const struct log *l, size_t i); /* 0: the oldest kept */

/* Answer log.*, and forward through r; c NULL: not any more. */
int log_serve(struct log *l, struct core *c, struct router *r);

#endif
