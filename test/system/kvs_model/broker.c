/* A broker of its own on a statedir, which can be killed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kvs_model.h"

static pid_t pid;

static void run_broker(const char *statedir)
{
    char state[4200], run[4200];

    snprintf(state, sizeof(state), "-Sstatedir=%s/state", statedir);
    snprintf(run, sizeof(run), "-Srundir=%s/run", statedir);
    execlp("flux-broker", "flux-broker", "-Sbroker.rc2_none=1", state, run, NULL);
    perror("flux-broker");
    _exit(127);
}

/* It is asked again and again, for it says to nobody that it is there. */
flux_t *broker_up(const char *statedir)
{
    struct pollfd end = {.events = POLLIN}; /* of the broker */
    char uri[4200];
    flux_t *h;

    if ((pid = fork()) == 0)
        run_broker(statedir);
    end.fd = (int)syscall(SYS_pidfd_open, pid, 0);
    snprintf(uri, sizeof(uri), "local://%s/run/local-0", statedir);
    for (int tries = 0; tries < 6000; tries++) {
        if ((h = flux_open(uri, 0))) {
            close(end.fd);
            return h;
        }
        if (poll(&end, 1, 10) > 0)
            break;
    }
    fprintf(stderr, "the broker does not come up\n");
    exit(1);
}

static void end(int signum)
{
    int status;

    kill(pid, signum);
    if (waitpid(pid, &status, 0) < 0)
        abort();
    if (signum == SIGTERM && status != 0 &&
        !(WIFEXITED(status) && WEXITSTATUS(status) == 143)) {
        fprintf(stderr, "the broker ended with status %#x\n", (unsigned)status);
        exit(1);
    }
}

void broker_kill(void)
{
    end(SIGKILL);
}

void broker_stop(void)
{
    end(SIGTERM);
}
