/* What the broker's attributes say at the start. */
#ifndef FLUX_BROKER_FACTS_H
#define FLUX_BROKER_FACTS_H

struct broker;

/* Fill in b->attrs: facts, and defaults of what may be given. After the folders. */
int facts_set(struct broker *b);
/* Let the log attributes take effect; called again when one changes. */
void facts_apply_log(struct broker *b);

#endif
