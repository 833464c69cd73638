/*
 * Connection rules, read back from the device: numbers, degrees, partners, delays and weights have the
 * distributions that were asked for. Chi-square tests are two-sided at 1e-4 with a fixed seed, so that a
 * failure means a change of the numbers, not bad luck.
 */
#include "capture.h"
#include "engine/simulation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct network {
    meso_experiment *e;
    simulation *sim;
    edge *edges;
    uint64_t n;
} network;

/* Populations a (n_a cells) and b (n_b cells), one projection; `recurrent` makes it from a to a. */
static network build(uint32_t n_a, uint32_t n_b, int recurrent, const char *rule,
                     const meso_run_options *options)
{
    char json[2048];
    snprintf(
        json, sizeof json,
        "{\"schema_version\":1,\"seed\":11,\"cells\":{\"cell\":{\"model\":\"izhikevich\","
        "\"conductances\":{\"ampa\":{\"kind\":\"exponential\",\"tau_decay_ms\":5,\"E_mV\":0}}}},"
        "\"populations\":{\"a\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":%u},"
        "\"b\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":%u}},"
        "\"projections\":{\"p\":{\"source\":\"a\",\"target\":\"%s\",\"receptors\":{\"ampa\":1},%s}}"
        ","
        "\"protocol\":[{\"phase\":\"all\",\"ms\":10}]}",
        n_a, n_b, recurrent ? "a" : "b", rule);
    network w = {.e = capture_load(json)};
    meso_error err = {0};
    if (simulation_create(w.e, capture_device(), options, &w.sim, &err) != MESO_OK ||
        simulation_edges(w.sim, 0, &w.edges, &w.n, &err) != MESO_OK)
        fail_msg("%s", err.message);
    return w;
}

static void demolish(network *w)
{
    free(w->edges);
    simulation_destroy(&w->sim);
    meso_experiment_destroy(&w->e);
}

static uint32_t *degrees(const network *w, uint32_t n, int out)
{
    uint32_t *d = calloc(n, sizeof *d);
    for (uint64_t i = 0; i < w->n; i++)
        d[out ? w->edges[i].source : w->edges[i].target]++;
    return d;
}

/* Pearson's statistic of counts with equal expectation, as a standard normal (Wilson & Hilferty 1931). */
static double chi_square_z(const uint32_t *counts, uint32_t n, double expected)
{
    double chi2 = 0;
    for (uint32_t i = 0; i < n; i++)
        chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
    const double k = n - 1;
    return (cbrt(chi2 / k) - (1 - 2 / (9 * k))) / sqrt(2 / (9 * k));
}

#define Z_LIMIT 3.9 /* two-sided 1e-4 */

static void test_fixed_indegree(void **state)
{
    (void)state;
    network w = build(500, 300, 0,
                      "\"rule\":\"fixed_indegree\",\"indegree\":40,\"weight_nS\":1,\"delay_ms\":1",
                      NULL);
    assert_int_equal(w.n, 300 * 40);
    uint32_t *in = degrees(&w, 300, 0), *out = degrees(&w, 500, 1);
    for (int i = 0; i < 300; i++)
        assert_int_equal(in[i], 40);
    assert_true(fabs(chi_square_z(out, 500, 300 * 40 / 500.0)) < Z_LIMIT);
    free(in);
    free(out);
    demolish(&w);
}

static void test_no_multapses_and_no_autapses(void **state)
{
    (void)state;
    network w = build(101, 1, 1,
                      "\"rule\":\"fixed_indegree\",\"indegree\":60,\"multapses\":false,"
                      "\"weight_nS\":1,\"delay_ms\":1",
                      NULL);
    assert_int_equal(w.n, 101 * 60);
    for (uint64_t i = 0; i < w.n; i++) {
        assert_int_not_equal(w.edges[i].source, w.edges[i].target);
        if (i > 0 && w.edges[i].target == w.edges[i - 1].target)
            assert_true(w.edges[i].source > w.edges[i - 1].source);
    }
    uint32_t *out = degrees(&w, 101, 1);
    double chi2 = 0; /* without replacement the variance is K (1 - K / 100) */
    for (int i = 0; i < 101; i++)
        chi2 += (out[i] - 60.0) * (out[i] - 60.0) / (60 * 0.4);
    assert_true(chi2 > 50 && chi2 < 165);
    free(out);
    demolish(&w);
}

