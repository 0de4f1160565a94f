/* A program's half of the PMI-1 wire. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "pmi/wire_client.h"

/* Never SIGPIPE; PMI_FD is a socket, but who knows. */
static ssize_t write_some(int fd, const char *data, size_t len)
{
    ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

    if (n < 0 && errno == ENOTSOCK)
        n = write(fd, data, len);
    return n;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write_some(fd, data, len);

        if (n < 0 && errno != EINTR)
            return errno == EPIPE ? -ECONNRESET : -errno;
        if (n > 0) {
            data += n;
            len -= n;
        }
    }
    return 0;
}

/* A line to say, with its newline. */
static int say(struct pmi_wire *w, const char *fmt, va_list ap)
{
    char line[PMI_LINE_MAX];
    int n = vsnprintf(line, sizeof(line) - 1, fmt, ap);

    if (n < 0 || n >= (int)sizeof(line) - 1)
        return -EMSGSIZE;
    if (w->trace)
        w->trace(true, line, w->trace_arg);
    line[n] = '\n';
    return write_all(w->fd, line, n + 1);
}

/* The next line, without its newline: w->in[0..len), and room for a NUL behind. */
static int hear(struct pmi_wire *w, size_t *ret_len)
{
    char *nl;

    memmove(w->in, w->in + w->taken, w->used - w->taken);
    w->used -= w->taken;
    w->taken = 0;
    while (!(nl = memchr(w->in, '\n', w->used))) {
        ssize_t n;

        if (w->used >= PMI_LINE_MAX)
            return -EPROTO;
        n = read(w->fd, w->in + w->used, sizeof(w->in) - w->used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ECONNRESET;
        w->used += n;
    }
    *ret_len = nl - w->in;
    w->taken = *ret_len + 1;
    return 0;
}

static int hear_line(struct pmi_wire *w, const char *answer, struct pmi_line *ret)
{
    size_t len = 0;
    int rc = hear(w, &len);

    if (rc < 0)
        return rc;
    w->in[len] = '\0';
    if (w->trace)
        w->trace(false, w->in, w->trace_arg);
    rc = pmi_line_parse(w->in, len, ret);
    if (rc == 0 && strcmp(ret->cmd, answer) != 0)
        rc = -EPROTO;
    return rc;
}

static const char *reason(int rc)
{
    if (rc == -ECONNRESET)
        return "the launcher hung up";
    if (rc == -EPROTO)
        return "the launcher does not speak PMI-1";
    return strerror(-rc);
}

/* Why the server said no, if it did. */
static int check_rc(const struct pmi_line *l, const char *answer, flux_error_t *err)
{
    const char *why = pmi_line_get(l, "msg");
    int code = 0, rc = pmi_line_int(l, "rc", &code);

    if (rc == -EPROTO)
        return error_set(err, EPROTO, "PMI: %s: %s", answer, reason(rc));
    if (code == 0)
        return 0;
    if (!why)
        why = pmi_line_get(l, "info");
    return error_set(err, EREMOTEIO, "PMI: %s: the launcher says %s (%d)", answer,
                     why ? why : "no", code);
}

int pmi_wire_ask(struct pmi_wire *w, const char *answer, struct pmi_line *ret,
                 flux_error_t *err, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = say(w, fmt, ap);
    va_end(ap);
    if (rc == 0)
        rc = hear_line(w, answer, ret);
    if (rc < 0)
        return error_set(err, -rc, "PMI: %s: %s", answer, reason(rc));
    return check_rc(ret, answer, err);
}

/* ---- hello ---- */

/* A number of the answer; def when it is not there. */
static int number(const struct pmi_line *l, const char *key, int def)
{
    int v;

    return pmi_line_int(l, key, &v) == 0 ? v : def;
}

static int hello(struct pmi_wire *w, flux_error_t *err)
{
    struct pmi_line l;
    int rc = pmi_wire_ask(w, "response_to_init", &l, err,
                          "cmd=init pmi_version=1 pmi_subversion=1");

    if (rc == 0 && number(&l, "pmi_version", 0) != 1)
        return error_set(err, EPROTO, "PMI: the launcher speaks version %d, not 1",
                         number(&l, "pmi_version", 0));
    return rc;
}

static int learn_maxes(struct pmi_wire *w, flux_error_t *err)
{
    struct pmi_line l;
    int rc = pmi_wire_ask(w, "maxes", &l, err, "cmd=get_maxes");

    if (rc < 0)
        return rc;
    w->kvsname_max = number(&l, "kvsname_max", 0);
    w->keylen_max = number(&l, "keylen_max", 0);
    w->vallen_max = number(&l, "vallen_max", 0);
    if (w->kvsname_max < 1 || w->keylen_max < 1 || w->vallen_max < 1)
        return error_set(err, EPROTO, "PMI: maxes: the launcher says no limits");
    return 0;
}

static int learn_kvsname(struct pmi_wire *w, flux_error_t *err)
{
    const char *name;
    struct pmi_line l;
    int rc = pmi_wire_ask(w, "my_kvsname", &l, err, "cmd=get_my_kvsname");

    if (rc < 0)
        return rc;
    name = pmi_line_get(&l, "kvsname");
    if (!name || strlen(name) >= sizeof(w->kvsname))
        return error_set(err, EPROTO, "PMI: my_kvsname: %s", reason(-EPROTO));
    strcpy(w->kvsname, name);
    return 0;
}

/* Some servers do not know these two: not worth failing for. */
static int learn_rest(struct pmi_wire *w, flux_error_t *err)
{
    struct pmi_line l;
    int rc = pmi_wire_ask(w, "appnum", &l, err, "cmd=get_appnum");

    if (rc == 0)
        w->appnum = number(&l, "appnum", 0);
    if (rc < 0 && rc != -EREMOTEIO)
        return rc;
    rc = pmi_wire_ask(w, "universe_size", &l, err, "cmd=get_universe_size");
    if (rc == 0)
        w->universe_size = number(&l, "size", w->size);
    return rc == -EREMOTEIO ? 0 : rc;
}

int pmi_wire_init(struct pmi_wire *w, int fd, int rank, int size, pmi_trace_f trace,
                  void *arg, flux_error_t *err)
{
    int rc;

    w->fd = fd;
    w->rank = rank;
    w->size = w->universe_size = size;
    w->appnum = 0;
    w->trace = trace;
    w->trace_arg = arg;
    w->used = w->taken = 0;
    if ((rc = hello(w, err)) < 0 || (rc = learn_maxes(w, err)) < 0 ||
        (rc = learn_kvsname(w, err)) < 0)
        return rc;
    return learn_rest(w, err);
}

/* ---- the rest ---- */

int pmi_wire_put(struct pmi_wire *w, const char *key, const char *value,
                 flux_error_t *err)
{
    struct pmi_line l;

    if (!pmi_key_ok(key, w->keylen_max) || !pmi_value_ok(value, w->vallen_max))
        return error_set(err, EINVAL,
                         "PMI: put %s: key or value too long, or with odd "
                         "characters (launcher's limits: %d, %d)",
                         key, w->keylen_max, w->vallen_max);
    return pmi_wire_ask(w, "put_result", &l, err, "cmd=put kvsname=%s key=%s value=%s",
                        w->kvsname, key, value);
}

int pmi_wire_barrier(struct pmi_wire *w, flux_error_t *err)
{
    struct pmi_line l;

    return pmi_wire_ask(w, "barrier_out", &l, err, "cmd=barrier_in");
}

int pmi_wire_get(struct pmi_wire *w, const char *key, const char **ret, flux_error_t *err)
{
    struct pmi_line l;
    int rc;

    if (!pmi_key_ok(key, w->keylen_max))
        return error_set(err, EINVAL, "PMI: get: '%s' cannot be a key", key);
    rc = pmi_wire_ask(w, "get_result", &l, err, "cmd=get kvsname=%s key=%s", w->kvsname,
                      key);
    if (rc == -EREMOTEIO)
        return error_set(err, ENOENT, "PMI: there is no key %s", key);
    if (rc < 0)
        return rc;
    if (!(*ret = pmi_line_get(&l, "value")))
        return error_set(err, EPROTO, "PMI: get %s: %s", key, reason(-EPROTO));
    return 0;
}

int pmi_wire_finalize(struct pmi_wire *w, flux_error_t *err)
{
    struct pmi_line l;

    return pmi_wire_ask(w, "finalize_ack", &l, err, "cmd=finalize");
}

static int tell(struct pmi_wire *w, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = say(w, fmt, ap);
    va_end(ap);
    return rc;
}

int pmi_wire_abort(struct pmi_wire *w, int exitcode, const char *text)
{
    if (text && *text && pmi_value_ok(text, PMI_LINE_MAX / 2))
        return tell(w, "cmd=abort exitcode=%d error_msg=%s", exitcode, text);
    return tell(w, "cmd=abort exitcode=%d", exitcode);
}
