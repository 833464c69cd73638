/*
 * Batches side by side: that they do run so where they can, that a group which loses patience leaves the network fit
 * for plain launches, and that neither shows in the spikes.
 */
#include "capture.h"
#include "engine/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#define INTERVALS 5u
#define ATTEMPTS 20u

static const char cortex[] = "tests/support/cortex.json";

typedef struct course {
    uint64_t spikes, checksum, aborts;
    int side_by_side;
} course;

/* `patience` other than UINT32_MAX is set before every interval. */
static course run(meso_schedule schedule, uint32_t patience)
{
    meso_experiment *e = NULL;
    simulation *sim = NULL;
    meso_error err = {0};
    const meso_run_options options = {.partitions = 2, .schedule = schedule};
    if (meso_experiment_load(cortex, NULL, 0, &e, &err) != MESO_OK ||
        simulation_create(e, capture_device(), &options, &sim, &err) != MESO_OK)
        fail_msg("%s", err.message);
    course c = {.side_by_side = sim->schedule.side_by_side};
    for (uint32_t i = 0; i < INTERVALS; i++) {
        interval results = {0};
        if (patience != UINT32_MAX)
            sim->schedule.patience = patience;
        if (simulation_enqueue(sim, SIMULATION_INTERVAL, NULL, &err) != MESO_OK ||
            simulation_collect(sim, &results, &err) != MESO_OK)
            fail_msg("%s", err.message);
        c.spikes += results.n_spikes;
        for (uint64_t k = 0; k < results.n_spikes; k++)
            c.checksum = (c.checksum ^ results.spikes[k].step * 1000003 ^ results.spikes[k].neuron) *
                         UINT64_C(0x9e3779b97f4a7c15);
    }
    c.aborts = sim->schedule.n_aborts;
    simulation_destroy(&sim);
    meso_experiment_destroy(&e);
    return c;
}

/* The same until the probe lets batches run side by side: on a busy machine it may not at once. */
static course run_side_by_side(uint32_t patience)
{
    course c = run(MESO_SCHEDULE_SIDE_BY_SIDE, patience);
    for (uint32_t i = 0; i < ATTEMPTS && !c.side_by_side; i++)
        c = run(MESO_SCHEDULE_SIDE_BY_SIDE, patience);
    return c;
}

static void assert_same(course a, course b)
{
    assert_true(a.spikes > 500);
    assert_int_equal(a.spikes, b.spikes);
    assert_true(a.checksum == b.checksum);
}

static void test_batches_run_side_by_side_with_the_same_spikes(void **state)
{
    (void)state;
    const course plain = run(MESO_SCHEDULE_LAUNCH, UINT32_MAX);
    const course side = run_side_by_side(UINT32_MAX);
    assert_false(plain.side_by_side);
    assert_int_equal(plain.aborts, 0);
    assert_same(plain, side);
    const meso_device_info *device = meso_device_describe(capture_device());
    if (!device->is_cpu || device->compute_units < 2)
        skip(); /* groups may not be able to run side by side */
    assert_true(side.side_by_side);
}

static void test_groups_without_patience_give_up_with_the_same_spikes(void **state)
{
    (void)state;
    const course plain = run(MESO_SCHEDULE_LAUNCH, UINT32_MAX);
    const course hasty = run_side_by_side(0);
    assert_same(plain, hasty);
    if (!hasty.side_by_side)
        skip();
    assert_true(hasty.aborts > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_run_side_by_side_with_the_same_spikes),
        cmocka_unit_test(test_groups_without_patience_give_up_with_the_same_spikes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