/* Without multapses every source is as likely as any other, in small populations too. */
static void test_no_multapses_is_fair(void **state)
{
    (void)state;
    const uint32_t sizes[][2] = {{5, 3}, {10, 5}, {17, 4}, {60, 10}};
    for (int i = 0; i < 4; i++) {
        char rule[128];
        const uint32_t n = sizes[i][0], k = sizes[i][1];
        snprintf(rule, sizeof rule,
                 "\"rule\":\"fixed_indegree\",\"indegree\":%u,\"multapses\":false,"
                 "\"weight_nS\":1,\"delay_ms\":1",
                 k);
        network w = build(n, 6000, 0, rule, NULL);
        uint32_t *out = degrees(&w, n, 1);
        const double share = (double)k / n, mean = 6000 * share;
        double chi2 = 0;
        for (uint32_t s = 0; s < n; s++)
            chi2 += (out[s] - mean) * (out[s] - mean) / (mean * (1 - share)) * (n - 1.0) / n;
        const double df = n - 1, z = (cbrt(chi2 / df) - (1 - 2 / (9 * df))) / sqrt(2 / (9 * df));
        if (fabs(z) > Z_LIMIT)
            fail_msg("%u of %u sources: z = %.1f", k, n, z);
        free(out);
        demolish(&w);
    }
}

static void test_fixed_probability(void **state)
{
    (void)state;
    network w = build(
        400, 400, 1,
        "\"rule\":\"fixed_probability\",\"probability\":0.1,\"weight_nS\":1,\"delay_ms\":1", NULL);
    const double pairs = 400.0 * 399, sd = sqrt(pairs * 0.1 * 0.9);
    assert_true(fabs((double)w.n - pairs * 0.1) < 4 * sd);
    uint32_t *in = degrees(&w, 400, 0), *out = degrees(&w, 400, 1);
    double in2 = 0, out2 = 0;
    for (int i = 0; i < 400; i++) {
        in2 += (in[i] - 39.9) * (in[i] - 39.9) / (39.9 * 0.9);
        out2 += (out[i] - 39.9) * (out[i] - 39.9) / (39.9 * 0.9);
    }
    assert_true(in2 > 300 &&
                in2 < 515); /* chi-square with 400 degrees of freedom, 1e-4 each side */
    assert_true(out2 > 300 && out2 < 515);
    for (uint64_t i = 1; i < w.n; i++)
        assert_false(w.edges[i].source == w.edges[i - 1].source &&
                     w.edges[i].target == w.edges[i - 1].target);
    free(in);
    free(out);
    demolish(&w);
}

static void test_fixed_total(void **state)
{
    (void)state;
    network w = build(200, 250, 0,
                      "\"rule\":\"fixed_total\",\"total\":20000,\"weight_nS\":1,\"delay_ms\":1",
                      NULL);
    assert_int_equal(w.n, 20000);
    uint32_t *in = degrees(&w, 250, 0), *out = degrees(&w, 200, 1);
    assert_true(fabs(chi_square_z(in, 250, 80)) < Z_LIMIT);
    assert_true(fabs(chi_square_z(out, 200, 100)) < Z_LIMIT);
    free(in);
    free(out);
    demolish(&w);
}

static void test_one_to_one_and_all_to_all(void **state)
{
    (void)state;
    network w = build(70, 70, 0, "\"rule\":\"one_to_one\",\"weight_nS\":1,\"delay_ms\":1", NULL);
    assert_int_equal(w.n, 70);
    for (uint64_t i = 0; i < w.n; i++)
        assert_int_equal(w.edges[i].source, w.edges[i].target);
    demolish(&w);
    w = build(30, 1, 1, "\"rule\":\"all_to_all\",\"weight_nS\":1,\"delay_ms\":1", NULL);
    assert_int_equal(w.n, 30 * 29);
    for (uint64_t i = 0; i < w.n; i++)
        assert_int_not_equal(w.edges[i].source, w.edges[i].target);
    demolish(&w);
    w = build(30, 1, 1, "\"rule\":\"all_to_all\",\"autapses\":true,\"weight_nS\":1,\"delay_ms\":1",
              NULL);
    assert_int_equal(w.n, 30 * 30);
    demolish(&w);
}

/* Expected share of connected pairs for points in a square: the density of the distance along one side is
 * 2 (1 - x), so the mean of the Gaussian factorises. */
static void test_gaussian_distance(void **state)
{
    (void)state;
    network w = build(600, 600, 0,
                      "\"rule\":\"gaussian_distance\",\"probability\":0.5,\"sigma_um\":100,"
                      "\"weight_nS\":1,\"delay_ms\":1",
                      NULL);
    double side = 0;
    for (int i = 0; i < 10000; i++) {
        const double x = (i + 0.5) / 10000;
        side += 2 * (1 - x) * exp(-0.5 * 100 * x * x) / 10000;
    }
    const double expected = 0.5 * side * side * 600 * 600;
    assert_true(fabs((double)w.n / expected - 1) < 0.05);
    demolish(&w);
}

