/*
 * What a spike brings through a projection with short-term plasticity, seen as jumps of the target's conductance or
 * input, beside the recursion and its steady state in double precision.
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

/* An amplitude is rounded to 2^-17; its state and the target's conductance are floats that are recursions themselves. */
#define TOLERANCE (0x1p-17 + 4e-7)
#define N 8
#define DELAY_STEPS 13
#define TAU_MS 5.0

typedef struct dynamics {
    const char *name;
    double U, tau_recovery_ms, tau_facilitation_ms;
} dynamics;

/* Markram, Wang & Tsodyks 1998 (depression, facilitation), both at once, and the limits. */
static const dynamics kinds[] = {
    {"depression", 0.5, 800, 0}, {"facilitation", 0.03, 130, 530}, {"mixed", 0.2, 300, 90},
    {"everything", 1, 100, 50},  {"fast", 0.4, 1e-9, 1e-9},        {"slow", 0.01, 1e6, 1e6},
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

#define TRAINS                                                                                     \
    "\"cells\":{\"irregular\":{\"model\":\"poisson_source\",\"parameters\":{"                      \
    "\"rate_hz\":[2,5,10,20,50,100,300,1000]}},"                                                   \
    "\"regular\":{\"model\":\"lif_delta\",\"parameters\":{"                                        \
    "\"I_e_pA\":[376,380,390,410,450,600,1000,3000]}},"                                            \
    "\"target\":{\"model\":\"izhikevich\",\"conductances\":{"                                      \
    "\"ampa\":{\"kind\":\"exponential\",\"tau_decay_ms\":5,\"E_mV\":0}}}},"

/* N sources, each with a target of its own for every kind of dynamics. */
static capture run(const char *source, uint32_t ms)
{
    static char json[16384];
    size_t n = (size_t)snprintf(json, sizeof json,
                                "{\"schema_version\":1,\"seed\":3," TRAINS
                                "\"populations\":{\"source\":{\"cell\":\"%s\",\"n_neurons\":%d}",
                                source, N);
    for (size_t i = 0; i < N_KINDS; i++)
        n += (size_t)snprintf(json + n, sizeof json - n,
                              ",\"%s\":{\"cell\":\"target\",\"n_neurons\":%d}", kinds[i].name, N);
    n += (size_t)snprintf(json + n, sizeof json - n, "},\"projections\":{");
    for (size_t i = 0; i < N_KINDS; i++)
        n += (size_t)snprintf(
            json + n, sizeof json - n,
            "%s\"%s\":{\"source\":\"source\",\"target\":\"%s\",\"rule\":\"one_to_one\","
            "\"receptors\":{\"ampa\":1},\"weight_nS\":1,\"delay_ms\":%g,"
            "\"short_term_plasticity\":{\"U\":%g,\"tau_recovery_ms\":%g,\"tau_facilitation_ms\":%g}"
            "}",
            i ? "," : "", kinds[i].name, kinds[i].name, DELAY_STEPS * 0.1, kinds[i].U,
            kinds[i].tau_recovery_ms, kinds[i].tau_facilitation_ms);
    n += (size_t)snprintf(
        json + n, sizeof json - n,
        "},\"protocol\":[{\"phase\":\"all\",\"ms\":%u}],\"record\":{\"reports\":{", ms);
    for (size_t i = 0; i < N_KINDS; i++)
        n += (size_t)snprintf(json + n, sizeof json - n,
                              "%s\"%s\":{\"population\":\"%s\",\"variable\":\"g_ampa_nS\","
                              "\"neurons\":%d,\"interval_ms\":0.1}",
                              i ? "," : "", kinds[i].name, kinds[i].name, N);
    assert_true(n + 4 < sizeof json);
    snprintf(json + n, sizeof json - n, "}}}");
    return capture_run(json, NULL);
}

/* Steps of the spikes of one source whose effect was recorded. */
static uint32_t spikes_of(const capture *c, uint32_t neuron, uint64_t *steps, uint32_t capacity)
{
    uint32_t n = 0;
    for (uint64_t i = 0; i < c->n_spikes; i++) {
        const meso_spike *s = &c->spikes[i];
        if (s->population != 0 || s->neuron != neuron ||
            s->step + DELAY_STEPS + 2 >= c->n_frames[0])
            continue;
        assert_true(n < capacity);
        steps[n++] = s->step;
    }
    return n;
}

/* By how much the conductance of a target grew when a spike arrived. */
static double jump(const capture *c, uint32_t report, uint32_t neuron, uint64_t step)
{
    const double decay = exp(-0.1 / TAU_MS);
    const float *after = c->frames[report] + (step + DELAY_STEPS + 2) * N + neuron;
    return after[0] / decay - after[-N];
}

static double decay_over(uint64_t steps, double tau_ms)
{
    return tau_ms > 0 ? exp(-0.1 * (double)steps / tau_ms) : 0;
}

/* Jumps of one target against the recursion, as NEST's tsodyks2_synapse has it. */
static void assert_recursion(const capture *c, uint32_t kind, uint32_t neuron)
{
    static uint64_t steps[8192];
    const dynamics *d = &kinds[kind];
    const uint32_t n = spikes_of(c, neuron, steps, sizeof steps / sizeof *steps);
    double x = 1, u = d->U;
    assert_true(n >= 3);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) {
            const uint64_t h = steps[i] - steps[i - 1];
            x = 1 + (x - x * u - 1) * decay_over(h, d->tau_recovery_ms);
            u = d->U + u * (1 - d->U) * decay_over(h, d->tau_facilitation_ms);
        }
        const double got = jump(c, kind, neuron, steps[i]);
        if (fabs(got - x * u) > TOLERANCE)
            fail_msg("%s, neuron %u, spike %u of %u: %.8f instead of %.8f", d->name, neuron, i, n,
                     got, x * u);
    }
}

