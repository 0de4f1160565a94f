/* The tree against a plain list of paths: random operations by seed, snapshots that stay
 * as they were, and objects that have to be loaded again. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kvs_model.h"
#include "modules/kvs/hash.h"
#include "modules/kvs/tree.h"
#include "proto/key.h"

/* Blobs by hash, as the store has them. */
struct blob {
    struct blob *next;
    unsigned char hash[NODE_HASH];
    bool node;
    size_t len;
    char data[];
};

struct world {
    struct objs os;
    struct obj *root;
    struct model model;
    struct blob *blobs[4096];
    uint64_t version, random;
    unsigned loads;
};

static uint64_t draw(struct world *w, uint64_t n)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (w->random >> 33) % n;
}

static struct blob **bucket(struct world *w, const unsigned char *hash)
{
    return &w->blobs[(hash[0] | hash[1] << 8) % 4096];
}

static struct blob *find_blob(struct world *w, const unsigned char *hash, bool node)
{
    struct blob *b = *bucket(w, hash);

    while (b && (b->node != node || memcmp(b->hash, hash, NODE_HASH) != 0))
        b = b->next;
    return b;
}

/* Check writes a line for every assertion; these are too many for that. */
#define MUST(x)                                                                          \
    do {                                                                                 \
        if (!(x))                                                                        \
            ck_abort_msg("%s", #x);                                                      \
    } while (0)

static int save(struct obj *o, void *arg)
{
    struct world *w = arg;
    struct blob *b;

    o->stored = true;
    if (find_blob(w, o->hash, o->kind != OBJ_BLOB))
        return 0;
    b = malloc(sizeof(*b) + o->len);
    memcpy(b->hash, o->hash, NODE_HASH);
    b->node = o->kind != OBJ_BLOB;
    b->len = o->len;
    memcpy(b->data, o->data, o->len);
    b->next = *bucket(w, o->hash);
    *bucket(w, o->hash) = b;
    return 0;
}

/* A checkpoint, in steps of a few bytes; then forget all that may be forgotten. */
static void save_all(struct world *w, struct obj *root)
{
    struct hasher h;
    int rc;

    ck_assert_int_eq(hasher_init(&h, &w->os, root, true), 0);
    while ((rc = hasher_step(&h, 5000, save, w)) == 0)
        ;
    ck_assert_int_eq(rc, 1);
    hasher_fini(&h);
    w->os.now++;
    forget_cold(&w->os, root, w->os.now, 0);
}

/* It stays until somebody has used it. */
static void load(struct world *w, struct need *need, struct obj **held)
{
    MUST(need->n > 0);
    for (unsigned i = 0; i < need->n; i++) {
        struct blob *b = find_blob(w, need->objs[i].hash, need->objs[i].node);

        MUST(b != NULL);
        MUST(obj_load(&w->os, b->hash, b->node, b->data, b->len, &held[i]) == 0);
        w->loads++;
    }
}

static void release(struct world *w, struct need *need, struct obj **held)
{
    for (unsigned i = 0; i < need->n; i++)
        obj_unref(&w->os, held[i]);
    need->n = 0;
}

static struct world *world_new(uint64_t seed)
{
    struct world *w = calloc(1, sizeof(*w));

    w->random = seed * 2 + 1;
    ck_assert_int_eq(objs_init(&w->os), 0);
    w->root = obj_new_node(&w->os, OBJ_LEAF, 0, 0);
    return w;
}

static void world_free(struct world *w)
{
    obj_unref(&w->os, w->root);
    ck_assert_uint_eq(w->os.count, 0);
    ck_assert_uint_eq(w->os.bytes, 0);
    objs_fini(&w->os);
    model_clear(&w->model);
    for (int i = 0; i < 4096; i++)
        for (struct blob *b = w->blobs[i], *next; b; b = next) {
            next = b->next;
            free(b);
        }
    free(w);
}

/* An edit of some operations: all or nothing. */
static int apply_all(struct world *w, const struct redo_item *ops, int n)
{
    CLEANUP(buf_free) struct buf resolved = {0};
    struct obj *held[NEED_MAX];
    struct need got = {0};
    struct edit e;
    int rc;

    for (;;) {
        struct obj *root = obj_ref(w->root);

        e = (struct edit){
            .os = &w->os, .id = ++w->os.last_edit, .version = w->version + 1};
        rc = 0;
        for (int i = 0; rc == 0 && i < n; i++)
            rc = tree_apply(&e, &root, &ops[i], &resolved);
        release(w, &got, held);
        if (rc == 0) {
            obj_unref(&w->os, w->root);
            w->root = root;
            w->version++;
        } else
            obj_unref(&w->os, root);
        if (rc != -EAGAIN)
            return rc;
        got = e.need;
        load(w, &got, held);
    }
}

static int apply(struct world *w, enum redo_op op, const char *key, const void *value,
                 size_t len)
{
    struct redo_item item = {op, slice_of(key), {value, len}};
    return apply_all(w, &item, 1);
}

/* ---- comparing ---- */

static void compare_value(struct world *w, struct obj *leaf, unsigned i,
                          const struct model_entry *m)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct obj *held[NEED_MAX];
    struct need need = {0}, got = {0};
    int rc;

    while ((rc = value_read(&w->os, leaf, i, 0, VALUE_MAX, &need, &out)) == -EAGAIN) {
        release(w, &got, held);
        got = need;
        need.n = 0;
        load(w, &got, held);
    }
    release(w, &got, held);
    MUST(rc == 0);
    MUST(out.len == m->len);
    if (m->len)
        MUST(!memcmp(out.data, m->value, m->len));
}

