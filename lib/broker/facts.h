/* What the broker's attributes say. */
#ifndef FLUX_BROKER_FACTS_H
#define FLUX_BROKER_FACTS_H

struct broker;

/* Before all else. -errno. */
int facts_set_hostname(struct broker *b);
/* The broker knows its place. -errno. */
int facts_set(struct broker *b);
/* The place says who the others are, or says it anew. -errno. */
int facts_set_hostlist(struct broker *b);
/* -EINVAL, err: one that the user gave cannot be. */
int facts_check(struct broker *b, flux_error_t *err);
/* It is one of the instance: what concerns all of it. */
int facts_join(struct broker *b);
/* Apply log-* to the log. */
void facts_apply_log(struct broker *b);

#endif
