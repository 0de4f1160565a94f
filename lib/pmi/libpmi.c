/* libpmi.so: the PMI-1 API. */
#include <stdlib.h>
#include <string.h>

#include <flux/pmi.h>

#include "base/cleanup.h"
#include "pmi/session.h"

/* The client of functions that need one: it has been said PMI_Init, and the caller's
 * pointer is one. */
#define NEED(ptr)                                                                        \
    do {                                                                                 \
        if (!session_client())                                                           \
            return PMI_ERR_INIT;                                                         \
        if (!(ptr))                                                                      \
            return PMI_ERR_INVALID_ARG;                                                  \
    } while (0)

static const struct pmi_facts *facts(void)
{
    return pmi_client_facts(session_client());
}

int PMI_Init(int *spawned)
{
    int rc = session_begin();

    if (rc == 0 && spawned)
        *spawned = PMI_FALSE;
    return rc == 0 ? PMI_SUCCESS : PMI_FAIL;
}

int PMI_Initialized(PMI_BOOL *initialized)
{
    if (!initialized)
        return PMI_ERR_INVALID_ARG;
    *initialized = session_client() ? PMI_TRUE : PMI_FALSE;
    return PMI_SUCCESS;
}

int PMI_Finalize(void)
{
    if (!session_client())
        return PMI_ERR_INIT;
    return session_code(session_end());
}

int PMI_Abort(int exit_code, const char error_msg[])
{
    session_abort(exit_code, error_msg);
}

/* ---- who am I ---- */

int PMI_Get_size(int *size)
{
    NEED(size);
    *size = facts()->size;
    return PMI_SUCCESS;
}

int PMI_Get_rank(int *rank)
{
    NEED(rank);
    *rank = facts()->rank;
    return PMI_SUCCESS;
}

int PMI_Get_universe_size(int *size)
{
    NEED(size);
    *size = facts()->universe_size;
    return PMI_SUCCESS;
}

int PMI_Get_appnum(int *appnum)
{
    NEED(appnum);
    *appnum = facts()->appnum;
    return PMI_SUCCESS;
}

/* Write the ranks of this node, as many as fit; how many there are, or -1. */
static int clique(int *ranks, int length)
{
    AUTOFREE int *nodes = session_nodes();
    int n = 0;

    for (int i = 0; nodes && i < facts()->size; i++) {
        if (nodes[i] != nodes[facts()->rank])
            continue;
        if (n < length)
            ranks[n] = i;
        n++;
    }
    return nodes ? n : -1;
}

int PMI_Get_clique_size(int *size)
{
    int n;

    NEED(size);
    if ((n = clique(NULL, 0)) < 0)
        return PMI_ERR_NOMEM;
    *size = n;
    return PMI_SUCCESS;
}

int PMI_Get_clique_ranks(int ranks[], int length)
{
    int n;

    NEED(ranks);
    if ((n = clique(ranks, length)) < 0)
        return PMI_ERR_NOMEM;
    return n <= length ? PMI_SUCCESS : PMI_ERR_INVALID_SIZE;
}

int PMI_Get_id(char id_str[], int length)
{
    NEED(id_str);
    return session_copy(id_str, length, facts()->kvsname);
}

int PMI_Get_id_length_max(int *length)
{
    return PMI_KVS_Get_name_length_max(length);
}

int PMI_Get_kvs_domain_id(char id_str[], int length)
{
    return PMI_Get_id(id_str, length);
}

/* ---- exchange ---- */

int PMI_Barrier(void)
{
    if (!session_client())
        return PMI_ERR_INIT;
    return session_code(pmi_client_barrier(session_client(), NULL));
}

int PMI_KVS_Get_my_name(char kvsname[], int length)
{
    return PMI_Get_id(kvsname, length);
}

int PMI_KVS_Get_name_length_max(int *length)
{
    NEED(length);
    *length = PMI_KVSNAME_MAX;
    return PMI_SUCCESS;
}

int PMI_KVS_Get_key_length_max(int *length)
{
    NEED(length);
    *length = facts()->keylen_max;
    return PMI_SUCCESS;
}

int PMI_KVS_Get_value_length_max(int *length)
{
    NEED(length);
    *length = facts()->vallen_max;
    return PMI_SUCCESS;
}

static bool is_mine(const char *kvsname)
{
    return kvsname && strcmp(kvsname, facts()->kvsname) == 0;
}

int PMI_KVS_Put(const char kvsname[], const char key[], const char value[])
{
    NEED(is_mine(kvsname));
    if (!key)
        return PMI_ERR_INVALID_KEY;
    if (strlen(key) >= (size_t)facts()->keylen_max)
        return PMI_ERR_INVALID_KEY_LENGTH;
    if (!pmi_key_ok(key, facts()->keylen_max))
        return PMI_ERR_INVALID_KEY;
    if (!value)
        return PMI_ERR_INVALID_VAL;
    if (strlen(value) >= (size_t)facts()->vallen_max)
        return PMI_ERR_INVALID_VAL_LENGTH;
    if (!pmi_value_ok(value, facts()->vallen_max))
        return PMI_ERR_INVALID_VAL;
    return session_code(pmi_client_put(session_client(), key, value, NULL));
}

int PMI_KVS_Commit(const char kvsname[])
{
    NEED(is_mine(kvsname));
    return PMI_SUCCESS; /* put has done it */
}

int PMI_KVS_Get(const char kvsname[], const char key[], char value[], int length)
{
    AUTOFREE char *found = NULL;
    int rc;

    NEED(is_mine(kvsname));
    if (!key)
        return PMI_ERR_INVALID_KEY;
    if (!value)
        return PMI_ERR_INVALID_VAL;
    rc = pmi_client_get(session_client(), key, &found, NULL);
    return rc < 0 ? session_code(rc) : session_copy(value, length, found);
}

/* ---- names ---- */

int PMI_Publish_name(const char service_name[], const char port[])
{
    return session_publish(service_name, port);
}

int PMI_Unpublish_name(const char service_name[])
{
    return session_unpublish(service_name);
}

int PMI_Lookup_name(const char service_name[], char port[])
{
    return session_lookup(service_name, port, PMI_VALLEN_MAX);
}

/* ---- what no server offers ---- */

int PMI_KVS_Create(char kvsname[], int length)
{
    return PMI_FAIL;
}

int PMI_KVS_Destroy(const char kvsname[])
{
    return PMI_FAIL;
}

int PMI_KVS_Iter_first(const char kvsname[], char key[], int key_len, char val[],
                       int val_len)
{
    return PMI_FAIL;
}

int PMI_KVS_Iter_next(const char kvsname[], char key[], int key_len, char val[],
                      int val_len)
{
    return PMI_FAIL;
}

int PMI_Spawn_multiple(int count, const char *cmds[], const char **argvs[],
                       const int maxprocs[], const int info_keyval_sizes[],
                       const PMI_keyval_t *info_keyval_vectors[], int preput_keyval_size,
                       const PMI_keyval_t preput_keyval_vector[], int errors[])
{
    return PMI_FAIL;
}

int PMI_Parse_option(int num_args, char *args[], int *num_parsed, PMI_keyval_t **keyvalp,
                     int *size)
{
    return PMI_FAIL;
}

int PMI_Args_to_keyval(int *argcp, char *((*argvp)[]), PMI_keyval_t **keyvalp, int *size)
{
    return PMI_FAIL;
}

int PMI_Free_keyvals(PMI_keyval_t keyvalp[], int size)
{
    return PMI_FAIL;
}

int PMI_Get_options(char *str, int *length)
{
    return PMI_FAIL;
}
