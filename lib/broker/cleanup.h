/* The jobs' part of an orderly end: in a throw-away instance no job starts any more,
 * running ones are cancelled, and the end waits for them. */
#ifndef FLUX_BROKER_CLEANUP_H
#define FLUX_BROKER_CLEANUP_H

struct broker;
struct cleanup;

/* done runs once: no job runs, or nobody manages jobs, or the time (seconds) is over. */
int cleanup_start(struct broker *b, double timeout, void (*done)(void *arg), void *arg,
                  struct cleanup **ret);
void cleanup_free(struct cleanup *c); /* accepts NULL */

#endif
