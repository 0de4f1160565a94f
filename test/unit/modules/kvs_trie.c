/* The trie against its definition: who is concerned by a change, by comparing keys. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "modules/kvs/trie.h"
#include "suite.h"

#define N 300

struct one {
    struct concern concern;
    char key[32];
    bool in;
    unsigned called;
};

static struct trie t;
static struct one ones[N];

static void called(struct concern *c, void *arg)
{
    CONTAINER_OF(c, struct one, concern)->called++;
    ++*(unsigned *)arg;
}

static void add(struct one *o, const char *key, bool wide)
{
    snprintf(o->key, sizeof(o->key), "%s", key);
    list_init(&o->concern.link);
    ck_assert_int_eq(trie_add(&t, slice_of(o->key), wide, &o->concern), 0);
    o->in = true;
}

static void take(struct one *o)
{
    trie_remove(&o->concern);
    o->in = false;
}

static unsigned touch(const char *key)
{
    unsigned n = 0;

    for (int i = 0; i < N; i++)
        ones[i].called = 0;
    trie_touch(&t, slice_of(key), called, &n);
    return n;
}

static void clear(void)
{
    for (int i = 0; i < N; i++)
        take(&ones[i]);
    memset(ones, 0, sizeof(ones));
    ck_assert_ptr_null(t.root);
}

/* Is it a, or in the directory a? */
static bool is_below(const char *key, const char *a)
{
    size_t len = strlen(a);

    return len == 0 ||
           (strncmp(key, a, len) == 0 && (key[len] == '\0' || key[len] == '.'));
}

static bool is_concerned(const struct one *o, const char *key)
{
    if (!o->in)
        return false;
    if (!o->concern.wide)
        return strcmp(o->key, key) == 0;
    return is_below(o->key, key) || is_below(key, o->key);
}

START_TEST(a_narrow_one_is_concerned_by_its_very_key_only)
{
    add(&ones[0], "a.b", false);
    ck_assert_uint_eq(touch("a.b"), 1);
    ck_assert_uint_eq(touch("a"), 0);
    ck_assert_uint_eq(touch("a.b.c"), 0);
    ck_assert_uint_eq(touch("a.bc"), 0);
    ck_assert_uint_eq(touch(""), 0);
    clear();
}
END_TEST

START_TEST(a_wide_one_is_concerned_by_changes_above_and_below)
{
    add(&ones[0], "a.b", true);
    ck_assert_uint_eq(touch("a.b"), 1);
    ck_assert_uint_eq(touch("a"), 1);
    ck_assert_uint_eq(touch("a.b.c.d"), 1);
    ck_assert_uint_eq(touch(""), 1);
    ck_assert_uint_eq(touch("a.c"), 0);
    ck_assert_uint_eq(touch("b"), 0);
    clear();
}
END_TEST

START_TEST(the_root_can_be_followed)
{
    add(&ones[0], "", true);
    add(&ones[1], "", false);
    ck_assert_uint_eq(touch("x.y"), 1);
    ck_assert_uint_eq(touch(""), 2);
    clear();
}
END_TEST

START_TEST(many_may_stand_at_one_key)
{
    unsigned n = 0;

    add(&ones[0], "k", false);
    add(&ones[1], "k", false);
    add(&ones[2], "k", true);
    ck_assert_uint_eq(touch("k"), 3);
    take(&ones[0]);
    take(&ones[0]); /* harmless */
    ck_assert_uint_eq(touch("k"), 2);
    trie_each(&t, called, &n);
    ck_assert_uint_eq(n, 2);
    clear();
}
END_TEST

static unsigned draw(unsigned n)
{
    static uint64_t x = 1;

    x = x * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(x >> 33) % n;
}

static void random_key(char *key)
{
    unsigned depth = draw(5);

    *key = '\0';
    for (unsigned i = 0; i < depth; i++)
        sprintf(key + strlen(key), "%s%c", i ? "." : "", 'a' + draw(3));
}

START_TEST(random_ones_are_found_as_defined)
{
    char key[32];

    for (int round = 0; round < 4000; round++) {
        struct one *o = &ones[draw(N)];
        unsigned n = 0;

        random_key(key);
        if (o->in)
            take(o);
        else
            add(o, key, draw(2));
        random_key(key);
        touch(key);
        for (int i = 0; i < N; i++)
            if (ones[i].called != is_concerned(&ones[i], key))
                ck_abort_msg("round %d: '%s' at '%s': called %u times", round,
                             ones[i].key, key, ones[i].called);
        for (int i = 0; i < N; i++)
            ones[i].called = 0;
        trie_each(&t, called, &n);
        for (int i = 0; i < N; i++)
            if (ones[i].called != ones[i].in)
                ck_abort_msg("round %d: each: %u times", round, ones[i].called);
    }
    clear();
}
END_TEST

SUITE_MAIN("modules/kvs_trie", a_narrow_one_is_concerned_by_its_very_key_only,
           a_wide_one_is_concerned_by_changes_above_and_below, the_root_can_be_followed,
           many_may_stand_at_one_key, random_ones_are_found_as_defined)
