/*
 * At the limits of what an experiment may say: each right, or a clear error before anything is allocated. For
 * conductances and for currents of either sign, and for every way to keep synapses.
 */
#include "capture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const storages[] = {"compact", "wide", "procedural"};

/* What a spike can add to. */
typedef struct target {
    const char *cell, *port, *weight_key, *unit, *variable;
    double tau_ms, largest, smallest; /* weights that may be asked for */
} target;

static const target targets[] = {
    {"{\"model\":\"izhikevich\",\"conductances\":{\"ampa\":{\"kind\":\"exponential\",\"tau_decay_"
     "ms\":5,"
     "\"E_mV\":0}}}",
     "ampa", "weight_nS", "nS", "g_ampa_nS", 5, 10000, 0},
    {"{\"model\":\"lif_exp\",\"parameters\":{\"tau_syn_ms\":2}}", "I_syn_pA", "weight_pA", "pA",
     "I_syn_pA", 2, 1e6, -1e6},
};
#define N_TARGETS (sizeof targets / sizeof *targets)

/* Sources that all fire in the step at 5 ms, n of them; one projection with `rule` from them to `n_to` cells. */
static const char *network(const target *t, uint32_t n, uint32_t n_to, const char *storage,
                           double weight, double delay_ms, const char *rule, double ms)
{
    static char json[4096];
    snprintf(json, sizeof json,
             "{\"schema_version\":1,\"seed\":5,\"cells\":{\"source\":{\"model\":\"lif_exp\"},"
             "\"target\":%s},\"populations\":{\"a\":{\"cell\":\"source\",\"n_neurons\":%u},"
             "\"b\":{\"cell\":\"target\",\"n_neurons\":%u}},"
             "\"stimuli\":{\"kick\":{\"kind\":\"pulses\",\"target\":\"a\",\"amplitude_pA\":100000,"
             "\"start_ms\":5,\"width_ms\":0.1}},"
             "\"projections\":{\"p\":{\"source\":\"a\",\"target\":\"b\",\"storage\":\"%s\","
             "\"receptors\":{\"%s\":1},\"%s\":%.17g,\"delay_ms\":%.17g,%s}},"
             "\"protocol\":[{\"phase\":\"all\",\"ms\":%.17g}],\"record\":{\"reports\":{\"input\":{"
             "\"population\":\"b\",\"variable\":\"%s\",\"neurons\":%u,\"interval_ms\":0.1}}}}",
             t->cell, n, n_to, storage, t->port, t->weight_key, weight, delay_ms, rule, ms,
             t->variable, n_to);
    return json;
}

/* Frame in which a cell of b first shows input, and how much it is. */
static uint32_t first_input(const capture *c, uint32_t cell, double *value)
{
    for (uint32_t f = 0; f < c->n_frames[0]; f++) {
        *value = c->frames[0][(size_t)f * c->n_elements[0] + cell];
        if (*value != 0)
            return f;
    }
    *value = 0;
    return UINT32_MAX;
}

/* --- refusals ----------------------------------------------------------------------------------------- */

/* The message behind the file's name. The network is refused as it is loaded, or when it is laid out: in either case
 * nothing is allocated. */
static void refuse(const char *json, const char *message)
{
    meso_experiment *e = NULL;
    meso_error err = {0};
    uint64_t now, peak_before, peak;
    meso_device_memory(capture_device(), &now, &peak_before);
    meso_status status = meso_experiment_load_text("x", json, NULL, 0, &e, &err);
    if (status == MESO_OK)
        status = meso_experiment_run(e, capture_device(), NULL, NULL, 0, &err);
    assert_int_equal(status, MESO_RANGE);
    assert_string_equal(err.message, message);
    meso_device_memory(capture_device(), &now, &peak);
    assert_int_equal(now, 0);
    assert_int_equal(peak, peak_before);
    meso_experiment_destroy(&e);
}

#define ALL "\"rule\":\"all_to_all\""

static void test_weights_outside_their_range_are_refused(void **state)
{
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        refuse(network(&targets[0], 1, 1, storages[s], 10001, 1, ALL, 10),
               "x:1: projections.p.weight_nS: 10001 nS is outside [0, 10000] nS");
        refuse(network(&targets[0], 1, 1, storages[s], -0.5, 1, ALL, 10),
               "x:1: projections.p.weight_nS: -0.5 nS is outside [0, 10000] nS");
        refuse(network(&targets[1], 1, 1, storages[s], -1000001, 1, ALL, 10),
               "x:1: projections.p.weight_pA: -1000001 pA is outside [-1000000, 1000000] pA");
        refuse(network(&targets[1], 1, 1, storages[s], 1e300, 1, ALL, 10),
               "x:1: projections.p.weight_pA: 1e+300 pA is outside [-1000000, 1000000] pA");
    }
}

