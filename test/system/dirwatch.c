/* Watches a directory of the KVS and prints what it lists each time that it is told: the
 * names on one line; at the end why it ended.
 *
 *     dirwatch [-t] KEY        -t: as an object
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>

static void print_dir(const flux_kvsdir_t *dir)
{
    flux_kvsitr_t *it = flux_kvsitr_create(dir);
    const char *name, *sep = "";

    for (; it && (name = flux_kvsitr_next(it)); sep = " ")
        printf("%s%s", sep, name);
    printf("\n");
    flux_kvsitr_destroy(it);
}

int main(int argc, char **argv)
{
    int object = argc > 2 && strcmp(argv[1], "-t") == 0;
    const flux_kvsdir_t *dir;
    const char *text;
    flux_t *h = flux_open(NULL, 0);
    flux_future_t *f = h && argc > 1
                           ? flux_kvs_lookup(h, NULL,
                                             FLUX_KVS_WATCH | (object ? FLUX_KVS_TREEOBJ
                                                                      : FLUX_KVS_READDIR),
                                             argv[argc - 1])
                           : NULL;

    if (!f) {
        perror("dirwatch");
        return 1;
    }
    while (object ? flux_kvs_lookup_get_treeobj(f, &text) == 0
                  : flux_kvs_lookup_get_dir(f, &dir) == 0) {
        if (object)
            printf("%s\n", text);
        else
            print_dir(dir);
        fflush(stdout);
        flux_future_reset(f);
    }
    printf("%s\n", errno == ENODATA ? "ended" : flux_future_error_string(f));
    flux_future_destroy(f);
    flux_close(h);
    return 0;
}
