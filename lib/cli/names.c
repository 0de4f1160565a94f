/* Names that stand for numbers: users and signals. */

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"

bool cli_user(struct cli *c, const char *name, uint32_t *ret)
{
    const char *s = cli_str(c, name, NULL);
    struct passwd *pw;
    unsigned long n;
    char *end;

    if (!s)
        return true;
    if (!strcmp(s, "all")) {
        *ret = FLUX_USERID_UNKNOWN;
        return true;
    }
    if ((pw = getpwnam(s))) {
        *ret = pw->pw_uid;
        return true;
    }
    n = strtoul(s, &end, 10);
    if (*end || end == s || n >= FLUX_USERID_UNKNOWN) {
        cli_usage(c, "--%s: unknown user '%s'", name, s);
        return false;
    }
    *ret = (uint32_t)n;
    return true;
}

int cli_signal(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (end != text && !*end)
        return n > 0 && n < 65 ? (int)n : -1;
    if (!strncasecmp(text, "SIG", 3))
        text += 3;
    for (int i = 1; i < 32; i++) {
        const char *name = sigabbrev_np(i);

        if (name && !strcasecmp(name, text))
            return i;
    }
    return -1;
}
