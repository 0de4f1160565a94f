/* Marking: what is reached from a root, a pin, memory, and nothing else; what cannot be read
 * is named. */
#include <errno.h>
#include <string.h>

#include "made.h"
#include "modules/kvs/hash.h"
#include "modules/kvs/mark.h"
#include "modules/kvs/ns.h"
#include "modules/kvs/snapshot.h"
#include "suite.h"

static struct fixture f;
static struct mark *m;

static void setup(void)
{
    fixture_open(&f, FIXTURE_MEMORY);
    ck_assert_int_eq(mark_new(&m), 0);
}

static void finish(void)
{
    mark_free(m);
    fixture_close(&f);
}

static int step(struct store_reader *r, void *arg)
{
    return mark_step(m, r);
}

/* 1: all was looked at. ret_steps (may be NULL): in so many steps. */
static int mark_all(unsigned *ret_steps)
{
    unsigned steps = 1;
    int rc;

    while ((rc = store_read_now(f.store, step, NULL)) == 0)
        ck_assert_uint_lt(steps++, 1000);
    if (ret_steps)
        *ret_steps = steps;
    return rc;
}

/* A directory of one value. */
static made_hash dir_of(const char *value)
{
    struct made leaf = {.head = {NODE_LEAF, 0}};

    made_val(&leaf, "k", value);
    return made_put(&f, &leaf);
}

START_TEST(all_below_a_root_is_reached_and_nothing_else)
{
    struct made leaf = {.head = {NODE_LEAF, 0}}, inner = {.head = {NODE_INNER, 1}};
    struct made low = {.head = {NODE_ROPE, 1}}, high = {.head = {NODE_ROPE, 2}};
    made_hash blob, piece, rope, top, dir, left, root, other;

    setup();
    blob = made_blob(&f, "blob", 4);
    piece = made_blob(&f, "piece", 5);
    made_ref(&low, ENTRY_NONE, NULL, piece, 5);
    rope = made_put(&f, &low);
    made_ref(&high, ENTRY_NONE, NULL, rope, 5);
    top = made_put(&f, &high);
    dir = dir_of("below");
    made_val(&leaf, "a", "1");
    made_ref(&leaf, ENTRY_BLOB, "b", blob, 4);
    made_ref(&leaf, ENTRY_DIR, "d", dir, 1);
    made_ref(&leaf, ENTRY_ROPE, "r", top, 5);
    left = made_put(&f, &leaf);
    made_ref(&inner, ENTRY_NONE, "a", left, 4);
    root = made_put(&f, &inner);
    other = made_one(&f, ENTRY_DIR, dir, 1);

    ck_assert_int_eq(mark_add(m, root, true), 0);
    ck_assert_int_eq(mark_all(NULL), 1);
    ck_assert(mark_has(m, root) && mark_has(m, left) && mark_has(m, dir));
    ck_assert(mark_has(m, blob) && mark_has(m, top) && mark_has(m, rope));
    ck_assert(mark_has(m, piece));
    ck_assert(!mark_has(m, other));
    ck_assert_uint_eq(mark_count(m), 7);
    finish();
}
END_TEST

START_TEST(places_may_be_added_when_all_was_looked_at)
{
    made_hash first, second;

    setup();
    first = dir_of("first");
    second = dir_of("second");
    ck_assert_int_eq(mark_add(m, first, true), 0);
    ck_assert_int_eq(mark_all(NULL), 1);
    ck_assert(!mark_has(m, second));
    ck_assert_int_eq(mark_add(m, first, true), 0); /* nothing new */
    ck_assert_int_eq(mark_add(m, made_one(&f, ENTRY_DIR, second, 1), true), 0);
    ck_assert_int_eq(mark_all(NULL), 1);
    ck_assert(mark_has(m, second));
    ck_assert_uint_eq(mark_count(m), 3);
    finish();
}
END_TEST

/* The same bytes, once as a value, once as a directory: to have seen the value is not to
 * have looked into the directory. Both orders, for the walk has one of its own. */
START_TEST(a_value_with_the_bytes_of_a_node_hides_nothing)
{
    made_hash blob, node;

    for (int first = 0; first < 2; first++) {
        setup();
        blob = made_blob(&f, "blob", 4);
        node = made_one(&f, ENTRY_BLOB, blob, 1);
        ck_assert_int_eq(mark_add(m, node, first), 0);
        ck_assert_int_eq(mark_all(NULL), 1);
        ck_assert_int_eq(mark_has(m, blob), first);
        ck_assert_int_eq(mark_add(m, node, !first), 0);
        ck_assert_int_eq(mark_all(NULL), 1);
        ck_assert(mark_has(m, blob) && mark_has(m, node));
        finish();
    }
}
END_TEST

START_TEST(what_two_entries_refer_to_is_looked_at_once)
{
    struct made leaf = {.head = {NODE_LEAF, 0}};
    made_hash dir;

    setup();
    dir = dir_of("below");
    made_ref(&leaf, ENTRY_DIR, "a", dir, 1);
    made_ref(&leaf, ENTRY_DIR, "b", dir, 1);
    ck_assert_int_eq(mark_add(m, made_put(&f, &leaf), true), 0);
    ck_assert_int_eq(mark_all(NULL), 1);
    ck_assert_uint_eq(mark_count(m), 2);
    finish();
}
END_TEST

