/* startctl LINE: say it to the launcher of this test instance (FLUX_START_URI), print its
 * answer. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SCHEME "local://"

int main(int argc, char **argv)
{
    const char *uri = getenv("FLUX_START_URI");
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char c;

    if (argc != 2 || !uri || strncmp(uri, SCHEME, strlen(SCHEME)) != 0)
        errx(1, "usage: startctl LINE, inside of flux start --test-size");
    snprintf(un.sun_path, sizeof(un.sun_path), "%s", uri + strlen(SCHEME));
    if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
        err(1, "%s", uri);
    if (dprintf(fd, "%s\n", argv[1]) < 0)
        err(1, "%s", uri);
    while (read(fd, &c, 1) == 1) {
        putchar(c);
        if (c == '\n')
            return 0;
    }
    errx(1, "%s: no answer", uri);
}
