/* The handshake and what follows from it: notes, proofs, seals; and that nothing but
 * what the other end said is believed.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/handshake.h"

#define KEY ((const unsigned char *)"0123456789abcdef0123456789abcdef")
#define OTHER_KEY ((const unsigned char *)"0123456789abcdef0123456789abcdeF")

/* Both ends, as far as they have come. */
struct both {
    struct handshake *child, *parent;
    struct seal *child_seal, *parent_seal;
    struct buf hello, challenge;
};

static void new_ends(struct both *b, bool encrypt)
{
    unsigned char random[HANDSHAKE_RANDOM];
    memset(b, 0, sizeof(*b));
    memset(random, 'c', sizeof(random));
    ck_assert_int_eq(handshake_new(KEY, encrypt, random, &b->child), 0);
    memset(random, 'p', sizeof(random));
    ck_assert_int_eq(handshake_new(KEY, encrypt, random, &b->parent), 0);
    ck_assert_int_eq(handshake_hello(b->child, "1.2.3", &b->hello), 0);
}

static void meet(struct both *b, bool encrypt)
{
    struct hello hello;
    new_ends(b, encrypt);
    ck_assert_int_eq(handshake_read_hello(b->parent, b->hello.data, b->hello.len, &hello),
                     0);
    ck_assert_str_eq(hello.version, "1.2.3");
    ck_assert_int_eq(handshake_challenge(b->parent, &b->challenge, &b->parent_seal), 0);
}

static void meet_fully(struct both *b, bool encrypt)
{
    meet(b, encrypt);
    ck_assert_int_eq(handshake_read_challenge(b->child, b->challenge.data,
                                              b->challenge.len, &b->child_seal),
                     0);
}

static void part(struct both *b)
{
    handshake_free(b->child);
    handshake_free(b->parent);
    seal_free(b->child_seal);
    seal_free(b->parent_seal);
    buf_free(&b->hello);
    buf_free(&b->challenge);
}

static int close_note(struct seal *s, const char *note, struct buf *out)
{
    struct buf plain = {0};
    struct iovec parts[] = {{(void *)note, 1}, {(void *)(note + 1), strlen(note) - 1}};
    int rc = seal_close(s, parts, 2, &plain, out);
    buf_free(&plain);
    return rc;
}

static int open_note(struct seal *s, const struct buf *in, char text[64])
{
    struct buf room = {0};
    const void *data;
    size_t len;
    int rc = seal_open(s, in->data, in->len, &room, &data, &len);
    if (rc == 0) {
        memcpy(text, data, len);
        text[len] = '\0';
    }
    buf_free(&room);
    return rc;
}

START_TEST(who_has_the_key_understands_what_was_sealed)
{
    struct both b;
    struct buf note = {0};
    char text[64];
    meet_fully(&b, _i);
    ck_assert_int_eq(close_note(b.child_seal, "from the child", &note), 0);
    ck_assert_ptr_eq(memmem(note.data, note.len, "from the child", 14),
                     _i ? NULL : note.data);
    ck_assert_int_eq(open_note(b.parent_seal, &note, text), 0);
    ck_assert_str_eq(text, "from the child");
    ck_assert_int_eq(close_note(b.parent_seal, "from the parent", &note), 0);
    ck_assert_int_eq(open_note(b.child_seal, &note, text), 0);
    ck_assert_str_eq(text, "from the parent");
    ck_assert_uint_le(note.len, strlen(text) + SEAL_ROOM);
    buf_free(&note);
    part(&b);
}
END_TEST

START_TEST(a_sealed_note_with_any_byte_changed_is_refused)
{
    struct buf note = {0};
    char text[64];
    size_t len = 1;
    for (size_t i = 0; i < len; i++) {
        struct both b;
        meet_fully(&b, _i);
        ck_assert_int_eq(close_note(b.child_seal, "a note", &note), 0);
        len = note.len;
        note.data[i] ^= 4;
        ck_assert_int_eq(open_note(b.parent_seal, &note, text), -EBADMSG);
        part(&b);
    }
    buf_free(&note);
}
END_TEST