/* Delays are normal, rounded to steps and clipped: compare every step's share with the normal integral. */
static void test_delays_have_their_distribution(void **state)
{
    (void)state;
    network w = build(
        400, 400, 0,
        "\"rule\":\"fixed_indegree\",\"indegree\":100,\"weight_nS\":1,"
        "\"delay_ms\":{\"distribution\":\"normal\",\"mean\":3,\"sd\":0.5,\"min\":1,\"max\":6}",
        NULL);
    uint32_t counts[80] = {0};
    for (uint64_t i = 0; i < w.n; i++)
        counts[w.edges[i].delay_steps]++;
    double chi2 = 0;
    int bins = 0;
    for (int d = 18; d <= 42; d++) {
        const double p = 0.5 * (erf(((d + 0.5) * 0.1 - 3) / 0.5 / sqrt(2)) -
                                erf(((d - 0.5) * 0.1 - 3) / 0.5 / sqrt(2)));
        const double expected = p * (double)w.n;
        chi2 += (counts[d] - expected) * (counts[d] - expected) / expected;
        bins++;
    }
    assert_true(chi2 < bins + 4.5 * sqrt(2.0 * bins));
    demolish(&w);
}

static void test_weights_have_their_distribution(void **state)
{
    (void)state;
    network w = build(
        400, 400, 0,
        "\"rule\":\"fixed_indegree\",\"indegree\":100,\"delay_ms\":1,"
        "\"weight_nS\":{\"distribution\":\"lognormal\",\"mean\":2,\"sd\":1,\"max\":20}",
        NULL);
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < w.n; i++) {
        sum += w.edges[i].weight;
        squares += w.edges[i].weight * w.edges[i].weight;
    }
    const double mean = sum / (double)w.n, sd = sqrt(squares / (double)w.n - mean * mean);
    assert_true(fabs(mean - 2) < 4 * 1 / sqrt((double)w.n) + 0.01);
    assert_true(fabs(sd - 1) < 0.03);
    demolish(&w);
}

static int weights_compare(const void *a, const void *b)
{
    const double x = ((const edge *)a)->weight, y = ((const edge *)b)->weight;
    return (x > y) - (x < y);
}

/* Kolmogorov's distance between the weights and a uniform distribution from 1 to 3, and how many differ. */
static double distance_from_uniform(network *w, uint64_t *n_distinct)
{
    double most = 0;
    *n_distinct = 0;
    qsort(w->edges, w->n, sizeof *w->edges, weights_compare);
    for (uint64_t i = 0; i < w->n; i++) {
        const double share = (w->edges[i].weight - 1) / 2;
        most = fmax(most, fmax(fabs(share - (double)i / (double)w->n),
                               fabs(share - (double)(i + 1) / (double)w->n)));
        *n_distinct += i == 0 || w->edges[i].weight > w->edges[i - 1].weight;
    }
    return most;
}

/* 40,000 draws of a continuous distribution: hardly two are the same, and none is far from where it should be. A compact
 * synapse has one of some 200 levels. */
static void test_wide_weights_are_continuous(void **state)
{
    (void)state;
    const char *format = "\"rule\":\"fixed_indegree\",\"indegree\":100,\"delay_ms\":1,"
                         "\"weight_nS\":{\"distribution\":\"uniform\",\"min\":1,\"max\":3},"
                         "\"storage\":\"%s\"";
    char rule[256];
    uint64_t n_distinct;
    snprintf(rule, sizeof rule, format, "wide");
    network w = build(400, 400, 0, rule, NULL);
    const double limit = 2.2 / sqrt((double)w.n); /* probability 1e-4 */
    assert_true(distance_from_uniform(&w, &n_distinct) < limit);
    assert_true(n_distinct > 0.97 * (double)w.n);
    demolish(&w);
    snprintf(rule, sizeof rule, format, "compact");
    w = build(400, 400, 0, rule, NULL);
    distance_from_uniform(&w, &n_distinct);
    assert_in_range(n_distinct, 100, 256);
    demolish(&w);
}