static void test_irregular_trains_follow_the_recursion(void **state)
{
    (void)state;
    capture c = run("irregular", 3000);
    for (uint32_t k = 0; k < N_KINDS; k++)
        for (uint32_t i = 0; i < N; i++)
            assert_recursion(&c, k, i);
    capture_free(&c);
}

static void test_regular_trains_follow_the_recursion(void **state)
{
    (void)state;
    capture c = run("regular", 1000);
    for (uint32_t k = 0; k < N_KINDS; k++)
        for (uint32_t i = 0; i < N; i++)
            assert_recursion(&c, k, i);
    capture_free(&c);
}

/* With the same interval h for ever: u = U / (1 - (1 - U) e_f), x = (1 - e_r) / (1 - (1 - u) e_r). */
static double steady_state(const dynamics *d, uint64_t h)
{
    const double e_r = decay_over(h, d->tau_recovery_ms),
                 e_f = decay_over(h, d->tau_facilitation_ms);
    const double u = d->U / (1 - (1 - d->U) * e_f);
    return u * (1 - e_r) / (1 - (1 - u) * e_r);
}

static void test_regular_trains_come_to_the_steady_state(void **state)
{
    (void)state;
    static uint64_t steps[8192];
    capture c = run("regular", 4000);
    for (uint32_t i = 0; i < N; i++) {
        const uint32_t n = spikes_of(&c, i, steps, sizeof steps / sizeof *steps);
        assert_true(n >= 20);
        for (uint32_t k = 2; k < n; k++)
            assert_int_equal(steps[k] - steps[k - 1], steps[1] - steps[0]);
        for (uint32_t k = 0; k < N_KINDS && strcmp(kinds[k].name, "slow") != 0; k++) {
            const double expected = steady_state(&kinds[k], steps[1] - steps[0]);
            const double got = jump(&c, k, i, steps[n - 1]);
            /* what is left of the first spikes: either factor shrinks its distance at least so far */
            const double per_spike = (1 - kinds[k].U) *
                                     decay_over(steps[1] - steps[0],
                                                fmax(kinds[k].tau_recovery_ms,
                                                     kinds[k].tau_facilitation_ms));
            const double left = n * pow(per_spike, n - 1);
            if (fabs(got - expected) > TOLERANCE + left)
                fail_msg("%s at %.1f Hz: %.8f instead of %.8f", kinds[k].name,
                         1e4 / (double)(steps[1] - steps[0]), got, expected);
        }
    }
    capture_free(&c);
}

/* --- a network ------------------------------------------------------------------------------------------ */

#define CELLS                                                                                      \
    "\"cells\":{\"poisson\":{\"model\":\"poisson_source\",\"parameters\":{\"rate_hz\":40}},"       \
    "\"lif\":{\"model\":\"lif_exp\",\"parameters\":{\"I_e_pA\":330}}},"

/* Cells that fire by what comes through three projections, of which one is plain and one has two delay groups. */
#define NETWORK(storage, report)                                                                   \
    "{\"schema_version\":1,\"seed\":3," CELLS "\"populations\":{"                                  \
    "\"in\":{\"cell\":\"poisson\",\"n_neurons\":150},"                                             \
    "\"out\":{\"cell\":\"lif\",\"n_neurons\":130}},\"projections\":{"                              \
    "\"a\":{\"source\":\"in\",\"target\":\"out\",\"rule\":\"fixed_total\",\"total\":2600,"         \
    "\"receptors\":{\"I_syn_pA\":1},\"weight_pA\":1500,\"storage\":\"" storage "\","               \
    "\"delay_ms\":{\"distribution\":\"uniform\",\"min\":1,\"max\":30},\"short_term_plasticity\":{" \
    "\"U\":0.4,\"tau_recovery_ms\":150,\"tau_facilitation_ms\":40}},"                              \
    "\"b\":{\"source\":\"in\",\"target\":\"out\",\"rule\":\"fixed_probability\","                  \
    "\"probability\":0.1,\"receptors\":{\"I_syn_pA\":1},\"weight_pA\":100,\"delay_ms\":1},"        \
    "\"c\":{\"source\":\"out\",\"target\":\"out\",\"rule\":\"fixed_probability\","                 \
    "\"probability\":0.2,\"receptors\":{\"I_syn_pA\":1},\"weight_pA\":-60,\"delay_ms\":1.5,"       \
    "\"storage\":\"" storage "\",\"short_term_plasticity\":{\"U\":0.1,\"tau_recovery_ms\":20,"     \
    "\"tau_facilitation_ms\":200}}},"                                                              \
    "\"protocol\":[{\"phase\":\"all\",\"ms\":300}],\"record\":{\"reports\":{" report "}}}"
