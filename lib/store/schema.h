/* The tables, and whether a file has them. Private to lib/store. */
#ifndef FLUX_STORE_SCHEMA_H
#define FLUX_STORE_SCHEMA_H

#include "store/sql.h"

/* Make a new database's tables, or check those of an old one. -EINVAL: not a store, or
 * of a newer format; err names `path`. */
int schema_open(struct sql *c, const char *path, const char *uuid, flux_error_t *err);

#endif
