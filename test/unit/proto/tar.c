/* Archives: what is written is read again, and damage is told with its place. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "proto/tar.h"
#include "suite.h"

struct input {
    const char *data;
    size_t left, most; /* bytes at once */
};

static ssize_t give(void *out, size_t len, void *arg)
{
    struct input *in = arg;

    len = len < in->left ? len : in->left;
    len = len < in->most ? len : in->most;
    memcpy(out, in->data, len);
    in->data += len;
    in->left -= len;
    return (ssize_t)len;
}

static void add(struct buf *b, enum tar_type type, const char *path, const char *link,
                const char *data)
{
    struct tar_entry e = {.type = type, .path = path, .link = link, .mtime = 1e9};

    if (data) {
        e.size = strlen(data);
        e.has_crc = true;
        e.crc = crc32c(0, data, e.size);
    }
    ck_assert_int_eq(tar_add(b, &e), 0);
    if (data) {
        buf_adds(b, data);
        tar_pad(b, e.size);
    }
}

/* All entries as text; a failure as "!message". */
static const char *list(const struct buf *b, size_t most)
{
    static char out[300000];
    struct input in = {b->data, b->len, most};
    struct tar_reader *t;
    struct tar_entry e;
    flux_error_t err;
    ssize_t n = 0;
    char piece[100];
    int rc;

    ck_assert_int_eq(tar_reader_new(give, &in, &t), 0);
    *out = '\0';
    while ((rc = tar_next(t, &e, &err)) > 0) {
        sprintf(out + strlen(out), "%d:%s%s%s:", e.type, e.path, e.link ? ">" : "",
                e.link ? e.link : "");
        while ((n = tar_data(t, piece, sizeof(piece), &err)) > 0)
            strncat(out, piece, (size_t)n);
        strcat(out, ";");
        if (n < 0)
            break;
    }
    if (rc < 0 || n < 0)
        sprintf(out + strlen(out), "!%s", err.text);
    tar_reader_free(t);
    return out;
}

static char *long_name(size_t len, const char *piece)
{
    char *s = calloc(1, len + strlen(piece) + 1);

    while (strlen(s) < len)
        strcat(s, piece);
    s[len] = '\0';
    return s;
}

START_TEST(entries_come_back)
{
    struct buf b = {0};

    add(&b, TAR_FILE, "a/b", NULL, "value");
    add(&b, TAR_FILE, "empty", NULL, "");
    add(&b, TAR_LINK, "l", "a.b", NULL);
    add(&b, TAR_DIR, "d/", NULL, NULL);
    tar_end(&b);
    ck_assert_uint_eq(b.len % TAR_BLOCK, 0);
    ck_assert_str_eq(list(&b, 10000), "0:a/b:value;0:empty:;1:l>a.b:;2:d/:;");
    ck_assert_str_eq(list(&b, 7), "0:a/b:value;0:empty:;1:l>a.b:;2:d/:;");
    buf_free(&b);
}
END_TEST

/* 100 fit into the name, 256 with a prefix, more go into a pax record. */
START_TEST(long_names_come_back)
{
    static const size_t lens[] = {99, 100, 101, 155, 200, 255, 256, 257, 1000, 16000};

    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
        for (int slashes = 0; slashes < 2; slashes++) {
            char *name = long_name(lens[i], slashes ? "name/" : "unbroken");
            struct buf b = {0};
            char *want;

            if (name[lens[i] - 1] == '/')
                name[lens[i] - 1] = 'x';
            add(&b, TAR_FILE, name, NULL, "v");
            add(&b, TAR_LINK, "l", name, NULL);
            tar_end(&b);
            ck_assert_int_gt(asprintf(&want, "0:%s:v;1:l>%s:;", name, name), 0);
            ck_assert_str_eq(list(&b, 10000), want);
            free(want);
            free(name);
            buf_free(&b);
        }
}
END_TEST

START_TEST(damage_is_told_with_its_place)
{
    struct buf b = {0};

    add(&b, TAR_FILE, "a", NULL, "first");
    add(&b, TAR_FILE, "b", NULL, "second");
    tar_end(&b);
    b.data[3 * 512]++; /* contents of b */
    ck_assert_str_eq(list(&b, 10000),
                     "0:a:first;0:b:tecond;!the contents do not match their checksum at "
                     "byte 1024, entry 'b'");
    b.data[3 * 512]--;
    b.data[2 * 512]++; /* its header */
    ck_assert_str_eq(list(&b, 10000),
                     "0:a:first;!a header is damaged at byte 1024, entry 'a'");
    b.data[2 * 512]--;
    b.len = 3 * 512 + 3;
    ck_assert_str_eq(list(&b, 10000),
                     "0:a:first;0:b:;!the archive ends in the middle at byte 1539, entry "
                     "'b'");
    b.len = 4 * 512;
    ck_assert_str_eq(list(&b, 10000),
                     "0:a:first;0:b:second;!the archive ends without its last blocks at "
                     "byte 2048, entry 'b'");
    b.len = 0;
    ck_assert_str_eq(list(&b, 10000),
                     "!the archive ends without its last blocks at byte 0");
    for (int i = 0; i < 600; i++)
        buf_addc(&b, 'x');
    ck_assert_str_eq(list(&b, 10000), "!this is no tar archive: no header at byte 0");
    buf_free(&b);
}
END_TEST

START_TEST(bad_names_are_refused)
{
    struct tar_entry e = {.type = TAR_FILE, .path = ""};
    struct buf b = {0};
    char *s = long_name(TAR_NAME_MAX + 1, "x");

    ck_assert_int_eq(tar_add(&b, &e), -EINVAL);
    e.path = s;
    ck_assert_int_eq(tar_add(&b, &e), -EINVAL);
    e.type = TAR_LINK;
    e.path = "x";
    ck_assert_int_eq(tar_add(&b, &e), -EINVAL);
    free(s);
    buf_free(&b);
}
END_TEST

SUITE_MAIN("proto/tar", entries_come_back, long_names_come_back,
           damage_is_told_with_its_place, bad_names_are_refused)
