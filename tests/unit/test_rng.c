/* Random numbers from counters, against Random123 and closed forms. */
#include "base/rng.h"
#include <Random123/threefry.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <xxhash.h>

#include <cmocka.h>

static void assert_same_words(uint32_t k0, uint32_t k1, uint32_t c0, uint32_t c1)
{
    const threefry2x32_key_t key = {{k0, k1}};
    const threefry2x32_ctr_t counter = {{c0, c1}};
    const threefry2x32_ctr_t theirs = threefry2x32_R(13, counter, key);
    const rng_words ours = rng_threefry(k0, k1, c0, c1);
    assert_int_equal(ours.x, theirs.v[0]);
    assert_int_equal(ours.y, theirs.v[1]);
}

static void test_words_are_those_of_random123(void **state)
{
    (void)state;
    assert_same_words(0, 0, 0, 0);
    assert_same_words(~0u, ~0u, ~0u, ~0u);
    assert_same_words(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3); /* digits of pi */
    rng_words w = {1, 2};
    for (int i = 0; i < 10000; i++) {
        assert_same_words(w.x, w.y, w.x * 3u + (uint32_t)i, ~w.y);
        w = rng_threefry(w.x, w.y, (uint32_t)i, 0);
    }
}

static void test_stream_key_is_the_hash_of_its_name(void **state)
{
    (void)state;
    const rng_words a = rng_stream_key(1, "projection.%s", "a");
    const rng_words b = rng_stream_key(1, "projection.b"), c = rng_stream_key(2, "projection.a");
    const rng_words nothing = rng_stream_key(0, "%s", "");
    const uint64_t hash = XXH64("projection.a", 12, 1);
    assert_int_equal(a.x, (uint32_t)hash);
    assert_int_equal(a.y, (uint32_t)(hash >> 32));
    assert_true(a.x != b.x && a.x != c.x);
    assert_int_equal(((uint64_t)nothing.y << 32) | nothing.x, 0xef46db3751d8e999); /* XXH64 of nothing */
}

static void test_uniform_is_inside_its_interval(void **state)
{
    (void)state;
    assert_true(rng_uniform(0) == 0x1p-33);
    assert_true(rng_uniform(~0u) == 1 - 0x1p-33);
    assert_true(rng_uniform(0x80000000u) == 0.5 + 0x1p-33);
}

/* Independent of the algorithm: the quantile is the inverse of the cumulative distribution. */
static void test_normal_quantile_inverts_the_cumulative(void **state)
{
    (void)state;
    assert_true(rng_normal_quantile(0.5) == 0);
    for (double p = 1e-300; p < 0.5; p *= 1.7) {
        const double z = rng_normal_quantile(p);
        const double back = 0.5 * erfc(-z * sqrt(0.5));
        /* an error of z is magnified by about z^2 in p */
        assert_true(fabs(back / p - 1) < 1e-15 * (10 + 4 * z * z));
    }
    for (int i = 1; i < 1000; i++) { /* 1 - i / 1024 is exact */
        const double p = i / 1024.0;
        assert_true(fabs(rng_normal_quantile(p) + rng_normal_quantile(1 - p)) < 1e-14);
    }
}

static void test_normal_quantile_has_published_values(void **state)
{
    (void)state;
    /* Wichura 1988, table of checks for AS241 */
    assert_true(fabs(rng_normal_quantile(0.25) + 0.6744897501960817) < 1e-15);
    assert_true(fabs(rng_normal_quantile(0.001) + 3.090232306167814) < 1e-14);
    assert_true(fabs(rng_normal_quantile(1e-20) + 9.262340089798408) < 1e-14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_those_of_random123),
        cmocka_unit_test(test_stream_key_is_the_hash_of_its_name),
        cmocka_unit_test(test_uniform_is_inside_its_interval),
        cmocka_unit_test(test_normal_quantile_inverts_the_cumulative),
        cmocka_unit_test(test_normal_quantile_has_published_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