static void test_delays_of_zero_and_above_the_limit_are_refused(void **state)
{
    (void)state;
    char fine[8192];
    for (size_t s = 0; s < 3; s++)
        for (size_t t = 0; t < N_TARGETS; t++) {
            refuse(network(&targets[t], 1, 1, storages[s], 1, 0, ALL, 10),
                   "x:1: projections.p.delay_ms: 0 ms is outside (0, 1000] ms");
            refuse(network(&targets[t], 1, 1, storages[s], 1, 0.09, ALL, 10),
                   "x:1: projections.p.delay_ms: 0.09 ms is shorter than a step: delays must be at "
                   "least dt_ms, 0.1 ms");
            refuse(network(&targets[t], 1, 1, storages[s], 1, 1000.1, ALL, 10),
                   "x:1: projections.p.delay_ms: 1000.1 ms is outside (0, 1000] ms");
            snprintf(fine, sizeof fine, "{\"dt_ms\":0.01,%s",
                     network(&targets[t], 1, 1, storages[s], 1, 656, ALL, 10) + 1);
            refuse(fine,
                   "x:1: projections.p.delay_ms: 656 ms are 65600 steps of 0.01 ms; at most 65535 can "
                   "be told apart");
        }
}

/* One input channel has one unit, coarse enough for all its sources at once: nothing is lost silently. */
static void test_weights_that_would_be_lost_beside_others_are_refused(void **state)
{
    (void)state;
    char rules[512];
    snprintf(rules, sizeof rules,
             ALL "},\"small\":{\"source\":\"a\",\"target\":\"b\",\"rule\":\"one_to_one\","
                 "\"receptors\":{\"I_syn_pA\":1},\"weight_pA\":-0.01,\"delay_ms\":1");
    refuse(
        network(&targets[1], 10, 10, "compact", 1e6, 1, rules, 10),
        "x:1: projections.small.weight_pA: weights up to 0.01 pA are too small beside the 1e+07 pA that "
        "all "
        "projections into these receptors could bring at once: at least 0.781 pA; another ratio in "
        "`receptors` gives the projection an input of its own");
}

/* --- what is right ---------------------------------------------------------------------------------------- */

static void test_the_largest_weights_of_all_sources_at_once_do_not_overflow(void **state)
{
    (void)state;
    const uint32_t n = 1000;
    for (size_t t = 0; t < N_TARGETS; t++)
        for (size_t s = 0; s < 6; s++) {
            const double weight = s < 3 ? targets[t].largest : targets[t].smallest;
            double value;
            if (weight == 0)
                continue;
            capture c = capture_run(network(&targets[t], n, 3, storages[s % 3], weight, 1, ALL, 8),
                                    NULL);
            assert_int_equal(c.synapses, 3 * n);
            first_input(&c, 2, &value);
            const double expected = n * weight * exp(-0.1 / targets[t].tau_ms);
            if (fabs(value / expected - 1) > 1e-5)
                fail_msg("%s, %s: %g, expected %g", targets[t].port, storages[s % 3], value,
                         expected);
            capture_free(&c);
        }
}

/* A spike of step s arrives d steps after that step has ended, in step s + 1 + d; the frame at the start of the next
 * step is the first that shows it. */
#define FIRST_SEEN 2

static void test_the_shortest_and_the_longest_delay_are_exact(void **state)
{
    (void)state;
    const double delays_ms[] = {0.1, 1000};
    for (size_t t = 0; t < N_TARGETS; t++)
        for (size_t s = 0; s < 3; s++)
            for (size_t d = 0; d < 2; d++) {
                double value;
                capture c = capture_run(network(&targets[t], 1, 1, storages[s], 1, delays_ms[d],
                                                ALL, ceil(delays_ms[d]) + 10),
                                        NULL);
                assert_int_equal(c.spikes[0].step, 50);
                assert_int_equal(first_input(&c, 0, &value),
                                 50 + lround(delays_ms[d] / 0.1) + FIRST_SEEN);
                capture_free(&c);
            }
}

