/*
 * What `mesocl check` says is what a run takes: device memory within 5 %, from one cell to a cortical column; how
 * synapses are kept follows from the memory that a device has.
 */
#include "capture.h"
#include "device/device.h"
#include "engine/internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OVERRIDES 256

/* --- memory ------------------------------------------------------------------------------------------ */

typedef struct overrides {
    char text[MAX_OVERRIDES][96];
    const char *list[MAX_OVERRIDES];
    uint32_t n;
} overrides;

static void override_add(overrides *o, const char *path, const char *name, const char *key,
                         double value)
{
    assert_true(o->n < MAX_OVERRIDES);
    snprintf(o->text[o->n], sizeof o->text[o->n], "%s.%s.%s=%.0f", path, name, key, value);
    o->list[o->n] = o->text[o->n];
    o->n++;
}

static meso_experiment *load(const char *path, const overrides *o)
{
    meso_experiment *e = NULL;
    meso_error err = {0};
    if (meso_experiment_load(path, o->list, o->n, &e, &err) != MESO_OK)
        fail_msg("%s", err.message);
    return e;
}

/* All populations and in-degrees times `scale`. */
static meso_experiment *load_scaled(const char *path, double scale, const char *storage)
{
    static overrides o;
    o = (overrides){0};
    meso_experiment *e = load(path, &o);
    for (uint32_t i = 0; scale != 1 && i < e->n_populations; i++)
        override_add(&o, "populations", e->populations[i].name, "n_neurons",
                     ceil(e->populations[i].n_neurons * scale));
    for (uint32_t i = 0; i < e->n_projections; i++) {
        const projection *p = &e->projections[i];
        if (scale != 1 && p->rule == RULE_FIXED_INDEGREE)
            override_add(&o, "projections", p->name, "indegree", ceil(p->indegree * scale));
        if (scale != 1 && p->rule == RULE_FIXED_TOTAL)
            override_add(&o, "projections", p->name, "total",
                         ceil((double)p->total * scale * scale));
        if (p->rule != RULE_FIXED_INDEGREE && p->learning == NULL) {
            snprintf(o.text[o.n], sizeof *o.text, "projections.%s.storage=%s", p->name, storage);
            o.list[o.n] = o.text[o.n];
            o.n++;
        }
    }
    meso_experiment_destroy(&e);
    return load(path, &o);
}

static double plan_total(const meso_experiment *e, const meso_device_info *device,
                         const meso_run_options *options)
{
    meso_plan_row *rows = NULL;
    uint32_t n = 0;
    meso_error err = {0};
    if (meso_experiment_plan(e, device, options, &rows, &n, &err) != MESO_OK)
        fail_msg("%s", err.message);
    assert_string_equal(rows[n - 1].name, "total");
    const double bytes = (double)rows[n - 1].bytes;
    free(rows);
    return bytes;
}

/* On a device that has done nothing else: its peak is that of the run. */
static double run_peak(const meso_experiment *e, const meso_run_options *options)
{
    meso_device *device = NULL;
    simulation *sim = NULL;
    interval results;
    uint64_t now = 0, peak = 0;
    meso_error err = {0};
    const meso_device_options own = {.selector = getenv("MESOCL_TEST_DEVICE")};
    float drugs_nM[64] = {0};
    assert_true(e->n_drugs <= 64);
    if (meso_device_open(&own, &device, &err) != MESO_OK)
        fail_msg("%s", err.message);
    device->info.is_gpu = capture_device()->info.is_gpu;
    if (simulation_create(e, device, options, &sim, &err) != MESO_OK ||
        simulation_enqueue(sim, 1, drugs_nM, &err) != MESO_OK ||
        simulation_collect(sim, &results, &err) != MESO_OK)
        fail_msg("%s", err.message);
    simulation_destroy(&sim);
    meso_device_memory(device, &now, &peak);
    assert_int_equal(now, 0);
    meso_device_close(&device);
    return (double)peak;
}

/* 5 % are promised. */
static void compare(const meso_experiment *e, const meso_run_options *options, const char *name)
{
    const double planned = plan_total(e, meso_device_describe(capture_device()), options);
    const double taken = run_peak(e, options);
    if (fabs(planned / taken - 1) > 0.01)
        fail_msg("%s: planned %.0f bytes, took %.0f", name, planned, taken);
}

