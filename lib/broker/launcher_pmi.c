/* PMI for the brokers of a test instance: one server, and a socket to each of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "broker/boot_card.h"
#include "broker/launcher_private.h"
#include "env/local.h"
#include "env/proc.h"
#include "pmi/mapping.h"

/* ---- the server's side ---- */

/* A broker waits for each answer, so the socket has room; one that has not is gone. */
static void send_cb(int rank, const char *line, size_t len, void *arg)
{
    struct launcher *l = arg;
    struct iovec iov = {(void *)line, len};

    if (l->members[rank].fd >= 0)
        (void)local_writev(l->members[rank].fd, &iov, 1);
}

static void barrier_cb(void *arg)
{
    struct launcher *l = arg;

    l->met = true;
    pmi_server_forget_puts(l->pmi);
    pmi_server_barrier_done(l->pmi, 0);
}

static void abort_cb(int rank, int exitcode, const char *text, void *arg)
{
    launcher_fail(arg, "broker %d gives up: %s", rank, *text ? text : "PMI abort");
}

static const struct pmi_server_ops server_ops = {
    .send = send_cb, .barrier = barrier_cb, .abort = abort_cb};

/* ---- a member's socket ---- */

void launcher_pmi_close(struct member *m)
{
    if (m->fd < 0)
        return;
    watcher_free(TAKE(m->io));
    local_close(m->fd);
    m->fd = -1;
    (void)pmi_server_gone(m->l->pmi, (int)m->rank);
}

static void io_cb(struct watcher *w, int revents, void *arg)
{
    struct member *m = arg;
    char data[PMI_LINE_MAX];
    ssize_t n = local_read(m->fd, data, sizeof(data));
    int rc;

    if (n == -EAGAIN)
        return;
    if (n <= 0) {
        launcher_pmi_close(m);
        return;
    }
    m->l->meeting = true;
    if ((rc = pmi_server_feed(m->l->pmi, (int)m->rank, data, n)) < 0) {
        launcher_say(m->l, "broker %u: PMI: %s", (unsigned)m->rank, strerror(-rc));
        launcher_pmi_close(m);
    }
}

int launcher_pmi_open(struct member *m, int *ret_child_fd)
{
    int fds[2], rc = local_pair(m->l->env, fds);

    if (rc < 0)
        return rc;
    if ((rc = watcher_new_fd(m->l->loop, fds[0], LOOP_IN, io_cb, m, &m->io)) < 0) {
        local_close(fds[0]);
        local_close(fds[1]);
        return rc;
    }
    m->fd = fds[0];
    watcher_start(m->io);
    *ret_child_fd = fds[1];
    return 0;
}

char *launcher_pmi_address(const struct launcher *l, uint32_t rank)
{
    AUTOFREE char *host = NULL;
    char name[32], *address = NULL;
    const char *card;

    boot_card_name(rank, name);
    if ((card = pmi_server_lookup(l->pmi, name)))
        (void)boot_card_decode(card, &host, &address);
    return address;
}

/* ---- who seems to be where ---- */

/* A task map: [[node, nodes, ranks per node, repeat], ..]. */
static int place(const cJSON *map, int *node, int size)
{
    const cJSON *block;
    int n = 0;

    cJSON_ArrayForEach(block, map)
    {
        int first, nodes, ranks, repeat;

        if (json_unpack(block, NULL, "[i,i,i,i!]", &first, &nodes, &ranks, &repeat) < 0 ||
            first < 0 || nodes < 1 || ranks < 1 || repeat < 1)
            return -EINVAL;
        for (long i = 0; i < (long)repeat * nodes; i++) {
            for (int j = 0; j < ranks; j++, n++) {
                if (n == size)
                    return -EINVAL;
                node[n] = first + (int)(i % nodes);
            }
        }
    }
    return n == size ? 0 : -EINVAL;
}

static int encode_taskmap(struct launcher *l, const char *text, struct buf *out,
                          flux_error_t *err)
{
    int size = (int)l->conf.size;
    AUTOFREE int *node = calloc(size, sizeof(*node));
    cJSON *map = NULL;
    int rc = node ? json_parse(text, strlen(text), NULL, &map, NULL) : -ENOMEM;

    if (rc == 0)
        rc = place(map, node, size);
    json_free(map);
    if (rc < 0)
        return error_set(
            err, -rc, "'%s' is none of single, none, per-broker, and no task map of %d",
            text, size);
    return pmi_mapping_encode(out, node, size);
}

static int make_mapping(struct launcher *l, flux_error_t *err)
{
    const char *clique = l->conf.clique ? l->conf.clique : "single";
    struct buf b = {0};
    int rc = 0;

    if (!strcmp(clique, "none"))
        return 0;
    if (!strcmp(clique, "single")) {
        l->together = true;
        rc = buf_addf(&b, "(vector,(0,1,%u))", (unsigned)l->conf.size);
    } else if (!strcmp(clique, "per-broker"))
        rc = buf_addf(&b, "(vector,(0,%u,1))", (unsigned)l->conf.size);
    else
        rc = encode_taskmap(l, clique, &b, err);
    if (rc < 0) {
        buf_free(&b);
        return rc;
    }
    return (l->mapping = buf_take(&b, NULL)) ? 0 : -ENOMEM;
}

/* ---- brokers that come later ---- */

/* The first does not wait for the others, so it must know them: their addresses are those
 * of their folders. */
static int introduce(struct launcher *l, uint32_t rank)
{
    AUTOFREE char *rundir = launcher_rundir(l, rank);
    AUTOFREE char *address = NULL;
    struct buf card = {0};
    char host[256] = "localhost", name[32];
    int rc = -ENOMEM;

    (void)gethostname(host, sizeof(host) - 1);
    host[strcspn(host, ".")] = '\0';
    if (!rundir || asprintf(&address, "ipc://%s/tbon-%u", rundir, (unsigned)rank) < 0)
        address = NULL;
    boot_card_name(rank, name);
    if (address && boot_card_encode(l->hosts ? hostlist_nth(l->hosts, (int)rank) : host,
                                    address, &card) == 0)
        rc = pmi_server_put(l->pmi, name, card.data);
    buf_free(&card);
    pmi_server_again(l->pmi, (int)rank, true);
    return rc;
}

static int introduce_all(struct launcher *l, flux_error_t *err)
{
    int rc = 0;

    if (!l->together)
        return error_set(err, EINVAL,
                         "to start the leader alone, all have to seem to be on one node "
                         "(--test-pmi-clique=single)");
    for (uint32_t rank = 0; rank < l->conf.size && rc == 0; rank++)
        rc = introduce(l, rank);
    l->met = true;
    return rc;
}

int launcher_pmi_new(struct launcher *l, flux_error_t *err)
{
    char kvsname[64];
    struct pmi_server_conf conf = {
        .size = (int)l->conf.size,
        .kvsname = kvsname,
        .ops = &server_ops,
        .arg = l,
    };
    int rc = make_mapping(l, err);

    if (rc < 0)
        return rc;
    snprintf(kvsname, sizeof(kvsname), BOOT_LAUNCHER "%d", (int)getpid());
    conf.mapping = l->mapping;
    if ((rc = pmi_server_new(&conf, &l->pmi)) < 0)
        return rc;
    return l->conf.start_leader ? introduce_all(l, err) : 0;
}
