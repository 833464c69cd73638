#include "engine/internal.h"

#include <math.h>
#include <stdlib.h>

#define RATE_MAX 1000.0 /* per step: nothing is left after one */

/* --- layout ------------------------------------------------------------------------------------------- */

/* State of a projection's sources, and a place for an amplitude beside every place for a spike. */
static void projection_lay_out(const experiment *e, layout *l, uint32_t i, uint64_t *n_states,
                               uint64_t *n_places)
{
    const uint32_t source = e->projections[i].source;
    const population_layout *from = &l->populations[source];
    l->plastic[l->n_plastic++] = i;
    l->projections[i].first_plastic_state = (uint32_t)*n_states;
    l->projections[i].amplitude_base = (uint32_t)*n_places;
    *n_states += e->populations[source].n_neurons;
    *n_places += (uint64_t)l->list_partitions * from->spike_capacity;
}

meso_status plasticity_lay_out(const experiment *e, layout *l, meso_error *err)
{
    uint64_t n_states = 0, n_places = 0;
    l->plastic = arena_alloc(l->memory, (e->n_projections + 1) * sizeof *l->plastic);
    if (l->plastic == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t p = 0; p < e->n_populations; p++) {
        l->populations[p].first_plastic = l->n_plastic;
        for (uint32_t i = 0; i < e->n_projections; i++)
            if (e->projections[i].source == p && projection_has_amplitudes(&e->projections[i]))
                projection_lay_out(e, l, i, &n_states, &n_places);
        l->populations[p].n_plastic = l->n_plastic - l->populations[p].first_plastic;
    }
    if (n_states > UINT32_MAX || n_places > UINT32_MAX)
        return too_large(e, "short-term plasticity", fmax((double)n_states, (double)n_places), err);
    l->n_plastic_states = (uint32_t)n_states;
    l->amplitudes_per_batch = (uint32_t)n_places;
    return MESO_OK;
}

/* --- on the device ------------------------------------------------------------------------------------ */

static float rate_per_step(const experiment *e, double tau_ms)
{
    return (float)(tau_ms * RATE_MAX > e->dt_ms ? e->dt_ms / tau_ms : RATE_MAX);
}

/* A projection without plasticity has U 1, and resources that are whole again in the next step. */
static plasticity_entry entry_of(const simulation *sim, uint32_t i)
{
    static const short_term_plasticity none = {.U = 1};
    const projection *q = &sim->e->projections[i];
    const short_term_plasticity *p = q->plasticity != NULL ? q->plasticity : &none;
    return (plasticity_entry){
        .U = (float)p->U,
        .recovery_per_step = rate_per_step(sim->e, p->tau_recovery_ms),
        .facilitation_per_step = rate_per_step(sim->e, p->tau_facilitation_ms),
        .factor = q->n_presynaptic > 0 ? 2 * receptors_target(sim, i) : MESO_NEVER,
        .first_state = sim->l->projections[i].first_plastic_state,
        .amplitude_base = sim->l->projections[i].amplitude_base,
    };
}

static meso_status table_upload(simulation *sim, meso_error *err)
{
    const uint32_t n = sim->l->n_plastic;
    plasticity_entry *table = calloc(n + 1, sizeof *table);
    if (table == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t k = 0; k < n; k++)
        table[k] = entry_of(sim, sim->l->plastic[k]);
    const meso_status status = buffer_create(sim->device, BUFFER_CONSTANT, "short-term plasticity",
                                             n * sizeof *table, table, &sim->plasticity.table, err);
    free(table);
    return status;
}

meso_status plasticity_create(simulation *sim, meso_error *err)
{
    const layout *l = sim->l;
    plasticity *p = &sim->plasticity;
    MESO_TRY(table_upload(sim, err));
    MESO_TRY(buffer_create(sim->device, BUFFER_STATE, "plastic states",
                           l->n_plastic_states * sizeof(plastic_state), NULL, &p->states, err));
    return buffer_create(sim->device, BUFFER_STATE, "amplitudes",
                         (size_t)l->n_history * l->amplitudes_per_batch * sizeof(uint32_t), NULL,
                         &p->amplitudes, err);
}

void plasticity_destroy(simulation *sim)
{
    plasticity *p = &sim->plasticity;
    buffer *all[] = {&p->table, &p->states, &p->amplitudes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(sim->device, all[i]);
}
