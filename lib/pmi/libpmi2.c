/* libpmi2.so: the PMI-2 API, over the PMI-1 wire. What PMI-1 has no word for is made of
 * keys: an attribute of a node is a key with the node's number. */
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/pmi2.h>

#include "base/cleanup.h"
#include "pmi/session.h"

#define LOOK_AGAIN 10 /* milliseconds */

static const struct pmi_facts *facts(void)
{
    return pmi_client_facts(session_client());
}

int PMI2_Init(int *spawned, int *size, int *rank, int *appnum)
{
    if (session_begin() < 0)
        return PMI2_FAIL;
    if (spawned)
        *spawned = 0;
    if (size)
        *size = facts()->size;
    if (rank)
        *rank = facts()->rank;
    if (appnum)
        *appnum = facts()->appnum;
    return PMI2_SUCCESS;
}

int PMI2_Finalize(void)
{
    if (!session_client())
        return PMI2_ERR_INIT;
    return session_code(session_end());
}

int PMI2_Initialized(void)
{
    return session_client() != NULL;
}

int PMI2_Abort(int flag, const char msg[])
{
    session_abort(1, msg);
}

int PMI2_Job_GetId(char jobid[], int jobid_size)
{
    if (!session_client())
        return PMI2_ERR_INIT;
    return session_copy(jobid, jobid_size, facts()->kvsname);
}

int PMI2_Job_GetRank(int *rank)
{
    if (!session_client())
        return PMI2_ERR_INIT;
    if (!rank)
        return PMI2_ERR_INVALID_ARG;
    *rank = facts()->rank;
    return PMI2_SUCCESS;
}

int PMI2_Info_GetSize(int *size)
{
    if (!session_client())
        return PMI2_ERR_INIT;
    if (!size)
        return PMI2_ERR_INVALID_ARG;
    *size = facts()->size;
    return PMI2_SUCCESS;
}

/* ---- exchange ---- */

int PMI2_KVS_Put(const char key[], const char value[])
{
    if (!session_client())
        return PMI2_ERR_INIT;
    if (!key || !value)
        return PMI2_ERR_INVALID_ARG;
    return session_code(pmi_client_put(session_client(), key, value, NULL));
}

int PMI2_KVS_Fence(void)
{
    if (!session_client())
        return PMI2_ERR_INIT;
    return session_code(pmi_client_barrier(session_client(), NULL));
}

/* The value, cut to what fits; its length, negative when cut. */
static int cut_copy(char *to, int size, const char *from)
{
    int n = (int)strlen(from);

    snprintf(to, size, "%s", from);
    return n < size ? n : -n;
}

int PMI2_KVS_Get(const char *jobid, int src_pmi_id, const char key[], char value[],
                 int maxvalue, int *vallen)
{
    AUTOFREE char *found = NULL;
    int rc, len;

    if (!session_client())
        return PMI2_ERR_INIT;
    if (!key || !value || maxvalue < 1 ||
        (jobid && *jobid && strcmp(jobid, facts()->kvsname) != 0))
        return PMI2_ERR_INVALID_ARG;
    if ((rc = pmi_client_get(session_client(), key, &found, NULL)) < 0)
        return session_code(rc);
    len = cut_copy(value, maxvalue, found);
    if (vallen)
        *vallen = len;
    return PMI2_SUCCESS;
}

/* ---- attributes ---- */

/* The key of an attribute of our node. */
static int node_key(const char *name, char *key, size_t size)
{
    AUTOFREE int *nodes = session_nodes();

    if (!nodes)
        return PMI2_ERR_NOMEM;
    if (snprintf(key, size, "node%d::%s", nodes[facts()->rank], name) >= (int)size)
        return PMI2_ERR_INVALID_KEY_LENGTH;
    return PMI2_SUCCESS;
}

int PMI2_Info_PutNodeAttr(const char name[], const char value[])
{
    char key[PMI_KEYLEN_MAX];
    int rc;

    if (!session_client())
        return PMI2_ERR_INIT;
    if (!name || !value)
        return PMI2_ERR_INVALID_ARG;
    rc = node_key(name, key, sizeof(key));
    return rc ? rc : session_code(pmi_client_put(session_client(), key, value, NULL));
}

