/* A module of the classic kind, built outside the tree: its own reactor loop, one service,
 * an extra service name, `fail` as an argument makes it fail. */
#include <errno.h>
#include <string.h>

#include <flux/core.h>

int mod_main(flux_t *h, int argc, char **argv);
extern const char *mod_name;
const char *mod_name = "classic";

static void echo_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    const char *s;

    if (flux_request_unpack(msg, NULL, "{s:s}", "s", &s) < 0 ||
        flux_respond_pack(h, msg, "{s:s s:i}", "s", s, "count", ++*(int *)arg) < 0)
        flux_respond_error(h, msg, errno, NULL);
}

static void hold_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    /* never answered */
}

static const struct flux_msg_handler_spec tab[] = {
    {FLUX_MSGTYPE_REQUEST, "classic.echo", echo_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "classic.hold", hold_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

int mod_main(flux_t *h, int argc, char **argv)
{
    flux_msg_handler_t **handlers;
    flux_future_t *f;
    int count = 0, rc;

    if (argc > 0 && !strcmp(argv[0], "fail")) {
        errno = EXDEV;
        return -1;
    }
    if (!(f = flux_service_register(h, "alias")) || flux_future_get(f, NULL) < 0)
        return -1;
    flux_future_destroy(f);
    if (flux_msg_handler_addvec(h, tab, &count, &handlers) < 0)
        return -1;
    rc = flux_reactor_run(flux_get_reactor(h), 0);
    flux_msg_handler_delvec(handlers);
    return rc < 0 ? -1 : 0;
}
