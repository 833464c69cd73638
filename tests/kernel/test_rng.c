/** kernels/rng.clh as host C: known answers of Random123, and the statistics of what is drawn. */
#include "mesocl.clh"
#include "rng.clh"

#include "base/rng.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threefry_gives_the_published_known_answers),
        cmocka_unit_test(test_threefry_is_random123s_and_the_hosts),
        cmocka_unit_test(test_bytes_of_successive_counters_are_uniform_and_independent),
        cmocka_unit_test(test_uniform_is_exact_and_strictly_inside_the_unit_interval),
        cmocka_unit_test(test_uniform_has_the_moments_of_the_uniform_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