struct checker {
    struct world *w;
    const struct model *model;
    size_t at; /* the next entry that the model has */
};

static void compare_dir(struct checker *c, struct obj *dir, const char *prefix);

static void compare_entry(struct checker *c, struct obj *leaf, unsigned i,
                          const char *prefix)
{
    const struct model_entry *m = &c->model->entries[c->at++];
    struct obj *held[NEED_MAX], *kid;
    struct need need = {0};
    struct entry e;
    char path[2048];

    obj_entry(leaf, i, &e);
    snprintf(path, sizeof(path), "%s%s%.*s", prefix, *prefix ? "." : "", (int)e.key.len,
             e.key.p);
    MUST(c->at <= c->model->n);
    MUST(!strcmp(path, m->path));
    if (m->type == MODEL_VAL) {
        MUST(e.type == ENTRY_VAL || e.type == ENTRY_BLOB || e.type == ENTRY_ROPE);
        compare_value(c->w, leaf, i, m);
    } else if (m->type == MODEL_LINK) {
        char text[2048];

        MUST(e.type == ENTRY_LINK);
        snprintf(text, sizeof(text), "%.*s::%.*s", (int)e.ns.len, e.ns.p, (int)e.val.len,
                 e.val.p);
        MUST(!strcmp(text, m->value));
    } else {
        MUST(e.type == ENTRY_DIR);
        if (need_kid(&c->w->os, leaf, i, &need, &kid) == -EAGAIN) {
            load(c->w, &need, held);
            MUST(obj_kid(&c->w->os, leaf, i, &kid) == 0);
            release(c->w, &need, held);
        }
        MUST(e.n == kid->count);
        compare_dir(c, kid, path);
    }
}

static void compare_dir(struct checker *c, struct obj *dir, const char *prefix)
{
    struct obj *held[NEED_MAX], *leaf;
    struct need need = {0}, got = {0};
    struct dir_iter it;
    size_t count = 0;
    unsigned i;
    int rc;

    dir_iter_init(&it, &c->w->os, dir);
    while ((rc = dir_iter_next(&it, &need, &leaf, &i)) != 0) {
        release(c->w, &got, held);
        if (rc == -EAGAIN) {
            got = need;
            need.n = 0;
            load(c->w, &got, held);
            continue;
        }
        MUST(rc == 1);
        compare_entry(c, leaf, i, prefix);
        count++;
    }
    release(c->w, &got, held);
    dir_iter_fini(&it);
    MUST(count == dir->count);
}

static void compare(struct world *w, struct obj *root, const struct model *model)
{
    struct checker c = {w, model, 0};

    compare_dir(&c, root, "");
    MUST(c.at == model->n);
}

