/* A Flux instance inside this program: a hundred jobs, and what became of them.
 *
 *     cc -o jobs example.c $(pkg-config --cflags --libs flux-broker flux-core)
 *
 * This is the program of flux-embedding(7); a test compares the two.
 */
#include <err.h>
#include <stdio.h>
#include <flux/core.h>
#include <flux/embed.h>
#include <flux/job.h>

static const char jobspec[] =
    "{\"version\":1,\"resources\":[{\"type\":\"slot\",\"count\":1,"
    "\"label\":\"task\",\"with\":[{\"type\":\"core\",\"count\":1}]}],"
    "\"tasks\":[{\"command\":[\"true\"],\"slot\":\"task\","
    "\"count\":{\"per_slot\":1}}],\"attributes\":{\"system\":{\"duration\":0}}}";

int main(void)
{
    struct flux_instance_options opts = FLUX_INSTANCE_OPTIONS_INIT;
    flux_error_t error;
    struct flux_instance *in = flux_instance_create(&opts, &error);
    flux_future_t *f[100];
    flux_jobid_t id;
    const char *result;

    /* The instance runs on a thread of its own; this handle is for this thread. */
    if (!in || flux_instance_start(in, &error) < 0)
        errx(1, "%s", error.text);
    flux_t *h = flux_instance_open(in, 0, &error);
    if (!h)
        errx(1, "%s", error.text);
    /* All are on their way before the first answer is read. */
    for (int i = 0; i < 100; i++)
        f[i] = flux_job_submit(h, jobspec, FLUX_JOB_URGENCY_DEFAULT, 0);
    for (int i = 0; i < 100; i++) {
        if (flux_job_submit_get_id(f[i], &id) < 0)
            errx(1, "submit: %s", flux_future_error_string(f[i]));
        flux_future_t *r = flux_job_result(h, id, 0);
        if (flux_job_result_get(r, &result) < 0)
            errx(1, "result: %s", flux_future_error_string(r));
        puts(result); /* {"id":1,"result":1,"waitstatus":0,...} */
        flux_future_destroy(r);
        flux_future_destroy(f[i]);
    }
    flux_close(h);
    flux_instance_destroy(in);
}
