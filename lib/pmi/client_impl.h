/* What each kind of PMI client implements. Private to lib/pmi. */
#ifndef FLUX_PMI_CLIENT_IMPL_H
#define FLUX_PMI_CLIENT_IMPL_H

#include "pmi/client.h"

struct pmi_client_ops {
    int (*put)(struct pmi_client *c, const char *key, const char *value,
               flux_error_t *err);
    int (*barrier)(struct pmi_client *c, flux_error_t *err);
    int (*get)(struct pmi_client *c, const char *key, char **ret, flux_error_t *err);
    int (*finalize)(struct pmi_client *c, flux_error_t *err);
    void (*free)(struct pmi_client *c);
};

struct pmi_client {
    const struct pmi_client_ops *ops;
    struct pmi_facts facts;
};

#endif
