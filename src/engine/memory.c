#include "engine/internal.h"

#include <math.h>
#include <stdio.h>

/* Bytes of state, parameters and input ring per population. */
static uint64_t population_bytes(const experiment *e, const layout *l, uint32_t i)
{
    const population *p = &e->populations[i];
    const population_layout *pl = &l->populations[i];
    uint64_t arrays = codegen_fields(e, i);
    for (uint32_t k = 0; k < p->model->n_parameters; k++)
        arrays += p->parameters[k].kind != DISTRIBUTION_CONSTANT;
    for (uint32_t s = 0; s < e->n_stimuli; s++)
        for (uint32_t k = 0; e->stimuli[s].kind == STIMULUS_CURRENT && e->stimuli[s].target == i &&
                             k < e->stimuli[s].current->n_parameters;
             k++)
            arrays += e->stimuli[s].parameters[k].kind != DISTRIBUTION_CONSTANT;
    const uint64_t ring = (uint64_t)l->n_partitions * l->n_slots * pl->n_channels * pl->n_local;
    return (arrays * pl->n_padded + ring) * sizeof(float);
}

/* Its synapses, and its share of the rows of its bundle. */
static uint64_t projection_bytes(const layout *l, uint32_t i)
{
    const projection_layout *q = &l->projections[i];
    double rows = 0;
    for (uint32_t b = q->first_bundle; b < q->first_bundle + q->n_bundles; b++)
        if (q->storage != STORAGE_PROCEDURAL)
            rows += (double)l->bundles[b].n_rows / l->bundles[b].n_projections;
    return (uint64_t)(q->expected_synapses * storage_bytes(q->storage) + rows * 4);
}

/* Tables from which edges are made: they stay only if edges are made anew at every spike. */
static uint64_t rules_bytes(const experiment *e)
{
    uint64_t bytes = e->n_projections * (sizeof(edge_rule) + MESO_QUANTILES * 2);
    for (uint32_t i = 0; i < e->n_projections; i++)
        if (e->projections[i].rule == RULE_FIXED_TOTAL)
            bytes += e->populations[e->projections[i].source].n_neurons * sizeof(uint32_t);
    return bytes;
}

static uint64_t frames_bytes(const experiment *e)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < e->record.n_reports; i++)
        bytes += recorder_frame_bytes(e, &e->record.reports[i]);
    return bytes;
}

static uint64_t history_bytes(const layout *l)
{
    return (uint64_t)l->n_history * l->spikes_per_batch * 4;
}

void simulation_memory(const experiment *e, const layout *l, memory_visitor *visit, void *self)
{
    char name[96];
    for (uint32_t i = 0; i < e->n_populations; i++) {
        snprintf(name, sizeof name, "population %s", e->populations[i].name);
        visit(self, name, e->populations[i].n_neurons, population_bytes(e, l, i));
    }
    for (uint32_t i = 0; i < e->n_projections; i++) {
        snprintf(name, sizeof name, "projection %s", e->projections[i].name);
        visit(self, name, (uint64_t)l->projections[i].expected_synapses, projection_bytes(l, i));
    }
    visit(self, "weight levels", l->n_levels, l->n_levels * 4);
    visit(self, "spike history", 0, history_bytes(l));
    visit(self, "spike records", 0, 2 * recorder_record_bytes(e, l));
    if (playback_bytes(e, l) > 0)
        visit(self, "played spikes", 0, 2 * playback_bytes(e, l));
    visit(self, "report frames", 0, 2 * frames_bytes(e));
    visit(self, "while building", 0, l->n_counted_rows * 4 + rules_bytes(e));
}

/* --- does it fit? ----------------------------------------------------------------------------------- */

typedef struct total {
    uint64_t bytes;
} total;

static void total_add(void *self, const char *name, uint64_t count, uint64_t bytes)
{
    (void)name;
    (void)count;
    ((total *)self)->bytes += bytes;
}

/* The largest single buffer. */
static double buffer_largest(const experiment *e, const layout *l)
{
    double state = 0;
    for (uint32_t i = 0; i < e->n_populations; i++)
        state += (double)population_bytes(e, l, i);
    state -= (double)l->ring_words * 4;
    double synapses = 0;
    for (uint32_t i = 0; i < l->n_bundles; i++)
        synapses = fmax(synapses,
                        l->bundles[i].expected_synapses * storage_bytes(l->bundles[i].storage));
    const double buffers[] = {state,
                              (double)l->ring_words * 4,
                              synapses,
                              (double)l->n_rows * 4,
                              (double)history_bytes(l),
                              (double)recorder_record_bytes(e, l),
                              (double)playback_bytes(e, l)};
    double largest = 0;
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        largest = fmax(largest, buffers[i]);
    for (uint32_t i = 0; i < e->record.n_reports; i++)
        largest = fmax(largest, (double)recorder_frame_bytes(e, &e->record.reports[i]));
    return largest;
}

meso_status memory_check(const experiment *e, const layout *l, const meso_device_info *device,
                         meso_error *err)
{
    total needed = {0};
    simulation_memory(e, l, total_add, &needed);
    const double GB = 1e9, largest = buffer_largest(e, l);
    const double share = fmin((double)device->global_bytes / (double)needed.bytes,
                              (double)device->max_alloc_bytes / largest);
    if (share >= 1)
        return MESO_OK;
    const population *p = &e->populations[layout_largest_population(e)];
    return error_set(
        err, MESO_RANGE,
        "%s: populations.%s.n_neurons: with its %u cells the network is too large for %s: it "
        "needs %.3g GB, %.3g GB of it in one buffer (%.3g synapses: %.3g GB); the device has "
        "%.3g GB, and at most %.3g GB for one buffer; about %.2g cells would fit",
        p->place, p->name, p->n_neurons, device->name, (double)needed.bytes / GB, largest / GB,
        l->expected_synapses, l->expected_synapses * 4 / GB, (double)device->global_bytes / GB,
        (double)device->max_alloc_bytes / GB, floor(p->n_neurons * share));
}