static void test_memory_is_predicted_within_one_percent(void **state)
{
    (void)state;
    const struct {
        const char *path;
        double scale;
        const char *storage; /* for all projections that can have it */
    } cases[] = {
        {"tests/support/tiny.json", 1, "auto"},   {"tests/support/tiny.json", 1, "procedural"},
        {"tests/support/busy.json", 1, "auto"},   {"tests/support/cortex.json", 1, "auto"},
        {"tests/support/cortex.json", 1, "wide"}, {"tests/support/cortex.json", 1, "procedural"},
        {"bench/cases/coba.json", 1, "auto"},     {"bench/cases/brunel.json", 0.2, "auto"},
        {"bench/cases/pd14.json", 0.1, "auto"},   {"bench/cases/pd14.json", 0.1, "procedural"},
        {"configs/baseline.json", 1, "auto"},     {"configs/cocaine_acute.json", 1, "auto"},
        {"tests/support/grid.json", 1, "auto"},   {"tests/support/learning.json", 1, "auto"},
        {"tests/support/contents.json", 1, "auto"},
    };
    const meso_run_options one = {.partitions = 1}, many = {.partitions = 7};
    const meso_run_options *const layouts[] = {NULL, &one, &many};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < (cases[i].scale == 1 ? 3 : 1); k++) {
            char name[128];
            snprintf(name, sizeof name, "%s, %s", cases[i].path, cases[i].storage);
            meso_experiment *e = load_scaled(cases[i].path, cases[i].scale, cases[i].storage);
            compare(e, layouts[k], name);
            meso_experiment_destroy(&e);
        }
}

static void test_memory_of_what_is_laid_out_for_a_gpu(void **state)
{
    (void)state;
    meso_device_info *info = &capture_device()->info;
    const bool is_gpu = info->is_gpu;
    const meso_run_options options = {.partitions = 5, .work_group_size = 8};
    const char *const paths[] = {"tests/support/tiny.json", "tests/support/busy.json",
                                 "tests/support/cortex.json", "configs/baseline.json",
                                 "tests/support/learning.json", "tests/support/contents.json"};
    info->is_gpu = true;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        meso_experiment *e = load_scaled(paths[i], 1, "auto");
        compare(e, &options, paths[i]);
        meso_experiment_destroy(&e);
    }
    info->is_gpu = is_gpu;
}

/* --- storage ----------------------------------------------------------------------------------------- */

static meso_device_info toy(double global_GB, double largest_buffer_GB)
{
    meso_device_info info = *meso_device_describe(capture_device());
    snprintf(info.name, sizeof info.name, "toy");
    info.compute_units = 8;
    info.is_gpu = false;
    info.global_bytes = (uint64_t)(global_GB * 1e9);
    info.max_alloc_bytes = (uint64_t)(largest_buffer_GB * 1e9);
    return info;
}

static meso_experiment *load_projections(uint32_t n_neurons, const char *projections)
{
    char json[2048];
    snprintf(json, sizeof json,
             "{\"schema_version\":1,\"cells\":{\"cell\":{\"model\":\"lif_exp\"}},\"populations\":{"
             "\"a\":{\"cell\":\"cell\",\"n_neurons\":%u}},\"projections\":{%s},"
             "\"protocol\":[{\"phase\":\"all\",\"ms\":10}]}",
             n_neurons, projections);
    return capture_load(json);
}

#define REST                                                                                       \
    "\"source\":\"a\",\"target\":\"a\",\"receptors\":{\"I_syn_pA\":1},\"weight_pA\":1,\"delay_"    \
    "ms\":1"

/* Storage of each projection in the plan, as "compact procedural"; or the error. */
static const char *storages(const meso_experiment *e, const meso_device_info *device)
{
    static char text[4096];
    meso_plan_row *rows = NULL;
    uint32_t n = 0;
    meso_error err = {0};
    text[0] = '\0';
    if (meso_experiment_plan(e, device, NULL, &rows, &n, &err) != MESO_OK) {
        snprintf(text, sizeof text, "%s", err.message);
        return text;
    }
    for (uint32_t i = 0; i < n; i++)
        if (rows[i].storage != NULL) {
            assert_int_equal(strncmp(rows[i].name, "projection ", 11), 0);
            if (text[0] != '\0')
                strcat(text, " ");
            strcat(text, rows[i].storage);
        }
    free(rows);
    return text;
}

static void test_the_largest_projections_become_procedural_until_the_rest_fits(void **state)
{
    (void)state;
    /* 4, 1.2 and 0.4 GB of synapses; edges of the last are drawn by target */
    meso_experiment *e = load_projections(
        100000, "\"big\":{\"rule\":\"fixed_probability\",\"probability\":0.1," REST "},"
                "\"middle\":{\"rule\":\"fixed_total\",\"total\":300000000," REST "},"
                "\"small\":{\"rule\":\"fixed_indegree\",\"indegree\":1000," REST "}");
    const meso_device_info roomy = toy(8, 8), medium = toy(4, 4), little = toy(1, 1);
    assert_string_equal(storages(e, &roomy), "compact compact compact");
    assert_string_equal(storages(e, &medium), "procedural compact compact");
    assert_string_equal(storages(e, &little), "procedural procedural compact");
    const meso_device_info none = toy(0.4, 0.4);
    assert_non_null(strstr(storages(e, &none), "populations.a.n_neurons: with its 100000 cells the "
                                               "network is too large for toy: it needs 0."));
    meso_experiment_destroy(&e);
}

