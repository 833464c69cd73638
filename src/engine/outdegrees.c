/*
 * Synaptic events of sources whose contacts come and go. A spike sets off as many as the source has contacts in its step:
 * those that the latest update before it left. These numbers are known only some time after the update, and reach the
 * host later still; until then spikes are counted with the numbers before, and counted themselves, so that the difference can
 * be made up for.
 */
#include "base/state.h"
#include "engine/internal.h"

#include <string.h>

/* Room for the updates of intervals that are not yet collected. */
static uint32_t slots_needed(const layout *l, const structure_layout *s)
{
    return 3 * SIMULATION_INTERVAL * l->steps_per_field / s->update_steps + 3;
}

static meso_status one_create(simulation *sim, const structure_layout *s, outdegrees *x,
                              meso_error *err)
{
    const uint32_t n = sim->e->populations[sim->e->projections[s->projection].source].n_neurons;
    x->n_slots = slots_needed(sim->l, s);
    MESO_TRY(simulation_alloc(sim, n, sizeof *x->now, &x->now, err));
    MESO_TRY(simulation_alloc(sim, n, sizeof *x->since, &x->since, err));
    MESO_TRY(simulation_alloc(sim, x->n_slots, sizeof *x->slots, &x->slots, err));
    MESO_TRY(simulation_alloc(sim, x->n_slots, sizeof *x->intervals, &x->intervals, err));
    for (uint32_t i = 0; i < x->n_slots; i++)
        MESO_TRY(simulation_alloc(sim, n, sizeof **x->slots, &x->slots[i], err));
    return buffer_read(sim->device, &sim->contacts.outdegrees, s->first_outdegree * sizeof *x->now,
                       n * sizeof *x->now, x->now, err);
}

meso_status outdegrees_create(simulation *sim, meso_error *err)
{
    const layout *l = sim->l;
    contacts *c = &sim->contacts;
    MESO_TRY(simulation_alloc(sim, l->n_structures, sizeof *c->sources, &c->sources, err));
    for (uint32_t i = 0; i < l->n_structures; i++)
        MESO_TRY(one_create(sim, &l->structures[i], &c->sources[i], err));
    return MESO_OK;
}

meso_status outdegrees_publish(simulation *sim, uint32_t structure, uint64_t update,
                               meso_error *err)
{
    const structure_layout *s = &sim->l->structures[structure];
    const uint32_t n = sim->e->populations[sim->e->projections[s->projection].source].n_neurons;
    outdegrees *x = &sim->contacts.sources[structure];
    const uint32_t slot = (uint32_t)(update % x->n_slots);
    x->published = update;
    x->intervals[slot] = sim->n_enqueued;
    return buffer_read_begin(sim->device, &sim->contacts.outdegrees,
                             s->first_outdegree * sizeof *x->now, n * sizeof *x->now,
                             x->slots[slot], NULL, err);
}

/* Have the numbers of this update come with the interval that is collected now, or before? */
static int is_there(const simulation *sim, const outdegrees *x, uint64_t update)
{
    return update <= x->published && x->intervals[update % x->n_slots] <= sim->n_collected;
}

/* Returns what spikes since `epoch` were counted too little. */
static uint64_t epoch_apply(const simulation *sim, outdegrees *x, uint32_t n)
{
    uint64_t more = 0;
    if (x->epoch == x->applied || !is_there(sim, x, x->epoch))
        return 0;
    const uint32_t *next = x->slots[x->epoch % x->n_slots];
    for (uint32_t i = 0; i < n; i++) {
        more += (uint64_t)x->since[i] * next[i] - (uint64_t)x->since[i] * x->now[i];
        x->now[i] = next[i];
    }
    x->applied = x->epoch;
    return more; /* modulo 2^64: it may be less than nothing */
}

static uint64_t epoch_end(const simulation *sim, outdegrees *x, uint32_t n)
{
    const uint64_t more = epoch_apply(sim, x, n);
    memset(x->since, 0, n * sizeof *x->since);
    x->epoch++;
    return more;
}

static uint64_t one_count(simulation *sim, const structure_layout *s, outdegrees *x,
                          const recording_half *h, uint64_t n_spikes)
{
    const uint32_t source = sim->e->projections[s->projection].source;
    const uint32_t n = sim->e->populations[source].n_neurons;
    uint64_t n_events = 0;
    for (uint64_t i = 0; i < n_spikes; i++) {
        const meso_spike *spike = &h->spikes[i];
        if (spike->population != source)
            continue;
        while (x->epoch < spike->step / s->update_steps)
            n_events += epoch_end(sim, x, n);
        x->since[spike->neuron]++;
        n_events += x->now[spike->neuron];
    }
    while (x->epoch < (h->first_step + h->n_steps) / s->update_steps)
        n_events += epoch_end(sim, x, n);
    return n_events + epoch_apply(sim, x, n);
}

uint64_t outdegrees_count(simulation *sim, const recording_half *h, uint64_t n_spikes)
{
    uint64_t n_events = 0;
    for (uint32_t i = 0; i < sim->l->n_structures; i++)
        n_events += one_count(sim, &sim->l->structures[i], &sim->contacts.sources[i], h, n_spikes);
    return n_events;
}

/* All updates have come when the simulation stands still. */
static meso_status one_state(const simulation *sim, const structure_layout *s, outdegrees *x,
                             const meso_state_visitor *v, meso_error *err)
{
    const char *name = sim->e->projections[s->projection].name;
    const uint32_t n = sim->e->populations[sim->e->projections[s->projection].source].n_neurons;
    MESO_TRY(STATE_VALUE(v, x->published, err, "engine/%s/updates that came", name));
    MESO_TRY(STATE_VALUE(v, x->applied, err, "engine/%s/update that counts", name));
    MESO_TRY(STATE_VALUE(v, x->epoch, err, "engine/%s/update of the latest spikes", name));
    MESO_TRY(state_block(v, x->now, n * sizeof *x->now, err, "engine/%s/out-degrees", name));
    MESO_TRY(state_block(v, x->since, n * sizeof *x->since, err, "engine/%s/latest spikes", name));
    for (uint32_t i = 0; i < x->n_slots; i++) {
        x->intervals[i] = 0;
        MESO_TRY(state_block(v, x->slots[i], n * sizeof **x->slots, err,
                             "engine/%s/out-degrees of update %u", name, i));
    }
    return MESO_OK;
}

meso_status outdegrees_state(simulation *sim, const meso_state_visitor *v, meso_error *err)
{
    for (uint32_t i = 0; i < sim->l->n_structures; i++)
        MESO_TRY(one_state(sim, &sim->l->structures[i], &sim->contacts.sources[i], v, err));
    return MESO_OK;
}
