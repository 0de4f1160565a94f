/* Fields of a job for output formats; see jobfield.h. */

#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <flux/job.h>

#include "base/cleanup.h"
#include "base/fsd.h"
#include "base/json.h"
#include "cli/jobfield.h"

static const struct {
    const char *name, *text;
} formats[] = {
    {"default", "{id.f58:>12} ?:{queue:<8.8} +:{username:<8} {name:<10.10+} "
                "{status_abbrev:>2.2} {ntasks:>6} {nnodes:>6h} {contextual_time!F:>8h} "
                "{contextual_info}"},
    {"cute",
     "{id.f58:>12} ?:{queue:<8.8} +:{username:<8} {name:<10.10+} {status_emoji:>5} "
     "{ntasks:>6} {nnodes:>6h} {contextual_time!F:>8h} {contextual_info}"},
    {"long", "{id.f58:>12} ?:{queue:<8.8} +:{username:<8} {name:<10.10+} {status:>9.9} "
             "{ntasks:>6} {nnodes:>6h} {t_submit!d:>19} {t_remaining!F:>12h} "
             "{contextual_time!F:>8h} {contextual_info}"},
    {"deps", "{id.f58:>12} ?:{queue:<8.8} +:{name:<10.10+} {urgency:<3} {priority:<12} "
             "{state:<8.8} {dependencies}"},
    {"endreason", "{id.f58:>12} ?:{queue:<8.8} +:{username:<8} {name:<10.10+} "
                  "{status_abbrev:>2.2} {t_inactive!d:>19h} {inactive_reason}"},
};

const char *jobfield_named_format(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (!strcmp(formats[i].name, name))
            return formats[i].text;
    }
    return NULL;
}

static double number(const cJSON *job, const char *key)
{
    double v;

    return json_real(json_get(job, key), &v) == 0 ? v : NAN;
}

static int state_of(const cJSON *job)
{
    double v = number(job, "state");

    return isnan(v) ? 0 : (int)v;
}

static int result_of(const cJSON *job)
{
    double v = number(job, "result");

    return isnan(v) ? 0 : (int)v;
}

/* RFC 21 state, and for an inactive job its result. */
static void add_status(const cJSON *job, const char *fmt, struct buf *out)
{
    int state = state_of(job);

    if (state == FLUX_JOB_STATE_INACTIVE)
        buf_adds(out, flux_job_resulttostr(result_of(job), fmt));
    else if (state)
        buf_adds(out, flux_job_statetostr(state, fmt));
}

static void add_status_emoji(const cJSON *job, struct buf *out)
{
    switch (state_of(job)) {
    case FLUX_JOB_STATE_INACTIVE:
        buf_adds(out, result_of(job) == FLUX_JOB_RESULT_COMPLETED  ? "😀"
                      : result_of(job) == FLUX_JOB_RESULT_CANCELED ? "🙁"
                      : result_of(job) == FLUX_JOB_RESULT_TIMEOUT  ? "⌛"
                                                                   : "😭");
        break;
    case FLUX_JOB_STATE_RUN:
    case FLUX_JOB_STATE_CLEANUP:
        buf_adds(out, "🏃");
        break;
    default:
        buf_adds(out, "🕑");
    }
}

static double runtime(const cJSON *job, double now)
{
    double start = number(job, "t_run"), end = number(job, "t_cleanup");

    if (isnan(start) || start <= 0.)
        return NAN;
    if (isnan(end) || end <= 0.)
        end = state_of(job) == FLUX_JOB_STATE_RUN ? now : start;
    return end > start ? end - start : 0.;
}

static double remaining(const cJSON *job, double now)
{
    double end = number(job, "expiration");

    if (state_of(job) != FLUX_JOB_STATE_RUN || isnan(end) || end <= 0.)
        return NAN;
    return end > now ? end - now : 0.;
}

/* Pending: the limit asked for; later: how long it ran. */
static double contextual_time(const cJSON *job, double now)
{
    double d;

    if (state_of(job) < FLUX_JOB_STATE_RUN) {
        d = number(job, "duration");
        return d > 0. ? d : NAN;
    }
    return runtime(job, now);
}