START_TEST(a_sealed_note_cut_short_is_refused)
{
    struct both b;
    struct buf note = {0};
    char text[64];
    meet_fully(&b, _i);
    ck_assert_int_eq(close_note(b.child_seal, "a note", &note), 0);
    for (size_t len = note.len; len-- > 0;) {
        struct both other;
        meet_fully(&other, _i);
        note.len = len;
        ck_assert_int_eq(open_note(other.parent_seal, &note, text), -EBADMSG);
        part(&other);
    }
    buf_free(&note);
    part(&b);
}
END_TEST

START_TEST(what_one_sealed_does_not_pass_for_the_others)
{
    struct both b;
    struct buf note = {0};
    char text[64];
    meet_fully(&b, _i);
    ck_assert_int_eq(close_note(b.child_seal, "a note", &note), 0);
    ck_assert_int_eq(open_note(b.child_seal, &note, text), -EBADMSG);
    buf_free(&note);
    part(&b);
}
END_TEST

START_TEST(encrypted_notes_are_neither_repeated_nor_left_out_nor_swapped)
{
    for (int trick = 0; trick < 3; trick++) {
        struct both b;
        struct buf notes[3] = {{0}};
        char text[64];
        meet_fully(&b, true);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(close_note(b.child_seal, "note", &notes[i]), 0);
        ck_assert_int_eq(open_note(b.parent_seal, &notes[0], text), 0);
        if (trick == 0)
            ck_assert_int_eq(open_note(b.parent_seal, &notes[0], text), -EBADMSG);
        else
            ck_assert_int_eq(open_note(b.parent_seal, &notes[2], text), -EBADMSG);
        if (trick == 2) { /* the right one still passes */
            ck_assert_int_eq(open_note(b.parent_seal, &notes[1], text), 0);
            ck_assert_int_eq(open_note(b.parent_seal, &notes[2], text), 0);
        }
        for (int i = 0; i < 3; i++)
            buf_free(&notes[i]);
        part(&b);
    }
}
END_TEST

START_TEST(a_hello_with_any_byte_changed_or_missing_is_refused)
{
    struct both b;
    struct hello hello;
    new_ends(&b, _i);
    for (size_t i = 0; i < b.hello.len; i++) {
        b.hello.data[i] ^= 1;
        ck_assert_int_lt(
            handshake_read_hello(b.parent, b.hello.data, b.hello.len, &hello), 0);
        b.hello.data[i] ^= 1;
        ck_assert_int_lt(handshake_read_hello(b.parent, b.hello.data, i, &hello), 0);
    }
    ck_assert_int_eq(handshake_read_hello(b.parent, b.hello.data, b.hello.len, &hello),
                     0);
    part(&b);
}
END_TEST

START_TEST(a_challenge_with_any_byte_changed_or_missing_is_refused)
{
    size_t len = 1;
    for (size_t i = 0; i < len; i++) {
        struct both b;
        meet(&b, _i);
        len = b.challenge.len;
        ck_assert_int_lt(
            handshake_read_challenge(b.child, b.challenge.data, i, &b.child_seal), 0);
        b.challenge.data[i] ^= 1;
        ck_assert_int_lt(
            handshake_read_challenge(b.child, b.challenge.data, len, &b.child_seal), 0);
        ck_assert_ptr_null(b.child_seal);
        part(&b);
    }
}
END_TEST

START_TEST(another_key_is_told_at_hello)
{
    struct both b;
    struct hello hello;
    struct handshake *other;
    unsigned char random[HANDSHAKE_RANDOM] = {0};
    new_ends(&b, _i);
    ck_assert_int_eq(handshake_new(OTHER_KEY, _i, random, &other), 0);
    ck_assert_int_eq(handshake_read_hello(other, b.hello.data, b.hello.len, &hello),
                     -EACCES);
    handshake_free(other);
    part(&b);
}
END_TEST

