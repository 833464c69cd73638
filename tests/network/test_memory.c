/*
 * What the plan predicts is what a run takes; what cannot fit is refused before anything is allocated.
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

#define LARGE(learning)                                                                            \
    "{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"izhikevich\",\"conductances\":{"       \
    "\"ampa\":{\"kind\":\"exponential\",\"tau_decay_ms\":5,\"E_mV\":0}}}},"                        \
    "\"populations\":{\"a\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":20000},"             \
    "\"b\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":5000}},"                              \
    "\"projections\":{\"ab\":{\"source\":\"a\",\"target\":\"b\",\"rule\":\"fixed_indegree\","      \
    "\"indegree\":300,\"receptors\":{\"ampa\":1},\"weight_nS\":0.001,\"delay_ms\":{"               \
    "\"distribution\":\"uniform\",\"min\":1,\"max\":5}" learning "},"                              \
    "\"ba\":{\"source\":\"b\",\"target\":\"a\",\"rule\":\"fixed_probability\","                    \
    "\"probability\":0.02,\"receptors\":{\"ampa\":1},\"weight_nS\":0.001,\"delay_ms\":2,"          \
    "\"short_term_plasticity\":{\"U\":0.5,\"tau_recovery_ms\":800}}},"                             \
    "\"protocol\":[{\"phase\":\"all\",\"ms\":5}]}"

/* Peaks are those of the device: a later case has to take more than those before. */
static void assert_planned(const char *json)
{
    meso_experiment *e = capture_load(json);
    meso_plan_row *rows = NULL;
    uint32_t n = 0;
    meso_error err = {0};
    const meso_device_info *device = meso_device_describe(capture_device());
    assert_int_equal(meso_experiment_plan(e, device, NULL, &rows, &n, &err), MESO_OK);
    const double planned = (double)rows[n - 1].bytes;
    assert_string_equal(rows[n - 1].name, "total");
    free(rows);
    meso_experiment_destroy(&e);
    capture c = capture_run(json, NULL);
    if (fabs(planned / (double)c.peak_device_bytes - 1) > 0.05)
        fail_msg("planned %.0f bytes, took %.0f", planned, (double)c.peak_device_bytes);
    capture_free(&c);
}

static void test_plan_is_within_five_percent(void **state)
{
    (void)state;
    assert_planned(LARGE(""));
}

static void test_plan_of_synapses_with_contents(void **state)
{
    (void)state;
    assert_planned(LARGE(",\"short_term_plasticity\":{\"U\":0.5,\"tau_recovery_ms\":800},"
                         "\"long_term_plasticity\":{\"rule\":\"contact\",\"weight_max_nS\":0.01,\"update_ms\":1000,"
                         "\"contents\":{\"nmda\":{\"receptors\":{\"ampa\":0.5},\"initial_share\":1},"
                         "\"cp\":{\"receptors\":{\"ampa\":2},\"initial_nS\":{\"distribution\":"
                         "\"uniform\",\"min\":0,\"max\":0.01}}}}"));
}

static void test_plan_of_synapses_that_learn(void **state)
{
    (void)state;
    assert_planned(LARGE(",\"long_term_plasticity\":{\"rule\":\"stdp\",\"weight_max_nS\":0.01,"
                         "\"update_ms\":500}"));
}

static void test_plan_of_contacts_that_come_and_go(void **state)
{
    (void)state;
    assert_planned(LARGE(",\"long_term_plasticity\":{\"rule\":\"stdp\",\"weight_max_nS\":0.01,"
                         "\"update_ms\":500},\"structure\":{\"update_s\":60,\"prune\":{"
                         "\"rate_per_h\":1,\"older_than_s\":60},\"form\":{\"per_target_per_h\":300,"
                         "\"weight_nS\":0.001}}"));
}

