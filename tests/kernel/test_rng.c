/** kernels/rng.clh as host C: known answers of Random123, and the statistics of what is drawn. */
#include "mesocl.clh"
#include "math.clh"
#include "rng.clh"

#include "base/rng.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <Random123/threefry.h>
#include <cmocka.h>

static void assert_words(meso_words actual, uint x, uint y)
{
    assert_int_equal(actual.x, x);
    assert_int_equal(actual.y, y);
}

/* Lines "threefry2x32 13" of Random123's file of known answers (kat_vectors). */
static void test_threefry_gives_the_published_known_answers(void **state)
{
    (void)state;
    assert_words(meso_threefry(0, 0, 0, 0), 0x9d1c5ec6u, 0x8bd50731u);
    assert_words(meso_threefry(~0u, ~0u, ~0u, ~0u), 0xfd36d048u, 0x2d17272cu);
    assert_words(meso_threefry(0x13198a2eu, 0x03707344u, 0x243f6a88u, 0x85a308d3u), 0xba3e4725u,
                 0xf27d669eu);
}

static void test_threefry_is_random123s_and_the_hosts(void **state)
{
    (void)state;
    for (uint i = 0; i < 100000; i++) {
        const uint c0 = i * 0x9e3779b9u, c1 = i ^ 0x55555555u, k0 = i >> 3, k1 = ~(i * 31u);
        const threefry2x32_ctr_t c = {{c0, c1}};
        const threefry2x32_key_t k = {{k0, k1}};
        const threefry2x32_ctr_t expected = threefry2x32_R(13, c, k);
        const rng_words host = rng_threefry(k0, k1, c0, c1);
        assert_words(meso_threefry(k0, k1, c0, c1), expected.v[0], expected.v[1]);
        assert_words(meso_threefry(k0, k1, c0, c1), host.x, host.y);
    }
}

enum { BINS = 256, DRAWS = 1 << 18 };

/* Chi-square against equal counts. With 255 degrees of freedom it leaves (161, 378) twice in a
 * million samples. The draws are fixed, so this either holds or does not. */
static void assert_flat(const uint counts[BINS], const char *what)
{
    double chi_square = 0, expected = (double)DRAWS / BINS;
    for (int i = 0; i < BINS; i++)
        chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    print_message("%s: chi-square %.1f of 255\n", what, chi_square);
    if (chi_square < 161 || chi_square > 378)
        fail_msg("%s: chi-square %.1f", what, chi_square);
}

static void test_bytes_of_successive_counters_are_uniform_and_independent(void **state)
{
    (void)state;
    uint top[BINS] = {0}, bottom[BINS] = {0}, second[BINS] = {0}, pairs[BINS] = {0},
         steps[BINS] = {0};
    meso_words before = meso_threefry(1, 2, ~0u, 0);
    for (uint i = 0; i < DRAWS; i++) {
        const meso_words w = meso_threefry(1, 2, i, 0); /* neighbouring neurons */
        top[w.x >> 24]++;
        bottom[w.x & 255u]++;
        second[w.y >> 24]++;
        pairs[(w.x >> 28) << 4 | w.y >> 28]++;
        steps[(before.x >> 28) << 4 | w.x >> 28]++;
        before = w;
    }
    assert_flat(top, "high byte");
    assert_flat(bottom, "low byte");
    assert_flat(second, "high byte of the second word");
    assert_flat(pairs, "both words");
    assert_flat(steps, "neighbouring counters");
}

static void test_uniform_is_exact_and_strictly_inside_the_unit_interval(void **state)
{
    (void)state;
    assert_true(meso_uniform(0u) == 0x1p-24f);
    assert_true(meso_uniform(~0u) == 1.0f - 0x1p-24f);
    assert_true(meso_uniform(1u << 31) == 0.5f + 0x1p-24f);
    for (uint i = 0; i < 1u << 23; i += 101) /* the middle of each interval */
        assert_true((double)meso_uniform(i << 9) == (i + 0.5) / (1 << 23));
}

static void test_uniform_has_the_moments_of_the_uniform_distribution(void **state)
{
    (void)state;
    double sum = 0, squares = 0;
    for (uint i = 0; i < DRAWS; i++) {
        const double u = (double)meso_uniform(meso_threefry(3, 4, i, 7).y);
        sum += u;
        squares += u * u;
    }
    const double mean = sum / DRAWS, variance = squares / DRAWS - mean * mean;
    assert_true(fabs(mean - 0.5) < 5 * sqrt(1.0 / 12 / DRAWS));
    assert_true(fabs(variance - 1.0 / 12) < 5 * sqrt(1.0 / 180 / DRAWS));
}

