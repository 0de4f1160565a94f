/* Messages, for the files that change them. */
#ifndef FLUX_PYTHON_MESSAGE_H
#define FLUX_PYTHON_MESSAGE_H

#include "binding.h"

/* Make the message the object's alone, by a copy if need be, so that it may be changed. False
 * with an exception. */
bool message_own(struct object *o);

#endif
