/* A walk over keys: their order, cuts anywhere, and what it says of what is damaged. */
#include "store/walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "made.h"
#include "suite.h"

#define LARGE 700000 /* bytes: more than two pieces of a value */

static struct fixture f;

/* What was given, as text: "key=value;", "key->ns:target;", "key/;", "key!why;". Of a large
 * value its length and pieces: "key=<700000>;". */
struct given {
    struct buf text;
    uint64_t large;  /* bytes of it so far */
    unsigned pieces; /* of all large ones */
    bool wrong;
};

static int give_large(struct given *g, const struct walk_item *item)
{
    g->wrong = g->wrong || item->offset != g->large || item->size != LARGE;
    for (size_t i = 0; i < item->data.len; i++)
        g->wrong = g->wrong || item->data.p[i] != (char)('a' + (item->offset + i) % 23);
    g->pieces++;
    g->large += item->data.len;
    if (g->large == item->size) {
        buf_addf(&g->text, "%s=<%ju>;", item->key, (uintmax_t)g->large);
        g->large = 0;
    }
    return 0;
}

static int give(const struct walk_item *item, void *arg)
{
    struct given *g = arg;

    if (item->kind == WALK_VAL && item->size > 1000)
        return give_large(g, item);
    if (item->kind == WALK_VAL)
        buf_addf(&g->text, "%s=%.*s;", item->key, (int)item->data.len, item->data.p);
    else if (item->kind == WALK_LINK)
        buf_addf(&g->text, "%s->%.*s:%.*s;", item->key, (int)item->ns.len, item->ns.p,
                 (int)item->target.len, item->target.p);
    else if (item->kind == WALK_DIR)
        buf_addf(&g->text, "%s/;", item->key);
    else
        buf_addf(&g->text, "%s!%s;", item->key, item->why);
    return 0;
}

struct walking {
    struct walk_how how;
    struct walk_cursor cursor;
    struct given given;
};

static int go_on(struct store_reader *r, void *arg)
{
    struct walking *w = arg;

    return store_walk(r, &w->how, &w->cursor, give, &w->given);
}

/* All of it, so many bytes at a time; ret_cuts (may be NULL): how many times it stopped. */
static const char *walk(made_hash root, bool check, size_t bytes, unsigned *ret_cuts)
{
    static struct walking w;
    unsigned cuts = 0;
    int rc;

    buf_free(&w.given.text);
    w = (struct walking){.how = {.root = root, .check = check, .bytes = bytes}};
    while ((rc = store_read_now(f.store, go_on, &w)) == 1)
        ck_assert_uint_lt(cuts++, 10000);
    ck_assert_int_eq(rc, 0);
    ck_assert(!w.given.wrong && w.given.large == 0);
    walk_cursor_free(&w.cursor);
    buf_adds(&w.given.text, "");
    if (ret_cuts)
        *ret_cuts = cuts;
    return w.given.text.data;
}

static const char *whole(made_hash root)
{
    return walk(root, false, SIZE_MAX, NULL);
}

static const char *damage(made_hash root)
{
    return walk(root, true, SIZE_MAX, NULL);
}

/* A rope of LARGE bytes in blobs of 100,000. */
static made_hash make_rope(void)
{
    struct made rope = {.head = {NODE_ROPE, 1}};
    char *bytes = malloc(LARGE);

    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)('a' + i % 23);
    for (size_t i = 0; i < LARGE; i += 100000)
        made_ref(&rope, ENTRY_NONE, NULL, made_blob(&f, bytes + i, 100000), 100000);
    free(bytes);
    return made_put(&f, &rope);
}

/* Two leaves below an inner node; in the first one a directory and a value that is a blob,
 * in the second one a rope, a link and an empty directory. */
static made_hash make_tree(made_hash blob, made_hash rope)
{
    struct made leaf = {.head = {NODE_LEAF, 0}}, inner = {.head = {NODE_INNER, 1}};
    made_hash dir, first, empty;

    made_val(&leaf, "x", "1");
    made_val(&leaf, "y", "2");
    dir = made_put(&f, &leaf);
    empty = made_put(&f, &leaf);
    made_val(&leaf, "a", "0");
    made_ref(&leaf, ENTRY_BLOB, "b", blob, 4);
    made_ref(&leaf, ENTRY_DIR, "d", dir, 2);
    first = made_put(&f, &leaf);
    made_ref(&leaf, ENTRY_DIR, "e", empty, 0);
    made_link(&leaf, "l", "other", "to.there");
    made_ref(&leaf, ENTRY_ROPE, "r", rope, LARGE);
    made_val(&leaf, "z", "9");
    made_ref(&inner, ENTRY_NONE, "a", first, 3);
    made_ref(&inner, ENTRY_NONE, "e", made_put(&f, &leaf), 4);
    return made_put(&f, &inner);
}

static const char all_of_it[] =
    "a=0;b=blob;d.x=1;d.y=2;e/;l->other:to.there;r=<700000>;z=9;";