static void test_storage_that_was_asked_for_stays(void **state)
{
    (void)state;
    meso_experiment *e = load_projections(
        100000, "\"big\":{\"rule\":\"fixed_probability\",\"probability\":0.1,"
                "\"storage\":\"compact\"," REST "},"
                "\"middle\":{\"rule\":\"fixed_total\",\"total\":300000000," REST "},"
                "\"wide\":{\"rule\":\"fixed_total\",\"total\":1000,\"storage\":\"wide\"," REST "}");
    const meso_device_info medium = toy(4.5, 4.5), little = toy(3, 3);
    assert_string_equal(storages(e, &medium), "compact procedural wide");
    assert_non_null(strstr(storages(e, &little), "the network is too large for toy"));
    meso_experiment_destroy(&e);
}

static void test_five_billion_synapses_need_memory_for_them(void **state)
{
    (void)state;
    meso_experiment *stored = load_projections(
        100000, "\"all\":{\"rule\":\"fixed_indegree\",\"indegree\":50000," REST "}");
    meso_experiment *any = load_projections(
        100000, "\"all\":{\"rule\":\"fixed_total\",\"total\":5000000000," REST "}");
    const meso_device_info small = toy(4, 1), cut_too_often = toy(64, 4), cut = toy(64, 6);
    const char *message = storages(stored, &small);
    assert_non_null(strstr(message,
                           ":1: populations.a.n_neurons: with its 100000 cells the network is "
                           "too large for toy: it needs 20."));
    assert_non_null(strstr(message,
                           "(5e+09 synapses: 20 GB); the device has 4 GB, and at most 1 GB for "
                           "one buffer; about 2e+04 cells would fit"));
    assert_string_equal(
        storages(stored, &cut_too_often),
        "projections.all: with its 5e+09 synapses all synapses take 20 GB: more than 4 "
        "buffers of 4 GB, the largest here; \"storage\": \"procedural\" keeps none");
    assert_string_equal(storages(stored, &cut), "compact");
    assert_string_equal(storages(any, &small), "procedural");
    assert_string_equal(storages(any, &cut_too_often), "procedural");
    assert_string_equal(storages(any, &cut), "compact");
    meso_experiment_destroy(&stored);
    meso_experiment_destroy(&any);
}

static void test_more_state_than_can_be_numbered_is_refused(void **state)
{
    (void)state;
    meso_experiment *e = load_projections(2000000000, "");
    const meso_device_info endless = toy(1e6, 1e6);
    assert_non_null(
        strstr(storages(e, &endless),
               ":1: populations.a.n_neurons: 2000000000 cells are too many: the cells' state "
               "needs 6e+09 entries, and at most 4.29e+09 can be numbered"));
    meso_experiment_destroy(&e);
}

/* --- several buffers ----------------------------------------------------------------------------------- */

static simulation *create(const meso_experiment *e, const meso_run_options *options)
{
    simulation *sim = NULL;
    meso_error err = {0};
    if (simulation_create(e, capture_device(), options, &sim, &err) != MESO_OK)
        fail_msg("%s", err.message);
    return sim;
}

static uint64_t synapse_bytes(const simulation *sim, uint32_t *n_buffers)
{
    uint64_t bytes = 0;
    *n_buffers = 0;
    for (uint32_t i = 0; i < MESO_SYNAPSE_BUFFERS; i++) {
        bytes += sim->synapses.buffers[i].bytes;
        *n_buffers += sim->synapses.buffers[i].bytes > 0;
    }
    return bytes;
}

/* That the plan accepts. */
static uint64_t smallest_buffers(const meso_experiment *e, const meso_run_options *options,
                                 uint64_t bytes)
{
    const meso_device_info *device = meso_device_describe(capture_device());
    meso_plan_row *rows = NULL;
    uint32_t n;
    meso_run_options cut = *options;
    for (int percent = 25; percent < 100 && rows == NULL; percent++) {
        cut.buffer_bytes = bytes * (uint64_t)percent / 100;
        meso_experiment_plan(e, device, &cut, &rows, &n, NULL);
    }
    free(rows);
    return cut.buffer_bytes;
}

