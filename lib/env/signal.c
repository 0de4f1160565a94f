/* Signal watchers of the real loop: a signalfd each, so that any loop can have
 * them and no handler is installed. Starting one blocks the signal in the calling
 * thread (other threads of the process must have it blocked too, as those of env
 * have) and stopping undoes that.
 *
 * A signal wakes one descriptor only, so whichever watcher reads it passes it to
 * all watchers of that signal on its loop.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "env/loop_real.h"

struct signal_watcher {
    struct watcher w;
    struct list link; /* in the loop's signals */
    struct watcher *io;
    int fd;
    bool blocked_here;
    bool due;
};

static struct signal_watcher *signal_of(struct watcher *w)
{
    return CONTAINER_OF(w, struct signal_watcher, w);
}

static struct signal_watcher *next_due(struct real_loop *r, int signum)
{
    list_each(s, &r->signals, struct signal_watcher, link)
    {
        if (s->due && s->w.signum == signum)
            return s;
    }
    return NULL;
}

static bool take_signal(int fd)
{
    struct signalfd_siginfo si;
    ssize_t n;
    do {
        n = read(fd, &si, sizeof(si));
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(si);
}

static void on_signalfd(struct watcher *io, int revents, void *arg)
{
    struct signal_watcher *s = arg;
    struct real_loop *r = real_loop(s->w.loop);
    int signum = s->w.signum;
    if (!take_signal(s->fd))
        return;
    list_each(it, &r->signals, struct signal_watcher, link) it->due =
        it->w.signum == signum;
    while ((s = next_due(r, signum))) {
        s->due = false;
        s->w.cb(&s->w, 0, s->w.arg);
    }
}

static int signal_init(struct watcher *w)
{
    struct signal_watcher *s = signal_of(w);
    sigset_t set;
    list_init(&s->link);
    sigemptyset(&set);
    if (w->signum == SIGKILL || w->signum == SIGSTOP || sigaddset(&set, w->signum) < 0)
        return -EINVAL;
    s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->fd < 0)
        return -errno;
    int rc = watcher_new_fd(w->loop, s->fd, LOOP_IN, on_signalfd, s, &s->io);
    if (rc < 0)
        close(s->fd);
    return rc;
}

static void signal_start(struct watcher *w)
{
    struct signal_watcher *s = signal_of(w);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, w->signum);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    s->blocked_here = !sigismember(&old, w->signum);
    list_append(&real_loop(w->loop)->signals, &s->link);
    watcher_start(s->io);
}

static bool others_watch(struct signal_watcher *s)
{
    list_each(it, &real_loop(s->w.loop)->signals, struct signal_watcher, link)
    {
        if (it->w.signum == s->w.signum) {
            it->blocked_here = true; /* the last one unblocks */
            return true;
        }
    }
    return false;
}

static void signal_stop(struct watcher *w)
{
    struct signal_watcher *s = signal_of(w);
    watcher_stop(s->io);
    list_del(&s->link);
    s->due = false;
    if (!s->blocked_here || others_watch(s))
        return;
    s->blocked_here = false;
    /* What came but was not delivered is dropped with the watcher, not turned loose
     * on the process. */
    while (take_signal(s->fd))
        ;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, w->signum);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void signal_fini(struct watcher *w)
{
    struct signal_watcher *s = signal_of(w);
    watcher_free(s->io);
    close(s->fd);
}

const struct watcher_ops signal_watcher_ops = {
    .size = sizeof(struct signal_watcher),
    .init = signal_init,
    .start = signal_start,
    .stop = signal_stop,
    .fini = signal_fini,
};