START_TEST(a_walk_goes_in_steps)
{
    struct made leaf = {.head = {NODE_LEAF, 0}};
    made_hash dir;
    unsigned steps;
    char name[8];

    setup();
    for (int i = 0; i < 900; i++) {
        snprintf(name, sizeof(name), "b%03d", i);
        made_ref(&leaf, ENTRY_BLOB, name, made_blob(&f, name, 4), 4);
    }
    dir = made_put(&f, &leaf);
    for (int i = 0; i < 110; i++)
        dir = made_one(&f, ENTRY_DIR, dir, 1);
    ck_assert_int_eq(mark_add(m, dir, true), 0);
    ck_assert_int_eq(mark_all(&steps), 1);
    ck_assert_uint_eq(mark_count(m), 900 + 1 + 110);
    ck_assert_uint_eq(steps, 2); /* of 1000 objects */
    finish();
}
END_TEST

/* Marking stops there: what is below is not known, and must not be deleted. */
static void expect_bad(made_hash root, made_hash what)
{
    ck_assert_int_eq(mark_add(m, root, true), 0);
    ck_assert_int_eq(mark_all(NULL), -EIO);
    ck_assert_mem_eq(mark_bad(m), what, NODE_HASH);
}

START_TEST(a_node_that_is_missing_is_named)
{
    made_hash gone;

    setup();
    gone = made_nothing();
    expect_bad(made_one(&f, ENTRY_DIR, gone, 1), gone);
    finish();
}
END_TEST

START_TEST(a_node_that_is_damaged_is_named)
{
    made_hash gone;

    setup();
    gone = made_nothing();
    made_damage(&f, gone, "FK\1\0\0\0\0", NODE_HEAD); /* an empty leaf */
    expect_bad(made_one(&f, ENTRY_ROPE, gone, 1), gone);
    finish();
}
END_TEST

START_TEST(a_node_that_is_malformed_is_named)
{
    made_hash blob;

    setup();
    blob = made_blob(&f, "no node at all", 14);
    expect_bad(made_one(&f, ENTRY_DIR, blob, 1), blob);
    finish();
}
END_TEST

START_TEST(values_are_not_read)
{
    setup();
    ck_assert_int_eq(mark_add(m, made_one(&f, ENTRY_BLOB, made_nothing(), 1), true), 0);
    ck_assert_int_eq(mark_all(NULL), 1);
    ck_assert_uint_eq(mark_count(m), 2);
    finish();
}
END_TEST

/* ---- where it starts from ---- */

static int add_store(struct store_reader *r, void *arg)
{
    return mark_add_store(m, r, *(double *)arg);
}

static void put_pin(made_hash hash, uint64_t id, double expires)
{
    struct store_txn *t = store_txn_new(f.store);
    struct store_pin pin = {.hash = hash, .id = id, .expires = expires};

    ck_assert_int_eq(store_txn_pin(t, &pin), 0);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
}

START_TEST(roots_and_pins_that_have_not_expired_are_reached)
{
    struct store_root root = {.ns = "primary", .id = 1};
    made_hash pinned, expired;
    struct store_txn *t;
    double now = 1000;

    setup();
    pinned = dir_of("pinned");
    expired = dir_of("expired");
    root.hash = dir_of("root");
    t = store_txn_new(f.store);
    ck_assert_int_eq(store_txn_root(t, &root), 0);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    put_pin(pinned, 1, 1001);
    put_pin(expired, 1, 1000);
    ck_assert_int_eq(store_read_now(f.store, add_store, &now), 0);
    ck_assert_int_eq(mark_all(NULL), 1);
    ck_assert(mark_has(m, root.hash) && mark_has(m, pinned));
    ck_assert(!mark_has(m, expired));
    finish();
}
END_TEST

static void kvs_init(struct kvs *kvs)
{
    *kvs = (struct kvs){0};
    ck_assert_int_eq(objs_init(&kvs->os), 0);
    kvs->ns_by_name = map_new(NULL);
    kvs->ns_by_id = umap_new(NULL);
    ck_assert_int_eq(snapshots_new(kvs, &kvs->snapshots), 0);
}

static void kvs_fini(struct kvs *kvs)
{
    uint64_t id;
    void *ns;

    snapshots_free(kvs->snapshots);
    for (size_t it = 0; umap_next(kvs->ns_by_id, &it, &id, &ns); it = 0)
        ns_free(ns);
    map_free(kvs->ns_by_name);
    umap_free(kvs->ns_by_id);
    ck_assert_uint_eq(kvs->os.count, 0);
    objs_fini(&kvs->os);
}

