/* Names with {{tags}}: see template.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jobid.h"
#include "shell/template.h"

#define TAG_MAX 32

/* Next tag at or after *s: its inside, trimmed, goes to `tag`; *s moves behind it and
 * the start of the "{{" is returned. NULL: there is none. */
static const char *next_tag(const char **s, char tag[TAG_MAX])
{
    const char *open = *s;
    while ((open = strstr(open, "{{"))) {
        const char *close = strstr(open + 2, "}}");
        if (!close)
            return NULL;
        const char *a = open + 2, *b = close;
        while (a < b && *a == ' ')
            a++;
        while (b > a && b[-1] == ' ')
            b--;
        if (b > a && (size_t)(b - a) < TAG_MAX && !memchr(a, '{', (size_t)(b - a))) {
            memcpy(tag, a, (size_t)(b - a));
            tag[b - a] = '\0';
            *s = close + 2;
            return open;
        }
        open++;
    }
    return NULL;
}

static bool is_task_tag(const char *tag)
{
    return !strcmp(tag, "taskid") || !strncmp(tag, "task.", 5);
}

bool template_names_task(const char *text)
{
    char tag[TAG_MAX];
    while (next_tag(&text, tag))
        if (is_task_tag(tag))
            return true;
    return false;
}

bool template_names_node(const char *text)
{
    char tag[TAG_MAX];
    while (next_tag(&text, tag))
        if (!strncmp(tag, "node.", 5) || !strcmp(tag, "tmpdir"))
            return true;
    return template_names_task(text);
}

static int add_id(const char *form, const struct template_vars *v, struct buf *out)
{
    char text[JOBID_SIZE];
    if (jobid_encode(v->id, form, text, sizeof(text)) < 0)
        return -ENOENT;
    return buf_adds(out, text);
}

static int add_number(unsigned n, struct buf *out)
{
    return buf_addf(out, "%u", n);
}

/* Append the value of a tag; -ENOENT for one that is not known. */
static int add_value(const char *tag, const struct template_vars *v, struct buf *out)
{
    const struct {
        const char *name, *value;
    } texts[] = {
        {"name", v->name},      {"node.name", v->node_name}, {"node.cores", v->cores},
        {"node.gpus", v->gpus}, {"tmpdir", v->tmpdir},
    };
    const struct {
        const char *name;
        unsigned value;
    } numbers[] = {
        {"nnodes", v->nnodes},
        {"size", v->ntasks},
        {"ntasks", v->ntasks},
        {"node.id", v->node_id},
        {"node.broker_rank", v->broker_rank},
        {"node.ncores", v->ncores},
        {"node.ngpus", v->ngpus},
        {"taskid", v->rank},
        {"task.id", v->rank},
        {"task.rank", v->rank},
        {"task.index", v->local_id},
        {"task.localid", v->local_id},
    };
    if (!strcmp(tag, "id") || !strcmp(tag, "jobid"))
        return add_id("f58", v, out);
    if (!strncmp(tag, "id.", 3))
        return add_id(tag + 3, v, out);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (!strcmp(tag, texts[i].name))
            return texts[i].value ? buf_adds(out, texts[i].value) : -ENOENT;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        if (!strcmp(tag, numbers[i].name))
            return add_number(numbers[i].value, out);
    return -ENOENT;
}

int template_expand(const char *text, const struct template_vars *vars, struct buf *out)
{
    char tag[TAG_MAX];
    const char *s = text;
    const char *open;
    while ((open = next_tag(&s, tag))) {
        buf_add(out, text, (size_t)(open - text));
        if (add_value(tag, vars, out) == -ENOENT)
            buf_add(out, open, (size_t)(s - open));
        text = s;
    }
    buf_adds(out, text);
    return out->failed ? -ENOMEM : 0;
}
