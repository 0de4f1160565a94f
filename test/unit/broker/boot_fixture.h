/* For tests of booting: a loop, a folder, and brokers' worth of settings. */
#ifndef TEST_BROKER_BOOT_FIXTURE_H
#define TEST_BROKER_BOOT_FIXTURE_H

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/boot.h"
#include "env/file.h"

#define KEY_TEXT "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct env *env;
static struct loop *loop;
static struct attrs *attrs;
static struct boot *boot;
static char top[64];
static char key_path[96];
static flux_error_t boot_err;
static int boot_rc;
static const char *environment[16]; /* NULL-terminated */

static inline void write_file(const char *path, const char *text, mode_t mode)
{
    ck_assert_int_eq(file_replace(env, path, text, strlen(text), mode), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static void fixture_setup(void)
{
    ck_assert_int_eq(env_new_real(&env), 0);
    ck_assert_int_eq(loop_new(env, &loop), 0);
    ck_assert_int_eq(attrs_new(&attrs), 0);
    strcpy(top, "/tmp/flux-test-XXXXXX");
    ck_assert_int_eq(dir_make_temp(env, top), 0);
    snprintf(key_path, sizeof(key_path), "%s/key", top);
    write_file(key_path, "metadata\nkey = \"" KEY_TEXT "\"\n", 0600);
    memset(environment, 0, sizeof(environment));
}

static void fixture_teardown(void)
{
    boot_free(boot);
    boot = NULL;
    attrs_free(attrs);
    loop_unref(loop);
    dir_remove(env, top);
    env_unref(env);
}

static void boot_done(int rc, const flux_error_t *err, void *arg)
{
    boot_rc = rc;
    boot_err = *err;
}

/* Make boot, and run its first step. The code; its reason is in boot_err. */
static inline int try_boot(const char *hostname, const flux_conf_t *conf)
{
    flux_conf_t *empty = flux_conf_create();
    struct boot_conf c = {
        .loop = loop,
        .attrs = attrs,
        .conf = conf ? conf : empty,
        .environment = (char *const *)environment,
        .hostname = hostname,
        .rundir = top,
    };

    boot_free(boot);
    boot = NULL;
    boot_err.text[0] = '\0';
    boot_rc = boot_new(&c, &boot, &boot_err);
    if (boot_rc == 0) {
        boot_start(boot, boot_done, NULL);
        loop_run(loop, 0);
    }
    flux_conf_decref(empty);
    return boot_rc;
}

#endif
