/* flux keygen - make the secret that the brokers of an instance share. The file is text;
 * the broker reads the line `key`, the rest is for people. */

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmds.h"

#define KEY_SIZE 32

static const struct cli_option keygen_options[] = {
    {"name", 'n', CLI_REQUIRED, "NAME", "Name to note in the file (default: the host's)"},
    {"meta", 0, CLI_REQUIRED, "KEY=VALUE", "More to note, comma-separated"},
    {0},
};

/* Values stand in quotes, on lines of their own. */
static bool is_plain(const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < ' ' || *s == '"' || *s == 0x7f)
            return false;
    }
    return true;
}

static bool print_meta(struct cli *c, FILE *f)
{
    const char *value;
    size_t it = 0;

    while ((value = cli_each(c, "meta", &it))) {
        while (*value) {
            size_t len = strcspn(value, ","), key = strcspn(value, "=");

            if (key == 0 || key >= len || !strncmp(value, "key", key)) {
                cli_usage(c, "--meta: expected KEY=VALUE: %s", value);
                return false;
            }
            fprintf(f, "    %.*s = \"%.*s\"\n", (int)key, value, (int)(len - key - 1),
                    value + key + 1);
            value += len + (value[len] == ',');
        }
    }
    return true;
}

static bool print_key(struct cli *c, FILE *f)
{
    unsigned char key[KEY_SIZE];
    struct passwd *pw = getpwuid(getuid());
    char host[256] = "", now[32];
    time_t t = time(NULL);

    if (getrandom(key, sizeof(key), 0) != sizeof(key)) {
        cli_fail(c, "getrandom: %s", strerror(errno));
        return false;
    }
    gethostname(host, sizeof(host) - 1);
    strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%S%z", localtime(&t));
    fprintf(
        f,
        "# Key of a Flux instance: the same on all of its hosts. Whoever can read it\n"
        "# can join the instance.\nmetadata\n    name = \"%s\"\n    created = \"%s\"\n"
        "    hostname = \"%s\"\n    user = \"%s\"\n",
        cli_str(c, "name", host), now, host, pw ? pw->pw_name : "");
    if (!print_meta(c, f))
        return false;
    fprintf(f, "key = \"");
    for (int i = 0; i < KEY_SIZE; i++)
        fprintf(f, "%02x", key[i]);
    fprintf(f, "\"\n");
    explicit_bzero(key, sizeof(key));
    return true;
}

/* ~/.flux/curve, its folder made; NULL after a message. */
static char *default_path(struct cli *c)
{
    const char *home = getenv("HOME");
    char *dir = NULL, *path = NULL;

    if (!home || !*home)
        cli_usage(c, "HOME is not set: name a PATH");
    else if (asprintf(&dir, "%s/.flux", home) < 0 || asprintf(&path, "%s/curve", dir) < 0)
        cli_fail(c, "out of memory");
    else if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        cli_fail(c, "%s: %s", dir, strerror(errno));
        free(path);
        path = NULL;
    }
    free(dir);
    return path;
}

/* Beside the file, then in its place: nobody sees half a key. */
static int write_file(struct cli *c, const char *path)
{
    char *temp;
    FILE *f = NULL;
    bool ok = false;
    int fd, rc = 0;

    if (asprintf(&temp, "%s.XXXXXX", path) < 0)
        return cli_fail(c, "out of memory");
    if ((fd = mkostemp(temp, O_CLOEXEC)) < 0 || fchmod(fd, 0600) < 0 ||
        !(f = fdopen(fd, "w"))) {
        rc = cli_fail(c, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
    } else {
        ok = print_key(c, f);
        if ((fflush(f) != 0 || fsync(fd) < 0) && ok) {
            cli_fail(c, "%s: %s", path, strerror(errno));
            ok = false;
        }
        fclose(f);
        if (ok && rename(temp, path) < 0) {
            cli_fail(c, "%s: %s", path, strerror(errno));
            ok = false;
        }
        rc = ok ? 0 : 1;
    }
    if (rc && fd >= 0)
        unlink(temp);
    free(temp);
    return rc;
}

static int run_keygen(struct cli *c)
{
    const char *value;
    char *path;
    int rc;

    if (cli_argc(c) > 1)
        return cli_usage(c, "one PATH only");
    for (size_t it = 0; (value = cli_each(c, "meta", &it));) {
        if (!is_plain(value))
            return cli_usage(c, "--meta: no quotes, no control characters");
    }
    if (!is_plain(cli_str(c, "name", "")))
        return cli_usage(c, "--name: no quotes, no control characters");
    path = cli_arg(c, 0) ? strdup(cli_arg(c, 0)) : default_path(c);
    if (!path)
        return 1;
    rc = write_file(c, path);
    free(path);
    return rc;
}

const struct cli_command cmd_keygen = {
    .name = "keygen",
    .args = "[PATH]",
    .help = "Make a key for the brokers of an instance",
    .options = (const struct cli_option *const[]){keygen_options, NULL},
    .run = run_keygen,
};
