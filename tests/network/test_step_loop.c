/*
 * The step loop: it allocates nothing, on host or device, and its phases come in the order that its comment gives
 * (simulation_enqueue).
 *
 * This program is linked so that calls of malloc and its like from mesocl's own code come here first; those of the
 * OpenCL driver do not.
 */
#include "capture.h"
#include "device/device.h"
#include "engine/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t n_allocations;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
int __real_posix_memalign(void **out, size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
int __wrap_posix_memalign(void **out, size_t alignment, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    n_allocations++;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
    n_allocations++;
    return __real_calloc(n, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    n_allocations++;
    return __real_realloc(old, bytes);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t bytes)
{
    n_allocations++;
    return __real_posix_memalign(out, alignment, bytes);
}

/* Everything that an interval can have: modulators, receptors, drugs, reports, several kinds of stimuli. */
static const char everything[] =
    "{\"schema_version\":1,\"extends\":\"builtin:configs/circuits/xs.json\","
    "\"protocol\":[{\"phase\":\"all\",\"seconds\":60}],\"record\":{\"timeline_interval_ms\":10,"
    "\"reports\":{\"v\":{\"population\":\"vta_da\",\"variable\":\"v_mV\",\"neurons\":5,"
    "\"interval_ms\":1}}}}";

static simulation *create(const meso_experiment *e, meso_device *device, meso_schedule schedule)
{
    simulation *sim = NULL;
    meso_error err = {0};
    const meso_run_options options = {.schedule = schedule};
    if (simulation_create(e, device, &options, &sim, &err) != MESO_OK)
        fail_msg("%s", err.message);
    return sim;
}

static uint64_t now_bytes(void)
{
    uint64_t now, peak;
    meso_device_memory(capture_device(), &now, &peak);
    return now;
}

static void check_no_allocation(const char *json, meso_schedule schedule, uint32_t n_intervals)
{
    static const float drugs_nM[SIMULATION_INTERVAL * 64] = {100};
    const uint64_t n_fields = 20;
    meso_experiment *e = capture_load(json);
    assert_true(e->n_drugs <= 64);
    n_allocations = 0;
    simulation *sim = create(e, capture_device(), schedule);
    assert_true(n_allocations > 0); /* calls do come here */
    const uint64_t device_bytes = now_bytes();
    uint64_t n_spikes = 0;
    n_allocations = 0;
    for (uint32_t i = 0; i <= n_intervals; i++) { /* one runs while another is read */
        interval results = {0};
        meso_error err = {0};
        if ((i < n_intervals && simulation_enqueue(sim, n_fields, drugs_nM, &err) != MESO_OK) ||
            (i > 0 && simulation_collect(sim, &results, &err) != MESO_OK))
            fail_msg("%s", err.message);
        n_spikes += results.n_spikes;
        if (now_bytes() != device_bytes)
            fail_msg("interval %u: %llu bytes on the device, before %llu", i,
                     (unsigned long long)now_bytes(), (unsigned long long)device_bytes);
    }
    if (n_allocations != 0)
        fail_msg("%llu allocations in %u intervals", (unsigned long long)n_allocations,
                 n_intervals);
    assert_true(n_spikes > 100);
    simulation_destroy(&sim);
    assert_int_equal(now_bytes(), 0);
    meso_experiment_destroy(&e);
}

static void test_the_loop_allocates_nothing(void **state)
{
    (void)state;
    check_no_allocation(everything, MESO_SCHEDULE_LAUNCH, 50);
}

static void test_the_loop_allocates_nothing_side_by_side(void **state)
{
    (void)state;
    check_no_allocation(everything, MESO_SCHEDULE_SIDE_BY_SIDE, 50);
}

/* --- the order of its phases --------------------------------------------------------------------------- */

/* Names of the launches since `before`, in order, as "a b c". */
static void launches_since(const meso_device *device, uint64_t before, char *text, size_t size)
{
    text[0] = '\0';
    assert_true(device->n_launches - before <= RECENT_LAUNCHES);
    for (uint64_t i = before; i < device->n_launches; i++)
        snprintf(text + strlen(text), size - strlen(text), "%s%s", i > before ? " " : "",
                 device->recent[i % RECENT_LAUNCHES]);
}

/* Delays of 0.5 ms make two batches of a field step of 1 ms; frames every 0.5 ms; a row every 2 ms. */
static const char two_batches[] =
    "{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"izhikevich\",\"conductances\":{"
    "\"ampa\":"
    "{\"kind\":\"exponential\",\"tau_decay_ms\":5,\"E_mV\":0}}}},"
    "\"populations\":{\"a\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":50}},"
    "\"projections\":{\"aa\":{\"source\":\"a\",\"target\":\"a\",\"rule\":\"fixed_indegree\","
    "\"indegree\":5,\"receptors\":{\"ampa\":1},\"weight_nS\":1,\"delay_ms\":0.5}},"
    "\"stimuli\":{\"s\":{\"kind\":\"poisson\",\"target\":\"a\",\"rate_hz\":100,\"gate\":\"g\","
    "\"gate_up_ms\":50,\"gate_down_ms\":50,\"receptors\":{\"ampa\":1},\"weight_nS\":1}},"
    "\"protocol\":[{\"phase\":\"all\",\"ms\":10}],\"record\":{\"timeline_interval_ms\":2,"
    "\"reports\":{"
    "\"v\":{\"population\":\"a\",\"variable\":\"v_mV\",\"neurons\":3,\"interval_ms\":0.5}}}}";