static void refuse(const char *json, meso_status status, const char *part)
{
    meso_experiment *e = capture_load(json);
    meso_plan_row *rows = NULL;
    uint32_t n = 0;
    meso_error err = {0};
    const meso_device_info *device = meso_device_describe(capture_device());
    assert_int_equal(meso_experiment_plan(e, device, NULL, &rows, &n, &err), status);
    if (strstr(err.message, part) == NULL)
        fail_msg("'%s' is not in: %s", part, err.message);
    meso_error run_err = {0};
    assert_int_equal(meso_experiment_run(e, capture_device(), NULL, NULL, 0, &run_err), status);
    assert_string_equal(run_err.message, err.message);
    uint64_t now, peak;
    meso_device_memory(capture_device(), &now, &peak);
    assert_int_equal(now, 0);
    meso_experiment_destroy(&e);
}

static void test_too_large_a_population_is_refused(void **state)
{
    (void)state;
    refuse("{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"izhikevich\"}},"
           "\"populations\":{\"small\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":10},"
           "\"huge\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":2000000000}},"
           "\"protocol\":[{\"phase\":\"all\",\"ms\":10}]}",
           MESO_RANGE, ":1: populations.huge.n_neurons: with its 2000000000 cells the network is too large for");
}

static void test_too_many_synapses_are_refused(void **state)
{
    (void)state;
    refuse("{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"izhikevich\",\"conductances\":{"
           "\"ampa\":{\"kind\":\"exponential\",\"tau_decay_ms\":5,\"E_mV\":0}}}},"
           "\"populations\":{\"a\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":1000000}},"
           "\"projections\":{\"p\":{\"source\":\"a\",\"target\":\"a\",\"rule\":\"fixed_indegree\","
           "\"indegree\":100000,\"receptors\":{\"ampa\":1},\"weight_nS\":1,\"delay_ms\":1}},"
           "\"protocol\":[{\"phase\":\"all\",\"ms\":10}]}",
           MESO_RANGE, ":1: populations.a.n_neurons: with its 1000000 cells the network is too large");
}

static void test_one_cell_alone_runs(void **state)
{
    (void)state;
    capture c = capture_run(
        "{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"izhikevich\","
        "\"parameters\":{\"I0_pA\":200}}},\"populations\":{\"one\":{\"cell\":\"cell\","
        "\"region\":\"r\",\"n_neurons\":1}},"
        "\"protocol\":[{\"phase\":\"all\",\"ms\":503}]}",
        NULL);
    assert_true(c.n_spikes > 10);
    assert_int_equal(c.synapses, 0);
    capture_free(&c);
}

static void test_rates_of_zero_and_of_ten_kilohertz(void **state)
{
    (void)state;
    const char *format =
        "{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"izhikevich\",\"conductances\":{"
        "\"ampa\":"
        "{\"kind\":\"exponential\",\"tau_decay_ms\":5,\"E_mV\":0}}}},"
        "\"populations\":{\"a\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":500}},"
        "\"stimuli\":{\"s\":{\"kind\":\"poisson\",\"target\":\"a\",\"rate_hz\":%g,"
        "\"receptors\":{\"ampa\":1},\"weight_nS\":0.001}},"
        "\"protocol\":[{\"phase\":\"all\",\"ms\":200}],\"record\":{\"reports\":{\"g\":{"
        "\"population\":\"a\","
        "\"variable\":\"g_ampa_nS\",\"neurons\":500,\"interval_ms\":1,\"start_ms\":50}}}}";
    const double rates_hz[] = {0, 1, 1000, 10000, 40000};
    for (int i = 0; i < 5; i++) {
        char json[1024];
        snprintf(json, sizeof json, format, rates_hz[i]);
        capture c = capture_run(json, NULL);
        double mean = 0;
        const uint32_t n = c.n_frames[0] * 500;
        for (uint32_t k = 0; k < n; k++)
            mean += c.frames[0][k] / n;
        /* g jumps by w and is sampled after a step's decay: mean w rate tau to first order in dt */
        const double decay = exp(-0.1 / 5), per_step = rates_hz[i] * 1e-4;
        const double expected = 0.001 * per_step * decay / (1 - decay);
        const double samples = 500 * 150 / 10.0; /* correlated over 2 tau */
        const double sd = 0.001 * sqrt(per_step / (1 - decay * decay) / samples);
        if (fabs(mean - expected) > 4.5 * sd + 1e-12)
            fail_msg("%g Hz: %.6g nS, expected %.6g +- %.2g", rates_hz[i], mean, expected, sd);
        capture_free(&c);
    }
}