/* A directory in memory, not stored, with one entry whose object is in the store alone. */
static struct obj *memory_dir(struct kvs *kvs, made_hash stored)
{
    struct obj *o = obj_new_node(&kvs->os, OBJ_LEAF, 0, 0);
    struct entry e = {
        .type = ENTRY_DIR, .key = {"k", 1}, .hash = stored, .n = 1, .version = 1};

    ck_assert_ptr_nonnull(o);
    ck_assert_int_eq(obj_insert(&kvs->os, o, 0, &e, NULL), 0);
    return o;
}

static void add_version(struct ns *ns, struct obj *root)
{
    struct version *v = calloc(1, sizeof(*v));

    list_init(&v->link);
    v->state.root = root;
    list_append(&ns->versions, &v->link);
}

/* Of each namespace what is visible, what is on its way and older versions; what an answer
 * has named; and of a namespace that nobody has used yet the root that only has a hash. */
START_TEST(what_memory_refers_to_is_reached)
{
    made_hash now, next, older, named, below, unused, other;
    struct obj *child, *top, *blob;
    struct entry e = {.type = ENTRY_DIR, .key = {"c", 1}, .n = 1, .version = 1};
    struct kvs kvs;
    struct ns *ns;

    setup();
    kvs_init(&kvs);
    now = dir_of("now");
    next = dir_of("next");
    older = dir_of("older");
    named = dir_of("named");
    below = dir_of("below");
    unused = dir_of("unused");
    other = dir_of("other");
    ns = ns_new(&kvs, "one", 1, 0, 0);
    ns->now.root = memory_dir(&kvs, now);
    ns->next.root = memory_dir(&kvs, next);
    add_version(ns, memory_dir(&kvs, older));
    ns = ns_new(&kvs, "two", 2, 0, 0);
    memcpy(ns->root_hash, unused, NODE_HASH);
    top = memory_dir(&kvs, named);
    child = memory_dir(&kvs, below);
    ck_assert_int_eq(obj_insert(&kvs.os, top, 0, &e, child), 0);
    blob = obj_new_blob(&kvs.os, "blob", 4, 0);
    obj_hash(&kvs.os, blob);
    blob->stored = true;
    made_blob(&f, "blob", 4);
    e = (struct entry){.type = ENTRY_BLOB, .key = {"b", 1}, .n = 4, .version = 1};
    ck_assert_int_eq(obj_insert(&kvs.os, top, 0, &e, obj_ref(blob)), 0);
    snapshot_expose(kvs.snapshots, top);
    obj_unref(&kvs.os, top);

    ck_assert_int_eq(mark_add_memory(m, &kvs), 0);
    ck_assert_int_eq(mark_all(NULL), 1);
    ck_assert(mark_has(m, now) && mark_has(m, next) && mark_has(m, older));
    ck_assert(mark_has(m, named) && mark_has(m, below) && mark_has(m, unused));
    ck_assert(mark_has(m, blob->hash) && !mark_has(m, other));
    ck_assert_uint_eq(mark_count(m), 7);
    obj_unref(&kvs.os, blob);
    kvs_fini(&kvs);
    finish();
}
END_TEST

/* Somebody may be about to use it again, although no root leads to it. */
START_TEST(a_stored_object_in_memory_is_reached)
{
    made_hash below, hash;
    struct obj *o;
    struct kvs kvs;

    setup();
    kvs_init(&kvs);
    below = dir_of("below");
    o = memory_dir(&kvs, below);
    ck_assert_int_eq(hash_tree(&kvs.os, o), 0);
    hash = made_blob(&f, o->data, o->len);
    ck_assert_mem_eq(hash, o->hash, NODE_HASH);
    o->stored = true;
    ck_assert_int_eq(mark_add_memory(m, &kvs), 0);
    ck_assert_int_eq(mark_all(NULL), 1);
    ck_assert(mark_has(m, hash) && mark_has(m, below));
    obj_unref(&kvs.os, o);
    kvs_fini(&kvs);
    finish();
}
END_TEST

/* It is not durable, and has no root yet. */
START_TEST(a_namespace_in_the_making_refers_to_nothing)
{
    struct kvs kvs;

    setup();
    kvs_init(&kvs);
    ns_new(&kvs, "one", 1, 0, 0)->creating = true;
    ck_assert_int_eq(mark_add_memory(m, &kvs), 0);
    ck_assert_int_eq(mark_all(NULL), 1);
    ck_assert_uint_eq(mark_count(m), 0);
    kvs_fini(&kvs);
    finish();
}
END_TEST

SUITE_MAIN("modules/kvs_mark", all_below_a_root_is_reached_and_nothing_else,
           places_may_be_added_when_all_was_looked_at,
           a_value_with_the_bytes_of_a_node_hides_nothing,
           what_two_entries_refer_to_is_looked_at_once, a_walk_goes_in_steps,
           a_node_that_is_missing_is_named, a_node_that_is_damaged_is_named,
           a_node_that_is_malformed_is_named, values_are_not_read,
           roots_and_pins_that_have_not_expired_are_reached,
           what_memory_refers_to_is_reached, a_stored_object_in_memory_is_reached,
           a_namespace_in_the_making_refers_to_nothing)