static void add_text(const cJSON *job, const char *key, struct buf *out)
{
    const char *s = json_str(json_get(job, key));

    for (; s && *s; s++)
        buf_addc(out, (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
}

static void add_dependencies(const cJSON *job, struct buf *out)
{
    const char *sep = "";
    const cJSON *d;

    cJSON_ArrayForEach(d, json_get(job, "dependencies"))
    {
        buf_adds(out, sep);
        buf_adds(out, json_str(d) ? json_str(d) : "");
        sep = ",";
    }
}

static void add_contextual_info(const cJSON *job, double now, struct buf *out)
{
    double eta;

    switch (state_of(job)) {
    case FLUX_JOB_STATE_DEPEND:
        buf_adds(out, "depends:");
        add_dependencies(job, out);
        break;
    case FLUX_JOB_STATE_PRIORITY:
        buf_adds(out, "priority-wait");
        break;
    case FLUX_JOB_STATE_SCHED:
        if (number(job, "priority") == 0.)
            buf_adds(out, "held");
        else if (json_real(json_get_path(job, "annotations.sched.t_estimate"), &eta) ==
                     0 &&
                 eta > now) {
            char text[32];

            fsd_format_short(eta - now, text, sizeof(text));
            buf_addf(out, "eta:%s", text);
        }
        break;
    default:
        add_text(job, "nodelist", out);
    }
}

static void add_inactive_reason(const cJSON *job, struct buf *out)
{
    double status = number(job, "waitstatus");
    const char *note = json_str(json_get(job, "exception_note"));

    if (state_of(job) != FLUX_JOB_STATE_INACTIVE)
        return;
    switch (result_of(job)) {
    case FLUX_JOB_RESULT_CANCELED:
        buf_addf(out, "Canceled%s%s", note && *note ? ": " : "", note ? note : "");
        return;
    case FLUX_JOB_RESULT_TIMEOUT:
        buf_adds(out, "Timeout");
        return;
    default:
        break;
    }
    if (!isnan(status) && WIFSIGNALED((int)status))
        buf_adds(out, strsignal(WTERMSIG((int)status)));
    else if (!isnan(status))
        buf_addf(out, "Exit %d", WEXITSTATUS((int)status));
    else if (json_str(json_get(job, "exception_type")))
        buf_addf(out, "Exception: type=%s note=%s",
                 json_str(json_get(job, "exception_type")), note ? note : "");
}

static void add_returncode(const cJSON *job, struct buf *out)
{
    double status = number(job, "waitstatus");

    if (isnan(status)) {
        if (state_of(job) == FLUX_JOB_STATE_INACTIVE)
            buf_adds(out, result_of(job) == FLUX_JOB_RESULT_CANCELED ? "-128" : "-127");
    } else if (WIFSIGNALED((int)status))
        buf_addf(out, "-%d", WTERMSIG((int)status));
    else
        buf_addf(out, "%d", WEXITSTATUS((int)status));
}

/* The user database is slow, and most rows are one user's. */
static void add_username(const cJSON *job, struct jobfield_context *ctx, struct buf *out)
{
    double uid = number(job, "userid");
    struct passwd *pw;

    if (isnan(uid))
        return;
    if (!*ctx->username || ctx->userid != (uint32_t)uid) {
        pw = getpwuid((uid_t)uid);
        ctx->userid = (uint32_t)uid;
        if (pw)
            snprintf(ctx->username, sizeof(ctx->username), "%s", pw->pw_name);
        else
            snprintf(ctx->username, sizeof(ctx->username), "%u", (unsigned)uid);
    }
    buf_adds(out, ctx->username);
}

static void add_id(const cJSON *job, const char *form, struct buf *out)
{
    char text[128];
    int64_t id;

    if (json_int64(json_get(job, "id"), &id) == 0 &&
        flux_job_id_encode((flux_jobid_t)id, form, text, sizeof(text)) >= 0)
        buf_adds(out, text);
}

/* Numbers, by conversion: durations and points in time. */
static void add_number(double v, char conversion, struct buf *out)
{
    char text[64];
    time_t t = (time_t)v;
    struct tm tm;

    if (isnan(v))
        return;
    switch (conversion) {
    case 'F':
        fsd_format_short(v, text, sizeof(text));
        buf_adds(out, text);
        break;
    case 'H':
        if (fabs(v) < 1e15)
            buf_addf(out, "%lld:%02d:%02d", (long long)v / 3600,
                     (int)((long long)v / 60 % 60), (int)((long long)v % 60));
        break;
    case 'D':
    case 'd':
        if (v <= 0. || !localtime_r(&t, &tm))
            break;
        strftime(text, sizeof(text), conversion == 'D' ? "%FT%T" : "%b%d %H:%M:%S", &tm);
        buf_adds(out, text);
        break;
    case 'P':
        buf_addf(out, "%.4g%%", 100. * v);
        break;
    default:
        if (v == floor(v) && fabs(v) < 1e15)
            buf_addf(out, "%.0f", v);
        else
            buf_addf(out, "%.6f", v);
    }
}

static const struct {
    const char *field, *title, *key; /* key: copied as it is; NULL: computed below */
    const char *needs;               /* attributes it is made of */
} fields[] = {
    {"id", "JOBID", NULL, ""},
    {"userid", "UID", "userid", "userid"},
    {"username", "USER", NULL, "userid"},
    {"urgency", "URG", "urgency", "urgency"},
    {"priority", "PRI", "priority", "priority"},
    {"dependencies", "DEPENDENCIES", NULL, "dependencies"},
    {"status", "STATUS", NULL, "state result"},
    {"status_abbrev", "ST", NULL, "state result"},
    {"status_emoji", "STATUS", NULL, "state result"},
    {"name", "NAME", "name", "name"},
    {"cwd", "CWD", "cwd", "cwd"},
    {"queue", "QUEUE", "queue", "queue"},
    {"project", "PROJECT", "project", "project"},
    {"bank", "BANK", "bank", "bank"},
    {"ntasks", "NTASKS", "ntasks", "ntasks"},
    {"ncores", "NCORES", "ncores", "ncores"},
    {"nnodes", "NNODES", "nnodes", "nnodes"},
    {"duration", "DURATION", "duration", "duration"},
    {"ranks", "RANKS", "ranks", "ranks"},
    {"nodelist", "NODELIST", "nodelist", "nodelist"},
    {"state", "STATE", NULL, "state"},
    {"state_single", "S", NULL, "state"},
    {"result", "RESULT", NULL, "result"},
    {"result_abbrev", "RS", NULL, "result"},
    {"success", "SUCCESS", NULL, "state result"},
    {"waitstatus", "WSTATUS", "waitstatus", "waitstatus"},
    {"returncode", "RC", NULL, "state result waitstatus"},
    {"exception.occurred", "EXCEPTION-OCCURRED", "exception_occurred",
     "exception_occurred"},
    {"exception.severity", "EXCEPTION-SEVERITY", "exception_severity",
     "exception_severity"},
    {"exception.type", "EXCEPTION-TYPE", "exception_type", "exception_type"},
    {"exception.note", "EXCEPTION-NOTE", "exception_note", "exception_note"},
    {"t_submit", "T_SUBMIT", "t_submit", "t_submit"},
    {"t_depend", "T_DEPEND", "t_depend", "t_depend"},
    {"t_priority", "T_PRIORITY", "t_priority", "t_priority"},
    {"t_sched", "T_SCHED", "t_sched", "t_sched"},
    {"t_run", "T_RUN", "t_run", "t_run"},
    {"t_cleanup", "T_CLEANUP", "t_cleanup", "t_cleanup"},
    {"t_inactive", "T_INACTIVE", "t_inactive", "t_inactive"},
    {"runtime", "RUNTIME", NULL, "state t_run t_cleanup"},
    {"expiration", "EXPIRATION", "expiration", "expiration"},
    {"t_remaining", "T_REMAINING", NULL, "state expiration"},
    {"contextual_info", "INFO", NULL, "state priority nodelist dependencies annotations"},
    {"contextual_time", "TIME", NULL, "state duration t_run t_cleanup"},
    {"inactive_reason", "INACTIVE-REASON", NULL,
     "state result waitstatus exception_type exception_note"},
    {"annotations", "ANNOTATIONS", NULL, "annotations"},
    {"sched", "SCHED", NULL, "annotations"},
    {"user", "USER", NULL, "annotations"},
    {"uri", "URI", NULL, "annotations"},
};

const char *jobfield_title(const char *field, void *arg)
{
    if (!strncmp(field, "id.", 3))
        return "JOBID";
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (!strcmp(fields[i].field, field))
            return fields[i].title;
    }
    if (!strncmp(field, "annotations.", 12) || !strncmp(field, "sched.", 6) ||
        !strncmp(field, "user.", 5))
        return field;
    return NULL;
}

const char *jobfield_needs(const char *field)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (!strcmp(fields[i].field, field))
            return fields[i].needs;
    }
    return strncmp(field, "id.", 3) ? "annotations" : "";
}