/* ---- random operations ---- */

static const char *draw_key(struct world *w)
{
    static char key[256];
    size_t depth = 1 + draw(w, 4), len = 0;

    /* Few names above, so that keys meet; many below, so that directories grow. */
    for (size_t i = 0; i < depth; i++)
        len += sprintf(key + len, "%s%c%d", i ? "." : "", (char)('a' + draw(w, 3)),
                       (int)draw(w, i + 1 == depth ? 150 : 3));
    return key;
}

static const char *draw_value(struct world *w, size_t *len)
{
    static char value[200000];
    static const size_t most[] = {4, 100, 300, 3000, 10000, 200000};
    size_t n = draw(w, most[draw(w, draw(w, 20) ? 4 : 6)]);

    for (size_t i = 0; i < n; i++)
        value[i] = (char)(w->random + i * 31);
    *len = n;
    return value;
}

static void random_op(struct world *w)
{
    const char *key = draw_key(w), *value;
    CLEANUP(buf_free) struct buf link = {0};
    char target[256];
    size_t len;

    switch (draw(w, 12)) {
    case 0 ... 1:
        ck_assert_int_eq(apply(w, REDO_UNLINK, key, NULL, 0),
                         model_unlink(&w->model, key));
        break;
    case 2:
        ck_assert_int_eq(apply(w, REDO_MKDIR, key, NULL, 0), model_mkdir(&w->model, key));
        break;
    case 3:
        strcpy(target, key);
        key = draw_key(w);
        redo_link_add(&link, slice_of(draw(w, 10) ? "" : "other"), slice_of(target));
        ck_assert_int_eq(apply(w, REDO_LINK, key, link.data, link.len),
                         model_link(&w->model, key, link.data[0] ? "other" : "", target));
        break;
    case 4 ... 6:
        value = draw_value(w, &len);
        ck_assert_int_eq(apply(w, REDO_APPEND, key, value, len),
                         model_append(&w->model, key, value, len));
        break;
    default:
        value = draw_value(w, &len);
        ck_assert_int_eq(apply(w, REDO_PUT, key, value, len),
                         model_put(&w->model, key, value, len));
    }
}

START_TEST(random_operations_do_what_they_do_to_a_list)
{
    struct world *w = world_new((uint64_t)_i + 1);
    struct model before = {0};
    struct obj *snapshot = NULL;

    for (int i = 0; i < 3000; i++) {
        random_op(w);
        if (i % 100 == 50) {
            obj_unref(&w->os, snapshot);
            snapshot = obj_ref(w->root);
            model_copy(&before, &w->model);
        }
        if (i % 100 == 99) {
            compare(w, w->root, &w->model);
            compare(w, snapshot, &before);
        }
        if (_i % 2 && i % 70 == 69)
            save_all(w, w->root);
    }
    if (_i % 2)
        ck_assert_uint_gt(w->loads, 100);
    obj_unref(&w->os, snapshot);
    model_clear(&before);
    world_free(w);
}
END_TEST

/* ---- directories of every size ---- */

static void put_number(struct world *w, unsigned i, bool in_model)
{
    char key[32], value[32];

    sprintf(key, "d.%08u", i);
    sprintf(value, "v%u", i);
    ck_assert_int_eq(apply(w, REDO_PUT, key, value, strlen(value)), 0);
    if (in_model)
        model_put(&w->model, key, value, strlen(value));
}

static struct obj *directory(struct world *w)
{
    struct place p = {0};
    struct need need = {0};
    struct obj *kid;

    ck_assert_int_eq(tree_walk(&w->os, w->root, slice_of("d"), WALK_STOP, &need, &p), 0);
    ck_assert_int_eq(obj_kid(&w->os, p.leaf, p.i, &kid), 0);
    return kid;
}

static void check_bounds(struct obj *o)
{
    MUST(o->n <= OBJ_ENTRIES_MAX);
    MUST(o->len <= OBJ_BYTES_MAX);
    MUST(node_check(o->data, o->len) == 0);
    for (unsigned i = 0; o->kind == OBJ_INNER && i < o->n; i++) {
        ck_assert_ptr_nonnull(o->kids[i]);
        ck_assert_int_eq(o->kids[i]->level, o->level - 1);
        check_bounds(o->kids[i]);
    }
}