/* A false parent that lets anybody in. */
START_TEST(another_key_is_told_at_challenge)
{
    struct both b, other;
    struct hello hello;
    unsigned char random[HANDSHAKE_RANDOM] = {0};
    new_ends(&b, _i);
    new_ends(&other, _i);
    handshake_free(other.parent);
    handshake_free(other.child);
    buf_free(&other.hello);
    ck_assert_int_eq(handshake_new(OTHER_KEY, _i, random, &other.child), 0);
    ck_assert_int_eq(handshake_new(OTHER_KEY, _i, random, &other.parent), 0);
    ck_assert_int_eq(handshake_hello(other.child, "1.2.3", &other.hello), 0);
    ck_assert_int_eq(
        handshake_read_hello(other.parent, other.hello.data, other.hello.len, &hello), 0);
    ck_assert_int_eq(
        handshake_challenge(other.parent, &other.challenge, &other.parent_seal), 0);
    ck_assert_int_eq(handshake_read_challenge(b.child, other.challenge.data,
                                              other.challenge.len, &b.child_seal),
                     -EACCES);
    part(&b);
    part(&other);
}
END_TEST

/* The challenge to one hello is none to another. */
START_TEST(an_old_challenge_is_refused)
{
    struct both b, later;
    unsigned char random[HANDSHAKE_RANDOM] = {1};
    meet(&b, _i);
    memset(&later, 0, sizeof(later));
    ck_assert_int_eq(handshake_new(KEY, _i, random, &later.child), 0);
    ck_assert_int_eq(handshake_hello(later.child, "1.2.3", &later.hello), 0);
    ck_assert_int_eq(handshake_read_challenge(later.child, b.challenge.data,
                                              b.challenge.len, &later.child_seal),
                     -EACCES);
    part(&b);
    part(&later);
}
END_TEST

START_TEST(both_or_none_encrypt)
{
    struct both b;
    struct hello hello;
    struct handshake *other;
    unsigned char random[HANDSHAKE_RANDOM] = {0};
    new_ends(&b, _i);
    ck_assert_int_eq(handshake_new(KEY, !_i, random, &other), 0);
    ck_assert_int_eq(handshake_read_hello(other, b.hello.data, b.hello.len, &hello),
                     -EOPNOTSUPP);
    handshake_free(other);
    part(&b);
}
END_TEST

/* A public key of small order makes a secret that everybody knows. */
START_TEST(a_public_key_of_small_order_is_refused)
{
    struct both b;
    struct challenge c = {.encrypt = true};
    struct buf note = {0};
    new_ends(&b, true);
    ck_assert_int_eq(challenge_encode(&c, &note), 0);
    ck_assert_int_eq(
        handshake_read_challenge(b.child, note.data, note.len, &b.child_seal), -EPROTO);
    buf_free(&note);
    part(&b);
}
END_TEST

START_TEST(a_refusal_is_believed_from_who_has_the_key)
{
    struct both b;
    struct hello hello;
    struct refusal no = {.forever = true, .errnum = ESTALE, .reason = "because"}, got;
    struct buf note = {0};
    new_ends(&b, _i);
    ck_assert_int_eq(handshake_read_hello(b.parent, b.hello.data, b.hello.len, &hello),
                     0);
    ck_assert_int_eq(handshake_refuse(b.parent, &no, &note), 0);
    ck_assert_int_eq(handshake_read_refusal(b.child, note.data, note.len, &got), 0);
    ck_assert(got.forever);
    ck_assert_int_eq(got.errnum, ESTALE);
    ck_assert_str_eq(got.reason, "because");
    for (size_t i = 0; i < note.len; i++) {
        note.data[i] ^= 1;
        ck_assert_int_lt(handshake_read_refusal(b.child, note.data, note.len, &got), 0);
        note.data[i] ^= 1;
        ck_assert_int_lt(handshake_read_refusal(b.child, note.data, i, &got), 0);
    }
    /* It was for that hello, and no other. */
    unsigned char random[HANDSHAKE_RANDOM] = {7};
    struct handshake *later;
    struct buf again = {0};
    ck_assert_int_eq(handshake_new(KEY, _i, random, &later), 0);
    ck_assert_int_eq(handshake_hello(later, "1.2.3", &again), 0);
    ck_assert_int_eq(handshake_read_refusal(later, note.data, note.len, &got), -EACCES);
    handshake_free(later);
    buf_free(&again);
    buf_free(&note);
    part(&b);
}
END_TEST

