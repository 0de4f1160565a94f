/* An end of a link that does the handshake as it should, as a child or a parent, and
 * nothing else: what it says afterwards, or that it says nothing, is up to the test.
 */
#ifndef TEST_OVERLAY_FAKE_H
#define TEST_OVERLAY_FAKE_H

#include "overlay/handshake.h"
#include "tree.h"

struct fake {
    struct tree *tree;
    struct link *link, *listener;
    struct handshake *handshake;
    struct seal *seal;
    struct identity claim; /* of its PROOF or WELCOME */
    const unsigned char *key;
    enum note_kind stop; /* do not answer a note of this kind */
    bool parent, up;
    int closed;
    unsigned last; /* kind of the last note that came, */
    int n[32];     /* and how many came of each kind */
    struct refusal refusal;
};

/* Claims to be that rank of the tree, of an instance that it does not know yet. */
void fake_init(struct fake *f, struct tree *t, uint32_t rank);
void fake_dial(struct fake *f, const char *address);
/* Accepts one child. */
void fake_listen(struct fake *f, const char *address);
void fake_say(struct fake *f, const void *note, size_t len);
void fake_say_kind(struct fake *f, enum note_kind kind);
void fake_fini(struct fake *f);

#endif
