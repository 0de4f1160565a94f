/* What brokers tell each other when they connect, besides what the overlay needs: JSON
 * objects.
 *
 * hello, child to parent: {"seq":i, "hostname":s}; seq of the latest event it has seen.
 * welcome, parent to child: {"hostlist":s, "orphan-timeout":f (-1: none),
 * "durable":b, "instance-level":i, "jobid":s?, "jobid-path":s, "config":{}}: what is the
 * same for the whole instance, as rank 0 knows it.
 */
#ifndef FLUX_BROKER_WELCOME_H
#define FLUX_BROKER_WELCOME_H

#include "base/json.h"

struct broker;

cJSON *welcome_hello(struct broker *b); /* yours; NULL on ENOMEM */
cJSON *welcome_make(struct broker *b);  /* the same */
/* Take in what the parent says. -errno, err. */
int welcome_take(struct broker *b, const cJSON *welcome, flux_error_t *err);

#endif