/* ---- notes ---- */

static struct identity an_identity(void)
{
    struct identity id = {.rank = 5,
                          .size = 1u << 31,
                          .status = 2,
                          .epoch = 1ull << 60,
                          .json = "{\"a\":1}",
                          .json_len = 7};
    strcpy(id.uuid, "01234567-89ab-cdef-0123-456789abcdef");
    strcpy(id.instance, "f1234567-89ab-cdef-0123-456789abcdef");
    return id;
}

START_TEST(an_identity_is_read_as_it_was_written)
{
    struct identity id = an_identity(), got;
    struct buf note = {0};
    ck_assert_int_eq(identity_encode(NOTE_WELCOME, &id, &note), 0);
    ck_assert_int_eq(identity_decode(NOTE_WELCOME, note.data, note.len, &got), 0);
    ck_assert_uint_eq(got.rank, id.rank);
    ck_assert_uint_eq(got.size, id.size);
    ck_assert_uint_eq(got.status, id.status);
    ck_assert_uint_eq(got.epoch, id.epoch);
    ck_assert_str_eq(got.uuid, id.uuid);
    ck_assert_str_eq(got.instance, id.instance);
    ck_assert_uint_eq(got.json_len, 7);
    ck_assert_int_eq(memcmp(got.json, id.json, 7), 0);
    ck_assert_int_eq(identity_decode(NOTE_PROOF, note.data, note.len, &got), -EPROTO);
    for (size_t len = 0; len < note.len; len++)
        ck_assert_int_eq(identity_decode(NOTE_WELCOME, note.data, len, &got), -EPROTO);
    buf_addc(&note, 'x');
    ck_assert_int_eq(identity_decode(NOTE_WELCOME, note.data, note.len, &got), -EPROTO);
    buf_free(&note);
}
END_TEST

START_TEST(a_uuid_is_36_plain_characters)
{
    static const char *const bad[] = {"",
                                      "0123",
                                      "01234567-89ab-cdef-0123-456789abcde\n",
                                      "01234567-89ab-cdef-0123-456789abcde\xff",
                                      "01234567-89ab-cdef-0123-456789abcde/",
                                      "01234567-89ab-cdef-0123-456789abcde "};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct identity id = an_identity(), got;
        struct buf note = {0};
        strcpy(id.uuid, bad[i]);
        ck_assert_int_eq(identity_encode(NOTE_PROOF, &id, &note), 0);
        ck_assert_int_eq(identity_decode(NOTE_PROOF, note.data, note.len, &got), -EPROTO);
        buf_free(&note);
    }
}
END_TEST

START_TEST(a_child_may_not_know_its_instance_a_parent_must)
{
    struct identity id = an_identity(), got;
    struct buf note = {0};
    id.instance[0] = '\0';
    ck_assert_int_eq(identity_encode(NOTE_PROOF, &id, &note), 0);
    ck_assert_int_eq(identity_decode(NOTE_PROOF, note.data, note.len, &got), 0);
    ck_assert_str_eq(got.instance, "");
    note.data[0] = NOTE_WELCOME;
    ck_assert_int_eq(identity_decode(NOTE_WELCOME, note.data, note.len, &got), -EPROTO);
    buf_free(&note);
}
END_TEST

