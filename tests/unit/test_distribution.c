/* Quantiles and means of distributions, the means against a sum over quantiles. */
#include "model/distribution.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static distribution make(distribution_kind kind, double mean, double sd, double min, double max)
{
    return (distribution){.kind = kind, .mean = mean, .sd = sd, .min = min, .max = max};
}

/* Midpoint rule over p. */
static double mean_of_quantiles(const distribution *d)
{
    enum { N = 200000 };
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += distribution_quantile(d, (i + 0.5) / N);
    return sum / N;
}

static void assert_mean(distribution d, double tolerance)
{
    const double expected = mean_of_quantiles(&d);
    assert_true(fabs(distribution_mean(&d) - expected) <= tolerance * fabs(expected) + 1e-12);
}

static void test_constant_is_itself(void **state)
{
    (void)state;
    const distribution d = make(DISTRIBUTION_CONSTANT, 1.5, 0, -INFINITY, INFINITY);
    assert_true(distribution_quantile(&d, 0.01) == 1.5);
    assert_true(distribution_mean(&d) == 1.5);
}

static void test_uniform_goes_from_min_to_max(void **state)
{
    (void)state;
    const distribution d = make(DISTRIBUTION_UNIFORM, 0, 0, -2, 6);
    assert_true(distribution_quantile(&d, 0.25) == 0);
    assert_true(distribution_mean(&d) == 2);
}

static void test_normal_is_clipped(void **state)
{
    (void)state;
    const distribution d = make(DISTRIBUTION_NORMAL, 10, 2, 9, 12);
    assert_true(distribution_quantile(&d, 0.5) == 10);
    assert_true(distribution_quantile(&d, 1e-6) == 9);
    assert_true(distribution_quantile(&d, 1 - 1e-6) == 12);
}

static void test_lognormal_has_the_mean_and_sd_of_the_value(void **state)
{
    (void)state;
    const distribution d = make(DISTRIBUTION_LOGNORMAL, 3, 1.5, -INFINITY, INFINITY);
    enum { N = 400000 };
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        const double x = distribution_quantile(&d, (i + 0.5) / N);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / N - 3) < 1e-3);
    assert_true(fabs(sqrt(squares / N - 9) - 1.5) < 1e-2);
    assert_true(fabs(distribution_mean(&d) - 3) < 1e-12);
}

static void test_means_are_those_of_clipped_draws(void **state)
{
    (void)state;
    assert_mean(make(DISTRIBUTION_NORMAL, 10, 2, -INFINITY, INFINITY), 1e-5);
    assert_mean(make(DISTRIBUTION_NORMAL, 1, 2, 0, INFINITY), 1e-5);
    assert_mean(make(DISTRIBUTION_NORMAL, -5, 1, -INFINITY, -5.5), 1e-5);
    assert_mean(make(DISTRIBUTION_NORMAL, 0, 1, 3, 4), 1e-5);
    assert_mean(make(DISTRIBUTION_NORMAL, 7, 0, 8, 9), 0);
    assert_mean(make(DISTRIBUTION_LOGNORMAL, 2, 1, 0, INFINITY), 1e-4);
    assert_mean(make(DISTRIBUTION_LOGNORMAL, 2, 1, 1.5, 2.5), 1e-5);
    assert_mean(make(DISTRIBUTION_LOGNORMAL, 2, 5, -1, 20), 1e-5);
    assert_mean(make(DISTRIBUTION_LOGNORMAL, 2, 0, 0, 10), 0);
    assert_mean(make(DISTRIBUTION_LOGNORMAL, 2, 1, -INFINITY, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_is_itself),
        cmocka_unit_test(test_uniform_goes_from_min_to_max),
        cmocka_unit_test(test_normal_is_clipped),
        cmocka_unit_test(test_lognormal_has_the_mean_and_sd_of_the_value),
        cmocka_unit_test(test_means_are_those_of_clipped_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
