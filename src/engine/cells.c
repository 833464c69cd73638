/*
 * Receptors of cells that lie in grids: what kernels/cells.clh reads. They come after the receptors of whole places in
 * the tables of the field step (receptors.c), which take their means.
 */
#include "base/rng.h"
#include "engine/field_tables.h"

#include <stdio.h>
#include <stdlib.h>

#define RESULTS 3 /* occupancy, activation, surface */

/* --- what there is --------------------------------------------------------------------------------- */

static int is_local(const experiment *e, uint32_t population_index, uint32_t receptor_index)
{
    return receptors_has(e, population_index, receptor_index) &&
           receptor_grid(e, receptor_index, e->populations[population_index].region, NULL) != NULL;
}

typedef struct sizes {
    uint32_t populations, locals, targets, effects;
    uint64_t places, states, sums;
} sizes;

static uint32_t n_blocks(const population_layout *p)
{
    return (p->n_padded + MESO_LOCAL_BLOCK - 1) / MESO_LOCAL_BLOCK;
}

static sizes sizes_take(const experiment *e, const layout *l)
{
    sizes s = {0};
    for (uint32_t i = 0; i < e->n_populations; i++) {
        const population_layout *p = &l->populations[i];
        const uint32_t before = s.locals;
        for (uint32_t r = 0; r < e->n_receptors; r++) {
            if (!is_local(e, i, r))
                continue;
            s.locals++;
            s.places += p->n_padded;
            s.states += (uint64_t)(receptors_n_states(e, r) + RESULTS) * p->n_padded;
            s.sums += RESULTS * n_blocks(p);
        }
        if (s.locals == before)
            continue;
        s.populations++;
        s.targets += (codegen_fields(e, i) - codegen_local_field(e, i, 0)) / 2;
        s.effects += e->populations[i].n_effects; /* at most */
    }
    return s;
}

uint64_t cells_bytes(const experiment *e, const layout *l)
{
    const sizes s = sizes_take(e, l);
    return s.populations * sizeof(local_cells) + s.locals * sizeof(local_entry) +
           s.targets * sizeof(local_target) + s.effects * sizeof(local_effect) +
           (s.places + s.states + s.sums) * sizeof(float);
}

/* --- tables ------------------------------------------------------------------------------------------ */

typedef struct cell_tables {
    local_cells *populations;
    local_entry *locals;
    local_target *targets;
    local_effect *effects;
    uint32_t *places;
    float *states;
    uint32_t n_populations, n_locals, n_targets, n_effects, n_places, n_states, n_sums;
} cell_tables;

static uint32_t voxel_along(uint32_t word, uint32_t n)
{
    return (uint32_t)((uint64_t)word * n >> 32);
}

/* Where a cell lies: x and y as for rules of distance, stretched to the grid; z besides. */
static uint32_t voxel_of(rng_words places_key, rng_words depths_key, uint32_t neuron,
                         const grid_entry *g)
{
    const rng_words plane = rng_threefry(places_key.x, places_key.y, neuron, 0);
    const rng_words depth = rng_threefry(depths_key.x, depths_key.y, neuron, 0);
    const uint32_t x = voxel_along(plane.x, g->nx), y = voxel_along(plane.y, g->ny);
    return g->first_voxel + (voxel_along(depth.x, g->nz) * g->ny + y) * g->row + x;
}

static void places_fill(const simulation *sim, uint32_t population_index, const grid_entry *g,
                        uint32_t *places)
{
    const experiment *e = sim->e;
    const population *p = &e->populations[population_index];
    const population_layout *l = &sim->l->populations[population_index];
    const rng_words places_key = rng_stream_key(e->seed, "population/%s/places", p->name);
    const rng_words depths_key = rng_stream_key(e->seed, "population/%s/depths", p->name);
    for (uint32_t i = 0; i < l->n_padded; i++)
        places[i] = MESO_NOWHERE;
    for (uint32_t i = 0; i < p->n_neurons; i++)
        places[layout_place(sim->l, l, i)] = voxel_of(places_key, depths_key, i, g);
}

