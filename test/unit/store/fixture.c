#include "fixture.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void open_store(struct fixture *f)
{
    struct store_options opts = {
        .path = *f->dir ? f->path : NULL,
        .durability = STORE_PROCESS,
        .uuid = "6f9619ff-8b86-4011-b42d-00c04fc964ff",
    };
    flux_error_t err = {.text = ""};
    int rc = store_open(f->loop, &opts, &f->store, &err);

    ck_assert_msg(rc == 0, "store_open: %d: %s", rc, err.text);
}

void fixture_open(struct fixture *f, int kind)
{
    bool sim = kind == FIXTURE_MEMORY_SIM || kind == FIXTURE_FILE_SIM;

    *f = (struct fixture){0};
    ck_assert_int_eq(sim ? env_new_sim(1, &f->env) : env_new_real(&f->env), 0);
    ck_assert_int_eq(loop_new(f->env, &f->loop), 0);
    if (kind == FIXTURE_FILE || kind == FIXTURE_FILE_SIM) {
        strcpy(f->dir, "/tmp/flux-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(f->dir));
        snprintf(f->path, sizeof(f->path), "%s/store.sqlite", f->dir);
        if (sim)
            ck_assert_int_eq(dir_make(f->env, f->dir, 0700), 0);
    }
    open_store(f);
}

void fixture_reopen(struct fixture *f)
{
    store_close(f->store);
    open_store(f);
}

void fixture_close(struct fixture *f)
{
    store_close(f->store);
    loop_unref(f->loop);
    env_unref(f->env);
    if (*f->dir) {
        struct env *real;

        ck_assert_int_eq(env_new_real(&real), 0);
        ck_assert_int_eq(dir_remove(real, f->dir), 0);
        env_unref(real);
    }
}

static void keep_error(int error, void *arg)
{
    *(int *)arg = error;
}

int fixture_commit(struct fixture *f, struct store_txn *t)
{
    int error = 1;

    ck_assert_int_eq(store_commit(f->store, t, keep_error, &error), 0);
    store_flush(f->store);
    ck_assert_int_ne(error, 1);
    return error;
}

struct store_job fixture_job(uint64_t id, int state)
{
    static char rec[64];

    snprintf(rec, sizeof(rec), "{\"id\":%ju,\"state\":%d}", (uintmax_t)id, state);
    return (struct store_job){
        .id = id,
        .state = state,
        .result = state == 64 ? 1 : 0,
        .userid = 1000,
        .t_submit = 100.0 + id,
        .t_inactive = state == 64 ? 200.0 + id : 0,
        .rec = rec,
        .rec_len = strlen(rec),
    };
}

int fixture_put_job(struct fixture *f, const struct store_job *job)
{
    struct store_txn *t = store_txn_new(f->store);

    ck_assert_int_eq(store_txn_job(t, job), 0);
    return fixture_commit(f, t);
}

struct lookup {
    uint64_t id;
    const char *key;
    char text[4096];
    size_t len;
};

static int append(uint64_t seq, const void *data, size_t len, void *arg)
{
    struct lookup *l = arg;

    ck_assert_uint_lt(l->len + len, sizeof(l->text));
    memcpy(l->text + l->len, data, len);
    l->len += len;
    l->text[l->len] = '\0';
    return 0;
}

static int read_data(struct store_reader *r, void *arg)
{
    struct lookup *l = arg;

    return store_reader_jobdata(r, l->id, l->key, append, l);
}

const char *fixture_data(struct fixture *f, uint64_t id, const char *key)
{
    static struct lookup l;
    int rc;

    l = (struct lookup){.id = id, .key = key};
    rc = store_read_now(f->store, read_data, &l);
    ck_assert(rc == 0 || rc == -ENOENT);
    return l.text;
}
