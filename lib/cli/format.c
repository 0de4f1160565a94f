/* Output formats; see format.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/format.h"

#define MAX_WIDTH 4096

struct column {
    char *literal; /* text before the field */
    char *field;   /* NULL: literal only */
    char conversion;
    char align;     /* '<', '>', '^' or 0 */
    int width, max; /* max -1: none */
    char type;      /* 0, or a letter such as f */
    bool plus, dash, collapse, grow;
    bool used;  /* some row has a value (for collapse) */
    int widest; /* for grow */
};

struct format {
    struct column *col;
    size_t n;
    char *sort[8];
    bool descending[8];
    size_t nsort;
};

/* Characters, not bytes. */
static int text_width(const char *s)
{
    int n = 0;

    for (; *s; s++)
        n += (*s & 0xc0) != 0x80;
    return n;
}

static size_t bytes_of(const char *s, int chars)
{
    size_t i = 0;

    for (; s[i]; i++) {
        if ((s[i] & 0xc0) != 0x80 && chars-- == 0)
            break;
    }
    return i;
}

static struct column *add_column(struct format *f)
{
    struct column *p = realloc(f->col, (f->n + 1) * sizeof(*p));

    if (!p)
        return NULL;
    f->col = p;
    p += f->n++;
    *p = (struct column){.max = -1};
    return p;
}

static int parse_spec(struct column *c, const char *s, flux_error_t *err)
{
    const char *start = s;
    long width = 0, max = 0;
    size_t n;

    if (*s && strchr("<>^", *s))
        c->align = *s++;
    if (*s == '0')
        s++;
    n = strspn(s, "0123456789");
    width = n ? strtol(s, NULL, 10) : 0;
    s += n;
    c->width = (int)width;
    if (*s == '.') {
        n = strspn(++s, "0123456789");
        max = n ? strtol(s, NULL, 10) : MAX_WIDTH + 1;
        c->max = (int)max;
        s += n;
    }
    if (width > MAX_WIDTH || max > MAX_WIDTH)
        return error_set(err, EINVAL, "format: '%s' is not a field specification", start);
    for (; *s; s++) {
        if (*s == '+')
            c->plus = true;
        else if (*s == 'h')
            c->dash = true;
        else if (strchr("fds", *s))
            c->type = *s;
        else
            return error_set(err, EINVAL, "format: '%s' is not a field specification",
                             start);
    }
    return 0;
}

static int parse_field(struct column *c, const char *s, size_t len, flux_error_t *err)
{
    AUTOFREE char *text = strndup(s, len);
    char *spec, *bang;

    if (!text)
        return -ENOMEM;
    spec = strchr(text, ':');
    if (spec)
        *spec++ = '\0';
    bang = strchr(text, '!');
    if (bang) {
        c->conversion = bang[1];
        *bang = '\0';
    }
    if (!*text)
        return error_set(err, EINVAL, "format: a field name is missing");
    c->field = strdup(text);
    return spec ? parse_spec(c, spec, err) : 0;
}

/* Take the markers ?: +: ?+: off the end of the literal before a field. */
static void parse_markers(struct column *c, struct buf *literal)
{
    size_t n = literal->len;

    if (n < 2 || literal->data[n - 1] != ':')
        return;
    if (literal->data[n - 2] == '+') {
        c->grow = true;
        n -= 2;
        if (n > 0 && literal->data[n - 1] == '?') {
            c->collapse = true;
            n--;
        }
    } else if (literal->data[n - 2] == '?') {
        c->collapse = true;
        n -= 2;
    }
    literal->len = n;
    literal->data[n] = '\0';
}

static int parse_columns(struct format *f, const char *s, flux_error_t *err)
{
    struct buf literal = {0};
    int rc = 0;

    while (*s && rc == 0) {
        const char *close;
        struct column *c;

        if ((s[0] == '{' && s[1] == '{') || (s[0] == '}' && s[1] == '}')) {
            buf_addc(&literal, *s);
            s += 2;
            continue;
        }
        if (*s != '{') {
            buf_addc(&literal, *s++);
            continue;
        }
        close = strchr(s, '}');
        if (!close) {
            rc = error_set(err, EINVAL, "format: '{' without '}'");
            break;
        }
        c = add_column(f);
        if (!c) {
            rc = -ENOMEM;
            break;
        }
        parse_markers(c, &literal);
        c->literal = literal.len ? buf_take(&literal, NULL) : NULL;
        buf_free(&literal);
        rc = parse_field(c, s + 1, close - s - 1, err);
        s = close + 1;
    }
    if (rc == 0 && literal.len > 0) {
        struct column *c = add_column(f);

        if (c)
            c->literal = buf_take(&literal, NULL);
    }
    buf_free(&literal);
    return rc;
}

/* "sort:A,-B " in front; returns what follows. */
static const char *parse_sort(struct format *f, const char *s)
{
    size_t len;

    if (strncmp(s, "sort:", 5))
        return s;
    s += 5;
    for (len = strcspn(s, " "); len > 0 && f->nsort < 8;) {
        size_t n = strcspn(s, ", ");
        bool minus = *s == '-';

        f->descending[f->nsort] = minus;
        f->sort[f->nsort++] = strndup(s + minus, n - minus);
        s += n;
        if (*s != ',')
            break;
        s++;
    }
    return s + (*s == ' ');
}

