/* json_parse(): scan, cJSON's parser, then a walk that gives numbers their text
 * back and refuses duplicate keys.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json_impl.h"

const struct json_limits json_limits_default = {
    .bytes = 4 * 1024 * 1024,
    .depth = 64,
    .nodes = 200000,
};

/* Objects up to this many keys are checked pair by pair. */
#define PAIRS_MAX 8
/* Hash table slots on the stack: twice as many as the keys it is used for. */
#define STACK_SLOTS 128

struct walk {
    const char *p, *end; /* the text after the last number taken */
    size_t keep;         /* numbers still to be given their text */
    flux_error_t *err;
};

static bool duplicate(struct walk *w, const char *key)
{
    error_set(w->err, EPROTO, "invalid JSON: duplicate key '%s'", key);
    return true;
}

static bool pairs_have_duplicate(struct walk *w, const cJSON *o)
{
    for (const cJSON *a = o->child; a; a = a->next) {
        for (const cJSON *b = a->next; b; b = b->next) {
            if (a->string[0] == b->string[0] && strcmp(a->string, b->string) == 0)
                return duplicate(w, a->string);
        }
    }
    return false;
}

static bool table_has_duplicate(struct walk *w, const cJSON *o, const char **slots,
                                size_t mask)
{
    uint64_t seed = hash_seed();

    for (const cJSON *c = o->child; c; c = c->next) {
        size_t i = hash_bytes(c->string, strlen(c->string), seed) & mask;

        for (; slots[i]; i = (i + 1) & mask) {
            if (strcmp(slots[i], c->string) == 0)
                return duplicate(w, c->string);
        }
        slots[i] = c->string;
    }
    return false;
}

static int check_keys(struct walk *w, const cJSON *o)
{
    const char *stack_slots[STACK_SLOTS], **slots;
    size_t n = 0, size = STACK_SLOTS;
    bool found;

    for (const cJSON *c = o->child; c; c = c->next)
        n++;
    if (n <= PAIRS_MAX)
        return pairs_have_duplicate(w, o) ? -EPROTO : 0;
    if (n <= STACK_SLOTS / 2) {
        memset(stack_slots, 0, sizeof(stack_slots));
        return table_has_duplicate(w, o, stack_slots, size - 1) ? -EPROTO : 0;
    }
    while (size < n * 2)
        size *= 2;
    if (!(slots = calloc(size, sizeof(*slots))))
        return -ENOMEM;
    found = table_has_duplicate(w, o, slots, size - 1);
    free(slots);
    return found ? -EPROTO : 0;
}

/* The next number of the text, which json_scan() has approved. */
static const char *next_number(struct walk *w, size_t *len, bool *keep)
{
    const char *p = w->p;

    for (;; p++) {
        assert(p < w->end);
        if (*p == '"') {
            while (*++p != '"')
                p += *p == '\\';
        } else if (*p == '-' || (*p >= '0' && *p <= '9')) {
            break;
        }
    }
    *len = json_number_len(p, w->end, keep);
    w->p = p + *len;
    return p;
}

static int number_keep_text(struct walk *w, cJSON *o)
{
    size_t len;
    bool keep;
    const char *text = next_number(w, &len, &keep);

    if (!keep)
        return 0;
    if (!(o->valuestring = json_strndup(text, len)))
        return -ENOMEM;
    o->type = cJSON_Raw;
    w->keep--;
    return 0;
}

/* Recursion is bounded by JSON_DEPTH_MAX. */
static int walk(struct walk *w, cJSON *o)
{
    int rc;

    if (o->type == cJSON_Number)
        return w->keep > 0 ? number_keep_text(w, o) : 0;
    if (o->type == cJSON_Object && (rc = check_keys(w, o)) < 0)
        return rc;
    for (cJSON *c = o->child; c; c = c->next) {
        if ((rc = walk(w, c)) < 0)
            return rc;
    }
    return 0;
}

int json_parse(const char *text, size_t len, const struct json_limits *limits,
               cJSON **ret, flux_error_t *err)
{
    struct walk w = {.p = text, .end = text + len, .err = err};
    const char *end;
    cJSON *o;
    int rc;

    rc = json_scan(text, len, limits ? limits : &json_limits_default, &w.keep, err);
    if (rc < 0)
        return rc;
    if (!(o = cJSON_ParseWithLengthOpts(text, len, &end, 0)))
        return error_set(err, ENOMEM, "out of memory");
    if ((rc = walk(&w, o)) < 0) {
        cJSON_Delete(o);
        return rc == -ENOMEM ? error_set(err, ENOMEM, "out of memory") : rc;
    }
    *ret = o;
    return 0;
}