static void enqueue(simulation *sim, uint32_t n_fields)
{
    meso_error err = {0};
    interval results;
    if (simulation_enqueue(sim, n_fields, NULL, &err) != MESO_OK ||
        simulation_collect(sim, &results, &err) != MESO_OK)
        fail_msg("%s", err.message);
}

static void test_phases_come_in_the_order_of_the_comment(void **state)
{
    (void)state;
    char order[RECENT_LAUNCHES * 32];
    meso_device *device = capture_device();
    meso_experiment *e = capture_load(two_batches);
    simulation *sim = create(e, device, MESO_SCHEDULE_LAUNCH);
    assert_int_equal(simulation_layout(sim)->batches_per_field, 2);
    uint64_t before = device->n_launches;
    enqueue(sim, 1);
    launches_since(device, before, order, sizeof order);
    assert_string_equal(order,
                        "field_step frame_record network_advance frame_record network_advance");
    before = device->n_launches;
    enqueue(sim, 1);
    launches_since(device, before, order, sizeof order);
    assert_string_equal(order, "field_step timeline_record "
                               "frame_record network_advance frame_record network_advance");
    simulation_destroy(&sim);
    meso_experiment_destroy(&e);
}

/* What does not change from field step to field step is set once; then only the network is launched. */
static void test_a_network_without_field_is_advanced_alone(void **state)
{
    (void)state;
    char order[RECENT_LAUNCHES * 32];
    meso_device *device = capture_device();
    meso_experiment *e = capture_load(
        "{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"izhikevich\"}},"
        "\"populations\":{\"a\":{\"cell\":\"cell\",\"region\":\"r\",\"n_neurons\":50}},"
        "\"protocol\":[{\"phase\":\"all\",\"ms\":10}],\"record\":{\"timeline_interval_ms\":10}}");
    simulation *sim = create(e, device, MESO_SCHEDULE_LAUNCH);
    assert_int_equal(simulation_layout(sim)->batches_per_field, 1);
    const uint64_t before = device->n_launches;
    enqueue(sim, 3);
    launches_since(device, before, order, sizeof order);
    assert_string_equal(order, "field_step network_advance network_advance network_advance");
    simulation_destroy(&sim);
    meso_experiment_destroy(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_loop_allocates_nothing),
        cmocka_unit_test(test_the_loop_allocates_nothing_side_by_side),
        cmocka_unit_test(test_phases_come_in_the_order_of_the_comment),
        cmocka_unit_test(test_a_network_without_field_is_advanced_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
