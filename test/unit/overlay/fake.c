/* Ends of links that only shake hands (fake.h). */
#include "fake.h"

#include <errno.h>

static void say_sealed(struct fake *f, struct buf *note)
{
    struct buf plain = {0}, out = {0};
    struct iovec part = {note->data, note->len};
    if (f->seal) {
        ck_assert_int_eq(seal_close(f->seal, &part, 1, &plain, &out), 0);
        part = (struct iovec){out.data, out.len};
    }
    int rc = link_send(f->link, &part, 1);
    ck_assert(rc == 0 || rc == -EPIPE); /* the other may have had enough */
    buf_free(&plain);
    buf_free(&out);
}

void fake_say(struct fake *f, const void *note, size_t len)
{
    struct buf b = {0};
    buf_add(&b, note, len);
    say_sealed(f, &b);
    buf_free(&b);
}

void fake_say_kind(struct fake *f, enum note_kind kind)
{
    char c = (char)kind;
    fake_say(f, &c, 1);
}

static void say_identity(struct fake *f, enum note_kind kind)
{
    struct buf note = {0};
    ck_assert_int_eq(identity_encode(kind, &f->claim, &note), 0);
    say_sealed(f, &note);
    buf_free(&note);
}

static void is_up(struct fake *f)
{
    f->up = true;
    if (!f->tree->conf.encrypt) {
        seal_free(f->seal);
        f->seal = NULL;
    }
}

static void got_hello(struct fake *f, const void *data, size_t len)
{
    struct hello hello;
    struct buf note = {0};
    ck_assert_int_eq(handshake_read_hello(f->handshake, data, len, &hello), 0);
    ck_assert_int_eq(handshake_challenge(f->handshake, &note, &f->seal), 0);
    ck_assert_int_eq(link_send(f->link, &(struct iovec){note.data, note.len}, 1), 0);
    buf_free(&note);
}

static void got_challenge(struct fake *f, const void *data, size_t len)
{
    ck_assert_int_eq(handshake_read_challenge(f->handshake, data, len, &f->seal), 0);
    say_identity(f, NOTE_PROOF);
}

static void on_message(struct link *link, const void *data, size_t len, void *arg)
{
    struct fake *f = arg;
    struct buf room = {0};
    if (f->seal)
        ck_assert_int_eq(seal_open(f->seal, data, len, &room, &data, &len), 0);
    f->last = *(const unsigned char *)data;
    f->n[f->last < 32 ? f->last : 0]++;
    if (f->last == NOTE_REFUSED && f->seal)
        ck_assert_int_eq(refusal_decode(data, len, &f->refusal), 0);
    else if (f->last == NOTE_REFUSED)
        handshake_read_refusal(f->handshake, data, len, &f->refusal);
    else if (f->last == f->stop)
        ;
    else if (f->last == NOTE_HELLO)
        got_hello(f, data, len);
    else if (f->last == NOTE_CHALLENGE)
        got_challenge(f, data, len);
    else if (f->last == NOTE_PROOF) {
        say_identity(f, NOTE_WELCOME);
        is_up(f);
    } else if (f->last == NOTE_WELCOME)
        is_up(f);
    buf_free(&room);
}

static void on_closed(struct link *link, int error, void *arg)
{
    ((struct fake *)arg)->closed++;
}

static void on_accepted(struct link *listener, struct link *link, void *arg)
{
    struct fake *f = arg;
    if (f->link) {
        link_close(link);
        return;
    }
    f->link = link;
}

static const struct link_cb fake_cb = {
    .accepted = on_accepted, .message = on_message, .closed = on_closed};

static struct link_conf conf_of(struct fake *f)
{
    return (struct link_conf){
        .cb = &fake_cb, .arg = f, .max_message = 1 << 20, .max_queue = 1 << 20};
}

static void new_handshake(struct fake *f)
{
    unsigned char random[HANDSHAKE_RANDOM];
    env_random(f->tree->env, random, sizeof(random));
    ck_assert_int_eq(handshake_new(f->key, f->tree->conf.encrypt, random, &f->handshake),
                     0);
}

void fake_init(struct fake *f, struct tree *t, uint32_t rank)
{
    memset(f, 0, sizeof(*f));
    f->tree = t;
    f->key = KEY;
    f->claim = (struct identity){.rank = rank, .size = topo_size(t->topo)};
    f->claim.json = "{}";
    f->claim.json_len = 2;
    env_uuid(t->env, f->claim.uuid);
}

void fake_dial(struct fake *f, const char *address)
{
    struct link_conf conf = conf_of(f);
    struct buf note = {0};
    new_handshake(f);
    ck_assert_int_eq(transport_dial(f->tree->loop, address, &conf, &f->link), 0);
    ck_assert_int_eq(handshake_hello(f->handshake, f->tree->conf.version, &note), 0);
    ck_assert_int_eq(link_send(f->link, &(struct iovec){note.data, note.len}, 1), 0);
    buf_free(&note);
}

void fake_listen(struct fake *f, const char *address)
{
    struct link_conf conf = conf_of(f);
    f->parent = true;
    strcpy(f->claim.instance, INSTANCE);
    f->claim.epoch = 1;
    new_handshake(f);
    ck_assert_int_eq(transport_listen(f->tree->loop, address, &conf, &f->listener), 0);
}

void fake_fini(struct fake *f)
{
    link_close(f->link);
    link_close(f->listener);
    handshake_free(f->handshake);
    seal_free(f->seal);
    memset(f, 0, sizeof(*f));
}