/* Strong and weak projections into one conductance share an input ring; both keep their weights. */
static void test_weak_weights_beside_strong_ones(void **state)
{
    (void)state;
    const char *format =
        "{\"schema_version\":1,\"seed\":11,\"cells\":{\"cell\":{\"model\":\"izhikevich\","
        "\"conductances\":"
        "{\"ampa\":{\"kind\":\"exponential\",\"tau_decay_ms\":5,\"E_mV\":0}}}},\"populations\":{"
        "\"a\":{"
        "\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":500}},\"projections\":{\"strong\":{"
        "\"source\":\"a\",\"target\":\"a\",\"receptors\":{\"ampa\":1},\"rule\":\"fixed_indegree\","
        "\"indegree\":400,\"delay_ms\":1,\"weight_nS\":{\"distribution\":\"lognormal\",\"mean\":1,"
        "\"sd\":1,\"max\":20}},\"weak\":{\"source\":\"a\",\"target\":\"a\",\"receptors\":{\"ampa\":"
        "1},"
        "\"rule\":\"fixed_indegree\",\"indegree\":100,\"delay_ms\":1,\"weight_nS\":{"
        "\"distribution\":"
        "\"uniform\",\"min\":0,\"max\":%g}}},\"protocol\":[{\"phase\":\"all\",\"ms\":10}]}";
    char json[2048];
    snprintf(json, sizeof json, format, 0.002);
    network w = {.e = capture_load(json)};
    meso_error err = {0};
    if (simulation_create(w.e, capture_device(), NULL, &w.sim, &err) != MESO_OK ||
        simulation_edges(w.sim, 1, &w.edges, &w.n, &err) != MESO_OK)
        fail_msg("%s", err.message);
    double mean = 0, largest = 0;
    for (uint64_t i = 0; i < w.n; i++) {
        mean += w.edges[i].weight / (double)w.n;
        largest = fmax(largest, w.edges[i].weight);
    }
    assert_true(fabs(mean / 0.001 - 1) < 0.01);
    assert_true(fabs(largest / 0.002 - 1) < 0.01);
    demolish(&w);

    snprintf(json, sizeof json, format, 1e-5);
    meso_experiment *e = capture_load(json);
    simulation *sim = NULL;
    assert_int_equal(simulation_create(e, capture_device(), NULL, &sim, &err), MESO_RANGE);
    assert_non_null(strstr(err.message, "projections.weak.weight"));
    meso_experiment_destroy(&e);
}

static void test_constant_weight_is_exact(void **state)
{
    (void)state;
    network w = build(
        50, 50, 0,
        "\"rule\":\"fixed_indegree\",\"indegree\":30,\"weight_nS\":1.145,\"delay_ms\":1.3", NULL);
    for (uint64_t i = 0; i < w.n; i++) {
        assert_true(fabs(w.edges[i].weight / 1.145 - 1) < 1e-6);
        assert_int_equal(w.edges[i].delay_steps, 13);
    }
    demolish(&w);
}

static void test_same_network_for_any_partition_count(void **state)
{
    (void)state;
    const char *rule = "\"rule\":\"fixed_probability\",\"probability\":0.05,"
                       "\"weight_nS\":{\"distribution\":\"uniform\",\"min\":0.5,\"max\":2},"
                       "\"delay_ms\":{\"distribution\":\"uniform\",\"min\":1,\"max\":9}";
    network one = build(333, 777, 0, rule, &(meso_run_options){.partitions = 1});
    const uint32_t partitions[] = {2, 7, 20};
    for (int i = 0; i < 3; i++) {
        network other = build(333, 777, 0, rule, &(meso_run_options){.partitions = partitions[i]});
        assert_int_equal(one.n, other.n);
        for (uint64_t k = 0; k < one.n; k++) {
            assert_int_equal(one.edges[k].source, other.edges[k].source);
            assert_int_equal(one.edges[k].target, other.edges[k].target);
            assert_int_equal(one.edges[k].delay_steps, other.edges[k].delay_steps);
            assert_true(one.edges[k].weight == other.edges[k].weight);
        }
        demolish(&other);
    }
    demolish(&one);
}

static void test_nothing_to_connect(void **state)
{
    (void)state;
    network w = build(
        5, 1, 0, "\"rule\":\"fixed_probability\",\"probability\":0,\"weight_nS\":1,\"delay_ms\":1",
        NULL);
    assert_int_equal(w.n, 0);
    demolish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_indegree),
        cmocka_unit_test(test_no_multapses_and_no_autapses),
        cmocka_unit_test(test_no_multapses_is_fair),
        cmocka_unit_test(test_fixed_probability),
        cmocka_unit_test(test_fixed_total),
        cmocka_unit_test(test_one_to_one_and_all_to_all),
        cmocka_unit_test(test_gaussian_distance),
        cmocka_unit_test(test_delays_have_their_distribution),
        cmocka_unit_test(test_weights_have_their_distribution),
        cmocka_unit_test(test_wide_weights_are_continuous),
        cmocka_unit_test(test_weak_weights_beside_strong_ones),
        cmocka_unit_test(test_constant_weight_is_exact),
        cmocka_unit_test(test_same_network_for_any_partition_count),
        cmocka_unit_test(test_nothing_to_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
