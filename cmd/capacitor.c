/* flux capacitor - run each line of a file or a pipe as a job of the shape it asks for. Lines are
 * read as jobs start, so that neither a long list nor a slow pipe matters.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "capacitor.h"
#include "cli/jobenv.h"
#include "cli/joblimit.h"
#include "cli/jobspec.h"
#include "cli/lines.h"
#include "cli/words.h"
#include "cmds.h"

extern char **environ;

#define PENDING_MAX 100
#define PROGRESS_PERIOD 0.2 /* s */

static const struct cli_option capacitor_options[] = {
    {"command_file", 'c', CLI_REQUIRED, "FILE",
     "Run the lines of this file (may be given many times; - is standard input)"},
    {"command-file", 0, CLI_REQUIRED, "FILE", "The same"},
    {"tasks", 'n', CLI_REQUIRED, "N", "Tasks of the command given here"},
    {"nodes", 'N', CLI_REQUIRED, "N", "Nodes of the command given here"},
    {"prefix", 'P', CLI_NONE, NULL,
     "Put job id and task rank before each line of output"},
    {"quiet", 'q', CLI_NONE, NULL, "Do not print the jobs' output"},
    {"pending", 0, CLI_REQUIRED, "N", "Have so many jobs wait to start (default 100)"},
    {"progress", 0, CLI_NONE, NULL, "Show a progress line though it is no terminal"},
    {"scheduler", 'S', CLI_NONE, NULL, "Accepted: the instance's scheduler is used"},
    {0},
};

static const struct cli_option line_options[] = {
    {"command_file", 0, CLI_REQUIRED, "FILE", "Go on with the lines of this file"},
    {"command-file", 0, CLI_REQUIRED, "FILE", "The same"},
    {0},
};

/* A line reads as flux-submit's arguments do. */
static const struct cli_command line_command = {
    .name = "line",
    .args = "COMMAND [ARGS]",
    .help = "A job",
    .options = (const struct cli_option *const[]){cli_jobspec_options, jobenv_options,
                                                  joblimit_options, line_options, NULL},
};

struct run {
    struct capacitor cap;
    struct lines *lines;
    bool ended; /* no more lines */
    bool progress;
    double shown;
    flux_watcher_t *sigint, *sigterm;
    unsigned interrupts;
};

/* ---- what it is doing ---- */

static void show_progress(struct run *r, bool last)
{
    const struct capacitor *cap = &r->cap;
    double now = flux_reactor_time();

    if (!r->progress || (!last && now - r->shown < PROGRESS_PERIOD))
        return;
    r->shown = now;
    fprintf(stderr,
            "\r\033[K%zu submitted, %zu pending, %zu running, %zu done, %zu failed%s",
            cap->submitted, cap->pending, cap->active - cap->pending, cap->good,
            cap->failed, last ? "\n" : "");
}

/* ---- lines ---- */

static bool is_file_option(const char *name)
{
    return !strcmp(name, "command_file") || !strcmp(name, "command-file");
}

static int count_files(const struct cli *c)
{
    return cli_count(c, "command_file") + cli_count(c, "command-file");
}

/* Read the files in the order given: the one pushed last is read first. */
static bool push_files(struct lines *ls, const struct cli *c)
{
    const char **paths = calloc((size_t)count_files(c) + 1, sizeof(*paths));
    const char *name, *value;
    size_t n = 0;
    bool ok = paths != NULL;

    for (size_t it = 0; ok && cli_each_option(c, &it, &name, &value);) {
        if (is_file_option(name))
            paths[n++] = value;
    }
    while (n > 0 && ok)
        ok = lines_push(ls, paths[--n]);
    free(paths);
    return ok;
}

static bool submit_parsed(struct capacitor *cap, struct cli *c)
{
    int urgency = FLUX_JOB_URGENCY_DEFAULT, flags = 0;
    cJSON *o = NULL;
    char *text = NULL;
    bool ok = false;

    if (cli_jobspec_urgency(c, &urgency) && cli_jobspec_flags(c, &flags) &&
        (o = cli_jobspec_build(c, environ)) && (text = cJSON_PrintUnformatted(o)))
        ok = capacitor_submit(cap, text, urgency, flags);
    free(text);
    cJSON_Delete(o);
    return ok;
}

static bool run_parsed(struct run *r, struct cli *c)
{
    if (cli_argc(c) > 0)
        return submit_parsed(&r->cap, c);
    if (count_files(c) > 0)
        return push_files(r->lines, c);
    cli_fail(c, "no command in this line");
    return false;
}

/* False: these words are no job. */
static bool run_words(struct run *r, const char *prog, size_t n, char **words)
{
    char **argv = calloc(n + 2, sizeof(*argv));
    struct cli *c;
    bool ok;

    if (!argv)
        return false;
    argv[0] = (char *)prog;
    memcpy(argv + 1, words, n * sizeof(*argv));
    c = cli_parse(&line_command, prog, (int)n + 1, argv);
    ok = c && run_parsed(r, c);
    cli_free(c);
    free(argv);
    return ok;
}

