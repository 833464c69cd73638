#include "model/experiment.h"

#include "base/hash.h"

#include <string.h>

const neuron_model *experiment_model(const experiment *e, uint32_t i)
{
    if (i < e->n_models)
        return &e->models[i];
    i -= e->n_models;
    if (i < e->n_currents)
        return &e->currents[i];
    i -= e->n_currents;
    return i < e->n_rules ? &e->rules[i] : NULL;
}

uint32_t modulator_compartment(const modulator *m, const char *region)
{
    for (uint32_t i = 0; i < m->n_compartments; i++)
        if (strcmp(m->compartments[i].region, region) == 0)
            return i;
    return MODEL_NONE;
}

bool experiment_reads_synapses(const experiment *e, uint32_t projection_index)
{
    for (uint32_t i = 0; i < e->record.n_synapse_sets; i++)
        if (e->record.synapse_sets[i].projection == projection_index)
            return true;
    for (uint32_t i = 0; i < e->record.n_snapshots; i++)
        if (e->record.snapshots[i].projection == projection_index)
            return true;
    for (uint32_t i = 0; i < e->n_assays; i++)
        for (uint32_t k = 0; k < e->assays[i].slice.n_pathways; k++)
            if (e->assays[i].slice.pathways[k].projection == projection_index)
                return true;
    return false;
}

const voxel_grid *receptor_grid(const experiment *e, uint32_t receptor_index, const char *region,
                                uint32_t *compartment_index)
{
    const receptor *r = &e->receptors[receptor_index];
    if (r->modulator == MODEL_NONE)
        return NULL;
    const modulator *m = &e->modulators[r->modulator];
    const uint32_t c = modulator_compartment(m, region);
    if (compartment_index != NULL)
        *compartment_index = c;
    return c != MODEL_NONE ? m->compartments[c].grid : NULL;
}

uint64_t experiment_fingerprint(const experiment *e)
{
    const neuron_model *m;
    uint64_t h = hash_bytes(e->json, strlen(e->json), 0);
    for (uint32_t i = 0; (m = experiment_model(e, i)) != NULL; i++)
        h = hash_bytes(m->text, strlen(m->text), h);
    for (uint32_t i = 0; i < e->n_stimuli; i++)
        for (uint64_t k = 0; k < e->stimuli[i].n_events; k++) {
            const playback_event *event = &e->stimuli[i].events[k];
            h = hash_bytes(&event->step, sizeof event->step, h);
            h = hash_bytes(&event->neuron, sizeof event->neuron, h);
        }
    return h;
}
