#include "config/probe.h"

#include "config/document.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AXONS "axons"
#define CELLS "cells"

/* Where a probe is built; `failed` once memory has run out, which is looked at in the end. */
typedef struct bench {
    const experiment *e;
    const probe_plan *plan;
    cJSON *root;
    double start_ms, period_ms, end_ms;
    bool failed;
} bench;

static void set(bench *b, cJSON *object, const char *key, cJSON *value)
{
    if (value == NULL || object == NULL) {
        cJSON_Delete(value);
        b->failed = true;
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    if (!cJSON_AddItemToObject(object, key, value)) {
        cJSON_Delete(value);
        b->failed = true;
    }
}

static void set_number(bench *b, cJSON *object, const char *key, double value)
{
    set(b, object, key, cJSON_CreateNumber(value));
}

static void set_text(bench *b, cJSON *object, const char *key, const char *value)
{
    set(b, object, key, cJSON_CreateString(value));
}

/* A new object in the place of `key`. */
static cJSON *set_object(bench *b, cJSON *object, const char *key)
{
    cJSON *value = cJSON_CreateObject();
    set(b, object, key, value);
    return b->failed ? NULL : value;
}

static cJSON *find(const bench *b, const char *section, const char *name)
{
    return get_member(get_member(b->root, section), name);
}

/* --- cells ------------------------------------------------------------------------------------ */

/* All thresholds are below the pulse but those of the axons that it does not reach. */
static void share_axons(bench *b, cJSON *axons, uint32_t n)
{
    const uint32_t n_fired = (uint32_t)fmax(1, round(b->plan->share * n));
    cJSON *list = cJSON_CreateArray();
    for (uint32_t i = 0; list != NULL && i < n; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(i < n_fired ? 0 : 1000));
    set(b, set_object(b, axons, "parameters"), "threshold_pA", list);
}

/* The population as it is, but for its cells. */
static cJSON *copy_population(bench *b, uint32_t index, const char *cell)
{
    cJSON *copy = cJSON_Duplicate(find(b, "populations", b->e->populations[index].name), true);
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "parameters");
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "initial");
    set_text(b, copy, "cell", cell);
    return copy;
}

/* Conductances of the target's cell and what receptors do to them; its other parameters are gone. */
static cJSON *clamp_cell(bench *b, const population *target)
{
    const cJSON *cell = find(b, "cells", target->cell);
    const cJSON *conductances = get_member(cell, "conductances");
    const cJSON *effects = get_member(cell, "effects");
    cJSON *clamp = cJSON_CreateObject();
    set_text(b, clamp, "model", "voltage_clamp");
    set_number(b, set_object(b, clamp, "parameters"), "holding_mV", b->plan->holding_mV);
    if (conductances)
        set(b, clamp, "conductances", cJSON_Duplicate(conductances, true));
    cJSON *kept = cJSON_CreateArray();
    for (const cJSON *effect = effects ? effects->child : NULL; effect; effect = effect->next) {
        const cJSON *on = get_member(effect, "on");
        if (on && get_member(conductances, on->valuestring))
            cJSON_AddItemToArray(kept, cJSON_Duplicate(effect, true));
    }
    set(b, clamp, "effects", kept);
    return clamp;
}

static void make_network(bench *b)
{
    const experiment *e = b->e;
    const probe_plan *plan = b->plan;
    cJSON *populations = cJSON_CreateObject(), *cells = cJSON_CreateObject();
    cJSON *projections = cJSON_CreateObject();
    cJSON *axons = copy_population(b, plan->source, AXONS);
    if (plan->share < 1)
        share_axons(b, axons, e->populations[plan->source].n_neurons);
    set(b, populations, AXONS, axons);
    set_text(b, set_object(b, cells, AXONS), "model", "axon");
    if (plan->projection != MODEL_NONE) {
        const projection *p = &e->projections[plan->projection];
        set(b, populations, CELLS, copy_population(b, p->target, CELLS));
        set(b, cells, CELLS, clamp_cell(b, &e->populations[p->target]));
        cJSON *kept = cJSON_Duplicate(find(b, "projections", p->name), true);
        set_text(b, kept, "source", AXONS);
        set_text(b, kept, "target", CELLS);
        set(b, projections, p->name, kept);
    }
    set(b, b->root, "populations", populations);
    set(b, b->root, "cells", cells);
    set(b, b->root, "projections", projections);
}

/* --- chemistry -------------------------------------------------------------------------------- */

/* A compartment without release needs neither stores, nor enzymes, nor space. */
static void silence(bench *b, cJSON *compartment)
{
    set_number(b, compartment, "release_nM", 0);
    cJSON_DeleteItemFromObjectCaseSensitive(compartment, "terminals");
    cJSON_DeleteItemFromObjectCaseSensitive(compartment, "enzymes");
    cJSON_DeleteItemFromObjectCaseSensitive(compartment, "grid");
}

