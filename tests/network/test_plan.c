/*
 * What `mesocl check` says is what a run takes: device memory within 5 %, from one cell to a cortical column; how
 * synapses are kept follows from the memory that a device has.
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

#define MAX_OVERRIDES 256

/* --- memory ------------------------------------------------------------------------------------------ */

typedef struct overrides {
    char text[MAX_OVERRIDES][96];
    const char *list[MAX_OVERRIDES];
    uint32_t n;
} overrides;

static void override_add(overrides *o, const char *path, const char *name, const char *key, double value)
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
            override_add(&o, "projections", p->name, "total", ceil((double)p->total * scale * scale));
        if (p->rule != RULE_FIXED_INDEGREE) {
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
    if (meso_device_open(&own, &device, &err) != MESO_OK ||
        simulation_create(e, device, options, &sim, &err) != MESO_OK ||
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
        {"tests/support/tiny.json", 1, "auto"},
        {"tests/support/tiny.json", 1, "procedural"},
        {"tests/support/busy.json", 1, "auto"},
        {"tests/support/cortex.json", 1, "auto"},
        {"tests/support/cortex.json", 1, "wide"},
        {"tests/support/cortex.json", 1, "procedural"},
        {"bench/cases/coba.json", 1, "auto"},
        {"bench/cases/brunel.json", 0.2, "auto"},
        {"bench/cases/pd14.json", 0.1, "auto"},
        {"bench/cases/pd14.json", 0.1, "procedural"},
        {"configs/baseline.json", 1, "auto"},
        {"configs/cocaine_acute.json", 1, "auto"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_predicted_within_one_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