START_TEST(nodes_stay_bounded_however_a_directory_grows_and_shrinks)
{
    struct world *w = world_new(5);
    unsigned n = 10000, order[10000];
    char key[32];

    for (unsigned i = 0; i < n; i++) {
        unsigned k = _i == 2 ? draw(w, i + 1) : i;

        order[i] = order[k];
        order[k] = _i == 1 ? n - 1 - i : i;
    }
    for (unsigned i = 0; i < n; i++)
        put_number(w, order[i], false);
    ck_assert_uint_eq(directory(w)->count, n);
    check_bounds(directory(w));
    /* Keys that come in order leave full nodes behind. */
    if (_i == 0)
        ck_assert_uint_le(directory(w)->n, (n / OBJ_ENTRIES_MAX / OBJ_ENTRIES_MAX) + 1);
    for (unsigned i = 0; i < n; i++) {
        sprintf(key, "d.%08u", order[(i * 7919) % n]);
        ck_assert_int_eq(apply(w, REDO_UNLINK, key, NULL, 0), 0);
        if (i % 1000 == 0)
            check_bounds(directory(w));
    }
    ck_assert_uint_eq(directory(w)->count, 0);
    ck_assert_int_eq(directory(w)->kind, OBJ_LEAF);
    world_free(w);
}
END_TEST

START_TEST(a_failed_edit_leaves_no_trace)
{
    struct world *w = world_new(6);
    struct redo_item ops[] = {{REDO_PUT, slice_of("a.b"), slice_of("2")},
                              {REDO_PUT, slice_of("c"), slice_of("3")},
                              {REDO_APPEND, slice_of("a"), slice_of("x")}};

    put_number(w, 1, true);
    apply(w, REDO_PUT, "a.b", "1", 1);
    model_put(&w->model, "a.b", "1", 1);
    ck_assert_int_eq(apply_all(w, ops, 3), -EISDIR);
    compare(w, w->root, &w->model);
    ck_assert_int_eq(apply_all(w, ops, 2), 0);
    model_put(&w->model, "a.b", "2", 1);
    model_put(&w->model, "c", "3", 1);
    compare(w, w->root, &w->model);
    world_free(w);
}
END_TEST

START_TEST(one_edit_copies_each_node_once)
{
    struct world *w = world_new(7);
    struct redo_item *ops = calloc(1000, sizeof(*ops));
    static char keys[1000][16];
    size_t before, after;

    for (int i = 0; i < 1000; i++) {
        sprintf(keys[i], "d.%08d", i);
        ops[i] = (struct redo_item){REDO_PUT, slice_of(keys[i]), slice_of("x")};
    }
    ck_assert_int_eq(apply_all(w, ops, 1000), 0);
    before = w->os.count;
    ck_assert_int_eq(apply_all(w, ops, 1000), 0);
    after = w->os.count;
    ck_assert_uint_eq(before, after); /* the old ones are gone */
    ck_assert_uint_le(before, 1000 / 32 + 3);
    free(ops);
    world_free(w);
}
END_TEST

START_TEST(equal_histories_have_equal_hashes_and_a_change_shows_at_the_root)
{
    struct world *a = world_new(8), *b = world_new(8);

    for (unsigned i = 0; i < 500; i++) {
        put_number(a, i, false);
        put_number(b, i, false);
    }
    ck_assert_int_eq(hash_tree(&a->os, a->root), 0);
    ck_assert_int_eq(hash_tree(&b->os, b->root), 0);
    ck_assert_mem_eq(a->root->hash, b->root->hash, NODE_HASH);
    put_number(b, 250, false);
    hash_tree(&b->os, b->root);
    ck_assert(memcmp(a->root->hash, b->root->hash, NODE_HASH) != 0);
    world_free(a);
    world_free(b);
}
END_TEST

