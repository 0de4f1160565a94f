/* Brokers that do not belong to an instance knock at one that does: each has another key.
 * Prints how many were turned away.
 *
 *     knock ADDRESS RANK SIZE N        as child RANK of a flat tree of SIZE brokers, N times
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env/env.h"
#include "overlay/overlay.h"
#include "overlay/transport.h"

#define AT_ONCE 32

struct stranger {
    struct knock *k;
    struct overlay *ov;
    bool over; /* it heard that it is not wanted, or was hung up on */
};

struct knock {
    struct env *env;
    struct loop *loop;
    struct topo *topo;
    const char *address;
    uint32_t rank;
    unsigned left, done, let_in;
    struct stranger strangers[AT_ONCE];
};

static cJSON *hello_cb(void *arg)
{
    return cJSON_CreateObject();
}

static int welcome_cb(const cJSON *welcome, flux_error_t *err, void *arg)
{
    return 0;
}

static void up_cb(struct peer *p, void *arg)
{
    ((struct stranger *)arg)->k->let_in++;
}

static void down_cb(struct peer *p, int errnum, const char *why, void *arg)
{
    ((struct stranger *)arg)->over = true;
}

static void refused_cb(int errnum, const char *why, void *arg)
{
    ((struct stranger *)arg)->over = true;
}

/* It complains about each failure. */
static void log_cb(int level, const char *text, void *arg)
{
    ((struct stranger *)arg)->over = true;
}

static void message_cb(struct peer *p, flux_msg_t *msg, void *arg)
{
    flux_msg_decref(msg);
}

static void state_cb(int state, void *arg)
{
}

static void changed_cb(void *arg)
{
}

static const struct overlay_cb callbacks = {.hello = hello_cb,
                                            .welcome = welcome_cb,
                                            .peer_up = up_cb,
                                            .peer_down = down_cb,
                                            .message = message_cb,
                                            .parent_state = state_cb,
                                            .changed = changed_cb,
                                            .refused = refused_cb,
                                            .log = log_cb};

static void begin(struct stranger *s)
{
    struct knock *k = s->k;
    unsigned char key[OVERLAY_KEY_SIZE];
    char uuid[37];
    struct overlay_conf conf = {.loop = k->loop,
                                .topo = k->topo,
                                .rank = k->rank,
                                .uuid = uuid,
                                .version = PROJECT_VERSION,
                                .key = key,
                                .encrypt = true,
                                .cb = &callbacks,
                                .arg = s};
    flux_error_t err = {""};

    env_random(k->env, key, sizeof(key));
    env_uuid(k->env, uuid);
    s->over = false;
    if (overlay_new(&conf, &s->ov) < 0 || overlay_dial(s->ov, k->address, &err) < 0) {
        fprintf(stderr, "knock: %s\n", err.text);
        exit(1);
    }
}

/* Replace those that are done. False: all are. */
static bool go_on(struct knock *k)
{
    bool busy = false;

    for (int i = 0; i < AT_ONCE; i++) {
        struct stranger *s = &k->strangers[i];

        if (s->ov && s->over) {
            overlay_free(s->ov);
            s->ov = NULL;
            k->done++;
        }
        if (!s->ov && k->left > 0) {
            k->left--;
            begin(s);
        }
        busy |= s->ov != NULL;
    }
    return busy;
}

int main(int argc, char **argv)
{
    struct knock k = {.address = argv[1]};
    flux_error_t err = {""};

    if (argc != 5) {
        fprintf(stderr, "usage: knock ADDRESS RANK SIZE N\n");
        return 2;
    }
    k.rank = (uint32_t)atoi(argv[2]);
    k.left = (unsigned)atoi(argv[4]);
    for (int i = 0; i < AT_ONCE; i++)
        k.strangers[i].k = &k;
    if (env_new_real(&k.env) < 0 || env_set_transport(k.env, &nng_transport) < 0 ||
        loop_new(k.env, &k.loop) < 0 ||
        topo_new("kary:1024", (uint32_t)atoi(argv[3]), &k.topo, &err) < 0) {
        fprintf(stderr, "knock: %s\n", err.text);
        return 1;
    }
    while (go_on(&k))
        loop_run(k.loop, LOOP_ONCE);
    printf("%u knocked, %u let in\n", k.done, k.let_in);
    topo_free(k.topo);
    loop_unref(k.loop);
    env_unref(k.env);
    return k.let_in > 0;
}