static void test_an_empty_projection_changes_nothing(void **state)
{
    (void)state;
    const char *const rules[] = {"\"rule\":\"fixed_probability\",\"probability\":0",
                                 "\"rule\":\"fixed_total\",\"total\":0",
                                 "\"rule\":\"fixed_indegree\",\"indegree\":0"};
    for (size_t t = 0; t < N_TARGETS; t++)
        for (size_t s = 0; s < 3; s++)
            for (size_t r = 0; r < (strcmp(storages[s], "procedural") == 0 ? 2 : 3); r++) {
                double value;
                capture c = capture_run(
                    network(&targets[t], 20, 30, storages[s], 1, 1, rules[r], 20), NULL);
                assert_int_equal(c.synapses, 0);
                assert_int_equal(c.synaptic_events, 0);
                assert_int_equal(c.n_spikes, 20); /* the kick alone */
                for (uint32_t i = 0; i < 30; i++)
                    assert_int_equal(first_input(&c, i, &value), UINT32_MAX);
                capture_free(&c);
            }
}

static void test_populations_of_one(void **state)
{
    (void)state;
    for (size_t t = 0; t < N_TARGETS; t++)
        for (size_t s = 0; s < 3; s++) {
            double value;
            capture c = capture_run(network(&targets[t], 1, 1, storages[s], 0.5, 1, ALL, 20), NULL);
            assert_int_equal(c.synapses, 1);
            assert_int_equal(c.synaptic_events, 1);
            assert_int_equal(first_input(&c, 0, &value), 50 + 10 + FIRST_SEEN);
            assert_float_equal(value, 0.5 * exp(-0.1 / targets[t].tau_ms), 1e-6);
            capture_free(&c);
        }
}

/* It excites itself where autapses are allowed, else it is alone. */
static void test_one_neuron_connected_to_itself(void **state)
{
    (void)state;
    for (size_t s = 0; s < 3; s++)
        for (int autapses = 0; autapses < 2; autapses++) {
            char json[1024];
            snprintf(
                json, sizeof json,
                "{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"lif_exp\",\"parameters\":{"
                "\"I_e_pA\":500}}},\"populations\":{\"one\":{\"cell\":\"cell\",\"n_neurons\":1}},"
                "\"projections\":{\"p\":{\"source\":\"one\",\"target\":\"one\",\"storage\":\"%s\","
                "\"rule\":\"all_to_all\",\"autapses\":%s,\"receptors\":{\"I_syn_pA\":1},"
                "\"weight_pA\":-300,\"delay_ms\":3}},\"protocol\":[{\"phase\":\"all\",\"ms\":500}]"
                "}",
                storages[s], autapses ? "true" : "false");
            capture c = capture_run(json, NULL);
            /* I R = 20 mV, threshold 15 mV above rest: T = t_ref + tau ln(20 / 5) = 15.86 ms */
            assert_int_equal(c.synapses, autapses);
            assert_int_equal(c.n_spikes * autapses, c.synaptic_events);
            if (autapses)
                assert_in_range(c.n_spikes, 20, 30);
            else
                assert_int_equal(c.n_spikes, 31);
            capture_free(&c);
        }
}

static void test_a_neuron_without_input_stays_at_rest(void **state)
{
    (void)state;
    const char *const models[][2] = {
        {"izhikevich", "v_mV"}, {"lif_exp", "v_mV"}, {"lif_cond", "v_mV"}};
    for (size_t m = 0; m < 3; m++) {
        char json[1024];
        snprintf(json, sizeof json,
                 "{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"%s\"}},"
                 "\"populations\":{\"a\":{\"cell\":\"cell\",\"n_neurons\":17}},"
                 "\"protocol\":[{\"phase\":\"all\",\"ms\":300}],\"record\":{\"reports\":{\"v\":{"
                 "\"population\":\"a\",\"variable\":\"%s\",\"neurons\":17,\"interval_ms\":1}}}}",
                 models[m][0], models[m][1]);
        capture c = capture_run(json, NULL);
        assert_int_equal(c.n_spikes, 0);
        assert_int_equal(c.n_frames[0], 300);
        for (uint32_t i = 0; i < 17 * 300; i++)
            if (c.frames[0][i] != c.frames[0][0])
                fail_msg("%s: %g, then %g", models[m][0], c.frames[0][0], c.frames[0][i]);
        capture_free(&c);
    }
}