static void quiet_modulators(bench *b)
{
    const probe_plan *plan = b->plan;
    for (uint32_t i = 0; i < b->e->n_modulators; i++) {
        const modulator *m = &b->e->modulators[i];
        cJSON *compartments = get_member(find(b, "modulators", m->name), "compartments");
        for (uint32_t c = 0; c < m->n_compartments; c++) {
            cJSON *compartment = get_member(compartments, m->compartments[c].region);
            if (!get_member(compartment, "source"))
                continue; /* a constant tone */
            set_text(b, compartment, "source", AXONS);
            if (plan->modulator != i || plan->compartment != c)
                silence(b, compartment);
            if (!get_member(compartment, "terminals")) /* whose stores are in balance with it */
                set_number(b, compartment, "initial_nM", 0);
        }
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static double to_multiple(double value, double step)
{
    return fmax(1, round(value / step)) * step;
}

static void plan_times(bench *b)
{
    const experiment *e = b->e;
    const probe_plan *plan = b->plan;
    b->start_ms = to_multiple(plan->wash_in_s * 1e3, e->field_step_ms);
    b->period_ms = plan->pulses > 1 ? to_multiple(1e3 / plan->frequency_hz, e->dt_ms) : 0;
    b->end_ms = to_multiple(b->start_ms + (plan->pulses - 1) * b->period_ms + plan->after_s * 1e3,
                            e->field_step_ms);
}

static void make_train(bench *b)
{
    cJSON *stimuli = set_object(b, b->root, "stimuli");
    cJSON *train = set_object(b, stimuli, "train");
    const double dt_ms = b->e->dt_ms;
    set_text(b, train, "kind", "pulses");
    set_text(b, train, "target", AXONS);
    set_number(b, train, "amplitude_pA", 1);
    set_number(b, train, "width_ms", dt_ms);
    set_number(b, train, "period_ms", b->period_ms);
    set_number(b, train, "start_ms", b->start_ms);
    set_number(b, train, "stop_ms", b->start_ms + (b->plan->pulses - 1) * b->period_ms + dt_ms);
}

static void make_protocol(bench *b)
{
    cJSON *protocol = cJSON_CreateArray(), *phase = cJSON_CreateObject();
    set_text(b, phase, "phase", "probe");
    set_number(b, phase, "ms", b->end_ms);
    cJSON *bath = set_object(b, phase, "bath_nM");
    for (uint32_t d = 0; d < b->e->n_drugs; d++)
        set_number(b, bath, b->e->drugs[d].name, b->plan->level_nM[d]);
    cJSON_AddItemToArray(protocol, phase);
    set(b, b->root, "protocol", protocol);
}

static void make_record(bench *b)
{
    const experiment *e = b->e;
    const probe_plan *plan = b->plan;
    cJSON *record = set_object(b, b->root, "record");
    set(b, record, "spikes", cJSON_CreateFalse());
    set_number(b, record, "timeline_interval_ms", 1000 * e->field_step_ms);
    set_number(b, record, "largest_rate_hz", 2000);
    cJSON *report = set_object(b, set_object(b, record, "reports"), "answer");
    double step_ms = e->dt_ms;
    if (plan->projection != MODEL_NONE) {
        set_text(b, report, "population", CELLS);
        set_text(b, report, "variable", "I_pA");
    } else {
        const modulator *m = &e->modulators[plan->modulator];
        step_ms = e->field_step_ms;
        set_text(b, report, "modulator", m->name);
        set_text(b, report, "region", m->compartments[plan->compartment].region);
        set_text(b, report, "variable", "concentration_nM");
    }
    set_number(b, report, "interval_ms", step_ms);
    const double before_ms = to_multiple(plan->before_s * 1e3, e->field_step_ms);
    set_number(b, report, "start_ms", fmax(0, b->start_ms - before_ms));
}

/* --- all of it -------------------------------------------------------------------------------- */

meso_status probe_load(const experiment *e, const probe_plan *plan, meso_experiment **probe,
                       double *start_s, meso_error *err)
{
    bench b = {.e = e, .plan = plan, .root = cJSON_Parse(e->json)};
    *probe = NULL;
    if (b.root == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    plan_times(&b);
    make_network(&b);
    quiet_modulators(&b);
    make_train(&b);
    make_protocol(&b);
    make_record(&b);
    cJSON_DeleteItemFromObjectCaseSensitive(b.root, "assays");
    cJSON_DeleteItemFromObjectCaseSensitive(b.root, "contingencies");
    char *json = b.failed ? NULL : cJSON_PrintUnformatted(b.root);
    cJSON_Delete(b.root);
    if (json == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    const meso_status status = meso_experiment_load_text(plan->name, json, NULL, 0, probe, err);
    free(json);
    *start_s = b.start_ms * 1e-3;
    return status;
}
