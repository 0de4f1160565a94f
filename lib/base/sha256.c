/* SHA-256. */
#include "base/sha256.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#define BLOCK 64

static const uint32_t K[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
};

static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

typedef void (*blocks_f)(uint32_t state[8], const unsigned char *p, size_t n);

static inline uint32_t rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void schedule(uint32_t w[64], const unsigned char *p)
{
    for (int i = 0; i < 16; i++) {
        memcpy(&w[i], p + i * 4, 4);
        w[i] = be32toh(w[i]);
    }
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];

        w[i] = w[i - 16] + w[i - 7] + (rotr(a, 7) ^ rotr(a, 18) ^ a >> 3) +
               (rotr(b, 17) ^ rotr(b, 19) ^ b >> 10);
    }
}

/* One round; the caller turns the letters instead of moving the words. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                                 \
    do {                                                                                 \
        h += (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (g ^ (e & (f ^ g))) + K[i] +     \
             w[i];                                                                       \
        d += h;                                                                          \
        h += (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) | (c & (a | b)));       \
    } while (0)

static void blocks_portable(uint32_t state[8], const unsigned char *p, size_t n)
{
    uint32_t w[64], s[8];

    for (; n > 0; n--, p += BLOCK) {
        schedule(w, p);
        memcpy(s, state, sizeof(s));
        for (int i = 0; i < 64; i += 8) {
            ROUND(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], i);
            ROUND(s[7], s[0], s[1], s[2], s[3], s[4], s[5], s[6], i + 1);
            ROUND(s[6], s[7], s[0], s[1], s[2], s[3], s[4], s[5], i + 2);
            ROUND(s[5], s[6], s[7], s[0], s[1], s[2], s[3], s[4], i + 3);
            ROUND(s[4], s[5], s[6], s[7], s[0], s[1], s[2], s[3], i + 4);
            ROUND(s[3], s[4], s[5], s[6], s[7], s[0], s[1], s[2], i + 5);
            ROUND(s[2], s[3], s[4], s[5], s[6], s[7], s[0], s[1], i + 6);
            ROUND(s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[0], i + 7);
        }
        for (int i = 0; i < 8; i++)
            state[i] += s[i];
    }
}

#if defined(__x86_64__)
/* Two halves of the state, as the instructions want them: ABEF and CDGH. */
__attribute__((target("sha,sse4.1"))) static void blocks_sha(uint32_t state[8],
                                                             const unsigned char *p,
                                                             size_t n)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
    __m128i t = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
    __m128i cdgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(t, cdgh, 8);

    cdgh = _mm_blend_epi16(cdgh, t, 0xf0);
    for (; n > 0; n--, p += BLOCK) {
        __m128i a = abef, c = cdgh, m[4], x;

        for (int i = 0; i < 4; i++)
            m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p + i), swap);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            x = _mm_add_epi32(m[i & 3], _mm_load_si128((const __m128i *)K + i));
            c = _mm_sha256rnds2_epu32(c, a, x);
            a = _mm_sha256rnds2_epu32(a, c, _mm_shuffle_epi32(x, 0x0e));
            if (i < 12) {
                x = _mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]);
                x = _mm_add_epi32(x, _mm_alignr_epi8(m[(i + 3) & 3], m[(i + 2) & 3], 4));
                m[i & 3] = _mm_sha256msg2_epu32(x, m[(i + 3) & 3]);
            }
        }
        abef = _mm_add_epi32(abef, a);
        cdgh = _mm_add_epi32(cdgh, c);
    }
    t = _mm_shuffle_epi32(abef, 0x1b);
    cdgh = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(t, cdgh, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(cdgh, t, 8));
}

/* CPUID is slow in a virtual machine; the compiler's run-time asked it once. */
static bool has_sha(void)
{
#if defined(__clang__)
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29);
#else
    return __builtin_cpu_supports("sha");
#endif
}

static blocks_f pick(void)
{
    return has_sha() && __builtin_cpu_supports("sse4.1") ? blocks_sha : blocks_portable;
}
#else
static blocks_f pick(void)
{
    return blocks_portable;
}
#endif

static void hash(blocks_f blocks, const void *data, size_t len, unsigned char *out)
{
    uint32_t state[8];
    unsigned char tail[2 * BLOCK] = {0};
    size_t whole = len / BLOCK, rest = len % BLOCK;
    size_t end = rest + 9 > BLOCK ? 2 * BLOCK : BLOCK;
    uint64_t bits = htobe64((uint64_t)len * 8);

    memcpy(state, initial, sizeof(state));
    blocks(state, data, whole);
    if (rest)
        memcpy(tail, (const unsigned char *)data + whole * BLOCK, rest);
    tail[rest] = 0x80;
    memcpy(tail + end - 8, &bits, 8);
    blocks(state, tail, end / BLOCK);
    for (int i = 0; i < 8; i++) {
        uint32_t v = htobe32(state[i]);

        memcpy(out + i * 4, &v, 4);
    }
}

void sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE])
{
    hash(pick(), data, len, out);
}

void sha256_portable(const void *data, size_t len, unsigned char out[SHA256_SIZE])
{
    hash(blocks_portable, data, len, out);
}
