#include "engine/internal.h"

#include <math.h>
#include <stdio.h>

/* Bytes of state, parameters and input ring per population. */
static uint64_t population_bytes(const experiment *e, const layout *l, uint32_t i)
{
    const population *p = &e->populations[i];
    const population_layout *pl = &l->populations[i];
    uint64_t arrays = codegen_conductance_field(p, p->n_conductances);
    for (uint32_t k = 0; k < p->model->n_parameters; k++)
        arrays += p->parameters[k].kind != DISTRIBUTION_CONSTANT;
    return (arrays * pl->n_padded + pl->ring_words) * sizeof(float);
}

static uint64_t projection_bytes(const layout *l, uint32_t i)
{
    const projection_layout *q = &l->projections[i];
    return (uint64_t)q->expected_synapses * 4 + (q->n_rows + 1) * 4;
}

static uint64_t history_bytes(const layout *l)
{
    return (uint64_t)l->n_history * (l->spikes_per_batch + l->n_chunks) * 4;
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
    visit(self, "spike history", 0, history_bytes(l));
    visit(self, "spike records", 0, 2 * recorder_record_bytes(e, l));
    visit(self, "while building", 0, l->n_rows * 4);
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

static uint32_t population_largest(const experiment *e)
{
    uint32_t largest = 0;
    for (uint32_t i = 1; i < e->n_populations; i++)
        if (e->populations[i].n_neurons > e->populations[largest].n_neurons)
            largest = i;
    return largest;
}

/* Share of the network that the device has room for; 1 or more: it fits. Synapses, cells and input rings
 * are one buffer each. */
static double memory_share(const experiment *e, const layout *l, const meso_device_info *device,
                           uint64_t needed)
{
    double cells = 0;
    for (uint32_t i = 0; i < e->n_populations; i++)
        cells += (double)population_bytes(e, l, i);
    const double largest = fmax(cells, l->expected_synapses * 4);
    return fmin((double)device->global_bytes / (double)needed,
                (double)device->max_alloc_bytes / largest);
}

meso_status memory_check(const experiment *e, const layout *l, const meso_device_info *device,
                         meso_error *err)
{
    total needed = {0};
    simulation_memory(e, l, total_add, &needed);
    const double share = memory_share(e, l, device, needed.bytes);
    if (share >= 1)
        return MESO_OK;
    const double GB = 1e9, synapse_bytes = l->expected_synapses * 4;
    const population *p = &e->populations[population_largest(e)];
    if ((double)needed.bytes < 2 * synapse_bytes)
        return error_set(err, MESO_DEVICE_MEMORY,
                         "the network needs %.3g GB on the device, %.3g GB of it in one buffer for "
                         "%.3g synapses; %s has %.3g GB, and at most %.3g GB for one buffer",
                         (double)needed.bytes / GB, synapse_bytes / GB, l->expected_synapses,
                         device->name, (double)device->global_bytes / GB,
                         (double)device->max_alloc_bytes / GB);
    return error_set(err, MESO_RANGE,
                     "%s: populations.%s.n_neurons: %u cells are too many for %s: the network needs "
                     "%.3g GB, the device has %.3g GB (at most %.3g GB for one buffer); about %.2g "
                     "cells would fit",
                     p->place, p->name, p->n_neurons, device->name, (double)needed.bytes / GB,
                     (double)device->global_bytes / GB, (double)device->max_alloc_bytes / GB,
                     floor(p->n_neurons * share));
}
