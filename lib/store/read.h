/* What a read function is given. Private to lib/store. */
#ifndef FLUX_STORE_READ_H
#define FLUX_STORE_READ_H

#include "store/sql.h"

struct store_reader {
    struct sql *c;
};

#endif
