/* MPI and Flux in one process: the instance of FLUX_URI is asked for its size between MPI_Init
 * and MPI_Finalize. Built twice, with the libraries in either order: Debian's Open MPI brings
 * libevent, and names of a library of ours must not get in its way.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include <flux/core.h>
#include <mpi.h>

static int ask(flux_t *h, const char *attr, char *value, size_t size)
{
    flux_future_t *f =
        flux_rpc_pack(h, "attr.get", FLUX_NODEID_ANY, 0, "{s:s}", "name", attr);
    const char *s;
    int rc = flux_rpc_get_unpack(f, "{s:s}", "value", &s);

    if (rc == 0)
        snprintf(value, size, "%s", s);
    flux_future_destroy(f);
    return rc;
}

static void timer_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    ++*(int *)arg;
}

int main(int argc, char **argv)
{
    char size[16], version[MPI_MAX_LIBRARY_VERSION_STRING];
    int rank, len, fired = 0;
    flux_t *h = flux_open(NULL, 0);

    if (!h)
        err(1, "flux_open");
    if (MPI_Init(&argc, &argv) != MPI_SUCCESS)
        errx(1, "MPI_Init");
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Get_library_version(version, &len);
    version[strcspn(version, ",")] = '\0';
    if (ask(h, "size", size, sizeof(size)) < 0)
        err(1, "attr.get");
    /* Our event loop works beside libevent's. */
    flux_watcher_t *w =
        flux_timer_watcher_create(flux_get_reactor(h), 0.001, 0., timer_cb, &fired);
    flux_watcher_start(w);
    if (flux_reactor_run(flux_get_reactor(h), 0) < 0 || fired != 1)
        errx(1, "the reactor did not run");
    flux_watcher_destroy(w);
    printf("%s: MPI rank %d; Flux instance of %s broker\n", version, rank, size);
    MPI_Finalize();
    flux_close(h);
    return 0;
}
