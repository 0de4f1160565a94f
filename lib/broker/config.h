/* The broker's configuration: from files, from JSON text, from single keys; the services
 * config.get, reload, load. */
#ifndef FLUX_BROKER_CONFIG_H
#define FLUX_BROKER_CONFIG_H

#include <flux/conf.h>

#include "base/json.h"
#include "broker/core.h"

struct broker;
struct config;

/* source: NULL, a path, or JSON text; keys: NULL-terminated "a.b=value", or NULL. */
int config_new(const char *source, const char *const *keys, struct config **ret,
               flux_error_t *err);
void config_free(struct config *c);                    /* accepts NULL */
const flux_conf_t *config_get(const struct config *c); /* borrowed */
const char *config_path(const struct config *c);       /* NULL: not from files */
/* A boolean or string at "table.key"; def when absent. */
bool config_bool(const struct config *c, const char *table, const char *key, bool def);
const char *config_str(const struct config *c, const char *table, const char *key);

cJSON *config_tree(const struct config *c); /* borrowed */
/* The configuration of rank 0, as the parent tells it: taken, unless this broker was given
 * one of its own. Modules and children hear of a change. */
int config_adopt(struct config *c, const cJSON *o, flux_error_t *err);

/* Answer config.*; after a change, tell the modules and the socket server. */
int config_serve(struct config *c, struct broker *b);
/* The broker goes: whoever waits for a change to be taken hears no more. */
void config_stop(struct config *c);
/* Act on what concerns the broker itself ([access]). */
void config_apply(struct config *c, struct broker *b);

#endif