START_TEST(a_reason_cannot_play_with_the_terminal)
{
    struct refusal no = {.errnum = 1,
                         .reason = "a\x1b]0;b\n\x7f"
                                   "c"},
                   got;
    struct buf note = {0};
    ck_assert_int_eq(refusal_encode(&no, &note), 0);
    ck_assert_int_eq(refusal_decode(note.data, note.len, &got), 0);
    ck_assert_str_eq(got.reason, "a?]0;b??c");
    buf_free(&note);
}
END_TEST

START_TEST(the_longest_notes_of_strangers_fit)
{
    struct refusal no = {.errnum = 1};
    struct hello hello = {.encrypt = true};
    struct buf note = {0};
    memset(no.reason, 'x', sizeof(no.reason) - 1);
    memset(hello.version, '9', VERSION_MAX);
    ck_assert_int_eq(refusal_encode(&no, &note), 0);
    ck_assert_uint_le(note.len + MAC_SIZE, HELLO_MAX);
    note.len = 0;
    ck_assert_int_eq(hello_encode(&hello, &note), 0);
    ck_assert_uint_le(note.len + MAC_SIZE, HELLO_MAX);
    buf_free(&note);
}
END_TEST

START_TEST(another_format_is_told_from_rubbish)
{
    struct hello hello = {.version = "1.2"}, got;
    struct buf note = {0};
    ck_assert_int_eq(hello_encode(&hello, &note), 0);
    ck_assert_int_eq(hello_decode(note.data, note.len, &got), 0);
    note.data[9]++;
    ck_assert_int_eq(hello_decode(note.data, note.len, &got), -EPROTONOSUPPORT);
    note.data[8]++;
    ck_assert_int_eq(hello_decode(note.data, note.len, &got), -EPROTO);
    buf_free(&note);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay/handshake");
    TCase *tc = tcase_create("handshake");
    tcase_set_timeout(tc, 60);
    /* _i: whether the link is encrypted */
    tcase_add_loop_test(tc, who_has_the_key_understands_what_was_sealed, 0, 2);
    tcase_add_loop_test(tc, a_sealed_note_with_any_byte_changed_is_refused, 0, 2);
    tcase_add_loop_test(tc, a_sealed_note_cut_short_is_refused, 0, 2);
    tcase_add_loop_test(tc, what_one_sealed_does_not_pass_for_the_others, 0, 2);
    tcase_add_test(tc, encrypted_notes_are_neither_repeated_nor_left_out_nor_swapped);
    tcase_add_loop_test(tc, a_hello_with_any_byte_changed_or_missing_is_refused, 0, 2);
    tcase_add_loop_test(tc, a_challenge_with_any_byte_changed_or_missing_is_refused, 0,
                        2);
    tcase_add_loop_test(tc, another_key_is_told_at_hello, 0, 2);
    tcase_add_loop_test(tc, another_key_is_told_at_challenge, 0, 2);
    tcase_add_loop_test(tc, an_old_challenge_is_refused, 0, 2);
    tcase_add_loop_test(tc, both_or_none_encrypt, 0, 2);
    tcase_add_test(tc, a_public_key_of_small_order_is_refused);
    tcase_add_loop_test(tc, a_refusal_is_believed_from_who_has_the_key, 0, 2);
    tcase_add_test(tc, an_identity_is_read_as_it_was_written);
    tcase_add_test(tc, a_uuid_is_36_plain_characters);
    tcase_add_test(tc, a_child_may_not_know_its_instance_a_parent_must);
    tcase_add_test(tc, a_reason_cannot_play_with_the_terminal);
    tcase_add_test(tc, the_longest_notes_of_strangers_fit);
    tcase_add_test(tc, another_format_is_told_from_rubbish);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