/* A put is seen on its node at once, before any barrier: then waiting is asking again. */
int PMI2_Info_GetNodeAttr(const char name[], char value[], int valuelen, int *found,
                          int waitfor)
{
    AUTOFREE char *text = NULL;
    char key[PMI_KEYLEN_MAX];
    int rc;

    if (!session_client())
        return PMI2_ERR_INIT;
    if (!name || !value || !found)
        return PMI2_ERR_INVALID_ARG;
    *found = 0;
    if ((rc = node_key(name, key, sizeof(key))))
        return rc;
    while ((rc = session_code(pmi_client_get(session_client(), key, &text, NULL))) ==
               PMI2_ERR_INVALID_KEY &&
           waitfor)
        poll(NULL, 0, LOOK_AGAIN);
    if (rc == PMI2_ERR_INVALID_KEY)
        return PMI2_SUCCESS;
    if (rc == PMI2_SUCCESS && (rc = session_copy(value, valuelen, text)) == PMI2_SUCCESS)
        *found = 1;
    return rc;
}

int PMI2_Info_GetNodeAttrIntArray(const char name[], int array[], int arraylen,
                                  int *outlen, int *found)
{
    char text[PMI2_MAX_ATTRVALUE], *save = NULL;
    int n = 0, rc = PMI2_Info_GetNodeAttr(name, text, sizeof(text), found, 0);

    if (rc != PMI2_SUCCESS || !*found)
        return rc;
    for (char *s = strtok_r(text, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
        if (n < arraylen)
            array[n] = atoi(s);
        n++;
    }
    if (outlen)
        *outlen = n;
    return PMI2_SUCCESS;
}

int PMI2_Info_GetJobAttr(const char name[], char value[], int valuelen, int *found)
{
    AUTOFREE char *text = NULL;
    char number[16];
    int rc;

    if (!session_client())
        return PMI2_ERR_INIT;
    if (!name || !value || !found)
        return PMI2_ERR_INVALID_ARG;
    *found = 0;
    if (!strcmp(name, "universeSize")) {
        snprintf(number, sizeof(number), "%d", facts()->universe_size);
        rc = session_copy(value, valuelen, number);
    } else {
        if (strcmp(name, "PMI_process_mapping") != 0 ||
            pmi_client_get(session_client(), name, &text, NULL) < 0)
            return PMI2_SUCCESS;
        rc = session_copy(value, valuelen, text);
    }
    *found = rc == PMI2_SUCCESS;
    return rc;
}

int PMI2_Info_GetJobAttrIntArray(const char name[], int array[], int arraylen,
                                 int *outlen, int *found)
{
    if (!session_client())
        return PMI2_ERR_INIT;
    if (!name || !found)
        return PMI2_ERR_INVALID_ARG;
    *found = 0;
    return PMI2_SUCCESS;
}

/* ---- names ---- */

int PMI2_Nameserv_publish(const char service_name[], const struct MPID_Info *info_ptr,
                          const char port[])
{
    return session_publish(service_name, port);
}

int PMI2_Nameserv_lookup(const char service_name[], const struct MPID_Info *info_ptr,
                         char port[], int portLen)
{
    return session_lookup(service_name, port, portLen);
}

int PMI2_Nameserv_unpublish(const char service_name[], const struct MPID_Info *info_ptr)
{
    return session_unpublish(service_name);
}

/* ---- what no server offers ---- */

int PMI2_Job_Spawn(int count, const char *cmds[], int argcs[], const char **argvs[],
                   const int maxprocs[], const int info_keyval_sizes[],
                   const struct MPID_Info *info_keyval_vectors[], int preput_keyval_size,
                   const struct MPID_Info *preput_keyval_vector[], char jobId[],
                   int jobIdSize, int errors[])
{
    return PMI2_FAIL;
}

int PMI2_Job_Connect(const char jobid[], PMI2_Connect_comm_t *conn)
{
    return PMI2_FAIL;
}

int PMI2_Job_Disconnect(const char jobid[])
{
    return PMI2_FAIL;
}
