/* Logging: to the broker's log, or wherever the handle's redirect function sends it. */
#ifndef FLUX_FLOG_H
#define FLUX_FLOG_H

#include <stdarg.h>
#include <syslog.h>
#include <errno.h>

#include <flux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLUX_MAX_LOGBUF 2048

#if defined(__GNUC__)
#define FLUX_PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define FLUX_PRINTF_LIKE(fmt, first)
#endif

/* Gets one log record, in the form of RFC 5424, with its length; no newline, and not
 * necessarily a NUL. */
typedef void (*flux_log_f)(const char *buf, int len, void *arg);

/* Parts of this handle's records. Defaults: the program's name, its process id, the
 * broker's rank (added by the broker). Cut at 48, 128 and 255 characters. */
void flux_log_set_appname(flux_t *h, const char *s);
void flux_log_set_procid(flux_t *h, const char *s);
void flux_log_set_hostname(flux_t *h, const char *s);

/* Log a text; level: LOG_x of <syslog.h>. Does not wait. h NULL: to stderr. Keeps errno.
 * -1, errno. */
int flux_vlog(flux_t *h, int level, const char *fmt, va_list ap);
int flux_log(flux_t *h, int level, const char *fmt, ...) FLUX_PRINTF_LIKE(3, 4);
/* The same at LOG_ERR, with ": " and the text of errno behind. */
void flux_log_verror(flux_t *h, const char *fmt, va_list ap);
void flux_log_error(flux_t *h, const char *fmt, ...) FLUX_PRINTF_LIKE(2, 3);

#define FLUX_LOG_ERROR(h)                                                                \
    (void)flux_log_error((h), "%s::%d[%s]", __FILE__, __LINE__, __func__)

/* Send the records of this handle to fun(buf, len, arg) instead; NULL: to the broker. */
void flux_log_set_redirect(flux_t *h, flux_log_f fun, void *arg);
/* A redirect function that prints on the FILE * in arg: "program: level: text". */
void flux_log_fprint(const char *buf, int len, void *arg);

/* Text of an errno; never NULL. */
const char *flux_strerror(int errnum);

/* Logger for code that wants one of this shape; arg is a flux_t *. */
void flux_llog(void *arg, const char *file, int line, const char *func,
               const char *subsys, int level, const char *fmt, va_list ap);

#ifdef __cplusplus
}
#endif
#endif
