/* Output formats: "{id.f58:>12} ?:{queue:<8.8} +:{username:<8} {name:<10.10+}".
 *
 * {FIELD[!CONVERSION][:SPEC]} with SPEC [<>^][WIDTH][.MAX][+][h][f|d|s]. MAX cuts, + marks a
 * cut with a trailing +, h prints - for an empty value. Before a field, `?:` drops the column if it
 * is empty in every row, `+:` widens it to its widest value, `?+:` does both. `sort:A,-B ` in front names sort
 * fields (- for descending). {{ and }} are braces.
 */
#ifndef FLUX_CLI_FORMAT_H
#define FLUX_CLI_FORMAT_H

#include <stdbool.h>
#include <stdio.h>

#include <flux/types.h>
#include "base/buf.h"

struct format;

/* The text of a field of one row: append it to out (nothing for an empty value). conversion is 0 or
 * the letter behind !. false: there is no such field. */
typedef bool (*format_value_f)(const void *row, const char *field, char conversion,
                               struct buf *out, void *arg);

/* Parse; NULL with the reason in err. */
struct format *format_new(const char *text, flux_error_t *err);
void format_free(struct format *f);
/* Field names, by index; NULL past the end. */
const char *format_field(const struct format *f, size_t i);
/* Sort fields in order; *descending says which way. NULL past the end. */
const char *format_sort(const struct format *f, size_t i, bool *descending);

/* Look at a row before printing, so that ?: and +: know; needed only if format_needs_scan(). */
bool format_needs_scan(const struct format *f);
void format_scan(struct format *f, const void *row, format_value_f value, void *arg);
/* One line for a row, or the header (title gives a field's heading). */
void format_print(struct format *f, FILE *out, const void *row, format_value_f value,
                  void *arg);
void format_header(struct format *f, FILE *out,
                   const char *(*title)(const char *field, void *arg), void *arg);

#endif
