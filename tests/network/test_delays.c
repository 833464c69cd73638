/*
 * A spike of step s that crosses a delay of d steps opens the conductance in step s + 1 + d: d steps after the
 * end of the step in which it was fired. Exact to the step, for every delay group and batch length.
 */
#include "capture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define WEIGHT_NS 0.75
#define TAU_MS 5.0

static const double delays_ms[] = {0.1, 0.2, 0.9, 1.0, 1.1, 3.7, 12.3, 25.0};
#define N_DELAYS (sizeof delays_ms / sizeof *delays_ms)

static void network_write(char *json, size_t size)
{
    size_t n = (size_t)snprintf(
        json, size,
        "{\"schema_version\":1,\"seed\":3,\"cells\":{\"cell\":{\"model\":\"izhikevich\","
        "\"conductances\":{\"ampa\":{\"kind\":\"exponential\",\"tau_decay_ms\":%g,\"E_mV\":0}}}},"
        "\"populations\":{\"source\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":3}",
        TAU_MS);
    for (size_t i = 0; i < N_DELAYS; i++)
        n += (size_t)snprintf(json + n, size - n,
                              ",\"t%zu\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":3}", i);
    n += (size_t)snprintf(
        json + n, size - n,
        "},\"stimuli\":{\"kick\":{\"kind\":\"pulses\",\"target\":\"source\","
        "\"amplitude_pA\":4000,\"start_ms\":5.3,\"width_ms\":5,\"period_ms\":200}},"
        "\"projections\":{");
    for (size_t i = 0; i < N_DELAYS; i++)
        n += (size_t)snprintf(json + n, size - n,
                              "%s\"p%zu\":{\"source\":\"source\",\"target\":\"t%zu\","
                              "\"rule\":\"one_to_one\",\"receptors\":{\"ampa\":1},"
                              "\"weight_nS\":%g,\"delay_ms\":%g}",
                              i ? "," : "", i, i, WEIGHT_NS, delays_ms[i]);
    n += (size_t)snprintf(
        json + n, size - n,
        "},\"protocol\":[{\"phase\":\"all\",\"ms\":50}],\"record\":{\"reports\":{");
    for (size_t i = 0; i < N_DELAYS; i++)
        n += (size_t)snprintf(json + n, size - n,
                              "%s\"g%zu\":{\"population\":\"t%zu\",\"variable\":\"g_ampa_nS\","
                              "\"neurons\":3,\"interval_ms\":0.1}",
                              i ? "," : "", i, i);
    snprintf(json + n, size - n, "}}}");
    assert_true(strlen(json) + 1 < size);
}

/* Expected conductance of `neuron` at the start of a step, from the spikes that its source fired. */
static double conductance(const capture *c, uint32_t neuron, uint32_t delay_steps, uint32_t frame)
{
    double g = 0;
    for (uint64_t i = 0; i < c->n_spikes; i++) {
        const meso_spike *s = &c->spikes[i];
        const uint64_t opens = s->step + 1 + delay_steps;
        if (s->population == 0 && s->neuron == neuron && frame > opens)
            g += WEIGHT_NS * exp(-0.1 * (double)(frame - opens) / TAU_MS);
    }
    return g;
}

static void test_conductance_opens_in_the_step_that_the_delay_says(void **state)
{
    (void)state;
    static char json[16384];
    network_write(json, sizeof json);
    capture c = capture_run(json, NULL);
    assert_true(c.n_spikes >= 3);
    for (uint32_t d = 0; d < N_DELAYS; d++) {
        const uint32_t steps = (uint32_t)llround(delays_ms[d] / 0.1);
        int opened = 0;
        assert_int_equal(c.n_frames[d], 500);
        for (uint32_t f = 0; f < 500; f++)
            for (uint32_t k = 0; k < 3; k++) {
                const double expected = conductance(&c, k, steps, f);
                const double got = c.frames[d][f * 3 + k];
                opened |= expected > 0;
                if (fabs(got - expected) > 2e-5 * (expected + 1e-3))
                    fail_msg("delay %g ms, frame %u, neuron %u: %.7g nS, expected %.7g",
                             delays_ms[d], f, k, got, expected);
            }
        assert_true(opened);
    }
    capture_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conductance_opens_in_the_step_that_the_delay_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
