#include "dom0/builder/sha256.h"

#include <string.h>

static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

/*
 * One round, the words of state turned by `turn` places so that none need be
 * moved: word n is s[(n - turn) mod 8]. Eight rounds are a full turn.
 */
static inline void one_round(uint32_t s[8], unsigned turn, uint32_t input)
{
#define S(n) s[((n)-turn) & 7]
    uint32_t t1 = S(7) +
                  (rotate(S(4), 6) ^ rotate(S(4), 11) ^ rotate(S(4), 25)) +
                  ((S(4) & S(5)) ^ (~S(4) & S(6))) + input;
    uint32_t t2 = (rotate(S(0), 2) ^ rotate(S(0), 13) ^ rotate(S(0), 22)) +
                  ((S(0) & S(1)) ^ (S(0) & S(2)) ^ (S(1) & S(2)));

    S(3) += t1;
    S(7) = t1 + t2;
#undef S
}

static void block(uint32_t h[8], const uint8_t *p)
{
    uint32_t w[64], s[8];

    for (int i = 0; i < 16; i++)
        w[i] = be32(p + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];

        w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
               (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
    memcpy(s, h, sizeof(s));
    for (unsigned i = 0; i < 64; i += 8) {
        one_round(s, 0, k[i] + w[i]);
        one_round(s, 1, k[i + 1] + w[i + 1]);
        one_round(s, 2, k[i + 2] + w[i + 2]);
        one_round(s, 3, k[i + 3] + w[i + 3]);
        one_round(s, 4, k[i + 4] + w[i + 4]);
        one_round(s, 5, k[i + 5] + w[i + 5]);
        one_round(s, 6, k[i + 6] + w[i + 6]);
        one_round(s, 7, k[i + 7] + w[i + 7]);
    }
    for (int i = 0; i < 8; i++)
        h[i] += s[i];
}

void sha256(const void *data, size_t size, uint8_t digest[32])
{
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const uint8_t *p = data;
    uint8_t last[128] = {0};
    size_t rest = size % 64, tail = rest < 56 ? 64 : 128;

    for (size_t n = size / 64; n; n--, p += 64)
        block(h, p);
    if (rest)
        memcpy(last, p, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        last[tail - 1 - (size_t)i] = (uint8_t)((uint64_t)size * 8 >> 8 * i);
    for (size_t at = 0; at < tail; at += 64)
        block(h, last + at);
    for (int i = 0; i < 32; i++)
        digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}
