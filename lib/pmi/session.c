/* The one PMI session of a process. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/pmi.h>

#include "base/cleanup.h"
#include "pmi/mapping.h"
#include "pmi/session.h"

static struct pmi_client *client;

/* FLUX_PMI_DEBUG asks for this. */
static void trace(bool sent, const char *line, void *arg)
{
    dprintf(2, "PMI %s: %c %s\n", getenv("PMI_RANK"), sent ? '>' : '<', line);
}

/* A number of the environment; -1: none. */
static int env_number(const char *name)
{
    const char *s = getenv(name);
    char *end;
    long v;

    if (!s || !*s)
        return -1;
    v = strtol(s, &end, 10);
    return *end || v < 0 || v > INT_MAX ? -1 : (int)v;
}

int session_begin(void)
{
    int fd = env_number("PMI_FD"), rank = env_number("PMI_RANK"),
        size = env_number("PMI_SIZE");

    if (client)
        return 0;
    if (fd < 0)
        return pmi_client_single(&client);
    if (rank < 0 || size < 1 || rank >= size)
        return -EINVAL;
    return pmi_client_wire(fd, rank, size, getenv("FLUX_PMI_DEBUG") ? trace : NULL, NULL,
                           &client, NULL);
}

struct pmi_client *session_client(void)
{
    return client;
}

int session_end(void)
{
    int rc = pmi_client_finalize(client, NULL);

    pmi_client_free(TAKE(client));
    return rc;
}

void session_abort(int exitcode, const char *text)
{
    struct pmi_wire *wire = client ? pmi_client_get_wire(client) : NULL;

    if (wire)
        pmi_wire_abort(wire, exitcode, text);
    else if (text && *text)
        dprintf(2, "PMI_Abort: %s\n", text);
    exit(exitcode);
}

int *session_nodes(void)
{
    const struct pmi_facts *f = pmi_client_facts(client);
    int *nodes = calloc(f->size, sizeof(*nodes));
    AUTOFREE char *text = NULL;

    if (!nodes)
        return NULL;
    if (pmi_client_get(client, "PMI_process_mapping", &text, NULL) < 0 ||
        pmi_mapping_decode(text, f->size, nodes) < 0) {
        for (int i = 0; i < f->size; i++)
            nodes[i] = i;
    }
    return nodes;
}

int session_code(int rc)
{
    switch (-rc) {
    case 0:
        return PMI_SUCCESS;
    case ENOMEM:
        return PMI_ERR_NOMEM;
    case ENOENT:
        return PMI_ERR_INVALID_KEY;
    case EINVAL:
        return PMI_ERR_INVALID_ARG;
    default:
        return PMI_FAIL;
    }
}

int session_copy(char *to, int size, const char *from)
{
    size_t n = strlen(from) + 1;

    if (!to)
        return PMI_ERR_INVALID_ARG;
    if (size < 0 || n > (size_t)size)
        return PMI_ERR_INVALID_LENGTH;
    memcpy(to, from, n);
    return PMI_SUCCESS;
}

/* ---- names ---- */

static bool is_word(const char *s)
{
    return s && pmi_key_ok(s, PMI_VALLEN_MAX);
}

int session_publish(const char *service, const char *port)
{
    struct pmi_wire *wire = client ? pmi_client_get_wire(client) : NULL;
    struct pmi_line l;

    if (!client)
        return PMI_ERR_INIT;
    if (!is_word(service) || !port || strchr(port, ' ') ||
        !pmi_value_ok(port, PMI_VALLEN_MAX))
        return PMI_ERR_INVALID_ARG;
    if (!wire)
        return PMI_FAIL;
    return session_code(pmi_wire_ask(wire, "publish_result", &l, NULL,
                                     "cmd=publish_name service=%s port=%s", service,
                                     port));
}

int session_lookup(const char *service, char *port, int size)
{
    struct pmi_wire *wire = client ? pmi_client_get_wire(client) : NULL;
    const char *found;
    struct pmi_line l;
    int rc;

    if (!client)
        return PMI_ERR_INIT;
    if (!is_word(service))
        return PMI_ERR_INVALID_ARG;
    if (!wire)
        return PMI_FAIL;
    rc = pmi_wire_ask(wire, "lookup_result", &l, NULL, "cmd=lookup_name service=%s",
                      service);
    if (rc < 0 || !(found = pmi_line_get(&l, "port")))
        return PMI_FAIL;
    return session_copy(port, size, found);
}

int session_unpublish(const char *service)
{
    struct pmi_wire *wire = client ? pmi_client_get_wire(client) : NULL;
    struct pmi_line l;

    if (!client)
        return PMI_ERR_INIT;
    if (!is_word(service))
        return PMI_ERR_INVALID_ARG;
    if (!wire)
        return PMI_FAIL;
    return session_code(pmi_wire_ask(wire, "unpublish_result", &l, NULL,
                                     "cmd=unpublish_name service=%s", service));
}
