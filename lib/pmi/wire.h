/* One line of the PMI-1 wire: "cmd=NAME key=value ...\n". Words are split by spaces; the
 * value of `value` and of `error_msg` reaches to the end of the line. Pure.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PMI_WIRE_H
#define FLUX_PMI_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* What we grant, with the final NUL; others grant something else (cmd=maxes). */
#define PMI_KVSNAME_MAX 256
#define PMI_KEYLEN_MAX 64
#define PMI_VALLEN_MAX 1024

#define PMI_LINE_MAX 4096 /* bytes, with the newline */
#define PMI_LINE_WORDS 16

struct pmi_line {
    const char *cmd;
    int n;
    struct {
        const char *key, *value;
    } words[PMI_LINE_WORDS];
};

/* Take a line apart (without its newline; text[len] must be there, and is written to).
 * The parts point into text. -EPROTO: no cmd, a word without `=`, too many words, the same
 * key twice, control characters. */
int pmi_line_parse(char *text, size_t len, struct pmi_line *ret);
/* NULL: there is no such key. */
const char *pmi_line_get(const struct pmi_line *l, const char *key);
/* -ENOENT, -EPROTO: not a decimal number that fits. */
int pmi_line_int(const struct pmi_line *l, const char *key, int *ret);

/* May it be a key (no spaces, no `=`, not empty), or a value (UTF-8, no control
 * characters), of less than max bytes? */
bool pmi_key_ok(const char *key, size_t max);
bool pmi_value_ok(const char *value, size_t max);

#endif
