/* See tidy.h. The allocator keeps freed memory below the top of its heap; when much of it
 * has been free for a while, ask it to let go.
 */
#include "broker/tidy.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#define PERIOD 1.0               /* seconds, */
#define PERIOD_MAX 32.0          /* when nothing has changed for long */
#define ENOUGH ((size_t)2 << 20) /* bytes free that are worth the trouble */

struct tidy {
    struct watcher *timer;
    size_t used; /* bytes in use at the last look */
    double period;
};

static void look(struct watcher *w, int revents, void *arg)
{
    struct tidy *t = arg;
    struct mallinfo2 m = mallinfo2();
    size_t change = m.uordblks > t->used ? m.uordblks - t->used : t->used - m.uordblks;

    t->used = m.uordblks;
    t->period = change ? PERIOD : t->period < PERIOD_MAX ? 2 * t->period : PERIOD_MAX;
    watcher_timer_set(w, t->period, 0);
    watcher_start(w);
    if (m.fordblks > ENOUGH && change < ENOUGH / 4)
        malloc_trim(0);
}

int tidy_new(struct loop *loop, struct tidy **ret)
{
    struct tidy *t = calloc(1, sizeof(*t));
    int rc = 0;

    if (!t)
        return -ENOMEM;
    t->period = PERIOD;
    if (!env_is_sim(loop_env(loop)))
        rc = watcher_new_timer(loop, PERIOD, 0, look, t, &t->timer);
    if (rc < 0) {
        free(t);
        return rc;
    }
    if (t->timer) {
        watcher_unref(t->timer);
        watcher_start(t->timer);
    }
    *ret = t;
    return 0;
}

void tidy_free(struct tidy *t)
{
    if (!t)
        return;
    watcher_free(t->timer);
    free(t);
}