struct format *format_new(const char *text, flux_error_t *err)
{
    struct format *f = calloc(1, sizeof(*f));

    if (!f || parse_columns(f, parse_sort(f, text), err) < 0) {
        format_free(f);
        return NULL;
    }
    return f;
}

void format_free(struct format *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n; i++) {
        free(f->col[i].literal);
        free(f->col[i].field);
    }
    for (size_t i = 0; i < f->nsort; i++)
        free(f->sort[i]);
    free(f->col);
    free(f);
}

const char *format_field(const struct format *f, size_t i)
{
    for (size_t k = 0; k < f->n; k++) {
        if (f->col[k].field && i-- == 0)
            return f->col[k].field;
    }
    return NULL;
}

const char *format_sort(const struct format *f, size_t i, bool *descending)
{
    if (i >= f->nsort)
        return NULL;
    *descending = f->descending[i];
    return f->sort[i];
}

bool format_needs_scan(const struct format *f)
{
    for (size_t i = 0; i < f->n; i++) {
        if (f->col[i].collapse || f->col[i].grow)
            return true;
    }
    return false;
}

/* {x:.3f}: a number with that many decimals. */
static void round_number(struct buf *b, int decimals)
{
    char text[64], *end;
    double v = strtod(b->data ? b->data : "", &end);

    if (b->len == 0 || *end)
        return;
    snprintf(text, sizeof(text), "%.*f", decimals < 0 ? 6 : decimals, v);
    b->len = 0;
    buf_adds(b, text);
}

static const char *value_of(const struct column *c, const void *row, format_value_f value,
                            void *arg, struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
    value(row, c->field, c->conversion, b, arg);
    if (c->type == 'f')
        round_number(b, c->max);
    return b->len ? b->data : "";
}

void format_scan(struct format *f, const void *row, format_value_f value, void *arg)
{
    struct buf b = {0};

    for (size_t i = 0; i < f->n; i++) {
        struct column *c = &f->col[i];
        const char *s;
        int w;

        if (!c->field || !(c->collapse || c->grow))
            continue;
        s = value_of(c, row, value, arg, &b);
        w = text_width(s);
        c->used |= w > 0;
        if (w > c->widest)
            c->widest = w;
    }
    buf_free(&b);
}

static void pad(FILE *out, int n)
{
    while (n-- > 0)
        fputc(' ', out);
}

static void print_cell(const struct column *c, FILE *out, const char *s, bool last)
{
    int width = c->grow && c->widest > c->width ? c->widest : c->width;
    int max = c->type == 'f' ? -1 : c->max;
    int w = text_width(s), left = 0;
    bool cut;

    if (c->grow && max >= 0 && c->widest > max)
        max = c->widest;
    cut = max >= 0 && w > max;
    if (cut)
        w = max;
    if (c->align == '>')
        left = width - w;
    else if (c->align == '^')
        left = (width - w) / 2;
    pad(out, left);
    if (cut && c->plus && max > 0)
        fprintf(out, "%.*s+", (int)bytes_of(s, max - 1), s);
    else
        fwrite(s, 1, cut ? bytes_of(s, max) : strlen(s), out);
    if (!last)
        pad(out, width - w - (left > 0 ? left : 0));
}

static void print_row(struct format *f, FILE *out,
                      const char *(*cell)(const struct column *c, void *arg), void *arg)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct column *c = &f->col[i];

        if (c->collapse && !c->used)
            continue;
        if (c->literal)
            fputs(c->literal, out);
        if (c->field)
            print_cell(c, out, cell(c, arg), i + 1 == f->n);
    }
    fputc('\n', out);
}

struct row_arg {
    const void *row;
    format_value_f value;
    void *arg;
    struct buf b;
};

static const char *row_cell(const struct column *c, void *arg)
{
    struct row_arg *r = arg;
    const char *s = value_of(c, r->row, r->value, r->arg, &r->b);

    return !*s && c->dash ? "-" : s;
}

void format_print(struct format *f, FILE *out, const void *row, format_value_f value,
                  void *arg)
{
    struct row_arg r = {row, value, arg, {0}};

    print_row(f, out, row_cell, &r);
    buf_free(&r.b);
}

struct title_arg {
    const char *(*title)(const char *field, void *arg);
    void *arg;
};

static const char *title_cell(const struct column *c, void *arg)
{
    struct title_arg *t = arg;

    return t->title(c->field, t->arg);
}

void format_header(struct format *f, FILE *out,
                   const char *(*title)(const char *field, void *arg), void *arg)
{
    struct title_arg t = {title, arg};

    for (size_t i = 0; i < f->n; i++) {
        struct column *c = &f->col[i];
        int w = c->field ? text_width(title(c->field, arg)) : 0;

        if (c->grow && w > c->widest)
            c->widest = w;
    }
    print_row(f, out, title_cell, &t);
}
