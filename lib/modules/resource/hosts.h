/* Where the brokers are: the name of each rank's host, as the attribute hostlist tells, or
 * as the broker told when it was asked.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_RESOURCE_HOSTS_H
#define FLUX_RESOURCE_HOSTS_H

#include <stdint.h>

#include <flux/idset.h>

struct hosts;

/* Ranks 0 to size - 1; host i of the list is rank i's, what is missing is not known. */
int hosts_new(uint32_t size, const char *hostlist, struct hosts **ret);
void hosts_free(struct hosts *hs); /* accepts NULL */
uint32_t hosts_size(const struct hosts *hs);
/* Tell the host of a rank whose host is not known. */
int hosts_set(struct hosts *hs, uint32_t rank, const char *name);
const char *hosts_name(const struct hosts *hs, uint32_t rank); /* NULL: not known */

/* Hosts are numbered from 0 in the order in which they became known. */
int hosts_number(const struct hosts *hs, uint32_t rank); /* -ENOENT */
int hosts_find(const struct hosts *hs, const char *name);
const struct idset *hosts_ranks(const struct hosts *hs, int number); /* borrowed */

#endif