static void compare_edges(const meso_experiment *e, simulation *one, simulation *cut)
{
    for (uint32_t p = 0; p < e->n_projections; p++) {
        edge *a, *b;
        uint64_t n_a, n_b;
        meso_error err = {0};
        assert_int_equal(simulation_edges(one, p, &a, &n_a, &err), MESO_OK);
        assert_int_equal(simulation_edges(cut, p, &b, &n_b, &err), MESO_OK);
        assert_int_equal(n_a, n_b);
        for (uint64_t i = 0; i < n_a; i++)
            if (a[i].source != b[i].source || a[i].target != b[i].target ||
                a[i].delay_steps != b[i].delay_steps || a[i].weight != b[i].weight)
                fail_msg("%s: edge %llu differs", e->projections[p].name, (unsigned long long)i);
        free(a);
        free(b);
    }
}

static void compare_spikes(const meso_experiment *e, const meso_run_options *one,
                           const meso_run_options *cut)
{
    capture a = capture_experiment(e, one), b = capture_experiment(e, cut);
    assert_true(a.n_spikes > 100);
    assert_int_equal(a.spike_hash, b.spike_hash);
    assert_int_equal(a.synaptic_events, b.synaptic_events);
    capture_free(&a);
    capture_free(&b);
}

static void compare_cut(const char *path, const char *storage, const meso_run_options *options)
{
    meso_experiment *e = load_scaled(path, 1, storage);
    meso_run_options cut = *options;
    uint32_t n_one, n_cut;
    simulation *one = create(e, options);
    const uint64_t bytes = synapse_bytes(one, &n_one);
    cut.buffer_bytes = smallest_buffers(e, options, bytes);
    simulation *four = create(e, &cut);
    assert_int_equal(synapse_bytes(four, &n_cut), bytes);
    assert_int_equal(n_one, 1);
    assert_int_equal(n_cut, 4);
    for (uint32_t b = 0; b < 4; b++)
        assert_true(four->synapses.buffers[b].bytes <= cut.buffer_bytes);
    compare_edges(e, one, four);
    simulation_destroy(&one);
    simulation_destroy(&four);
    compare_spikes(e, options, &cut);
    meso_experiment_destroy(&e);
}

static void test_synapses_in_four_buffers_are_those_in_one(void **state)
{
    (void)state;
    for (uint32_t partitions = 1; partitions <= 3; partitions++) {
        const meso_run_options options = {.partitions = partitions};
        compare_cut("tests/support/cortex.json", "compact", &options);
        compare_cut("tests/support/cortex.json", "wide", &options);
        compare_cut("tests/support/busy.json", "compact", &options);
    }
}

/* Spike lists that partitions share are cut otherwise. */
static void test_synapses_in_four_buffers_laid_out_for_a_gpu(void **state)
{
    (void)state;
    meso_device_info *info = &capture_device()->info;
    const bool is_gpu = info->is_gpu;
    const meso_run_options options = {.partitions = 3, .work_group_size = 8};
    info->is_gpu = true;
    compare_cut("tests/support/cortex.json", "compact", &options);
    compare_cut("tests/support/cortex.json", "wide", &options);
    compare_cut("tests/support/busy.json", "compact", &options);
    info->is_gpu = is_gpu;
}

static void test_more_than_four_buffers_are_refused_before_anything_is_allocated(void **state)
{
    (void)state;
    meso_experiment *e = load_scaled("tests/support/cortex.json", 1, "wide");
    const meso_run_options tight = {.buffer_bytes = 60000};
    meso_plan_row *rows;
    uint64_t now, peak_before, peak;
    uint32_t n;
    meso_error err = {0}, run_err = {0};
    meso_device_memory(capture_device(), &now, &peak_before);
    assert_int_equal(
        meso_experiment_plan(e, meso_device_describe(capture_device()), &tight, &rows, &n, &err),
        MESO_RANGE);
    assert_non_null(
        strstr(err.message, "projections.e_e: with its 1.6e+04 synapses all synapses take "));
    assert_non_null(strstr(err.message, ": more than 4 buffers of 6e-05 GB, the largest here"));
    assert_int_equal(meso_experiment_run(e, capture_device(), &tight, NULL, 0, &run_err),
                     MESO_RANGE);
    assert_string_equal(run_err.message, err.message);
    meso_device_memory(capture_device(), &now, &peak);
    assert_int_equal(now, 0);
    assert_int_equal(peak, peak_before);
    meso_experiment_destroy(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_predicted_within_one_percent),
        cmocka_unit_test(test_memory_of_what_is_laid_out_for_a_gpu),
        cmocka_unit_test(test_the_largest_projections_become_procedural_until_the_rest_fits),
        cmocka_unit_test(test_storage_that_was_asked_for_stays),
        cmocka_unit_test(test_five_billion_synapses_need_memory_for_them),
        cmocka_unit_test(test_more_state_than_can_be_numbered_is_refused),
        cmocka_unit_test(test_synapses_in_four_buffers_are_those_in_one),
        cmocka_unit_test(test_synapses_in_four_buffers_laid_out_for_a_gpu),
        cmocka_unit_test(test_more_than_four_buffers_are_refused_before_anything_is_allocated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
