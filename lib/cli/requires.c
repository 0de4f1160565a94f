/* --requires: the constraint query syntax (RFC 35) to a constraint object (RFC 31).
 *
 *   expr   := term { ("|" | "||" | "or") term }
 *   term   := factor { ["&" | "&&" | "and"] factor }
 *   factor := ("not" | "-") factor | "(" expr ")" | [OP ":"] VALUE
 *
 * OP is properties (the default), host or hostlist, ranks; several VALUEs of one OP are
 * separated by commas. A property may start with ^ to be negated.
 */

#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "cli/jobspec_impl.h"

#define MAX_DEPTH 32

struct parser {
    const char *p;
    int depth;
    const char *error;
};

static cJSON *parse_expr(struct parser *s);

static void skip_space(struct parser *s)
{
    while (isspace((unsigned char)*s->p))
        s->p++;
}

static bool take_symbol(struct parser *s, char c)
{
    skip_space(s);
    if (*s->p != c)
        return false;
    s->p += 1 + (s->p[1] == c);
    return true;
}

static bool at_word(struct parser *s, const char *word)
{
    size_t n = strlen(word);

    skip_space(s);
    return !strncmp(s->p, word, n) &&
           (!s->p[n] || isspace((unsigned char)s->p[n]) || s->p[n] == '(');
}

static bool take_word(struct parser *s, const char *word)
{
    if (!at_word(s, word))
        return false;
    s->p += strlen(word);
    return true;
}

static cJSON *operation(const char *op, cJSON *a, cJSON *b)
{
    cJSON *list = cJSON_CreateArray();
    cJSON *o = cJSON_CreateObject();

    cJSON_AddItemToArray(list, a);
    if (b)
        cJSON_AddItemToArray(list, b);
    cJSON_AddItemToObject(o, op, list);
    return o;
}

static const char *operator_name(const char *s, size_t n)
{
    static const char *const names[][2] = {
        {"properties", "properties"},
        {"property", "properties"},
        {"hostlist", "hostlist"},
        {"hosts", "hostlist"},
        {"host", "hostlist"},
        {"ranks", "ranks"},
        {"rank", "ranks"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i][0]) == n && !strncmp(s, names[i][0], n))
            return names[i][1];
    }
    return NULL;
}

/* Up to a space, operator or closing parenthesis outside brackets. */
static size_t value_length(const char *p)
{
    int brackets = 0;
    size_t n = 0;

    for (; p[n]; n++) {
        if (p[n] == '[')
            brackets++;
        else if (p[n] == ']')
            brackets--;
        else if (brackets <= 0 && (isspace((unsigned char)p[n]) || strchr("|&()", p[n])))
            break;
    }
    return n;
}

static cJSON *parse_value(struct parser *s)
{
    size_t n = value_length(s->p), skip = 0;
    const char *colon = memchr(s->p, ':', n);
    const char *op = "properties";
    cJSON *list = cJSON_CreateArray(), *o;

    if (colon) {
        op = operator_name(s->p, colon - s->p);
        skip = colon - s->p + 1;
    }
    if (!op || n == skip) {
        s->error = op ? "a value is missing"
                      : "unknown operator (use properties, host or ranks)";
        json_free(list);
        return NULL;
    }
    for (const char *v = s->p + skip, *end = s->p + n; v < end;) {
        size_t len = end - v;

        /* Host lists and id sets are one value, commas and all. */
        if (!strcmp(op, "properties") && memchr(v, ',', len))
            len = (const char *)memchr(v, ',', len) - v;
        cJSON_AddItemToArray(list, json_new_strn(v, len));
        v += len + 1;
    }
    s->p += n;
    o = cJSON_CreateObject();
    cJSON_AddItemToObject(o, op, list);
    return o;
}

static cJSON *parse_factor(struct parser *s)
{
    cJSON *o;

    if (++s->depth > MAX_DEPTH) {
        s->error = "nested too deeply";
        return NULL;
    }
    skip_space(s);
    if (take_word(s, "not") || take_symbol(s, '-')) {
        o = parse_factor(s);
        if (o)
            o = operation("not", o, NULL);
    } else if (*s->p == '(') {
        s->p++;
        o = parse_expr(s);
        skip_space(s);
        if (o && *s->p != ')') {
            s->error = "a closing parenthesis is missing";
            json_free(o);
            o = NULL;
        } else if (o)
            s->p++;
    } else
        o = parse_value(s);
    s->depth--;
    return o;
}

static bool at_factor(struct parser *s)
{
    skip_space(s);
    return *s->p && *s->p != ')' && *s->p != '|' && !at_word(s, "or");
}

static cJSON *parse_term(struct parser *s)
{
    cJSON *o = parse_factor(s), *next;

    while (o && (take_symbol(s, '&') || take_word(s, "and") || at_factor(s))) {
        next = parse_factor(s);
        if (!next) {
            json_free(o);
            return NULL;
        }
        o = operation("and", o, next);
    }
    return o;
}

static cJSON *parse_expr(struct parser *s)
{
    cJSON *o = parse_term(s), *next;

    while (o && (take_symbol(s, '|') || take_word(s, "or"))) {
        next = parse_term(s);
        if (!next) {
            json_free(o);
            return NULL;
        }
        o = operation("or", o, next);
    }
    return o;
}

int jobspec_set_requires(struct cli *c, cJSON *jobspec)
{
    const char *text = cli_str(c, "requires", NULL);
    struct parser s = {.p = text};
    cJSON *o;

    if (!text)
        return 0;
    o = parse_expr(&s);
    skip_space(&s);
    if (!o || *s.p) {
        json_free(o);
        return cli_usage(c, "--requires: '%s': %s", text,
                         s.error ? s.error : "unexpected text at the end");
    }
    return json_set_path(jobspec, "attributes.system.constraints", o);
}
