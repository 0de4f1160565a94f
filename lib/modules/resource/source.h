/* Resources that somebody told, so that nobody need look:
 *
 *   [fake-resources] nnodes cores-per-node(64) gpus-per-node host-prefix("fake")
 *                    a made-up cluster for tests of scheduling
 *   attribute test.cores = M
 *                    M cores on each broker, whatever its host has
 *   [resource] path  a file that holds R
 *   [resource] config = [{hosts, cores, gpus, properties}...]
 *
 * Functions return 0 or more, or -errno, with the reason in err.
 */
#ifndef FLUX_RESOURCE_SOURCE_H
#define FLUX_RESOURCE_SOURCE_H

#include <flux/conf.h>
#include <flux/handle.h>

#include "env/env.h"
#include "modules/resource/hosts.h"
#include "proto/rset.h"

/* Methods, for the event log. */
#define SOURCE_FAKE "fake-resources"
#define SOURCE_TEST "test-cores"
#define SOURCE_CONFIGURED "configuration"

struct source_conf {
    flux_t *h;
    const flux_conf_t *conf;
    struct env *env;
    const struct hosts *hosts;
    const char *path;    /* of a file; NULL: none */
    const cJSON *config; /* the list of tables; NULL: none */
};

/* What is told first in the list above; *ret NULL: nothing. */
int source_read(const struct source_conf *sc, struct rset **ret, const char **ret_method,
                flux_error_t *err);

#endif
