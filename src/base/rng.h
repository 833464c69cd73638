/**
 * Random numbers from counters: Threefry2x32 with 13 rounds (Salmon et al. 2011), the same words as
 * kernels/rng.clh on a device. There is no generator state: a number is a function of
 * (seed, stream, entity, draw).
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

typedef struct rng_words {
    uint32_t x, y;
} rng_words;

rng_words rng_threefry(uint32_t key0, uint32_t key1, uint32_t counter0, uint32_t counter1);
/** Key (x, y) of a named stream of a run: a 64-bit hash (XXH64) of the name, seeded with the run's seed. The name is
 *  composed as by printf, "population/%s/places"; its first 1,023 bytes count. */
rng_words rng_stream_key(uint64_t seed, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Uniform in (0, 1) from one word: (word + 0.5) / 2^32. */
double rng_uniform(uint32_t word);
/** Standard normal quantile of p in (0, 1) (Wichura 1988, AS241: relative error about 1e-16). */
double rng_normal_quantile(double p);
/** A binomial number of n trials, each with probability p, from one uniform number in (0, 1). */
uint64_t rng_binomial(uint64_t n, double p, double uniform);

#endif
