/* Job ids and their written forms (RFC 19):
 *
 *   f58       "ƒuZZybuNNy"    base58 behind U+0192
 *   f58plain  "fuZZybuNNy"    the same behind an ASCII f
 *   dec       "6731191091817518"
 *   hex       "0x17e9fb8df16c2e"
 *   dothex    "0017.e9fb.8df1.6c2e"
 *   kvs       "job.0017.e9fb.8df1.6c2e"
 *   words     "reform-remote-galileo--heart-package-academy"
 *   emoji     "🚹💂🙌😳💱🏃"
 *
 * The form of a text is known by looking at it, so parsing takes any of them.
 */
#ifndef FLUX_BASE_JOBID_H
#define FLUX_BASE_JOBID_H

#include <stddef.h>

#include <flux/types.h>

/* Room for any form, with its NUL. */
#define JOBID_SIZE 64

/* Read any form; white space around it is ignored. 0, or -EINVAL; err may be NULL. */
int jobid_parse(const char *s, flux_jobid_t *ret, flux_error_t *err);
/* Write id in form `type` (NULL: f58). The length, -EPROTO for an unknown type,
 * -EOVERFLOW if it does not fit. */
int jobid_encode(flux_jobid_t id, const char *type, char *buf, size_t size);

/* The two tables, used by jobid.c. */
#define JOBID_WORDS 1626
extern const char *const jobid_word[JOBID_WORDS];
#define JOBID_EMOJI 576
extern const unsigned jobid_emoji[JOBID_EMOJI]; /* code points */

#endif
