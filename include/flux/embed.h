/* A Flux instance inside your own process.
 *
 *     struct flux_instance_options opts = FLUX_INSTANCE_OPTIONS_INIT;
 *     flux_error_t error;
 *     struct flux_instance *in = flux_instance_create(&opts, &error);
 *     if (!in || flux_instance_start(in, &error) < 0)
 *         ... error.text says why ...
 *     flux_t *h = flux_instance_open(in, 0, &error);
 *     ... flux_job_submit(h, ...) ...
 *     flux_close(h);
 *     flux_instance_destroy(in);
 *
 * The instance runs on a thread of this library (flux_instance_start) or on the
 * caller's (flux_instance_run). It installs no signal handler, waits for no child
 * but its own, and leaves the environment, the working directory, the umask and the
 * process's exit alone. Any number of instances live in one process.
 *
 * All functions may be called from any thread, except that create and destroy
 * must not race with others on the same object.
 */
#ifndef FLUX_EMBED_H
#define FLUX_EMBED_H

#include <flux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct flux_instance;

/* One line of the instance's log, not ending in a newline; level is LOG_x of
 * <syslog.h>, appname the module ("broker", "job-manager", ...). Called on the
 * instance's thread. */
typedef void (*flux_instance_log_f)(int level, const char *appname, const char *text,
                                    void *arg);

/* What to run. Zero means: as usual. Strings and arrays are copied. Fields are only
 * ever added at the end; `size` tells which ones the caller knows. */
struct flux_instance_options {
    size_t size; /* sizeof (struct flux_instance_options) */
    /* Broker attributes, "name=value", NULL-terminated (see flux_lsattr(1)). */
    const char *const *attrs;
    /* Configuration: the path of a TOML or JSON file or a folder of TOML files, or the
     * text of a JSON object (it begins with '{'). */
    const char *config;
    /* Further configuration keys, "table.key=value", value JSON or a bare string. */
    const char *const *config_keys;
    /* Folder that keeps the instance's state, made (mode 0700) when it is missing: what
     * was acknowledged survives. NULL: state lives in memory and ends with the
     * instance. */
    const char *statedir;
    /* Folder of the socket (mode 0700), made when missing. NULL: a new one in TMPDIR. */
    const char *rundir;
    /* Cores that jobs may use, whatever this host has. 0: what the host has. */
    int test_cores;
    /* Modules to load, in this order, NULL-terminated; each "name" or "path" and
     * arguments behind blanks. NULL: the usual ones. An empty list: none. */
    const char *const *modules;
    /* Initial program, NULL-terminated: the instance ends when it does, with its exit
     * code. NULL: the instance stays up until flux_instance_stop(). */
    const char *const *program;
    /* Environment of the initial program and of processes that the instance starts;
     * NULL: that of this process. */
    const char *const *environment;
    /* Gets the log. NULL: the log is only kept for `flux dmesg`. */
    flux_instance_log_f log;
    void *log_arg;
};
#define FLUX_INSTANCE_OPTIONS_INIT                                                       \
    {                                                                                    \
        sizeof(struct flux_instance_options), NULL, NULL, NULL, NULL, NULL, 0, NULL,     \
            NULL, NULL, NULL, NULL                                                       \
    }

/* An instance, not running. NULL, errno, and in error (may be NULL) the reason. */
struct flux_instance *flux_instance_create(const struct flux_instance_options *opts,
                                           flux_error_t *error);

/* Start it on a thread of its own and wait until it runs: services answer, the
 * initial program has been started. -1, errno, error: it did not come up, and has been
 * taken down again. An instance runs once. */
int flux_instance_start(struct flux_instance *in, flux_error_t *error);

/* Run it on this thread until it ends; returns its exit code (0..255). -1, errno,
 * error: it did not come up. */
int flux_instance_run(struct flux_instance *in, flux_error_t *error);

/* Ask it to end in good order: initial program terminated, jobs cancelled (in a
 * throw-away instance; with a statedir they go on), modules stopped, state written.
 * Does not wait. Harmless when it has ended already. Async-signal-unsafe. */
void flux_instance_stop(struct flux_instance *in);

/* Wait until it has ended: its exit code. timeout in seconds, < 0: for ever.
 * -1, errno: ETIMEDOUT, EINVAL never started, EDEADLK called on its own thread. */
int flux_instance_wait(struct flux_instance *in, double timeout);

/* A handle without a socket, with the owner's credentials, usable by any one thread
 * at a time. Close it with flux_close(), before or after the instance's end. NULL,
 * errno: ENOTCONN the instance does not run. flags as of flux_open(). */
flux_t *flux_instance_open(struct flux_instance *in, int flags, flux_error_t *error);

/* "local://..." for flux_open() and FLUX_URI; NULL before it was started. Borrowed. */
const char *flux_instance_uri(const struct flux_instance *in);

/* Stop it if it runs, wait, free. Accepts NULL. */
void flux_instance_destroy(struct flux_instance *in);

#ifdef __cplusplus
}
#endif

#endif