START_TEST(every_key_is_given_in_order)
{
    fixture_open(&f, FIXTURE_MEMORY);
    ck_assert_str_eq(whole(make_tree(made_blob(&f, "blob", 4), make_rope())), all_of_it);
    fixture_close(&f);
}
END_TEST

START_TEST(a_walk_may_be_cut_anywhere)
{
    made_hash root;
    unsigned cuts;

    fixture_open(&f, FIXTURE_MEMORY);
    root = make_tree(made_blob(&f, "blob", 4), make_rope());
    for (size_t bytes = 1; bytes < 1000000; bytes = bytes * 3 / 2 + 1)
        ck_assert_str_eq(walk(root, false, bytes, NULL), all_of_it);
    walk(root, false, 1, &cuts);
    ck_assert_uint_eq(cuts, 7 + 3); /* keys, and pieces of the large value */
    fixture_close(&f);
}
END_TEST

START_TEST(sound_keys_are_not_given_by_a_check)
{
    fixture_open(&f, FIXTURE_MEMORY);
    ck_assert_str_eq(damage(make_tree(made_blob(&f, "blob", 4), make_rope())), "");
    fixture_close(&f);
}
END_TEST

START_TEST(what_is_missing_is_told_and_the_others_follow)
{
    made_hash root;

    fixture_open(&f, FIXTURE_MEMORY);
    root = make_tree(made_nothing(), made_nothing());
    ck_assert_str_eq(damage(root), "b!it is missing;r!it is missing;");
    ck_assert_str_eq(whole(root), "a=0;b!it is missing;d.x=1;d.y=2;e/;"
                                  "l->other:to.there;r!it is missing;z=9;");
    ck_assert_str_eq(damage(made_nothing()), "!it is missing;");
    fixture_close(&f);
}
END_TEST

START_TEST(bytes_that_are_not_those_of_the_hash_are_damaged)
{
    made_hash hash = made_nothing();

    fixture_open(&f, FIXTURE_MEMORY);
    made_damage(&f, hash, "blob", 4);
    ck_assert_str_eq(damage(made_one(&f, ENTRY_BLOB, hash, 4)), "k!it is damaged;");
    ck_assert_str_eq(damage(made_one(&f, ENTRY_ROPE, hash, 4)), "k!it is damaged;");
    ck_assert_str_eq(damage(made_one(&f, ENTRY_DIR, hash, 4)), "k!it is damaged;");
    fixture_close(&f);
}
END_TEST

START_TEST(objects_must_be_what_they_are_used_as)
{
    struct made leaf = {.head = {NODE_LEAF, 0}};
    made_hash dir, blob, rope;

    fixture_open(&f, FIXTURE_MEMORY);
    made_val(&leaf, "x", "1");
    dir = made_put(&f, &leaf);
    blob = made_blob(&f, "blob", 4);
    rope = make_rope();
    ck_assert_str_eq(damage(made_one(&f, ENTRY_DIR, blob, 1)), "k!it is malformed;");
    ck_assert_str_eq(damage(made_one(&f, ENTRY_DIR, rope, 7)), "k!it is no directory;");
    ck_assert_str_eq(damage(made_one(&f, ENTRY_ROPE, dir, 1)),
                     "k!it is no part of a value;");
    fixture_close(&f);
}
END_TEST

START_TEST(a_value_has_the_length_that_its_entry_says)
{
    made_hash blob, rope;

    fixture_open(&f, FIXTURE_MEMORY);
    blob = made_blob(&f, "blob", 4);
    rope = make_rope();
    ck_assert_str_eq(damage(made_one(&f, ENTRY_BLOB, blob, 3)),
                     "k!its length is not that of the value;");
    ck_assert_str_eq(damage(made_one(&f, ENTRY_BLOB, blob, 5)),
                     "k!its length is not that of the value;");
    ck_assert_str_eq(damage(made_one(&f, ENTRY_ROPE, rope, LARGE - 1)),
                     "k!its length is not that of the value;");
    ck_assert_str_eq(damage(made_one(&f, ENTRY_ROPE, rope, LARGE)), "");
    fixture_close(&f);
}
END_TEST

START_TEST(no_key_has_more_than_256_names)
{
    struct made leaf = {.head = {NODE_LEAF, 0}};
    made_hash dir;

    fixture_open(&f, FIXTURE_MEMORY);
    made_val(&leaf, "k", "deep");
    dir = made_put(&f, &leaf);
    for (int i = 0; i < 256; i++)
        dir = made_one(&f, ENTRY_DIR, dir, 1);
    ck_assert_str_eq(damage(dir), "");
    ck_assert_ptr_nonnull(strstr(damage(made_one(&f, ENTRY_DIR, dir, 1)),
                                 "!it is deeper than keys can be;"));
    fixture_close(&f);
}
END_TEST

SUITE_MAIN("store/walk", every_key_is_given_in_order, a_walk_may_be_cut_anywhere,
           sound_keys_are_not_given_by_a_check,
           what_is_missing_is_told_and_the_others_follow,
           bytes_that_are_not_those_of_the_hash_are_damaged,
           objects_must_be_what_they_are_used_as,
           a_value_has_the_length_that_its_entry_says, no_key_has_more_than_256_names)