START_TEST(versions_tell_the_last_change)
{
    struct world *w = world_new(9);
    struct need need = {0};
    struct place p = {0};
    struct entry e;

    apply(w, REDO_PUT, "a.b", "1", 1);     /* 1 */
    apply(w, REDO_PUT, "a.c", "1", 1);     /* 2 */
    apply(w, REDO_UNLINK, "a.x", NULL, 0); /* 3: nothing changes */
    ck_assert_int_eq(tree_walk(&w->os, w->root, slice_of("a.b"), WALK_STOP, &need, &p),
                     0);
    obj_entry(p.leaf, p.i, &e);
    ck_assert_uint_eq(e.version, 1);
    ck_assert_int_eq(tree_walk(&w->os, w->root, slice_of("a"), WALK_STOP, &need, &p), 0);
    obj_entry(p.leaf, p.i, &e);
    ck_assert_uint_eq(e.version, 2);
    ck_assert_uint_eq(e.n, 2);
    world_free(w);
}
END_TEST

/* What is put under a name may be anything that has a hash. */
START_TEST(objects_of_the_wrong_kind_are_refused)
{
    struct world *w = world_new(10);
    CLEANUP(buf_free) struct buf ref = {0};
    struct obj *rope = obj_new_node(&w->os, OBJ_ROPE, 1, 99), *kid;
    struct entry e = {.n = 1};
    struct need need = {0};
    struct place p = {0};

    obj_insert(&w->os, rope, 0, &e, obj_new_blob(&w->os, "x", 1, 99));
    hash_tree(&w->os, rope);
    redo_ref_add(&ref, rope->hash, 1);
    ck_assert_int_eq(apply(w, REDO_DIRREF, "d", ref.data, ref.len), 0);
    ck_assert_int_eq(tree_walk(&w->os, w->root, slice_of("d"), WALK_STOP, &need, &p), 0);
    ck_assert_int_eq(obj_kid(&w->os, p.leaf, p.i, &kid), -EIO);
    ck_assert_int_eq(apply(w, REDO_PUT, "d.x", "1", 1), -EIO);
    obj_unref(&w->os, rope);
    world_free(w);
}
END_TEST

START_TEST(damaged_bytes_are_not_loaded)
{
    struct world *w = world_new(11);
    struct obj *o, *root = w->root;

    hash_tree(&w->os, root);
    root->data[root->len - 1] ^= 1;
    ck_assert_int_eq(obj_load(&w->os, root->hash, true, root->data, root->len, &o), -EIO);
    root->data[root->len - 1] ^= 1;
    ck_assert_int_eq(obj_load(&w->os, root->hash, true, root->data, root->len, &o), 0);
    ck_assert_ptr_eq(o, root);
    obj_unref(&w->os, o);
    world_free(w);
}
END_TEST

START_TEST(deep_trees_do_not_need_a_deep_stack)
{
    struct world *w = world_new(12);
    CLEANUP(buf_free) struct buf ref = {0};
    char key[1024] = "a";

    for (int i = 1; i < 250; i++)
        strcat(key, ".a");
    /* Each step hangs the whole tree 250 levels deeper: 100,000 in the end. */
    for (int i = 0; i < 400; i++) {
        hash_tree(&w->os, w->root);
        ref.len = 0;
        redo_ref_add(&ref, w->root->hash, w->root->count);
        ck_assert_int_eq(apply(w, REDO_DIRREF, key, ref.data, ref.len), 0);
    }
    ck_assert_int_eq(hash_tree(&w->os, w->root), 0);
    world_free(w);
}
END_TEST

int main(void)
{
    const TTest *plain[] = {
        a_failed_edit_leaves_no_trace,
        one_edit_copies_each_node_once,
        equal_histories_have_equal_hashes_and_a_change_shows_at_the_root,
        versions_tell_the_last_change,
        objects_of_the_wrong_kind_are_refused,
        damaged_bytes_are_not_loaded,
        deep_trees_do_not_need_a_deep_stack};
    Suite *s = suite_create("kvs_tree");
    TCase *tc = tcase_create("kvs_tree");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, random_operations_do_what_they_do_to_a_list, 0, 8);
    tcase_add_loop_test(tc, nodes_stay_bounded_however_a_directory_grows_and_shrinks, 0,
                        3);
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
        tcase_add_test(tc, plain[i]);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
