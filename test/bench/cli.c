/* Whole commands, over a posix_spawn of an equally linked program that does nothing. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/* bench-idle, beside this program. */
static char *idle_program(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 16);

    path[n > 0 ? n : 0] = '\0';
    strcat(path, "-idle");
    return path;
}

static void time_command(const char *name, char *const argv[], int n)
{
    double limit = limit_spawn_wall((char *[]){idle_program(), NULL}, 50);

    bench_line(name, limit_spawn_wall(argv, n) * 1e3, "ms", limit * 1e3);
}

static void cli_submit(void)
{
    time_command("cli-submit",
                 (char *[]){"flux-submit", "--urgency=hold", "--quiet", "true", NULL}, 50);
}

static void cli_run(void)
{
    time_command("cli-run", (char *[]){"flux-run", "true", NULL}, 50);
}

static void start(void)
{
    time_command("start", (char *[]){"flux", "start", "true", NULL}, 15);
}

const struct bench bench_cli[] = {
    {"cli-submit", cli_submit, "--statedir=$D"},
    {"cli-run", cli_run, "--statedir=$D"},
    {"start", start, NULL},
    {0},
};
