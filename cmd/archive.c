/* Names and files of archives. */
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <flux/core.h>

#define PROGRESS 1000 /* entries between two lines */

extern char **environ;

/* ---- names ---- */

void archive_path(struct buf *out, const char *key)
{
    for (; *key; key++) {
        if (*key == '.')
            buf_addc(out, '/');
        else if (*key == '/')
            buf_adds(out, "%2F");
        else if (*key == '%')
            buf_adds(out, "%25");
        else
            buf_addc(out, *key);
    }
}

int archive_key(struct buf *out, const char *path)
{
    size_t begin = out->len;

    while (path[0] == '.' && path[1] == '/')
        path += 2;
    for (; *path; path++) {
        if (*path == '.')
            return -1;
        if (*path == '/') {
            if (out->len > begin && out->data[out->len - 1] != '.')
                buf_addc(out, '.');
        } else if (!strncmp(path, "%2F", 3) || !strncmp(path, "%25", 3)) {
            buf_addc(out, path[2] == 'F' ? '/' : '%');
            path += 2;
        } else
            buf_addc(out, *path);
    }
    while (out->len > begin && out->data[out->len - 1] == '.')
        out->data[--out->len] = '\0';
    return out->failed || out->len == begin ? -1 : 0;
}

bool archive_is_top(const char *path)
{
    return path[strspn(path, "./")] == '\0' && !strstr(path, "..");
}

/* ---- what dump and restore have in common ---- */

bool archive_tell(struct cli *c, const char *path, uint64_t n)
{
    if (cli_count(c, "verbose")) {
        cli_print_safe(stderr, path);
        fputc('\n', stderr);
        return false;
    }
    if (cli_count(c, "quiet") || n % PROGRESS != 0 || n == 0)
        return false;
    fprintf(stderr, "\r%s: %ju entries", cli_prog(c), (uintmax_t)n);
    return true;
}

bool archive_output_dir(flux_t *h, char *dir, size_t size)
{
    const char *state = flux_attr_get(h, "statedir");
    uint32_t rank;

    if (!state)
        state = flux_attr_get(h, "rundir");
    if (!state || flux_get_rank(h, &rank) < 0 || rank > 0)
        return false;
    snprintf(dir, size, "%s/output", state);
    return true;
}

/* ---- programs ---- */

static const struct {
    const char *ending, *magic, *program;
} forms[] = {
    {".gz", "\x1f\x8b", "gzip"},
    {".tgz", "\x1f\x8b", "gzip"},
    {".bz2", "BZh", "bzip2"},
    {".xz",
     "\xfd"
     "7zXZ",
     "xz"},
    {".zst", "\x28\xb5\x2f\xfd", "zstd"},
};
#define NFORMS (sizeof(forms) / sizeof(forms[0]))