/* --- normal numbers --------------------------------------------------------------------------- */

static void test_normal_numbers_are_those_of_box_and_muller(void **state)
{
    (void)state;
    double largest = 0;
    for (uint i = 0; i < 1000000; i++) {
        meso_words w = meso_threefry(9, 10, i, 0);
        w.x = i < 1000 ? i : i < 2000 ? ~i : w.x; /* the ends of the tails and the middle */
        const double u = ((double)w.x + 0.5) * 0x1p-32, turn = (double)(int)w.y * 0x1p-32;
        const double expected = (sqrt)(-2 * (log)(u)) * (sin)(2 * 3.14159265358979323846 * turn);
        /* near u = 1 the words of a float are coarser than 32 bits */
        const double room = w.x > 0xfff00000u ? 3e-4 : 2e-6;
        const double error = (fabs)(meso_normal(w) - expected);
        if (error > room)
            fail_msg("word %#x: %.9g, expected %.9g", w.x, (double)meso_normal(w), expected);
        if (w.x <= 0xfff00000u && error > largest)
            largest = error;
    }
    print_message("largest error %.2g\n", largest);
}

static int compare_floats(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

/* Kolmogorov & Smirnov: sqrt(n) D exceeds 2.23 once in ten thousand samples. The draws are fixed. */
static void test_normal_numbers_have_the_normal_distribution(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    float *x = malloc(N * sizeof *x);
    assert_non_null(x);
    double mean = 0, square = 0, fourth = 0;
    for (uint i = 0; i < N; i++) {
        x[i] = meso_normal(meso_threefry(3, 4, i, 77));
        mean += x[i] / (double)N;
        square += (double)x[i] * x[i] / N;
        fourth += (double)x[i] * x[i] * x[i] * x[i] / N;
    }
    qsort(x, N, sizeof *x, compare_floats);
    double distance = 0;
    for (int i = 0; i < N; i++) {
        const double p = 0.5 * (erfc)(-x[i] / 1.41421356237309505);
        distance = (fmax)(distance,
                          (fmax)((fabs)(p - i / (double)N), (fabs)(p - (i + 1) / (double)N)));
    }
    print_message("sqrt(n) D = %.2f, mean %.2g, variance - 1 %.2g, fourth moment %.4f\n",
                  distance * 1024, mean, square - 1, fourth);
    assert_true(distance * 1024 < 2.23);
    assert_true((fabs)(mean) < 4 / 1024.0);
    assert_true((fabs)(square - 1) < 4 * 1.41421356 / 1024);
    assert_true((fabs)(fourth - 3) < 4 * 9.8 / 1024);
    free(x);
}

/* Beyond 3, 4 and 5 standard deviations: the expected number, within four of its own. */
static void test_normal_numbers_have_the_right_tails(void **state)
{
    (void)state;
    enum { N = 1 << 25 };
    const double bounds[] = {3, 4, 5};
    double beyond[3] = {0};
    for (uint i = 0; i < N; i++) {
        const double x = (fabs)(meso_normal(meso_threefry(11, 12, i, 0)));
        for (int k = 0; k < 3; k++)
            beyond[k] += x > bounds[k];
    }
    for (int k = 0; k < 3; k++) {
        const double expected = N * (erfc)(bounds[k] / 1.41421356237309505);
        print_message("beyond %g: %.0f, expected %.1f\n", bounds[k], beyond[k], expected);
        assert_true((fabs)(beyond[k] - expected) < 4 * (sqrt)(expected));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threefry_gives_the_published_known_answers),
        cmocka_unit_test(test_threefry_is_random123s_and_the_hosts),
        cmocka_unit_test(test_normal_numbers_are_those_of_box_and_muller),
        cmocka_unit_test(test_normal_numbers_have_the_normal_distribution),
        cmocka_unit_test(test_normal_numbers_have_the_right_tails),
        cmocka_unit_test(test_bytes_of_successive_counters_are_uniform_and_independent),
        cmocka_unit_test(test_uniform_is_exact_and_strictly_inside_the_unit_interval),
        cmocka_unit_test(test_uniform_has_the_moments_of_the_uniform_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
