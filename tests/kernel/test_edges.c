/** kernels/edges.clh as host C: random orders, by which fixed_indegree draws without multapses. */
#define MESO_SERIAL
#define min(a, b) ((a) < (b) ? (a) : (b)) /* as OpenCL C has it */
typedef unsigned short ushort;
#include "mesocl.clh"
#include "math.clh"
#include "rng.clh"
#include "layout.clh"
#include "groups.clh"
#include "plasticity.clh"
#include "edges.clh"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TARGETS = 1000000 };

static void test_an_order_holds_every_number_once(void **state)
{
    (void)state;
    const edge_rule r = {.key0 = 3, .key1 = 4};
    const uint sizes[] = {1, 2, 15, 16, 17, 255, 256, 257, 1000, 70000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const uint n = sizes[s];
        unsigned char *seen = calloc(n, 1);
        random_order o;
        order_begin(&o, &r, 7, n);
        for (uint k = 0; k < n; k++) {
            const uint x = permuted(&o, k);
            assert_true(x < n);
            assert_int_equal(seen[x]++, 0);
        }
        free(seen);
    }
}

/* Pearson's statistic of the pair (element a, element b) over many targets, per degree of freedom. */
static double pairs_statistic(uint a, uint b, uint n)
{
    uint *counts = calloc((size_t)n * n, sizeof *counts);
    const edge_rule r = {.key0 = 1234, .key1 = 5678};
    for (uint target = 0; target < TARGETS; target++) {
        random_order o;
        order_begin(&o, &r, target, n);
        counts[permuted(&o, a) * n + permuted(&o, b)]++;
    }
    const double cells = (double)n * (n - 1), expected = TARGETS / cells;
    double chi2 = 0;
    for (uint i = 0; i < n * n; i++)
        chi2 += i / n == i % n ? 0 : (counts[i] - expected) * (counts[i] - expected) / expected;
    free(counts);
    return chi2 / (cells - 1);
}

/* Four rounds instead of eight give 1.05 to 1.9 here. */
static void test_pairs_of_sources_are_independent(void **state)
{
    (void)state;
    const uint pairs[][3] = {{0, 1, 256}, {0, 16, 256}, {3, 7, 250}, {1, 17, 250}, {0, 16, 100}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const uint n = pairs[i][2];
        const double sd = sqrt(2.0 / ((double)n * (n - 1)));
        const double z = (pairs_statistic(pairs[i][0], pairs[i][1], n) - 1) / sd;
        if (fabs(z) > 3.9) /* two-sided 1e-4 */
            fail_msg("elements %u and %u of %u: z = %.1f", pairs[i][0], pairs[i][1], n, z);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_order_holds_every_number_once),
        cmocka_unit_test(test_pairs_of_sources_are_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
