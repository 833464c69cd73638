/*
 * The uptake fit against the closed solution of Michaelis & Menten's equation,
 *
 *     c(t) = K_m W(c0 / K_m exp((c0 - V_max t) / K_m))
 *
 * with Lambert's W by Halley's iteration, and against the same seen through an electrode, which is integrated
 * with steps a hundred times finer than a sample.
 */
#include "protocol/assays/uptake_fit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define N 100
#define INTERVAL_S 0.1

/* W(exp(x)): the solution of w + log(w) = x. */
static double lambert_of_exp(double x)
{
    double w = x > 1 ? x : exp(x);
    for (int i = 0; i < 60; i++) {
        const double f = w + log(w) - x, slope = 1 + 1 / w;
        w = fmax(w - f / slope, w / 10);
    }
    return w;
}

static double decay_nM(double start_nM, double V, double K, double t_s)
{
    return K * lambert_of_exp(log(start_nM / K) + (start_nM - V * t_s) / K);
}

static void assert_recovers(const double *y, double tau_s, double V, double K, double tolerance)
{
    uptake_fit fit;
    assert_true(uptake_fit_decay(y, N, INTERVAL_S, tau_s, 0, 0, &fit));
    if (fabs(fit.V_max_nM_per_s / V - 1) > tolerance || fabs(fit.K_m_nM / K - 1) > tolerance)
        fail_msg("V_max %.2f (is %.0f), K_m %.3f (is %.0f)", fit.V_max_nM_per_s, V, fit.K_m_nM, K);
}

static void test_constants_are_recovered_from_the_closed_solution(void **state)
{
    (void)state;
    const double sets[][3] = {
        {1000, 3800, 220}, {1000, 1500, 160}, {2000, 1500, 900}, {150, 250, 200}};
    for (int s = 0; s < 4; s++) {
        double y[N];
        for (int i = 0; i < N; i++)
            y[i] = decay_nM(sets[s][0], sets[s][1], sets[s][2], i * INTERVAL_S);
        assert_recovers(y, 0, sets[s][1], sets[s][2], 1e-4);
    }
}

static void test_constants_are_recovered_through_an_electrode(void **state)
{
    (void)state;
    enum { FINE = 1000 };
    const double tau_s = 0.3, h = INTERVAL_S / FINE;
    double y[N], seen = 400;
    for (int i = 0; i < N; i++) {
        y[i] = seen;
        for (int k = 0; k < FINE; k++) {
            const double c = decay_nM(1000, 1500, 160, (i + (k + 0.5) / FINE) * INTERVAL_S);
            seen += -expm1(-h / tau_s) * (c - seen);
        }
    }
    assert_recovers(y, tau_s, 1500, 160, 1e-3);
}

/* Even ones and odd ones off by 5 nM in turn, which no uptake follows. */
static void test_noise_moves_the_constants_little(void **state)
{
    (void)state;
    double y[N];
    for (int i = 0; i < N; i++)
        y[i] = decay_nM(1000, 1500, 160, i * INTERVAL_S) + (i % 2 == 0 ? 5 : -5);
    assert_recovers(y, 0, 1500, 160, 0.08);
}

static void test_what_does_not_decay_has_no_fit(void **state)
{
    (void)state;
    double flat[N], rising[N];
    uptake_fit fit;
    for (int i = 0; i < N; i++) {
        flat[i] = 0;
        rising[i] = i;
    }
    assert_false(uptake_fit_decay(flat, N, INTERVAL_S, 0.3, 0, 0, &fit));
    assert_false(uptake_fit_decay(rising, N, INTERVAL_S, 0.3, 0, 0, &fit));
    assert_false(uptake_fit_decay(rising, 3, INTERVAL_S, 0.3, 0, 0, &fit));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constants_are_recovered_from_the_closed_solution),
        cmocka_unit_test(test_constants_are_recovered_through_an_electrode),
        cmocka_unit_test(test_noise_moves_the_constants_little),
        cmocka_unit_test(test_what_does_not_decay_has_no_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
