/* Key files: the secret that the brokers of an instance share, as `flux keygen` writes it.
 * Text; the line that matters is
 *
 *     key = "64 hexadecimal digits"
 *
 * Functions return 0 or more, or -errno with the reason in err.
 */
#ifndef FLUX_BROKER_BOOT_KEY_H
#define FLUX_BROKER_BOOT_KEY_H

#include "env/env.h"
#include "overlay/overlay.h"

/* -EPERM: others may read the file, or it is somebody else's. */
int boot_key_read(struct env *env, const char *path, unsigned char key[OVERLAY_KEY_SIZE],
                  flux_error_t *err);
/* As text, and back. -EINVAL. */
void boot_key_print(const unsigned char key[OVERLAY_KEY_SIZE],
                    char text[2 * OVERLAY_KEY_SIZE + 1]);
int boot_key_parse(const char *text, unsigned char key[OVERLAY_KEY_SIZE]);

#endif
