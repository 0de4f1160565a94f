/* A fast hash of bytes and of integers for tables in memory: not for storage, not
 * for the wire, not against a determined attacker who can read our memory. The
 * seed differs between processes so that keys from outside cannot be chosen to
 * collide; nothing visible may depend on a hash value.
 */
#ifndef FLUX_BASE_HASH_H
#define FLUX_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 u128;
    u128 p = (u128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* One 64-bit value; a bijection is not promised. */
static inline uint64_t hash_u64(uint64_t v, uint64_t seed)
{
    return hash_mix(v ^ 0x9e3779b97f4a7c15u, seed ^ 0xd6e8feb86659fd93u);
}

static inline uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
    const unsigned char *p = data;
    uint64_t h = seed ^ (len * 0x9e3779b97f4a7c15u), w;

    for (; len >= 8; len -= 8, p += 8) {
        memcpy(&w, p, 8);
        h = hash_mix(h ^ w, 0xa0761d6478bd642fu ^ seed);
    }
    if (len > 0) {
        w = 0;
        memcpy(&w, p, len);
        h = hash_mix(h ^ w, 0xe7037ed1a0b428dbu ^ seed);
    }
    return hash_mix(h ^ 0x8ebc6af09c88c6e3u, 0x589965cc75374cc3u ^ seed);
}

/* The seed of this process, from the random bytes the kernel gives every program. */
static inline uint64_t hash_seed(void)
{
    uint64_t seed = 0x2d358dccaa6c78a5u;
    const void *p = (const void *)getauxval(AT_RANDOM);

    if (p)
        memcpy(&seed, p, sizeof(seed));
    return seed | 1;
}

#endif
