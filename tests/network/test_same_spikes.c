/*
 * The spikes of an experiment are a function of the experiment and its seed: how the work is laid out, and
 * what is recorded, cannot be seen in them.
 */
#include "capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const char busy[] = "tests/support/busy.json";

static const capture *reference(void)
{
    static capture c;
    if (c.n_spikes == 0) {
        c = capture_run_file(busy, "", NULL);
        assert_true(c.n_spikes > 200);
    }
    return &c;
}

static void assert_same(const char *overrides, const meso_run_options *options)
{
    capture c = capture_run_file(busy, overrides, options);
    assert_int_equal(c.spike_hash, reference()->spike_hash);
    assert_int_equal(c.synaptic_events, reference()->synaptic_events);
    assert_int_equal(c.n_rows, reference()->n_rows);
    assert_memory_equal(c.rows, reference()->rows, c.n_rows * c.n_series * sizeof(double));
    capture_free(&c);
}

static void test_twice_the_same(void **state)
{
    (void)state;
    assert_same("", NULL);
}

static void test_same_for_any_number_of_partitions(void **state)
{
    (void)state;
    const uint32_t partitions[] = {1, 2, 3, 7, 16};
    for (size_t i = 0; i < sizeof partitions / sizeof *partitions; i++)
        assert_same("", &(meso_run_options){.partitions = partitions[i]});
}

static void test_same_for_any_vector_width(void **state)
{
    (void)state;
    const uint32_t widths[] = {1, 4, 8, 16};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        assert_same("", &(meso_run_options){.vector_width = widths[i]});
}

static void test_same_for_any_work_group_size(void **state)
{
    (void)state;
    const uint32_t sizes[] = {1, 2, 16, 64};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_same("", &(meso_run_options){.work_group_size = sizes[i],
                                            .vector_width = sizes[i] == 16 ? 1 : 4});
}

static void test_same_when_batches_go_to_the_device_together(void **state)
{
    (void)state;
    assert_same("", &(meso_run_options){.schedule = MESO_SCHEDULE_LAUNCH});
    assert_same("", &(meso_run_options){.schedule = MESO_SCHEDULE_SIDE_BY_SIDE});
}

/* fixed_indegree lists edges by target, so that one stays as it is. */
static void test_same_when_edges_are_made_anew_at_every_spike(void **state)
{
    (void)state;
    const char procedural[] = "projections.msn_fs.storage=procedural projections.msn_msn.storage=procedural "
                              "projections.near.storage=procedural projections.fs_fs.storage=procedural "
                              "projections.self.storage=procedural";
    assert_same(procedural, NULL);
    assert_same(procedural, &(meso_run_options){.partitions = 3, .work_group_size = 8, .vector_width = 1});
}

/* A constant weight is rounded to the same unit of the ring in both. */
static void test_same_with_eight_bytes_a_synapse(void **state)
{
    (void)state;
    const char wide[] = "projections.msn_fs.storage=wide projections.msn_msn.storage=wide "
                        "projections.near.storage=wide projections.fs_fs.storage=wide "
                        "projections.self.storage=wide";
    assert_same(wide, NULL);
    assert_same(wide, &(meso_run_options){.partitions = 3, .work_group_size = 8, .vector_width = 1});
}

static void assert_same_learning(const char *learning)
{
    const meso_run_options layouts[] = {
        {.partitions = 1},
        {.partitions = 2, .schedule = MESO_SCHEDULE_SIDE_BY_SIDE},
        {.partitions = 7, .vector_width = 4},
        {.work_group_size = 64, .vector_width = 4},
        {.work_group_size = 8, .vector_width = 1, .partitions = 3},
        {.buffer_bytes = 8000}, /* projections are cut into parts */
    };
    capture first = capture_run_file(learning, "", NULL);
    assert_true(first.n_spikes > 2000);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        capture c = capture_run_file(learning, "", &layouts[i]);
        assert_int_equal(c.spike_hash, first.spike_hash);
        assert_int_equal(c.synaptic_events, first.synaptic_events);
        capture_free(&c);
    }
    capture c = capture_run_file(learning, "record.reports={\"v\":{\"population\":\"out\",\"variable\":\"v_mV\","
                                           "\"neurons\":1,\"interval_ms\":0.1}}",
                                 NULL);
    assert_int_equal(c.spike_hash, first.spike_hash);
    capture_free(&c);
    capture_free(&first);
}

