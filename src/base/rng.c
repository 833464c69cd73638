#include "base/rng.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define N_ROUNDS 13
#define PARITY 0x1BD11BDAu /* of Skein, over the key words */

static uint32_t rotate_left(uint32_t x, unsigned n)
{
    return (x << n) | (x >> (32 - n));
}

rng_words rng_threefry(uint32_t key0, uint32_t key1, uint32_t counter0, uint32_t counter1)
{
    static const unsigned char rotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
    const uint32_t key[3] = {key0, key1, PARITY ^ key0 ^ key1};
    uint32_t x = counter0 + key[0], y = counter1 + key[1];
    for (unsigned round = 0; round < N_ROUNDS; round++) {
        x += y;
        y = rotate_left(y, rotations[round % 8]) ^ x;
        if (round % 4 == 3) {
            unsigned injection = round / 4 + 1;
            x += key[injection % 3];
            y += key[(injection + 1) % 3] + injection;
        }
    }
    return (rng_words){x, y};
}

rng_words rng_stream_key(uint64_t seed, const char *format, ...)
{
    char stream[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(stream, sizeof stream, format, arguments);
    va_end(arguments);
    const uint64_t hash = XXH64(stream, strlen(stream), seed);
    return (rng_words){(uint32_t)hash, (uint32_t)(hash >> 32)};
}

double rng_uniform(uint32_t word)
{
    return (word + 0.5) * 0x1p-32;
}

/* Ratio of two polynomials of degree 7, coefficients from the constant up. */
static double ratio(const double numerator[8], const double denominator[8], double r)
{
    double p = numerator[7], q = denominator[7];
    for (int i = 6; i >= 0; i--) {
        p = p * r + numerator[i];
        q = q * r + denominator[i];
    }
    return p / q;
}

/* Wichura 1988, Applied Statistics 37:477, algorithm AS241, routine PPND16. */
double rng_normal_quantile(double p)
{
    static const double central[2][8] = {
        {3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
         1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
         3.3430575583588128105e+4, 2.5090809287301226727e+3},
        {1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
         2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
         5.2264952788528545610e+3}};
    static const double middle[2][8] = {
        {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
         3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
         2.27238449892691845833e-2, 7.74545014278341407640e-4},
        {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
         1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
         1.05075007164441684324e-9}};
    static const double far[2][8] = {
        {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
         2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
         2.71155556874348757815e-5, 2.01033439929228813265e-7},
        {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
         7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
         2.04426310338993978564e-15}};

    const double q = p - 0.5;
    if (fabs(q) <= 0.425)
        return q * ratio(central[0], central[1], 0.180625 - q * q);
    const double r = sqrt(-log(q < 0 ? p : 1 - p));
    const double z = r <= 5 ? ratio(middle[0], middle[1], r - 1.6) : ratio(far[0], far[1], r - 5);
    return q < 0 ? -z : z;
}

/* Walks outwards from the mode, which is reached with probability p_mode: about as many steps as the standard
 * deviation. */
uint64_t rng_binomial(uint64_t n, double p, double uniform)
{
    if (n == 0 || p <= 0)
        return 0;
    if (p >= 1)
        return n;
    const double odds = p / (1 - p), mode = floor((double)(n + 1) * p);
    const double log_mode = lgamma((double)n + 1) - lgamma(mode + 1) -
                            lgamma((double)n - mode + 1) + mode * log(p) +
                            ((double)n - mode) * log1p(-p);
    double up = mode, down = mode, p_up = exp(log_mode), p_down = p_up;
    double left = uniform - p_up;
    while (left >= 0 && (p_up > 0 || p_down > 0)) {
        p_up = up < (double)n ? p_up * odds * ((double)n - up) / (up + 1) : 0;
        up++;
        if ((left -= p_up) < 0)
            return (uint64_t)up;
        p_down = down > 0 ? p_down / odds * down / ((double)n - down + 1) : 0;
        down--;
        if ((left -= p_down) < 0)
            return (uint64_t)down;
    }
    return (uint64_t)mode;
}
