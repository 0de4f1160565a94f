/* A program that the broker runs on its own behalf: the initial one, whose end is the
 * instance's, and the commands before and after it. */
#ifndef FLUX_BROKER_PROGRAM_H
#define FLUX_BROKER_PROGRAM_H

#include <flux/types.h>

struct broker;
struct program;

/* Called with the exit code as a shell would give it (128 + signal). */
typedef void (*program_done_f)(int code, void *arg);

/* argv must outlive it. */
int program_start(struct broker *b, const char *const *argv, program_done_f done,
                  void *arg, struct program **ret, flux_error_t *err);
/* Make it end: SIGTERM and SIGHUP, SIGKILL later. */
void program_stop(struct program *p);
void program_free(struct program *p); /* it goes on; accepts NULL */

/* The environment of what the broker starts: its own without what belongs to an
 * enclosing job, with FLUX_URI. Yours to free with strv_free(). */
char **child_environment(const struct broker *b);

#endif