/* Two rules, of which one has a modulator. */
static void test_same_when_synapses_learn(void **state)
{
    (void)state;
    assert_same_learning("tests/support/learning.json");
}

/* Spikes of these have amplitudes; one rule leaves contents alone, one makes them grow. */
static void test_same_when_synapses_have_contents(void **state)
{
    (void)state;
    assert_same_learning("tests/support/contents.json");
}

/* A second of a network whose batches are single steps, and whose inputs have both signs: every layout beside the
 * one that the device chooses. */
static void test_same_second_of_a_cortical_network_for_every_layout(void **state)
{
    (void)state;
    const char cortex[] = "tests/support/cortex.json";
    const char procedural[] = "projections.e_e.storage=procedural projections.e_i.storage=procedural "
                              "projections.i_e.storage=procedural projections.i_i.storage=procedural";
    const meso_run_options layouts[] = {
        {.partitions = 1},
        {.partitions = 2, .schedule = MESO_SCHEDULE_LAUNCH},
        {.partitions = 2, .schedule = MESO_SCHEDULE_SIDE_BY_SIDE},
        {.partitions = 7},
        {.vector_width = 1},
        {.vector_width = 4},
        {.work_group_size = 16, .vector_width = 1},
        {.work_group_size = 3, .vector_width = 4, .partitions = 5},
    };
    const size_t n = sizeof layouts / sizeof *layouts;
    capture first = capture_run_file(cortex, "", NULL);
    assert_true(first.n_spikes > 2000);
    for (size_t i = 0; i < 2 * n + 1; i++) {
        capture c = capture_run_file(cortex, i < n ? "" : procedural, i < 2 * n ? &layouts[i % n] : NULL);
        if (c.spike_hash != first.spike_hash || c.synaptic_events != first.synaptic_events)
            fail_msg("layout %zu%s: other spikes", i % n, i < n ? "" : ", procedural");
        capture_free(&c);
    }
    capture_free(&first);
}

static void test_same_when_batches_are_cut_to_single_steps(void **state)
{
    (void)state;
    assert_same("record.reports={\"v\":{\"population\":\"msn\",\"variable\":\"v_mV\",\"neurons\":5,"
                "\"interval_ms\":0.1}}",
                NULL);
}

static void test_another_seed_gives_other_spikes(void **state)
{
    (void)state;
    capture c = capture_run_file(busy, "seed=6", NULL);
    assert_int_not_equal(c.spike_hash, reference()->spike_hash);
    capture_free(&c);
}

static void test_spikes_are_sorted_and_inside_their_populations(void **state)
{
    (void)state;
    const uint32_t sizes[] = {40, 211, 17};
    uint64_t per_population[3] = {0};
    capture c = capture_run_file(busy, "", NULL);
    for (uint64_t i = 0; i < c.n_spikes; i++) {
        const meso_spike *s = &c.spikes[i];
        assert_true(s->population < 3 && s->neuron < sizes[s->population] && s->step < 3000);
        per_population[s->population]++;
        if (i > 0) {
            const meso_spike *before = s - 1;
            const int sorted = before->step != s->step ? before->step < s->step
                               : before->population != s->population
                                   ? before->population < s->population
                                   : before->neuron < s->neuron;
            assert_true(sorted);
        }
    }
    for (int p = 0; p < 3; p++)
        assert_true(per_population[p] > 10);
    capture_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twice_the_same),
        cmocka_unit_test(test_same_for_any_number_of_partitions),
        cmocka_unit_test(test_same_for_any_vector_width),
        cmocka_unit_test(test_same_for_any_work_group_size),
        cmocka_unit_test(test_same_when_batches_go_to_the_device_together),
        cmocka_unit_test(test_same_when_edges_are_made_anew_at_every_spike),
        cmocka_unit_test(test_same_with_eight_bytes_a_synapse),
        cmocka_unit_test(test_same_when_synapses_learn),
        cmocka_unit_test(test_same_when_synapses_have_contents),
        cmocka_unit_test(test_same_second_of_a_cortical_network_for_every_layout),
        cmocka_unit_test(test_same_when_batches_are_cut_to_single_steps),
        cmocka_unit_test(test_another_seed_gives_other_spikes),
        cmocka_unit_test(test_spikes_are_sorted_and_inside_their_populations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
