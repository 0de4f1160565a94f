/* job-info.lookup. The store keeps a jobspec without its environment, which is shared by all
 * jobs that have the same. It is told like that too (RFC 16): what was submitted is in J,
 * for which the two become one text again.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>

#include "base/json.h"
#include "modules/job-info/access.h"
#include "modules/job-info/lookup.h"
#include "proto/sign.h"

#define ENVIRONMENT "attributes.system.environment"

struct lookup {
    flux_t *h;
    const flux_msg_t *msg;
    uint64_t id;
    cJSON *keys;
    int flags;
    uint32_t userid;
    struct buf out;
    char missing[64];
};

static void lookup_free(struct lookup *l)
{
    flux_msg_decref(l->msg);
    json_free(l->keys);
    buf_free(&l->out);
    free(l);
}

static int append_piece(uint64_t seq, const void *data, size_t len, void *arg)
{
    return buf_add(arg, data, len);
}

static int get_piece(struct store_reader *r, uint64_t id, const char *key,
                     struct buf *out)
{
    int rc = store_reader_jobdata(r, id, key, append_piece, out);

    return rc < 0 ? rc : out->failed ? -ENOMEM : 0;
}

/* The whole jobspec as text. */
static int get_original(struct store_reader *r, uint64_t id, struct buf *out)
{
    struct buf spec = {0}, env = {0};
    cJSON *o = NULL, *e = NULL;
    int rc = get_piece(r, id, "jobspec", &spec);

    if (rc == 0)
        rc = json_parse(spec.data, spec.len, NULL, &o, NULL);
    if (rc == 0 && get_piece(r, id, "env", &env) == 0 &&
        json_parse(env.data, env.len, NULL, &e, NULL) == 0)
        rc = json_set_path(o, ENVIRONMENT, e);
    if (rc == 0)
        rc = json_print_buf(o, out);
    json_free(o);
    buf_free(&spec);
    buf_free(&env);
    return rc;
}

static int get_J(struct store_reader *r, uint64_t id, uint32_t userid, struct buf *out)
{
    struct buf spec = {0};
    int rc = get_original(r, id, &spec);

    if (rc == 0)
        rc = sign_wrap_none(spec.data, spec.len, userid, out);
    buf_free(&spec);
    return rc;
}

int lookup_piece(struct store_reader *r, uint64_t id, uint32_t userid, const char *key,
                 struct buf *out)
{
    if (!strcmp(key, "J"))
        return get_J(r, id, userid, out);
    if (!strcmp(key, "jobspec") || !strcmp(key, "R") || !strcmp(key, "eventlog"))
        return get_piece(r, id, key, out);
    return -ENOENT;
}

static int add_key(struct store_reader *r, struct lookup *l, const char *key)
{
    bool decode = (l->flags & 1) && (!strcmp(key, "jobspec") || !strcmp(key, "R"));
    struct buf value = {0};
    int rc = lookup_piece(r, l->id, l->userid, key, &value);

    if (rc == -ENOENT)
        snprintf(l->missing, sizeof(l->missing), "%s", key);
    if (rc == 0) {
        buf_addc(&l->out, ',');
        json_buf_str(&l->out, key, strlen(key));
        buf_addc(&l->out, ':');
        if (decode)
            buf_add(&l->out, value.data, value.len);
        else
            json_buf_str(&l->out, value.data ? value.data : "", value.len);
    }
    buf_free(&value);
    return rc;
}

static int take_userid(const struct store_job *job, void *arg)
{
    struct lookup *l = arg;

    l->userid = job->userid;
    return 0;
}

static int read_keys(struct store_reader *r, void *arg)
{
    struct lookup *l = arg;
    int rc = store_reader_job(r, l->id, take_userid, l);
    const cJSON *v;

    if (rc == 0)
        rc = access_check(l->msg, l->userid);
    buf_addf(&l->out, "{\"id\":%llu", (unsigned long long)l->id);
    cJSON_ArrayForEach(v, l->keys)
    {
        if (rc == 0)
            rc = json_str(v) ? add_key(r, l, json_str(v)) : -EPROTO;
    }
    buf_addc(&l->out, '}');
    return rc;
}

static void read_done(int rc, void *arg)
{
    struct lookup *l = arg;
    char text[128];

    if (rc == -EPERM)
        flux_respond_error(l->h, l->msg, EPERM, access_denied);
    else if (rc == -ENOENT && l->missing[0]) {
        snprintf(text, sizeof(text), "%s: key not found", l->missing);
        flux_respond_error(l->h, l->msg, ENOENT, text);
    } else if (rc < 0)
        flux_respond_error(l->h, l->msg, -rc, rc == -ENOENT ? "invalid job id" : NULL);
    else
        flux_respond(l->h, l->msg, l->out.data);
    lookup_free(l);
}

void lookup_start(flux_t *h, struct store *store, const flux_msg_t *msg)
{
    struct lookup *l = calloc(1, sizeof(*l));
    const cJSON *keys;
    int64_t id;
    int rc, flags;

    if (!l ||
        flux_request_unpack(msg, NULL, "{s:I s:o s:i}", "id", &id, "keys", &keys, "flags",
                            &flags) < 0 ||
        !cJSON_IsArray(keys)) {
        flux_respond_error(h, msg, l ? EPROTO : ENOMEM, NULL);
        free(l);
        return;
    }
    l->h = h;
    l->msg = flux_msg_incref(msg);
    l->id = (uint64_t)id;
    l->flags = flags;
    l->keys = json_copy(keys);
    rc = l->keys ? store_read(store, read_keys, read_done, l) : -ENOMEM;
    if (rc < 0)
        read_done(rc, l);
}
