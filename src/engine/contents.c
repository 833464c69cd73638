/* Contents of learned synapses: their input channels, and their values at the start. */
#include "base/rng.h"
#include "engine/internal.h"

#include <math.h>
#include <stdlib.h>

uint32_t contents_count(const experiment *e, uint32_t projection)
{
    const long_term_plasticity *x = e->projections[projection].learning;
    return x != NULL ? x->n_contents : 0;
}

uint32_t contents_first(const experiment *e, uint32_t projection)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < projection; i++)
        n += contents_count(e, i);
    return n;
}

static double unit_of(const simulation *sim, uint32_t projection, uint32_t k)
{
    const uint32_t target = sim->e->projections[projection].target;
    const content_layout *q = &sim->l->projections[projection].contents[k];
    return sim->l->populations[target].channels[q->channel].unit;
}

static uint32_t ring_word(const simulation *sim, uint32_t projection, uint32_t k)
{
    const population_layout *to = &sim->l->populations[sim->e->projections[projection].target];
    return to->ring_word + sim->l->projections[projection].contents[k].channel * to->n_local;
}

void contents_connect(const simulation *sim, uint32_t projection, content_port *ports)
{
    const long_term_plasticity *x = sim->e->projections[projection].learning;
    for (uint32_t s = 0; s < x->rule->n_state; s++)
        ports[s].ring_word = MESO_NEVER;
    for (uint32_t k = 0; k < x->n_contents; k++)
        ports[x->contents[k].state] = (content_port){
            .ring_word = ring_word(sim, projection, k),
            .per_unit = (float)(1 / unit_of(sim, projection, k)),
        };
}

void contents_levels_fill(const simulation *sim, uint32_t projection, int32_t *levels)
{
    for (uint32_t k = 0; k < contents_count(sim->e, projection); k++) {
        const synapse_content *c = &sim->e->projections[projection].learning->contents[k];
        const content_layout *q = &sim->l->projections[projection].contents[k];
        const double unit = unit_of(sim, projection, k);
        for (uint32_t i = 0; i < q->n_levels; i++)
            levels[q->first_level + i] = (int32_t)llround(
                weight_level(&c->initial, i, q->n_levels) / unit);
    }
}

static content_entry entry_of(const simulation *sim, uint32_t projection, uint32_t k)
{
    const struct projection *p = &sim->e->projections[projection];
    const synapse_content *c = &p->learning->contents[k];
    const content_layout *q = &sim->l->projections[projection].contents[k];
    const double unit = unit_of(sim, projection, k);
    const rng_words key = rng_stream_key(sim->e->seed, "projection/%s/contents/%s", p->name,
                                         p->learning->rule->state[c->state].name);
    return (content_entry){
        .state = c->state,
        .ring_word = ring_word(sim, projection, k),
        .largest = (int32_t)llround(p->learning->weight_max / unit),
        .key0 = key.x,
        .key1 = key.y,
        .first_level = q->first_level,
        .n_levels = q->n_levels,
        .share = isnan(c->share) ? 0 : (float)c->share,
        .most = (float)p->learning->weight_max,
        .unit = (float)unit,
    };
}

meso_status contents_upload(simulation *sim, meso_error *err)
{
    const uint32_t n = contents_first(sim->e, sim->e->n_projections);
    content_entry *table = calloc(n + 1, sizeof *table);
    if (table == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0, at = 0; i < sim->e->n_projections; i++)
        for (uint32_t k = 0; k < contents_count(sim->e, i); k++)
            table[at++] = entry_of(sim, i, k);
    const meso_status status = buffer_create(sim->device, BUFFER_CONSTANT, "contents",
                                             n * sizeof *table, table, &sim->synapses.contents,
                                             err);
    free(table);
    return status;
}