/* Run `PROGRAM FLAG` between two descriptors. -1 with errno. */
static int run_between(const char *program, const char *flag, int in, int out)
{
    char *argv[] = {(char *)program, (char *)flag, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int rc;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    rc = posix_spawnp(&pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    errno = rc;
    return rc ? -1 : pid;
}

static int wait_for(int pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

/* ---- writing ---- */

static const char *program_for(const char *path)
{
    size_t len = strlen(path), n;

    for (size_t i = 0; i < NFORMS; i++) {
        n = strlen(forms[i].ending);
        if (len > n && !strcmp(path + len - n, forms[i].ending))
            return forms[i].program;
    }
    return NULL;
}

static int create_compressed(struct cli *c, const char *program, int fd,
                             struct archive_file *a)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    a->program = run_between(program, "-c", ends[0], fd);
    close(ends[0]);
    if (a->program < 0) {
        a->program = 0;
        cli_fail(c, "%s: %s: install it, or choose a name that ends in .tar", program,
                 strerror(errno));
        close(ends[1]);
        return -1;
    }
    a->f = fdopen(ends[1], "w");
    return a->f ? 0 : -1;
}

int archive_create(struct cli *c, const char *path, struct archive_file *a)
{
    const char *program = program_for(path);
    int fd, rc;

    *a = (struct archive_file){.f = stdout};
    if (!strcmp(path, "-"))
        return 0;
    a->f = NULL;
    if (!(a->path = strdup(path)) || asprintf(&a->partial, "%s.partial", path) < 0)
        abort();
    fd = open(a->partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        cli_fail(c, "%s: %s", a->partial, strerror(errno));
        free(a->partial);
        a->partial = NULL;
        archive_finish(c, a, false);
        return -1;
    }
    if (program) {
        rc = create_compressed(c, program, fd, a);
        close(fd);
    } else
        rc = (a->f = fdopen(fd, "w")) ? 0 : -1;
    if (rc < 0)
        archive_finish(c, a, false);
    return rc;
}

static int settle(struct cli *c, struct archive_file *a)
{
    const char *name = a->partial ? a->partial : "standard output";
    int rc = 0, error = errno, fd;

    if (a->f && (fflush(a->f) != 0 || ferror(a->f))) {
        error = errno;
        rc = -1;
    }
    if (a->f && a->f != stdout && fclose(a->f) != 0)
        rc = -1;
    if (a->program && wait_for(a->program) != 0)
        return cli_fail(c, "%s: the compressing program failed", name), -1;
    if (rc == 0 && a->partial && (fd = open(a->partial, O_RDONLY | O_CLOEXEC)) >= 0) {
        rc = fsync(fd);
        error = errno;
        close(fd);
    }
    if (rc < 0)
        cli_fail(c, "%s: %s", name, strerror(error));
    return rc;
}

int archive_finish(struct cli *c, struct archive_file *a, bool keep)
{
    int rc = settle(c, a);

    if (rc == 0 && keep && a->partial && rename(a->partial, a->path) < 0) {
        cli_fail(c, "%s: %s", a->path, strerror(errno));
        rc = -1;
    }
    if (a->partial && (rc < 0 || !keep))
        unlink(a->partial);
    free(a->partial);
    free(a->path);
    *a = (struct archive_file){0};
    return rc;
}

/* ---- reading ---- */

static int copy(FILE *from, FILE *to)
{
    char data[65536];
    size_t n;

    while ((n = fread(data, 1, sizeof(data), from)) > 0)
        if (fwrite(data, 1, n, to) != n)
            return -1;
    return ferror(from) || fflush(to) != 0 ? -1 : 0;
}

static FILE *fail(struct cli *c, const char *path, FILE *a, FILE *b)
{
    cli_fail(c, "%s: %s", path, strerror(errno));
    if (a)
        fclose(a);
    if (b)
        fclose(b);
    return NULL;
}

/* What cannot be read twice is copied to a file without a name first. */
static FILE *spool(struct cli *c, const char *path, FILE *from)
{
    FILE *to = tmpfile();

    if (!to || copy(from, to) < 0)
        return fail(c, path, from, to);
    if (from != stdin)
        fclose(from);
    rewind(to);
    return to;
}

static const char *program_of(FILE *f)
{
    char head[8] = "";
    size_t n = fread(head, 1, 6, f), len;

    rewind(f);
    for (size_t i = 0; i < NFORMS; i++) {
        len = strlen(forms[i].magic);
        if (n >= len && !memcmp(head, forms[i].magic, len))
            return forms[i].program;
    }
    return NULL;
}

static FILE *decompress(struct cli *c, const char *path, const char *program, FILE *from)
{
    FILE *to = tmpfile();
    int pid;

    if (!to)
        return fail(c, path, from, to);
    lseek(fileno(from), 0, SEEK_SET);
    pid = run_between(program, "-dc", fileno(from), fileno(to));
    if (pid < 0)
        return fail(c, program, from, to);
    if (wait_for(pid) != 0) {
        cli_fail(c, "%s: %s cannot decompress it", path, program);
        fclose(from);
        fclose(to);
        return NULL;
    }
    fclose(from);
    rewind(to);
    return to;
}

FILE *archive_open(struct cli *c, const char *path)
{
    FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
    const char *program;

    if (!f)
        return fail(c, path, NULL, NULL);
    if ((f == stdin || fseek(f, 0, SEEK_SET) < 0) && !(f = spool(c, path, f)))
        return NULL;
    program = program_of(f);
    return program ? decompress(c, path, program, f) : f;
}