/* The entry of a population's receptor among those of the field step. */
static uint32_t entry_find(const field_tables *t, uint32_t fields)
{
    uint32_t i = 0;
    while (t->receptors[i].fields != fields)
        i++;
    return i;
}

/* Each cell starts with what the receptor of the whole population would. */
static void local_add(const simulation *sim, uint32_t population, uint32_t receptor_index,
                      field_tables *t, cell_tables *c)
{
    const experiment *e = sim->e;
    const population_layout *l = &sim->l->populations[population];
    const uint32_t n_states = receptors_n_states(e, receptor_index), stride = l->n_padded;
    const uint32_t fields = receptors_field(&sim->modulators, population, receptor_index);
    const uint32_t entry = entry_find(t, fields);
    uint32_t compartment_index = 0;
    receptor_grid(e, receptor_index, e->populations[population].region, &compartment_index);
    local_entry *local = &c->locals[c->n_locals];
    *local = (local_entry){
        .receptor = entry,
        .grid = voxels_grid(e, e->receptors[receptor_index].modulator, compartment_index),
        .first_place = c->n_places,
        .stride = stride,
        .first_state = c->n_states,
        .first_result = c->n_states + n_states * stride,
        .first_sum = c->n_sums,
        .n_blocks = n_blocks(l),
        .per_unit = (float)(1 / MESO_LOCAL_UNITS / e->populations[population].n_neurons),
    };
    t->receptors[entry].cells = c->n_locals++;
    places_fill(sim, population, &sim->voxels.grids[local->grid], c->places + c->n_places);
    for (uint32_t k = 0; k < n_states + RESULTS; k++)
        for (uint32_t i = 0; i < stride; i++)
            c->states[local->first_state + (uint64_t)k * stride + i] =
                k < n_states ? t->states[t->receptors[entry].state + k]
                             : t->field[fields + k - n_states];
    c->n_places += stride;
    c->n_states += (n_states + RESULTS) * stride;
    c->n_sums += RESULTS * n_blocks(l);
}

/* Activations of a receptor among the local states of a population whose first receptor is `first`. */
static uint32_t activation_find(const cell_tables *c, const field_tables *t, uint32_t first,
                                uint32_t fields)
{
    for (uint32_t i = first; i < c->n_locals; i++)
        if (t->receptors[c->locals[i].receptor].fields == fields)
            return c->locals[i].first_result + c->locals[i].stride;
    return MESO_NEVER;
}

static void target_add(const simulation *sim, uint32_t population_index, const modulated_target *of,
                       uint32_t first_local, uint32_t number, const field_tables *t, cell_tables *c)
{
    const experiment *e = sim->e;
    const population *p = &e->populations[population_index];
    const population_entry *q = &sim->neurons.entries[population_index];
    local_target *target = &c->targets[c->n_targets++];
    *target = (local_target){
        .first_effect = c->n_effects,
        .scale = q->state_base + codegen_local_field(e, population_index, number) * q->n_padded};
    for (uint32_t k = 0; k < p->n_effects; k++) {
        const effect *x = &p->effects[k];
        if (x->target != of->target || x->index != of->index)
            continue;
        const uint32_t fields = receptors_field(&sim->modulators, population_index, x->receptor);
        c->effects[c->n_effects++] = (local_effect){
            .at = activation_find(c, t, first_local, fields),
            .activation = fields + 1,
            .scale = (float)x->scale,
            .add = (float)x->add,
        };
    }
    target->n_effects = c->n_effects - target->first_effect;
}

static void population_add(const simulation *sim, uint32_t i, field_tables *t, cell_tables *c)
{
    const population_program *g = &sim->neurons.programs[i];
    local_cells entry = {.stride = sim->l->populations[i].n_padded,
                         .first_local = c->n_locals,
                         .first_target = c->n_targets};
    for (uint32_t r = 0; r < sim->e->n_receptors; r++)
        if (is_local(sim->e, i, r))
            local_add(sim, i, r, t, c);
    entry.n_locals = c->n_locals - entry.first_local;
    if (entry.n_locals == 0)
        return;
    for (uint32_t k = 0; k < g->n_targets; k++)
        if (codegen_target_is_local(sim->e, i, &g->targets[k]))
            target_add(sim, i, &g->targets[k], entry.first_local, c->n_targets - entry.first_target,
                       t, c);
    entry.n_targets = c->n_targets - entry.first_target;
    c->populations[c->n_populations++] = entry;
}

