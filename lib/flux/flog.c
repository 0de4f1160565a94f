/* Logging: one record a message, sent to the broker's log.append (or to the handle's
 * redirect function). No answer is awaited. Records have the form of RFC 5424, but that the
 * number in front is severity * 8 + facility, with facility 0, as Flux has always had it.
 */
#include <flux/flog.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <flux/attr.h>
#include <flux/rpc.h>

#include "flux/handle_private.h"

#define AUX_NAME "flux::log"

struct log {
    char hostname[256];
    char appname[49];
    char procid[129];
    flux_log_f redirect;
    void *redirect_arg;
};

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

/* ---- the handle's settings ---- */

/* A field may have no blanks and no control characters. */
static void set_field(char *field, size_t size, const char *s)
{
    snprintf(field, size, "%s", s && *s ? s : "-");
    for (; *field; field++) {
        if (*field <= ' ' || *field > '~')
            *field = '_';
    }
}

static struct log *log_get(flux_t *h)
{
    struct log *log = flux_aux_get(h->root, AUX_NAME);
    char pid[24];

    if (log)
        return log;
    if (!(log = calloc(1, sizeof(*log))))
        return NULL;
    set_field(log->appname, sizeof(log->appname), program_invocation_short_name);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    set_field(log->procid, sizeof(log->procid), pid);
    if (flux_aux_set(h->root, AUX_NAME, log, free) < 0) {
        free(log);
        return NULL;
    }
    return log;
}

void flux_log_set_appname(flux_t *h, const char *s)
{
    struct log *log = h ? log_get(h) : NULL;

    if (log)
        set_field(log->appname, sizeof(log->appname), s);
}

void flux_log_set_procid(flux_t *h, const char *s)
{
    struct log *log = h ? log_get(h) : NULL;

    if (log)
        set_field(log->procid, sizeof(log->procid), s);
}

void flux_log_set_hostname(flux_t *h, const char *s)
{
    struct log *log = h ? log_get(h) : NULL;

    if (log)
        set_field(log->hostname, sizeof(log->hostname), s);
}

void flux_log_set_redirect(flux_t *h, flux_log_f fun, void *arg)
{
    struct log *log = h ? log_get(h) : NULL;

    if (!log)
        return;
    log->redirect = fun;
    log->redirect_arg = arg;
}

/* ---- records ---- */

static void format_time(double t, char *buf, size_t size)
{
    time_t seconds = (time_t)t;
    int micros = (int)((t - (double)seconds) * 1e6);
    struct tm tm;
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf + n, size - n, ".%06dZ", micros);
}

/* Text in one line: what would start another is made visible as a blank. */
static size_t flatten(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' || text[i] == '\r')
            text[i] = ' ';
    }
    while (len > 0 && text[len - 1] == ' ')
        len--;
    text[len] = '\0';
    return len;
}

/* A hostname that was not set is the broker's rank, if that is known without asking. */
static const char *host_of(flux_t *h, const struct log *log)
{
    return log->hostname[0] ? log->hostname : "-";
}

static int format_record(flux_t *h, const struct log *log, int level, const char *text,
                         char *buf, size_t size)
{
    struct env *env = handle_env(h);
    char stamp[40];
    int n;

    format_time(env ? env_time(env) : 0, stamp, sizeof(stamp));
    n = snprintf(buf, size, "<%d>1 %s %s %s %s - - %s", LOG_PRI(level) << 3, stamp,
                 host_of(h, log), log->appname, log->procid, text);
    return (int)((size_t)n < size ? (size_t)n : size - 1);
}

static int send_record(flux_t *h, const struct log *log, const char *buf, int len)
{
    flux_future_t *f;

    if (log->redirect) {
        log->redirect(buf, len, log->redirect_arg);
        return 0;
    }
    f = flux_rpc_raw(h, "log.append", buf, (size_t)len + 1, FLUX_NODEID_ANY,
                     FLUX_RPC_NORESPONSE);
    if (!f)
        return -1;
    flux_future_destroy(f);
    return 0;
}

static int log_text(flux_t *h, int level, const char *text)
{
    char buf[FLUX_MAX_LOGBUF + 512];
    struct log *log;
    int len;

    if (!h) {
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, text);
        return 0;
    }
    if (!(log = log_get(h)))
        return -1;
    len = format_record(h, log, level, text, buf, sizeof(buf));
    return send_record(h, log, buf, len);
}

int flux_vlog(flux_t *h, int level, const char *fmt, va_list ap)
{
    char text[FLUX_MAX_LOGBUF];
    int saved_errno = errno;
    int n, rc;

    if (!fmt)
        return fail(EINVAL);
    if ((n = vsnprintf(text, sizeof(text), fmt, ap)) < 0)
        return fail(EINVAL);
    flatten(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
    rc = log_text(h, level, text);
    if (rc == 0)
        errno = saved_errno;
    return rc;
}

int flux_log(flux_t *h, int level, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = flux_vlog(h, level, fmt, ap);
    va_end(ap);
    return rc;
}

void flux_log_verror(flux_t *h, const char *fmt, va_list ap)
{
    char text[FLUX_MAX_LOGBUF];
    int saved_errno = errno;

    if (vsnprintf(text, sizeof(text), fmt, ap) >= 0)
        flux_log(h, LOG_ERR, "%s: %s", text, flux_strerror(saved_errno));
    errno = saved_errno;
}

void flux_log_error(flux_t *h, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list ap;

    va_start(ap, fmt);
    flux_log_verror(h, fmt, ap);
    va_end(ap);
    errno = saved_errno;
}

/* ---- printing ---- */

static const char *level_name(int level)
{
    static const char *const names[] = {"emerg",   "alert",  "crit", "err",
                                        "warning", "notice", "info", "debug"};

    return names[LOG_PRI(level)];
}

/* Where field n (from 0) of a record starts: <N>1 time host app procid - - text. */
static const char *field(const char *p, const char *end, int n)
{
    while (n > 0 && p < end) {
        if (*p++ == ' ')
            n--;
    }
    return p;
}

static int field_len(const char *p, const char *end)
{
    const char *blank = memchr(p, ' ', (size_t)(end - p));

    return (int)((blank ? blank : end) - p);
}

void flux_log_fprint(const char *buf, int len, void *arg)
{
    FILE *f = arg;
    const char *end, *app, *text;

    if (!buf || len <= 0 || !f)
        return;
    end = buf + len;
    app = field(buf, end, 3);
    text = field(buf, end, 7);
    fprintf(f, "%.*s: %s: %.*s\n", field_len(app, end), app,
            level_name(buf[0] == '<' ? atoi(buf + 1) >> 3 : LOG_INFO), (int)(end - text),
            text);
}

const char *flux_strerror(int errnum)
{
    const char *s = strerrordesc_np(errnum);

    return s ? s : "Unknown error";
}

void flux_llog(void *arg, const char *file, int line, const char *func,
               const char *subsys, int level, const char *fmt, va_list ap)
{
    char text[FLUX_MAX_LOGBUF];

    if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
        return;
    if (subsys)
        flux_log(arg, level, "%s: %s", subsys, text);
    else
        flux_log(arg, level, "%s", text);
}
