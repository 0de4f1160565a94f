/* Memory that a burst of work needed goes back to the system once it is over. */
#ifndef FLUX_BROKER_TIDY_H
#define FLUX_BROKER_TIDY_H

#include "env/loop.h"

struct tidy;

/* Look once a second; nothing is done in the simulated world. -errno. */
int tidy_new(struct loop *loop, struct tidy **ret);
void tidy_free(struct tidy *t); /* accepts NULL */

#endif