static meso_status tables_alloc(const sizes *s, cell_tables *c, meso_error *err)
{
    c->populations = calloc(s->populations + 1, sizeof *c->populations);
    c->locals = calloc(s->locals + 1, sizeof *c->locals);
    c->targets = calloc(s->targets + 1, sizeof *c->targets);
    c->effects = calloc(s->effects + 1, sizeof *c->effects);
    c->places = calloc(s->places + 1, sizeof *c->places);
    c->states = calloc(s->states + 1, sizeof *c->states);
    if (!c->populations || !c->locals || !c->targets || !c->effects || !c->places || !c->states)
        return error_set(err, MESO_MEMORY, "out of memory");
    return MESO_OK;
}

static meso_status tables_upload(simulation *sim, const cell_tables *c, meso_error *err)
{
    cells *to = &sim->cells;
    const buffer_spec all[] = {
        {BUFFER_CONSTANT, "populations in grids", c->n_populations * sizeof *c->populations,
         c->populations, &to->populations},
        {BUFFER_CONSTANT, "local receptors", c->n_locals * sizeof *c->locals, c->locals,
         &to->locals},
        {BUFFER_CONSTANT, "local targets", c->n_targets * sizeof *c->targets, c->targets,
         &to->targets},
        {BUFFER_CONSTANT, "local effects", c->n_effects * sizeof *c->effects, c->effects,
         &to->effects},
        {BUFFER_CONSTANT, "cells' voxels", c->n_places * sizeof *c->places, c->places, &to->places},
        {BUFFER_STATE, "local receptor states", c->n_states * sizeof *c->states, c->states,
         &to->states},
        {BUFFER_STATE, "local sums", c->n_sums * sizeof(uint32_t), NULL, &to->sums},
    };
    return buffers_create(sim->device, all, sizeof all / sizeof *all, err);
}

meso_status cells_create(simulation *sim, field_tables *t, meso_error *err)
{
    const sizes s = sizes_take(sim->e, sim->l);
    cell_tables c = {0};
    if (s.states > UINT32_MAX)
        return error_set(err, MESO_RANGE, "receptors of cells in grids: %.3g numbers are too many",
                         (double)s.states);
    meso_status status = tables_alloc(&s, &c, err);
    for (uint32_t i = 0; status == MESO_OK && i < sim->e->n_populations; i++)
        population_add(sim, i, t, &c);
    sim->cells.n_populations = c.n_populations;
    if (status == MESO_OK)
        status = tables_upload(sim, &c, err);
    free(c.populations);
    free(c.locals);
    free(c.targets);
    free(c.effects);
    free(c.places);
    free(c.states);
    return status;
}

void cells_destroy(simulation *sim)
{
    cells *c = &sim->cells;
    buffer *all[] = {&c->populations, &c->locals, &c->targets, &c->effects,
                     &c->places,      &c->states, &c->sums};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(sim->device, all[i]);
}

uint32_t cells_result(const simulation *sim, uint32_t population_index, uint32_t receptor_index,
                      uint32_t quantity)
{
    const experiment *e = sim->e;
    uint32_t at = 0;
    for (uint32_t i = 0; i <= population_index; i++)
        for (uint32_t r = 0; r < e->n_receptors; r++) {
            const uint32_t stride = sim->l->populations[i].n_padded;
            if (i == population_index && r == receptor_index)
                return at + (receptors_n_states(e, r) + quantity) * stride;
            if (is_local(e, i, r))
                at += (receptors_n_states(e, r) + RESULTS) * stride;
        }
    return MESO_NEVER;
}

uint32_t cells_most_places(const simulation *sim)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < sim->e->n_populations; i++)
        most = sim->l->populations[i].n_padded > most ? sim->l->populations[i].n_padded : most;
    return most;
}
