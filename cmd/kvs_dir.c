/* flux kvs dir, ls. */

#include <stdlib.h>
#include <string.h>

#include "kvs.h"

/* What a walk shares. */
struct walk {
    struct cli *c;
    flux_t *h;
    long width;
    bool recursive, names_only;
};

static flux_future_t *read_dir(struct walk *w, const char *key, const flux_kvsdir_t **dir)
{
    flux_future_t *f = kvs_lookup_at(w->c, w->h, FLUX_KVS_READDIR, key);

    if (f && flux_kvs_lookup_get_dir(f, dir) == 0)
        return f;
    kvs_fail(w->c, key, f);
    flux_future_destroy(f);
    return NULL;
}

/* ---- dir ---- */

static const struct cli_option dir_options[] = {
    {"recursive", 'R', CLI_NONE, NULL, "Show what is in directories, too"},
    {"directory", 'd', CLI_NONE, NULL, "Show keys without their values"},
    {"width", 'w', CLI_REQUIRED, "COLUMNS", "Cut lines to this width (0: do not)"},
    {"at", 'a', CLI_REQUIRED, "TREEOBJ", "Look in this snapshot"},
    {0},
};

/* KEY = VALUE, in one line of text and not wider than the screen. */
static void print_value_line(const struct walk *w, const char *key, const char *value,
                             size_t len)
{
    size_t room = w->width ? (size_t)w->width : SIZE_MAX, used = strlen(key) + 3;

    printf("%s = ", key);
    for (size_t i = 0; i < len; i++, used++) {
        unsigned char ch = (unsigned char)value[i];

        if (used + 3 >= room && len - i > 3) {
            printf("...");
            break;
        }
        if (ch == '\n')
            printf("\\n");
        else if (ch < ' ' || ch == 0x7f)
            printf("\\x%02x", ch);
        else
            putchar(ch);
    }
    printf("\n");
}

static int print_value(struct walk *w, const char *key)
{
    flux_future_t *f;
    const void *data;
    size_t len;
    int rc = 0;

    if (w->names_only) {
        printf("%s\n", key);
        return 0;
    }
    f = kvs_lookup_at(w->c, w->h, 0, key);
    if (!f || flux_kvs_lookup_get_raw(f, &data, &len) < 0)
        rc = kvs_fail(w->c, key, f);
    else
        print_value_line(w, key, data, len);
    flux_future_destroy(f);
    return rc;
}

static int print_link(struct walk *w, const char *key)
{
    flux_future_t *f = kvs_lookup_at(w->c, w->h, FLUX_KVS_READLINK, key);
    const char *ns, *target;
    int rc = 0;

    if (!f || flux_kvs_lookup_get_symlink(f, &ns, &target) < 0)
        rc = kvs_fail(w->c, key, f);
    else
        printf("%s -> %s%s%s\n", key, ns ? ns : "", ns ? "::" : "", target);
    flux_future_destroy(f);
    return rc;
}

static int walk_dir(struct walk *w, const char *key);

static int print_entry(struct walk *w, const flux_kvsdir_t *dir, const char *name)
{
    char *key = flux_kvsdir_key_at(dir, name);
    int rc = 0;

    if (!key)
        return cli_fail(w->c, "out of memory");
    if (flux_kvsdir_issymlink(dir, name))
        rc = print_link(w, key);
    else if (!flux_kvsdir_isdir(dir, name))
        rc = print_value(w, key);
    else if (w->recursive)
        rc = walk_dir(w, key);
    else
        printf("%s.\n", key);
    free(key);
    return rc;
}

static int walk_dir(struct walk *w, const char *key)
{
    const flux_kvsdir_t *dir;
    flux_future_t *f = read_dir(w, key, &dir);
    flux_kvsitr_t *itr = f ? flux_kvsitr_create(dir) : NULL;
    const char *name;
    int rc = itr ? 0 : 1;

    if (itr && w->recursive && flux_kvsdir_get_size(dir) == 0 && strcmp(key, ".") != 0)
        printf("%s.\n", key);
    while (rc == 0 && (name = flux_kvsitr_next(itr)))
        rc = print_entry(w, dir, name);
    flux_kvsitr_destroy(itr);
    flux_future_destroy(f);
    return rc;
}

static int show_dir(struct cli *c, flux_t *h)
{
    struct walk w = {c, h, 0, cli_count(c, "recursive"), cli_count(c, "directory")};

    if (kvs_width(c, &w.width) < 0)
        return CLI_EXIT_USAGE;
    return walk_dir(&w, cli_argc(c) ? cli_arg(c, 0) : ".");
}

static int run_dir(struct cli *c)
{
    if (cli_argc(c) > 1)
        return cli_usage(c, "at most one key");
    return cli_with_handle(c, show_dir);
}

/* ---- ls ---- */

static const struct cli_option ls_options[] = {
    {"recursive", 'R', CLI_NONE, NULL, "List what is in directories, too"},
    {"directory", 'd', CLI_NONE, NULL, "List directories themselves"},
    {"classify", 'F', CLI_NONE, NULL, "Mark directories with . and links with @"},
    {"width", 'w', CLI_REQUIRED, "COLUMNS", "Width of the screen (0: no limit)"},
    {"one-column", '1', CLI_NONE, NULL, "One name a line"},
    {0},
};