/* I jumps by w and is sampled after a step's decay: its mean is w rate dt decay / (1 - decay). */
static void test_currents_at_rates_of_zero_and_of_ten_kilohertz(void **state)
{
    (void)state;
    const double rates_hz[] = {0, 10000, 40000}, weight = -2;
    for (int i = 0; i < 3; i++) {
        char json[1024];
        snprintf(
            json, sizeof json,
            "{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"lif_exp\",\"parameters\":{"
            "\"tau_syn_ms\":2}}},\"populations\":{\"a\":{\"cell\":\"cell\",\"n_neurons\":500}},"
            "\"stimuli\":{\"s\":{\"kind\":\"poisson\",\"target\":\"a\",\"rate_hz\":%g,"
            "\"receptors\":{\"I_syn_pA\":1},\"weight_pA\":%g}},"
            "\"protocol\":[{\"phase\":\"all\",\"ms\":200}],\"record\":{\"reports\":{\"I\":{"
            "\"population\":\"a\",\"variable\":\"I_syn_pA\",\"neurons\":500,\"interval_ms\":1,"
            "\"start_ms\":50}}}}",
            rates_hz[i], weight);
        capture c = capture_run(json, NULL);
        double mean = 0;
        const uint32_t n = c.n_frames[0] * 500;
        for (uint32_t k = 0; k < n; k++)
            mean += c.frames[0][k] / n;
        const double decay = exp(-0.1 / 2), per_step = rates_hz[i] * 1e-4;
        const double expected = weight * per_step * decay / (1 - decay);
        const double samples = 500 * 150 / 4.0; /* correlated over 2 tau */
        const double sd = fabs(weight) * sqrt(per_step / (1 - decay * decay) / samples);
        if (fabs(mean - expected) > 4.5 * sd + 1e-12)
            fail_msg("%g Hz: %.6g pA, expected %.6g +- %.2g", rates_hz[i], mean, expected, sd);
        capture_free(&c);
    }
}

/* --- weights with a long tail -------------------------------------------------------------------------- */

/* The largest level of a skewed weight lies above the quantile in its middle; the ring is scaled for it whatever
 * power of two it is near. */
static void test_no_weight_of_a_long_tail_changes_its_sign(void **state)
{
    (void)state;
    char weight[256], json[8192];
    for (int i = 0; i < 12; i++) {
        const double mean = exp2(i / 12.0);
        snprintf(weight, sizeof weight,
                 "{\"distribution\":\"lognormal\",\"mean\":%.17g,\"sd\":%.17g}", mean, 2 * mean);
        snprintf(json, sizeof json, "%s",
                 network(&targets[1], 8192, 8192, "wide", 0, 1, "\"rule\":\"one_to_one\"", 7));
        char *place = strstr(json, "\"weight_pA\":0,");
        assert_non_null(place);
        char rest[8192];
        snprintf(rest, sizeof rest, "%s", place + strlen("\"weight_pA\":0"));
        snprintf(place, sizeof json - (size_t)(place - json), "\"weight_pA\":%s%s", weight, rest);
        capture c = capture_run(json, NULL);
        double lowest = 0, highest = 0;
        for (uint32_t k = 0; k < c.n_frames[0] * c.n_elements[0]; k++) {
            lowest = fmin(lowest, c.frames[0][k]);
            highest = fmax(highest, c.frames[0][k]);
        }
        assert_true(lowest >= 0);
        assert_true(highest > 10 * mean);
        capture_free(&c);
    }
}

/* --- so many at once ----------------------------------------------------------------------------------- */

/* A bound that is a whisker below what the ring holds: each weight is counted as it is. */
static void test_two_hundred_thousand_sources_that_just_fit(void **state)
{
    (void)state;
    const uint32_t n = 200000;
    const double weight = 0.999 * exp2(18) / 1.02 / n;
    capture c = capture_run(network(&targets[1], n, 1, "compact", weight, 1, ALL, 8), NULL);
    double value;
    assert_int_not_equal(first_input(&c, 0, &value), UINT32_MAX);
    const double expected = n * weight * exp(-0.1 / targets[1].tau_ms);
    if (fabs(value / expected - 1) > 1e-4)
        fail_msg("%g instead of %g", value, expected);
    capture_free(&c);
}

/* --- spikes --------------------------------------------------------------------------------------------- */

/* Three of 32 cells fire at every step, in one partition of several. */
static void test_cells_that_fire_at_every_step(void **state)
{
    (void)state;
    const char json[] =
        "{\"schema_version\":1,\"seed\":1,\"cells\":{\"c\":{\"model\":\"lif_exp\",\"parameters\":{"
        "\"t_ref_ms\":0}}},\"populations\":{\"a\":{\"cell\":\"c\",\"n_neurons\":32}},"
        "\"stimuli\":{\"i\":{\"kind\":\"current\",\"target\":\"a\",\"model\":\"direct\","
        "\"parameters\":{\"amplitude_pA\":[100000,100000,100000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
        "0,0,0,0,0,0,0,0]}}},\"protocol\":[{\"phase\":\"x\",\"ms\":50}],"
        "\"record\":{\"largest_rate_hz\":10000}}";
    uint64_t hash = 0;
    for (uint32_t partitions = 1; partitions <= 4; partitions++) {
        capture c = capture_run(json, &(meso_run_options){.partitions = partitions});
        assert_int_equal(c.n_spikes, 3 * 500);
        assert_true(partitions == 1 || c.spike_hash == hash);
        hash = c.spike_hash;
        capture_free(&c);
    }
}

