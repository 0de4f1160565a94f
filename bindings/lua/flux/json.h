/* Between the two directions of JSON. */
#ifndef FLUX_LUA_JSON_H
#define FLUX_LUA_JSON_H

#include "binding.h"

#define JSON_ARRAY "flux.array" /* the metatable that marks one */

#endif