struct names {
    char **v;
    size_t n;
};

static void add_name(struct names *l, const char *name, const char *mark)
{
    char **more = realloc(l->v, (l->n + 1) * sizeof(*more));
    char *s;

    if (more)
        l->v = more;
    if (more && asprintf(&s, "%s%s", name, mark) >= 0)
        l->v[l->n++] = s;
}

static void free_names(struct names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    *l = (struct names){0};
}

/* In columns, filled from the top down, as wide as the longest name and four blanks. */
static void print_columns(const struct walk *w, const struct names *l)
{
    size_t widest = 1, columns, rows;

    for (size_t i = 0; i < l->n; i++)
        widest = strlen(l->v[i]) > widest ? strlen(l->v[i]) : widest;
    columns = w->width ? ((size_t)w->width + 4) / (widest + 4) : l->n;
    if (columns < 1 || cli_count(w->c, "one-column"))
        columns = 1;
    rows = (l->n + columns - 1) / columns;
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = r; i < l->n; i += rows)
            printf("%-*s", i + rows < l->n ? (int)widest + 4 : 0, l->v[i]);
        printf("\n");
    }
}

static const char *mark_of(const struct walk *w, bool dir, bool link)
{
    if (!cli_count(w->c, "classify"))
        return "";
    return dir ? "." : link ? "@" : "";
}

static int list_dir(struct walk *w, const char *key, bool titled);

static int list_below(struct walk *w, const flux_kvsdir_t *dir)
{
    flux_kvsitr_t *itr = flux_kvsitr_create(dir);
    const char *name;
    int rc = 0;

    while (rc == 0 && (name = flux_kvsitr_next(itr))) {
        char *key = flux_kvsdir_isdir(dir, name) ? flux_kvsdir_key_at(dir, name) : NULL;

        if (key) {
            printf("\n");
            rc = list_dir(w, key, true);
        }
        free(key);
    }
    flux_kvsitr_destroy(itr);
    return rc;
}

static int list_dir(struct walk *w, const char *key, bool titled)
{
    const flux_kvsdir_t *dir;
    flux_future_t *f = read_dir(w, key, &dir);
    flux_kvsitr_t *itr = f ? flux_kvsitr_create(dir) : NULL;
    struct names names = {0};
    const char *name;
    int rc = itr ? 0 : 1;

    while (rc == 0 && (name = flux_kvsitr_next(itr)))
        add_name(
            &names, name,
            mark_of(w, flux_kvsdir_isdir(dir, name), flux_kvsdir_issymlink(dir, name)));
    if (rc == 0 && titled)
        printf("%s:\n", key);
    print_columns(w, &names);
    if (rc == 0 && w->recursive)
        rc = list_below(w, dir);
    free_names(&names);
    flux_kvsitr_destroy(itr);
    flux_future_destroy(f);
    return rc;
}

/* Is it a directory to be listed? Else it is a name by itself. -1: it is not there. */
static int sort_key(struct walk *w, const char *key, struct names *single)
{
    flux_future_t *f = kvs_lookup_at(w->c, w->h, FLUX_KVS_TREEOBJ, key);
    const char *treeobj;
    bool dir, link;
    int rc = 0;

    if (!f || flux_kvs_lookup_get_treeobj(f, &treeobj) < 0) {
        kvs_fail(w->c, key, f);
        rc = -1;
    } else {
        dir = strstr(treeobj, "\"type\":\"dirref\"");
        link = strstr(treeobj, "\"type\":\"symlink\"");
        rc = dir && !w->names_only;
        if (!rc)
            add_name(single, key, mark_of(w, dir && strcmp(key, ".") != 0, link));
    }
    flux_future_destroy(f);
    return rc;
}

static int list_keys(struct walk *w, const char **keys, int n)
{
    struct names single = {0}, dirs = {0};
    int rc = 0, kind;

    for (int i = 0; i < n; i++) {
        if ((kind = sort_key(w, keys[i], &single)) < 0)
            rc = 1;
        else if (kind)
            add_name(&dirs, keys[i], "");
    }
    print_columns(w, &single);
    for (size_t i = 0; i < dirs.n; i++) {
        if (i > 0 || single.n > 0)
            printf("\n");
        rc |= list_dir(w, dirs.v[i], n > 1 || w->recursive);
    }
    free_names(&single);
    free_names(&dirs);
    return rc;
}

static int list(struct cli *c, flux_t *h)
{
    struct walk w = {c, h, 0, cli_count(c, "recursive"), cli_count(c, "directory")};

    if (kvs_width(c, &w.width) < 0)
        return CLI_EXIT_USAGE;
    if (cli_argc(c) == 0)
        return list_keys(&w, (const char *[]){"."}, 1);
    return list_keys(&w, (const char **)cli_argv(c), cli_argc(c));
}

static int run_ls(struct cli *c)
{
    return cli_with_handle(c, list);
}

const struct cli_command kvs_dir = {
    .name = "dir",
    .args = "[KEY]",
    .help = "Show keys and values of a directory",
    .options = TABLE(kvs_ns_option, dir_options),
    .run = run_dir,
};

const struct cli_command kvs_ls = {
    .name = "ls",
    .args = "[KEY...]",
    .help = "List directories",
    .options = TABLE(kvs_ns_option, ls_options),
    .run = run_ls,
};
