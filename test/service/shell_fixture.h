/* A shell, and a broker that exists only as the other end of its connection: it answers
 * what the shell asks, sends it requests, and collects what it reports.
 */
#ifndef TEST_SERVICE_SHELL_FIXTURE_H
#define TEST_SERVICE_SHELL_FIXTURE_H

#include <check.h>
#include <flux/core.h>
#include <flux/connector.h>

#include "base/json.h"
#include "env/file.h"
#include "env/proc.h"
#include "shell/shell.h"

struct fixture {
    struct env *env;
    flux_reactor_t *r;
    struct wire *wire; /* the connection; NULL: there is none */
    struct shell *sh;
    char dir[64], journal[96], output[96], tmp[96];
    char service[32];
    unsigned rank; /* of the broker */
    cJSON *hello;  /* payload of the last one */
    unsigned hellos;
    const flux_msg_t *hello_msg; /* the last one */
    int hello_errnum;            /* 0, or how hellos are answered */
    cJSON *results;              /* array of all results */
    unsigned tag;                /* of the last request sent */
    int answered;                /* tag of the last answer that was not a stream's */
    int answer;                  /* its errnum */
    struct buf out, err;         /* from a watched output: data of stdout, stderr */
    unsigned entries, eofs;
    bool out_over;
    double kill_timeout;
    double orphan_timeout;
    bool refuse; /* do not let it connect */
    /* The nodes of the jobs to come: an idset of ranks; and requests to shells of others,
     * which are held. */
    char ranks[32];
    struct flux_msglist *asked;
    int last_error;     /* errnum of the last answer */
    char *last_payload; /* of the last answer */
    /* Output put to shells of others is taken by the fixture, as they would; of job 1 it
     * keeps what came for the stream (stdout, stderr) and for files. */
    struct buf put[3];
    uint64_t put_next[2]; /* number of the next record, of stream and files */
    unsigned puts;        /* requests */
    unsigned put_rank[2]; /* where the last one went to */
    bool hold_puts;       /* they are held like other requests */
};

void fixture_init(struct fixture *f); /* world, folder; no shell yet */
/* The same in a folder that is there; fixture_fini() removes it. */
void fixture_init_at(struct fixture *f, const char *dir);
void fixture_start(struct fixture *f); /* shell, until its hello */
void fixture_stop(struct fixture *f);  /* shell */
void fixture_fini(struct fixture *f);
/* Play a shell, which `first` starts, in a process of its own, and kill that when first
 * returns. The folder, for fixture_init_at(). */
char *fixture_run_and_kill(void (*first)(struct fixture *f));
/* Break the connection, as a dying broker does; only the way from it to job-exec. */
void fixture_cut(struct fixture *f);
void fixture_cut_upstream(struct fixture *f);

/* Run the loop until the condition holds. */
#define fixture_until(f, cond)                                                           \
    do {                                                                                 \
        while (!(cond))                                                                  \
            flux_reactor_run((f)->r, 0);                                                 \
    } while (0)

/* Send a request; returns its tag. */
unsigned fixture_send(struct fixture *f, const char *method, int flags, const char *fmt,
                      ...) __attribute__((format(printf, 4, 5)));
unsigned fixture_send_raw(struct fixture *f, const char *method, int flags,
                          const void *data, size_t len);
/* The same, and wait for the answer: its errnum. */
int fixture_call(struct fixture *f, const char *method, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Start a job that runs `sh -c script`; system: more members of attributes.system, each
 * with a comma behind it; ntasks tasks. */
void fixture_run_job(struct fixture *f, uint64_t id, unsigned ntasks, const char *system,
                     const char *script);
/* The same with a command: text of a JSON array. expiration: 0 none. */
void fixture_run_command(struct fixture *f, uint64_t id, unsigned ntasks,
                         const char *system, const char *command, double expiration);
/* The data of the job's n-th result of a type; NULL. */
const cJSON *fixture_result(struct fixture *f, uint64_t id, const char *type);
/* A text of its exception; "": there is none. */
const char *fixture_exception(struct fixture *f, uint64_t id, const char *key);
unsigned fixture_count(struct fixture *f, uint64_t id, const char *type);
/* Wait for the finish: its wait status. */
int fixture_finish(struct fixture *f, uint64_t id);
/* All output of a job, into out and err. */
void fixture_output(struct fixture *f, uint64_t id, bool follow);
/* The oldest request held, with its topic's method and node; NULL: none. Destroy it. */
flux_msg_t *fixture_asked(struct fixture *f, const char *method, uint32_t nodeid);
/* The same, and wait for it. */
flux_msg_t *fixture_until_asked(struct fixture *f, const char *method, uint32_t nodeid);
/* Answer one: errnum, or a payload. */
void fixture_answer(struct fixture *f, const flux_msg_t *req, int errnum,
                    const char *payload);
void fixture_take_put(struct fixture *f, const flux_msg_t *req);
/* Read a file of the folder; free() it. */
char *fixture_read(struct fixture *f, const char *name);

#endif