#define EVERY_STEP                                                                                 \
    "\"v\":{\"population\":\"out\",\"variable\":\"v_mV\",\"neurons\":1,\"interval_ms\":0.1}"

static uint64_t hash_of(const char *json, const meso_run_options *options)
{
    capture c = capture_run(json, options);
    uint64_t fired = 0;
    for (uint64_t i = 0; i < c.n_spikes; i++)
        fired += c.spikes[i].population == 1;
    assert_true(fired > 300);
    const uint64_t hash = c.spike_hash;
    capture_free(&c);
    return hash;
}

static void test_spikes_do_not_depend_on_the_layout(void **state)
{
    (void)state;
    static const meso_run_options options[] = {
        {.partitions = 1},
        {.partitions = 2},
        {.partitions = 7},
        {.vector_width = 1},
        {.vector_width = 4},
        {.vector_width = 16},
        {.work_group_size = 1},
        {.work_group_size = 16, .vector_width = 1},
        {.work_group_size = 16, .vector_width = 4, .partitions = 7},
    };
    const uint64_t expected = hash_of(NETWORK("compact", ""), NULL);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        assert_int_equal(hash_of(NETWORK("compact", ""), &options[i]), expected);
        assert_int_equal(
            hash_of(i % 2 ? NETWORK("wide", "") : NETWORK("procedural", ""), &options[i]),
            expected);
    }
    assert_int_equal(hash_of(NETWORK("compact", EVERY_STEP), NULL), expected);
    assert_int_equal(hash_of(NETWORK("wide", EVERY_STEP), NULL), expected);
}

/* The same drive through weights of either sign: the inputs are each other's negative, bit for bit. */
static void test_weights_are_rounded_alike_in_both_signs(void **state)
{
    (void)state;
    capture c = capture_run(
        "{\"schema_version\":1,\"seed\":3," CELLS
        "\"populations\":{\"in\":{\"cell\":\"poisson\",\"n_neurons\":50},"
        "\"up\":{\"cell\":\"lif\",\"n_neurons\":50},\"down\":{\"cell\":\"lif\",\"n_neurons\":50}},"
        "\"projections\":{\"up\":{\"source\":\"in\",\"target\":\"up\",\"rule\":\"one_to_one\","
        "\"receptors\":{\"I_syn_pA\":1},\"weight_pA\":7.3,\"delay_ms\":1,"
        "\"short_term_plasticity\":{\"U\":0.3,\"tau_recovery_ms\":77}},"
        "\"down\":{\"source\":\"in\",\"target\":\"down\",\"rule\":\"one_to_one\","
        "\"receptors\":{\"I_syn_pA\":1},\"weight_pA\":-7.3,\"delay_ms\":1,"
        "\"short_term_plasticity\":{\"U\":0.3,\"tau_recovery_ms\":77}}},"
        "\"protocol\":[{\"phase\":\"all\",\"ms\":200}],\"record\":{\"reports\":{"
        "\"up\":{\"population\":\"up\",\"variable\":\"I_syn_pA\",\"neurons\":50,\"interval_ms\":1},"
        "\"down\":{\"population\":\"down\",\"variable\":\"I_syn_pA\",\"neurons\":50,"
        "\"interval_ms\":1}}}}",
        NULL);
    uint32_t n_moved = 0;
    for (uint32_t i = 0; i < 50 * c.n_frames[0]; i++) {
        assert_true(c.frames[0][i] == -c.frames[1][i]);
        n_moved += c.frames[0][i] > 0;
    }
    assert_true(n_moved > 1000);
    capture_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_irregular_trains_follow_the_recursion),
        cmocka_unit_test(test_regular_trains_follow_the_recursion),
        cmocka_unit_test(test_regular_trains_come_to_the_steady_state),
        cmocka_unit_test(test_spikes_do_not_depend_on_the_layout),
        cmocka_unit_test(test_weights_are_rounded_alike_in_both_signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