static void add_item(const cJSON *v, char conversion, struct buf *out)
{
    double d;

    if (json_str(v)) {
        for (const char *s = json_str(v); *s; s++)
            buf_addc(out, (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
    } else if (json_real(v, &d) == 0)
        add_number(d, conversion, out);
    else if (cJSON_IsBool(v))
        buf_adds(out, cJSON_IsTrue(v) ? "True" : "False");
    else if (v)
        json_print_buf(v, out);
}

static void add_annotation(const cJSON *job, const char *field, char conversion,
                           struct buf *out)
{
    const char *path = strncmp(field, "annotations.", 12) ? field : field + 12;
    const cJSON *v = json_get(job, "annotations");

    if (strcmp(field, "annotations"))
        v = json_get_path(v, path);
    add_item(v, conversion, out);
}

static bool add_computed(const cJSON *job, const char *field, char conversion,
                         struct jobfield_context *ctx, struct buf *out)
{
    double now = ctx->now;

    if (!strcmp(field, "username"))
        add_username(job, ctx, out);
    else if (!strcmp(field, "dependencies"))
        add_dependencies(job, out);
    else if (!strcmp(field, "status"))
        add_status(job, "L", out);
    else if (!strcmp(field, "status_abbrev"))
        add_status(job, "S", out);
    else if (!strcmp(field, "status_emoji"))
        add_status_emoji(job, out);
    else if (!strcmp(field, "state"))
        buf_adds(out, flux_job_statetostr(state_of(job), "L"));
    else if (!strcmp(field, "state_single"))
        buf_adds(out, flux_job_statetostr(state_of(job), "S"));
    else if (!strcmp(field, "result") || !strcmp(field, "result_abbrev")) {
        if (result_of(job))
            buf_adds(out, flux_job_resulttostr(result_of(job), field[6] ? "S" : "L"));
    } else if (!strcmp(field, "success")) {
        if (state_of(job) == FLUX_JOB_STATE_INACTIVE)
            buf_adds(out, result_of(job) == FLUX_JOB_RESULT_COMPLETED ? "True" : "False");
    } else if (!strcmp(field, "returncode"))
        add_returncode(job, out);
    else if (!strcmp(field, "runtime"))
        add_number(runtime(job, now), conversion ? conversion : 'F', out);
    else if (!strcmp(field, "t_remaining"))
        add_number(remaining(job, now), conversion ? conversion : 'F', out);
    else if (!strcmp(field, "contextual_time"))
        add_number(contextual_time(job, now), conversion, out);
    else if (!strcmp(field, "contextual_info"))
        add_contextual_info(job, now, out);
    else if (!strcmp(field, "inactive_reason"))
        add_inactive_reason(job, out);
    else if (!strcmp(field, "uri"))
        add_item(json_get_path(job, "annotations.user.uri"), conversion, out);
    else
        return false;
    return true;
}

bool jobfield_value(const void *row, const char *field, char conversion, struct buf *out,
                    void *arg)
{
    const cJSON *job = row;

    if (!strcmp(field, "id") || !strncmp(field, "id.", 3)) {
        add_id(job, field[2] ? field + 3 : "f58", out);
        return true;
    }
    if (!strncmp(field, "annotations", 11) || !strncmp(field, "sched", 5) ||
        !strcmp(field, "user") || !strncmp(field, "user.", 5)) {
        add_annotation(job, field, conversion, out);
        return true;
    }
    if (add_computed(job, field, conversion, arg, out))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (!strcmp(fields[i].field, field) && fields[i].key) {
            add_item(json_get(job, fields[i].key), conversion, out);
            return true;
        }
    }
    return false;
}

int jobfield_compare(const cJSON *a, const cJSON *b, const char *field,
                     struct jobfield_context *ctx)
{
    struct buf x = {0}, y = {0};
    char *ex, *ey;
    double dx, dy;
    int rc;

    jobfield_value(a, field, 0, &x, ctx);
    jobfield_value(b, field, 0, &y, ctx);
    if (!strncmp(field, "id", 2)) {
        dx = number(a, "id");
        dy = number(b, "id");
        rc = dx < dy ? -1 : dx > dy;
    } else {
        dx = strtod(x.len ? x.data : "", &ex);
        dy = strtod(y.len ? y.data : "", &ey);
        if (x.len && y.len && !*ex && !*ey)
            rc = dx < dy ? -1 : dx > dy;
        else
            rc = strcmp(x.len ? x.data : "", y.len ? y.data : "");
    }
    buf_free(&x);
    buf_free(&y);
    return rc;
}
