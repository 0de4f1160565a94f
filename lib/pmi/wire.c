/* Lines of the PMI-1 wire. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "pmi/wire.h"

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

static bool has_control(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (is_control(s[i]))
            return true;
    }
    return false;
}

/* Values that may hold spaces, and so are the last of their line. */
static bool takes_the_rest(const char *key)
{
    return !strcmp(key, "value") || !strcmp(key, "error_msg");
}

static int add_word(struct pmi_line *l, char *word, char *value)
{
    if (*word == '\0' || pmi_line_get(l, word) || l->n == PMI_LINE_WORDS)
        return -EPROTO;
    l->words[l->n].key = word;
    l->words[l->n].value = value;
    l->n++;
    return 0;
}

int pmi_line_parse(char *text, size_t len, struct pmi_line *ret)
{
    struct pmi_line l = {0};
    char *p = text;

    if (has_control(text, len))
        return -EPROTO;
    text[len] = '\0';
    while (*(p += strspn(p, " "))) {
        char *word = p, *value;

        p += strcspn(p, "= ");
        if (*p != '=')
            return -EPROTO;
        *p++ = '\0';
        value = p;
        p += takes_the_rest(word) ? strlen(p) : strcspn(p, " ");
        if (*p)
            *p++ = '\0';
        if (add_word(&l, word, value) < 0)
            return -EPROTO;
    }
    if (l.n == 0 || strcmp(l.words[0].key, "cmd") != 0)
        return -EPROTO;
    l.cmd = l.words[0].value;
    *ret = l;
    return 0;
}

const char *pmi_line_get(const struct pmi_line *l, const char *key)
{
    for (int i = 0; i < l->n; i++) {
        if (!strcmp(l->words[i].key, key))
            return l->words[i].value;
    }
    return NULL;
}

int pmi_line_int(const struct pmi_line *l, const char *key, int *ret)
{
    const char *s = pmi_line_get(l, key);
    char *end;
    long v;

    if (!s)
        return -ENOENT;
    errno = 0;
    v = strtol(s, &end, 10);
    if (end == s || *end || errno || v < INT_MIN || v > INT_MAX)
        return -EPROTO;
    *ret = (int)v;
    return 0;
}

bool pmi_key_ok(const char *key, size_t max)
{
    size_t n = strlen(key);

    return n > 0 && n < max && !has_control(key, n) && !strpbrk(key, " =") &&
           utf8_valid(key, n);
}

bool pmi_value_ok(const char *value, size_t max)
{
    size_t n = strlen(value);

    return n < max && !has_control(value, n) && utf8_valid(value, n);
}
