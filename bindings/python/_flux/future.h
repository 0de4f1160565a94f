/* Futures, for the files that make and read them. */
#ifndef FLUX_PYTHON_FUTURE_H
#define FLUX_PYTHON_FUTURE_H

#include "binding.h"

/* The end of a call that made a future outside Python, on h. */
PyObject *future_made(PyObject *module, struct outside *out, struct object *h,
                      flux_future_t *f);
/* Wait until it is ready; timeout in seconds, < 0: none. False with an exception: the future
 * is not ready (TimeoutError), or a signal's. */
bool future_wait(struct object *f, double timeout);
/* OSError of errno, with the future's text. */
PyObject *future_fail(struct object *f);

#endif