static void take_line(struct run *r, const struct line *line)
{
    struct capacitor *cap = &r->cap;
    size_t n = 0;
    char **words = words_split(line->text, line->len, &n);
    char prog[512];

    snprintf(prog, sizeof(prog), "%s: %s:%u", cli_prog(cap->c), line->file, line->number);
    if (!words)
        fprintf(stderr, "%s: %s\n", prog,
                errno == EINVAL ? "a quote is not closed" : strerror(errno));
    if (!words || (n > 0 && !run_words(r, prog, n, words))) {
        cap->failed++;
        capacitor_worst(cap, 1);
    }
    free(words);
}

/* Fill the window. */
static void pump(struct run *r)
{
    struct capacitor *cap = &r->cap;
    enum lines_result rc;
    struct line line;

    while (!r->ended && !cap->stopping && (long)cap->pending < cap->window) {
        if ((rc = lines_next(r->lines, &line)) == LINES_NONE_YET)
            break;
        if (rc == LINES_ONE)
            take_line(r, &line);
        else
            r->ended = true;
        if (rc == LINES_FAILED)
            capacitor_worst(cap, 1);
    }
    show_progress(r, false);
    if (cap->active == 0 && (r->ended || cap->stopping))
        flux_reactor_stop(flux_get_reactor(cap->h));
}

static void more_lines(void *arg)
{
    pump(arg);
}

static void go_on(struct capacitor *cap)
{
    pump((struct run *)cap);
}

/* ---- its end ---- */

/* Once: no more jobs, and those that are there are cancelled. Twice: leave them. */
static void on_signal(flux_reactor_t *reactor, flux_watcher_t *w, int revents, void *arg)
{
    struct run *r = arg;
    struct capacitor *cap = &r->cap;

    cap->stopping = true;
    capacitor_worst(cap, 128 + flux_signal_watcher_get_signum(w));
    if (++r->interrupts > 1) {
        cli_fail(cap->c, "%zu jobs are left to themselves", cap->active);
        flux_reactor_stop(reactor);
        return;
    }
    cli_fail(cap->c, "canceling %zu jobs", cap->active);
    capacitor_cancel_all(cap);
    pump(r);
}

static void watch_signals(struct run *r)
{
    flux_reactor_t *reactor = flux_get_reactor(r->cap.h);

    r->sigint = flux_signal_watcher_create(reactor, SIGINT, on_signal, r);
    r->sigterm = flux_signal_watcher_create(reactor, SIGTERM, on_signal, r);
    flux_watcher_start(r->sigint);
    flux_watcher_start(r->sigterm);
}

/* The command on our own command line is a line like any other. */
static bool run_own(struct run *r)
{
    struct cli *c = r->cap.c;
    char **words = calloc((size_t)cli_argc(c) + 5, sizeof(*words));
    static const char *const shape[][2] = {{"tasks", "-n"}, {"nodes", "-N"}};
    const char *value;
    size_t n = 0;
    bool ok;

    if (!words)
        return false;
    for (size_t i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
        if ((value = cli_str(c, shape[i][0], NULL))) {
            words[n++] = (char *)shape[i][1];
            words[n++] = (char *)value;
        }
    }
    words[n++] = (char *)"--";
    for (int i = 0; i < cli_argc(c); i++)
        words[n++] = cli_argv(c)[i];
    ok = run_words(r, cli_prog(c), n, words);
    free(words);
    return ok;
}

/* The command, the files; or standard input when there is neither. */
static bool begin(struct run *r)
{
    struct cli *c = r->cap.c;

    if (cli_argc(c) > 0 && !run_own(r))
        return false;
    if (count_files(c) > 0)
        return push_files(r->lines, c);
    return cli_argc(c) > 0 || lines_push(r->lines, "-");
}

static int run_opened(struct run *r)
{
    struct capacitor *cap = &r->cap;

    watch_signals(r);
    if (!begin(r))
        return 1;
    pump(r);
    if ((cap->active > 0 || !(r->ended || cap->stopping)) &&
        flux_reactor_run(flux_get_reactor(cap->h), 0) < 0)
        capacitor_worst(cap, cli_fail(cap->c, "reactor: %s", strerror(errno)));
    show_progress(r, true);
    if (cap->failed > 0)
        cli_fail(cap->c, "%zu of %zu did not succeed", cap->failed,
                 cap->good + cap->failed);
    return cap->code;
}

static int run_capacitor(struct cli *c)
{
    struct run r = {.cap = {.c = c,
                            .window = PENDING_MAX,
                            .prefix = cli_count(c, "prefix") > 0,
                            .quiet = cli_count(c, "quiet") > 0,
                            .go_on = go_on},
                    .progress = cli_count(c, "progress") || isatty(STDERR_FILENO)};
    int rc = 1;

    if (!cli_int(c, "pending", 1, 1000000, &r.cap.window))
        return CLI_EXIT_USAGE;
    if (!(r.cap.h = cli_open(c)))
        return 1;
    r.lines = lines_new(c, flux_get_reactor(r.cap.h), more_lines, &r);
    if (r.lines)
        rc = run_opened(&r);
    lines_free(r.lines);
    flux_watcher_destroy(r.sigint);
    flux_watcher_destroy(r.sigterm);
    flux_close(r.cap.h);
    return rc;
}

const struct cli_command cmd_capacitor = {
    .name = "capacitor",
    .args = "[COMMAND [ARGS]]",
    .help = "Run each line of a file or of standard input as a job",
    .options = (const struct cli_option *const[]){capacitor_options, NULL},
    .run = run_capacitor,
};
