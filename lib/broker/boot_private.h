/* What the methods of booting share. Private to lib/broker/boot*.c. */
#ifndef FLUX_BROKER_BOOT_PRIVATE_H
#define FLUX_BROKER_BOOT_PRIVATE_H

#include "broker/boot.h"

struct pmi_client;

/* Steps that wait for others run on a worker thread, and touch nothing but `boot`. */
struct boot_method {
    const char *name;
    bool waits;
    int (*start)(struct boot *b, flux_error_t *err);
    int (*exchange)(struct boot *b, flux_error_t *err); /* NULL: nothing to do */
    void (*cancel)(struct boot *b); /* loop's thread, while a step waits; may be NULL */
    void (*free)(struct boot *b);   /* may be NULL */
};

extern const struct boot_method boot_single, boot_config, boot_list, boot_simple,
    boot_libpmi;

struct boot {
    struct env *env;
    struct loop *loop;
    const struct boot_method *method;
    struct boot_info info;
    /* Copies of what attributes, configuration and environment say. */
    const flux_conf_t *conf;
    char *const *environment;
    char *hostname, *rundir;
    char *topo;      /* spec; NULL: the method's own choice */
    char *endpoint;  /* to listen at, with %h and %B; NULL */
    char *interface; /* hint; NULL */
    char *config_file, *key_file;
    bool prefer_tcp;

    struct attrs *attrs; /* loop's thread only */
    char *session;       /* name of the instance, by a list file; NULL */
    char *address;       /* of the exchange */
    /* method simple and libpmi */
    struct pmi_client *pmi;
    int pmi_fd;
    char *pmi_library; /* path; NULL: those that resource managers have */
    /* the step that runs */
    bool running, cancelled;
    boot_done_f done;
    void *done_arg;
    flux_error_t error;
    int rc;
};

/* Make info.topo by b->topo, or the default. */
int boot_make_topo(struct boot *b, flux_error_t *err);
bool boot_has_children(const struct boot *b);
/* Read info.key from the file that was named, or else from the user's own. */
int boot_read_key(struct boot *b, const char *named, flux_error_t *err);

/* boot_address.c: what to listen at, when nobody has said: *ret is yours. together: all
 * brokers are on this host. */
int boot_choose_bind(const struct boot *b, bool together, char **ret, flux_error_t *err);
/* An address that was listened at, as others are to dial it: *ret is yours. */
int boot_public_address(const struct boot *b, const char *address, char **ret,
                        flux_error_t *err);

/* boot_pmi.c: is there a launcher that speaks PMI over a descriptor, or a library that
 * does? -errno: there is, but what it says makes no sense. */
int boot_simple_offered(const struct boot *b, flux_error_t *err);
int boot_libpmi_offered(const struct boot *b);

#endif
