/* A watch of a key, and what it was told. */
#ifndef TEST_SERVICE_BROKERS_WATCHER_H
#define TEST_SERVICE_BROKERS_WATCHER_H

#include "cluster.h"

struct watcher {
    struct cluster *c;
    flux_future_t *f;
    char log[16384];  /* the answers, a bar behind each; "dir" for a directory */
    unsigned answers; /* those that are too long for it, too */
    size_t bytes;     /* in those */
    int errnum;       /* of the last one; 0: it goes on */
};

/* Follow f, a lookup that watches. */
void watcher_begin(struct watcher *w, struct cluster *c, flux_future_t *f);
/* Wait for these answers, which are all there are so far. */
void watcher_expect(struct watcher *w, const char *log);
/* Wait for the end; these are all the answers there were. */
void watcher_expect_end(struct watcher *w, const char *log, int errnum);
/* Cancel it and wait for the end. */
void watcher_drop(struct watcher *w);

#endif
