/* Key files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/boot_key.h"
#include "env/file.h"

#define FILE_MAX 65536

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *p = c ? strchr(digits, c | 0x20) : NULL;

    return p ? (int)(p - digits) : -1;
}

int boot_key_parse(const char *text, unsigned char key[OVERLAY_KEY_SIZE])
{
    unsigned char bytes[OVERLAY_KEY_SIZE];

    if (strlen(text) != 2 * OVERLAY_KEY_SIZE)
        return -EINVAL;
    for (int i = 0; i < OVERLAY_KEY_SIZE; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return -EINVAL;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    memcpy(key, bytes, sizeof(bytes));
    return 0;
}

void boot_key_print(const unsigned char key[OVERLAY_KEY_SIZE],
                    char text[2 * OVERLAY_KEY_SIZE + 1])
{
    for (int i = 0; i < OVERLAY_KEY_SIZE; i++)
        sprintf(text + 2 * i, "%02x", key[i]);
}

/* Who has the file has the instance. */
static int check_owner(struct file *f, const char *path, flux_error_t *err)
{
    struct stat st;

    if (file_fd(f) < 0)
        return 0; /* simulated */
    if (fstat(file_fd(f), &st) < 0)
        return error_set(err, errno, "key file %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return error_set(err, EINVAL, "key file %s is not a file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return error_set(err, EPERM,
                         "key file %s belongs to user %u: make your own with "
                         "flux keygen",
                         path, (unsigned)st.st_uid);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return error_set(err, EPERM,
                         "others may read key file %s: chmod 600 it, or make "
                         "a new one with flux keygen",
                         path);
    return 0;
}

/* The value of a line: key = "VALUE". NULL: it is another. */
static char *value_of(char *line)
{
    char *p = line + strspn(line, " \t");
    char *end;

    if (strncmp(p, "key", 3) != 0)
        return NULL;
    p += 3;
    p += strspn(p, " \t");
    if (*p++ != '=')
        return NULL;
    p += strspn(p, " \t");
    if (*p++ != '"' || !(end = strchr(p, '"')))
        return NULL;
    *end = '\0';
    return p;
}

static int find_key(char *text, unsigned char *key)
{
    char *save = NULL, *value;

    for (char *s = strtok_r(text, "\n", &save); s; s = strtok_r(NULL, "\n", &save)) {
        if ((value = value_of(s)))
            return boot_key_parse(value, key);
    }
    return -EINVAL;
}

DEFINE_CLEANUP(struct file *, file_close)

int boot_key_read(struct env *env, const char *path, unsigned char key[OVERLAY_KEY_SIZE],
                  flux_error_t *err)
{
    CLEANUP(file_close_p) struct file *f = NULL;
    AUTOFREE char *text = calloc(1, FILE_MAX + 1);
    ssize_t n;
    int rc;

    if (!text)
        return error_set(err, ENOMEM, "out of memory");
    if ((rc = file_open(env, path, O_RDONLY, 0, &f)) < 0)
        return error_set(err, -rc, "key file %s: %s", path, strerror(-rc));
    if ((rc = check_owner(f, path, err)) < 0)
        return rc;
    if ((n = file_pread(f, text, FILE_MAX, 0)) < 0)
        return error_set(err, (int)-n, "key file %s: %s", path, strerror((int)-n));
    rc = find_key(text, key);
    explicit_bzero(text, FILE_MAX);
    if (rc < 0)
        return error_set(err, EINVAL,
                         "key file %s has no key in it: make one with flux "
                         "keygen",
                         path);
    return 0;
}
