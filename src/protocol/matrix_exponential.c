#include "protocol/matrix_exponential.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TERMS 18 /* of the series: 0.5^18 / 18! is far below the last bit */

/* product = a b; the product may not overlap. */
static void multiply(double *product, const double *a, const double *b, uint32_t n)
{
    memset(product, 0, sizeof *product * n * n);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < n; k++)
            for (uint32_t j = 0; j < n; j++)
                product[i * n + j] += a[i * n + k] * b[k * n + j];
}

/* a <- a b */
static void multiply_into(double *a, const double *b, double *work, uint32_t n)
{
    multiply(work, a, b, n);
    memcpy(a, work, sizeof *a * n * n);
}

static int squarings_for(const double *a, uint32_t n)
{
    double norm = 0; /* largest sum of a row */
    for (uint32_t i = 0; i < n; i++) {
        double row = 0;
        for (uint32_t j = 0; j < n; j++)
            row += fabs(a[i * n + j]);
        norm = fmax(norm, row);
    }
    int squarings = 0;
    for (; norm > 0.5; norm /= 2)
        squarings++;
    return squarings;
}

/* exp(a) by scaling to a norm below 1/2, a Taylor series, and squaring. Spoils a.
 * Inputs    work  [2 n x n] */
static void exponential(double *result, double *a, double *work, uint32_t n)
{
    const int squarings = squarings_for(a, n);
    double *term = work + (size_t)n * n;
    memset(result, 0, sizeof *result * n * n);
    memset(term, 0, sizeof *term * n * n);
    for (uint32_t i = 0; i < n * n; i++)
        a[i] = ldexp(a[i], -squarings);
    for (uint32_t i = 0; i < n; i++)
        result[i * n + i] = term[i * n + i] = 1;
    for (int k = 1; k <= TERMS; k++) {
        multiply_into(term, a, work, n);
        for (uint32_t i = 0; i < n * n; i++) {
            term[i] /= k;
            result[i] += term[i];
        }
    }
    for (int s = 0; s < squarings; s++) {
        memcpy(term, result, sizeof *term * n * n);
        multiply_into(result, term, work, n);
    }
}

/* exp of [a 1; 0 0] step holds both, side by side. */
meso_status linear_step(const double *a, uint32_t n, double step, double *transition,
                        double *response, meso_error *err)
{
    const uint32_t m = 2 * n;
    double *memory = calloc(4 * (size_t)m * m + 1, sizeof *memory);
    if (memory == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    double *both = memory, *result = memory + (size_t)m * m, *work = memory + 2 * (size_t)m * m;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n; j++)
            both[i * m + j] = a[i * n + j] * step;
        both[i * m + n + i] = step;
    }
    exponential(result, both, work, m);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(transition + (size_t)i * n, result + (size_t)i * m, sizeof *result * n);
        memcpy(response + (size_t)i * n, result + (size_t)i * m + n, sizeof *result * n);
    }
    free(memory);
    return MESO_OK;
}