/* The largest rate that the model allows, in lists of any length. */
static void test_poisson_sources_at_a_kilohertz(void **state)
{
    (void)state;
    const uint32_t sizes[] = {1, 16, 17, 1000, 5000};
    char json[1024];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        snprintf(json, sizeof json,
                 "{\"schema_version\":1,\"seed\":1,\"cells\":{\"s\":{\"model\":\"poisson_source\","
                 "\"parameters\":{\"rate_hz\":1000}}},\"populations\":{\"p\":{\"cell\":\"s\","
                 "\"n_neurons\":%u}},\"protocol\":[{\"phase\":\"x\",\"ms\":200}],"
                 "\"record\":{\"largest_rate_hz\":10000}}",
                 sizes[i]);
        capture c = capture_run(json, NULL);
        const double mean = sizes[i] * 2000 * 0.1, sd = sqrt(mean * 0.9); /* Bernoulli, p = 0.1 a step */
        if (fabs(c.n_spikes - mean) > 5 * sd)
            fail_msg("%u sources: %llu spikes, expected %g", sizes[i],
                     (unsigned long long)c.n_spikes, mean);
        capture_free(&c);
    }
}

/* --- delays and storage ---------------------------------------------------------------------------------- */

/* Edges made anew reach all delays at once; those that are kept beside them do not have to. */
static void test_a_very_long_delay_beside_edges_made_anew(void **state)
{
    (void)state;
    const char json[] =
        "{\"schema_version\":1,\"seed\":1,\"dt_ms\":0.02,\"cells\":{\"c\":{\"model\":\"lif_exp\"}},"
        "\"populations\":{\"a\":{\"cell\":\"c\",\"n_neurons\":10},\"b\":{\"cell\":\"c\",\"n_neurons\":10}},"
        "\"stimuli\":{\"k\":{\"kind\":\"pulses\",\"target\":\"b\",\"amplitude_pA\":100000,\"start_ms\":1,"
        "\"width_ms\":0.1}},\"projections\":{\"p\":{\"source\":\"a\",\"target\":\"b\",\"storage\":\"%s\","
        "\"rule\":\"all_to_all\",\"receptors\":{\"I_syn_pA\":1},\"weight_pA\":1,\"delay_ms\":1},"
        "\"q\":{\"source\":\"b\",\"target\":\"a\",\"rule\":\"all_to_all\",\"receptors\":{"
        "\"I_syn_pA\":1},\"weight_pA\":5000,\"delay_ms\":800}},\"protocol\":[{\"phase\":\"x\",\"ms\":830}]}";
    uint64_t hash = 0, n = 0;
    for (size_t s = 0; s < 3; s++) {
        char text[2048];
        snprintf(text, sizeof text, json, storages[s]);
        capture c = capture_run(text, NULL);
        assert_true(c.n_spikes >= 20); /* b at once, a after 800 ms */
        assert_true(c.spikes[c.n_spikes - 1].step >= 801 / 0.02);
        assert_true(s == 0 || (c.spike_hash == hash && c.n_spikes == n));
        hash = c.spike_hash;
        n = c.n_spikes;
        capture_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_outside_their_range_are_refused),
        cmocka_unit_test(test_delays_of_zero_and_above_the_limit_are_refused),
        cmocka_unit_test(test_weights_that_would_be_lost_beside_others_are_refused),
        cmocka_unit_test(test_the_largest_weights_of_all_sources_at_once_do_not_overflow),
        cmocka_unit_test(test_the_shortest_and_the_longest_delay_are_exact),
        cmocka_unit_test(test_an_empty_projection_changes_nothing),
        cmocka_unit_test(test_populations_of_one),
        cmocka_unit_test(test_one_neuron_connected_to_itself),
        cmocka_unit_test(test_a_neuron_without_input_stays_at_rest),
        cmocka_unit_test(test_currents_at_rates_of_zero_and_of_ten_kilohertz),
        cmocka_unit_test(test_no_weight_of_a_long_tail_changes_its_sign),
        cmocka_unit_test(test_two_hundred_thousand_sources_that_just_fit),
        cmocka_unit_test(test_cells_that_fire_at_every_step),
        cmocka_unit_test(test_poisson_sources_at_a_kilohertz),
        cmocka_unit_test(test_a_very_long_delay_beside_edges_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