/* Each event opens w e^0 at one step in every neuron that takes part: the mean of g counts them. */
static void test_volleys_come_at_their_rate(void **state)
{
    (void)state;
    const double cases[][2] = {{10, 0.02}, {10, 0.3}, {300, 0.5}}; /* rate, participation */
    for (int i = 0; i < 3; i++) {
        char json[1024];
        snprintf(json, sizeof json,
                 "{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"izhikevich\",\"conductances\":{"
                 "\"nmda\":{\"kind\":\"exponential\",\"tau_decay_ms\":5,\"E_mV\":0}}}},"
                 "\"populations\":{\"a\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":1000}},"
                 "\"stimuli\":{\"s\":{\"kind\":\"volleys\",\"target\":\"a\",\"rate_hz\":%g,"
                 "\"participation\":%g,\"receptors\":{\"nmda\":1},\"weight_nS\":0.001}},"
                 "\"protocol\":[{\"phase\":\"all\",\"seconds\":20}],\"record\":{\"reports\":{\"g\":{"
                 "\"population\":\"a\",\"variable\":\"g_nmda_nS\",\"neurons\":100,\"interval_ms\":1,"
                 "\"start_ms\":50}}}}",
                 cases[i][0], cases[i][1]);
        capture c = capture_run(json, NULL);
        double mean = 0;
        const uint32_t n = c.n_frames[0] * 100;
        for (uint32_t k = 0; k < n; k++)
            mean += c.frames[0][k] / n;
        const double decay = exp(-0.1 / 5), per_step = cases[i][0] * 1e-4;
        const double expected = 0.001 * per_step * decay / (1 - decay);
        const double common_events = 20 * cases[i][0] / cases[i][1]; /* all cells share them */
        if (fabs(mean / expected - 1) > 4.5 / sqrt(common_events))
            fail_msg("%g Hz, %g: %.3f of what it should be", cases[i][0], cases[i][1], mean / expected);
        capture_free(&c);
    }
}

static void test_a_runaway_network_is_an_error_not_a_wrong_result(void **state)
{
    (void)state;
    meso_experiment *e = capture_load(
        "{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"izhikevich\",\"parameters\":{"
        "\"I0_pA\":9000,\"d_pA\":0}}},"
        "\"populations\":{\"wild\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":5000}},"
        "\"protocol\":[{\"phase\":\"all\",\"ms\":1000}]}");
    meso_error err = {0};
    assert_int_equal(meso_experiment_run(e, capture_device(), NULL, NULL, 0, &err), MESO_NUMERICS);
    assert_non_null(strstr(err.message, "wild"));
    meso_experiment_destroy(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_is_within_five_percent),
        cmocka_unit_test(test_plan_of_synapses_with_contents),
        cmocka_unit_test(test_plan_of_synapses_that_learn),
        cmocka_unit_test(test_plan_of_contacts_that_come_and_go),
        cmocka_unit_test(test_too_large_a_population_is_refused),
        cmocka_unit_test(test_too_many_synapses_are_refused),
        cmocka_unit_test(test_one_cell_alone_runs),
        cmocka_unit_test(test_rates_of_zero_and_of_ten_kilohertz),
        cmocka_unit_test(test_volleys_come_at_their_rate),
        cmocka_unit_test(test_a_runaway_network_is_an_error_not_a_wrong_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
