/* Any text as a duration and as a job id: what is accepted prints and reads back. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsd.h"
#include "base/jobid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_duration(const char *s, size_t len)
{
    char buf[64];
    double d, back;

    if (fsd_parsen(s, len, &d) < 0)
        return;
    assert(d >= 0);
    assert(fsd_format_digits(d, 17, buf, sizeof(buf)) > 0);
    assert(fsd_parse(buf, &back) == 0);
    assert(d == back || fabs(d - back) <= d * 1e-12 || d < 1e-290);
    assert(fsd_format(d, buf, sizeof(buf)) > 0);
    assert(fsd_format_short(d, buf, sizeof(buf)) > 0);
    assert(fsd_format_hms(d, buf, sizeof(buf)) > 0);
}

static void check_jobid(const char *s)
{
    static const char *const types[] = {"f58", "words", "emoji", "kvs"};
    char buf[JOBID_SIZE];
    flux_jobid_t id, back;

    if (jobid_parse(s, &id, NULL) < 0)
        return;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert(jobid_encode(id, types[i], buf, sizeof(buf)) > 0);
        assert(jobid_parse(buf, &back, NULL) == 0 && back == id);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    check_duration(text, size);
    check_jobid(text);
    free(text);
    return 0;
}
