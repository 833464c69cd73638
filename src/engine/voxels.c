#include "base/rng.h"
#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define MARGIN MESO_ROW /* voxels before the first grid and behind the last that may be read */
#define EXCHANGE_LEAST 0x1p-20 /* less is none: products of concentrations with it stay normal */
#define GROUPS_MOST 4096u

/* --- where everything lies --------------------------------------------------------------------- */

static uint32_t row_length(const voxel_grid *g)
{
    return (g->n[0] + MESO_ROW - 1) / MESO_ROW * MESO_ROW;
}

static uint64_t n_places(const voxel_grid *g)
{
    return (uint64_t)row_length(g) * g->n[1] * g->n[2];
}

static uint32_t n_slabs(const voxel_grid *g)
{
    return (g->n[1] + MESO_SLAB - 1) / MESO_SLAB;
}

static uint64_t n_columns(const voxel_grid *g)
{
    return (uint64_t)row_length(g) * n_slabs(g) * g->n[2];
}

typedef struct sizes {
    uint32_t n_grids;
    uint64_t places, columns, neurons;
} sizes;

/* Compartments with grids, in the order of the table of all compartments. */
static const compartment *compartment_next(const experiment *e, uint32_t *modulator,
                                           uint32_t *index, uint32_t *number)
{
    for (; *modulator < e->n_modulators; ++*modulator, *index = 0)
        while (*index < e->modulators[*modulator].n_compartments) {
            const compartment *c = &e->modulators[*modulator].compartments[(*index)++];
            ++*number;
            if (c->grid != NULL)
                return c;
        }
    return NULL;
}

uint32_t voxels_grid(const experiment *e, uint32_t modulator_index, uint32_t compartment_index)
{
    uint32_t grid = 0;
    for (uint32_t m = 0; m <= modulator_index; m++)
        for (uint32_t c = 0; c < e->modulators[m].n_compartments; c++)
            if (m < modulator_index || c < compartment_index)
                grid += e->modulators[m].compartments[c].grid != NULL;
    return grid;
}

/* Neurons by their places in a population's spike lists. */
static uint64_t n_listed(const layout *l, uint32_t population)
{
    return (uint64_t)l->list_partitions * l->populations[population].n_listed;
}

static sizes sizes_take(const experiment *e, const layout *l)
{
    sizes s = {0};
    uint32_t m = 0, i = 0, number = 0;
    for (const compartment *c; (c = compartment_next(e, &m, &i, &number)) != NULL; s.n_grids++) {
        s.places += n_places(c->grid);
        s.columns += n_columns(c->grid);
        s.neurons += l != NULL ? n_listed(l, c->source) : 0;
    }
    return s;
}

/* Voxels, padding included, are numbered with 32 bits over all grids; so are columns, which are fewer. */
meso_status voxels_check(const experiment *e, meso_error *err)
{
    const sizes s = sizes_take(e, NULL);
    if (s.places + 2 * MARGIN <= UINT32_MAX)
        return MESO_OK;
    return error_set(
        err, MESO_RANGE,
        "all grids have %.4g voxels, rows along x filled up to multiples of %u: at most "
        "%.4g are possible",
        (double)s.places, MESO_ROW, (double)UINT32_MAX - 2 * MARGIN);
}

static uint64_t array_bytes(const sizes *s)
{
    return (s->places + 2 * MARGIN) * sizeof(float);
}

uint64_t voxels_largest_bytes(const experiment *e)
{
    const sizes s = sizes_take(e, NULL);
    return s.n_grids > 0 ? array_bytes(&s) : 0;
}

uint64_t voxels_bytes(const experiment *e, const layout *l)
{
    const sizes s = sizes_take(e, l);
    if (s.n_grids == 0)
        return 0;
    return 3 * array_bytes(&s) + s.columns * sizeof(float) +
           s.columns / MESO_ROW * sizeof(uint32_t) + s.neurons * sizeof(uint32_t) +
           s.n_grids * (sizeof(grid_entry) + sizeof(grid_now) + sizeof(uint32_t) +
                        MESO_STRANDS * sizeof(float));
}

/* --- tables ------------------------------------------------------------------------------------- */

static grid_entry grid_of(const simulation *sim, const char *modulator, const compartment *c)
{
    const experiment *e = sim->e;
    const voxel_grid *g = c->grid;
    const population_layout *source = &sim->l->populations[c->source];
    const double step_s = g->step_ms * 1e-3;
    const double exchange = voxel_diffusion(g) * step_s / (g->voxel_um * g->voxel_um);
    const rng_words release = rng_stream_key(e->seed, "grid/%s/%s/release", modulator, c->region);
    const rng_words places = rng_stream_key(e->seed, "grid/%s/%s/places", modulator, c->region);
    return (grid_entry){
        .key0 = release.x,
        .key1 = release.y,
        .place0 = places.x,
        .place1 = places.y,
        .nx = g->n[0],
        .ny = g->n[1],
        .nz = g->n[2],
        .n_voxels = (uint32_t)voxel_count(g),
        .row = row_length(g),
        .n_slabs = n_slabs(g),
        .n_sums = (uint32_t)n_columns(g),
        .periodic = g->walls == WALLS_PERIODIC,
        .quantal = g->release == RELEASE_QUANTAL,
        .n_substeps = g->n_substeps,
        .n_varicosities = g->n_varicosities,
        .n_neurons = e->populations[c->source].n_neurons,
        .n_listed = source->n_listed,
        .spike_base = source->spike_base,
        .spike_capacity = source->spike_capacity,
        .probability = (float)g->release_probability,
        .quantum_nM = (float)voxel_quantum_nM(g),
        .exchange = exchange < EXCHANGE_LEAST ? 0 : (float)exchange,
        .substep_ms = (float)g->step_ms,
        .per_substep = (float)(1.0 / g->n_substeps),
        .per_voxel = (float)(1 / voxel_count(g)),
    };
}

/* Which neuron stands where in the spike lists. */
static void neurons_fill(const simulation *sim, uint32_t population, uint32_t *neurons)
{
    const layout *l = sim->l;
    const population_layout *p = &l->populations[population];
    const int shared = l->list_partitions == 1;
    for (uint32_t i = 0; i < sim->e->populations[population].n_neurons; i++) {
        uint32_t partition;
        const uint32_t cell = layout_cell(l, p, i, &partition);
        neurons[shared ? partition * p->n_local + cell : partition * p->n_listed + cell] = i;
    }
}

static void initial_fill(const grid_entry *q, float initial_nM, float *concentration)
{
    for (uint32_t r = 0; r < q->ny * q->nz; r++)
        for (uint32_t x = 0; x < q->nx; x++)
            concentration[q->first_voxel + (size_t)r * q->row + x] = initial_nM;
}

static void tables_fill(simulation *sim, uint32_t *neurons, float *concentration)
{
    const experiment *e = sim->e;
    voxels *v = &sim->voxels;
    uint32_t m = 0, i = 0, number = 0, first_neuron = 0, first_voxel = MARGIN, first_sum = 0;
    for (const compartment *c; (c = compartment_next(e, &m, &i, &number)) != NULL; v->n_grids++) {
        grid_entry *q = &v->grids[v->n_grids];
        *q = grid_of(sim, e->modulators[m].name, c);
        q->compartment = number - 1;
        q->first_voxel = first_voxel;
        q->first_sum = first_sum;
        q->first_neuron = first_neuron;
        neurons_fill(sim, c->source, neurons + first_neuron);
        initial_fill(q, (float)c->initial_nM, concentration);
        first_voxel += (uint32_t)n_places(c->grid);
        first_sum += q->n_sums;
        first_neuron += (uint32_t)n_listed(sim->l, c->source);
        if (q->n_substeps > v->most_substeps)
            v->most_substeps = q->n_substeps;
    }
}

static meso_status tables_upload(simulation *sim, const sizes *s, const uint32_t *neurons,
                                 const float *concentration, meso_error *err)
{
    voxels *v = &sim->voxels;
    meso_device *d = sim->device;
    const size_t bytes = array_bytes(s);
    MESO_TRY(buffer_create(d, BUFFER_CONSTANT, "grid neurons", s->neurons * sizeof *neurons,
                           neurons, &v->neurons, err));
    MESO_TRY(buffer_create(d, BUFFER_STATE, "voxels, even", bytes, concentration,
                           &v->concentrations[0], err));
    MESO_TRY(buffer_create(d, BUFFER_STATE, "voxels, odd", bytes, concentration,
                           &v->concentrations[1], err));
    MESO_TRY(buffer_create(d, BUFFER_STATE, "vesicles", bytes, NULL, &v->counts, err));
    return buffer_create(d, BUFFER_STATE, "vesicle stamps",
                         s->columns / MESO_ROW * sizeof(uint32_t), NULL, &v->stamps, err);
}

static meso_status tables_create(simulation *sim, const sizes *s, meso_error *err)
{
    meso_status status = MESO_OK;
    uint32_t *neurons = calloc(s->neurons + 1, sizeof *neurons);
    float *concentration = calloc(array_bytes(s), 1);
    if (neurons == NULL || concentration == NULL) {
        status = error_set(err, MESO_MEMORY, "out of memory");
        goto done;
    }
    tables_fill(sim, neurons, concentration);
    MESO_GO(tables_upload(sim, s, neurons, concentration, err));
done:
    free(neurons);
    free(concentration);
    return status;
}

/* --- programs ------------------------------------------------------------------------------------ */

static meso_status program_create(simulation *sim, meso_error *err)
{
    static const char *const paths[] = {"mesocl.clh", "math.clh",      "rng.clh",    "layout.clh",
                                        "groups.clh", "receptors.clh", "voxels.clh", "vesicles.clh",
                                        "cells.clh",  "grids.cl"};
    voxels *v = &sim->voxels;
    text source = {0};
    char options[96];
    meso_status status = kernel_text(&source, paths, sizeof paths / sizeof *paths, err);
    if (status == MESO_OK)
        status = program_build(sim->device, "grids", source.data, network_options(sim->l, options),
                               &v->program, err);
    text_free(&source);
    MESO_TRY(status);
    MESO_TRY(kernel_create(sim->field_program, "grids_prepare", &v->prepare, err));
    return kernel_create(v->program, "grids_step", &v->step, err);
}

/* Arguments of grids_prepare (modulators.cl) and grids_step (grids.cl) by position. */
enum { PREPARE_N_GRIDS, PREPARE_N_LEVELS, PREPARE_DRUG_ROW, PREPARE_DRUGS, PREPARE_TABLES };
enum { STEP_DT = 9, STEP_NUMBER, STEP_DRUG_ROW, STEP_SUBSTEP, STEP_DRUGS, STEP_TABLES };

static meso_status prepare_arguments_set(simulation *sim, meso_error *err)
{
    voxels *v = &sim->voxels;
    const modulators *m = &sim->modulators;
    const buffer *const tables[] = {&v->table,   &m->compartments, &m->terminals,
                                    &m->enzymes, &m->blocks,       &m->effects,
                                    &m->field,   &m->states,       &v->now};
    MESO_TRY(kernel_set_u32(&v->prepare, PREPARE_N_GRIDS, v->n_grids, err));
    MESO_TRY(kernel_set_u32(&v->prepare, PREPARE_N_LEVELS, experiment_n_levels(sim->e), err));
    return kernel_set_buffers(&v->prepare, PREPARE_TABLES, tables, sizeof tables / sizeof *tables,
                              err);
}

static meso_status step_arguments_set(simulation *sim, meso_error *err)
{
    voxels *v = &sim->voxels;
    const layout *l = sim->l;
    const modulators *m = &sim->modulators;
    const cells *c = &sim->cells;
    const uint32_t sizes[STEP_DT] = {
        v->n_grids,          c->n_populations,     sim->e->n_populations * l->list_partitions,
        l->n_history,        l->batches_per_field, l->batch_steps,
        l->spikes_per_batch, l->cell_bits,         experiment_n_levels(sim->e)};
    const buffer *const tables[] = {&v->table,
                                    &m->compartments,
                                    &v->now,
                                    &v->concentrations[0],
                                    &v->concentrations[1],
                                    &v->counts,
                                    &v->stamps,
                                    &v->n_released,
                                    &v->sums,
                                    &sim->spike_counts,
                                    &sim->spikes,
                                    &v->neurons,
                                    &c->populations,
                                    &c->locals,
                                    &c->targets,
                                    &c->effects,
                                    &m->receptors,
                                    &m->ligands,
                                    &c->places,
                                    &m->field,
                                    &c->states,
                                    &sim->neurons.state,
                                    &c->sums};
    for (uint32_t i = 0; i < STEP_DT; i++)
        MESO_TRY(kernel_set_u32(&v->step, i, sizes[i], err));
    MESO_TRY(kernel_set_f32(&v->step, STEP_DT, (float)sim->e->field_step_ms, err));
    return kernel_set_buffers(&v->step, STEP_TABLES, tables, sizeof tables / sizeof *tables, err);
}

/* For launches over n_items vectors: a group a compute unit where it has one work-item, else what covers them. */
static uint32_t groups_choose(const simulation *sim, uint64_t n_items)
{
    const uint32_t size = sim->l->work_group_size;
    if (size == 1)
        return meso_device_describe(sim->device)->compute_units;
    return n_items / size < GROUPS_MOST ? (uint32_t)(n_items / size + 1) : GROUPS_MOST;
}

meso_status voxels_arguments_set(simulation *sim, meso_error *err)
{
    voxels *v = &sim->voxels;
    if (v->n_grids == 0)
        return MESO_OK;
    const uint32_t places = cells_most_places(sim), columns = v->n_columns;
    v->n_groups = groups_choose(sim, (places > columns ? places : columns) / sim->l->vector_width);
    MESO_TRY(prepare_arguments_set(sim, err));
    return step_arguments_set(sim, err);
}

meso_status voxels_create(simulation *sim, meso_error *err)
{
    voxels *v = &sim->voxels;
    const sizes s = sizes_take(sim->e, sim->l);
    MESO_TRY(simulation_alloc(sim, s.n_grids + 1, sizeof *v->grids, &v->grids, err));
    if (s.n_grids > 0)
        MESO_TRY(tables_create(sim, &s, err));
    MESO_TRY(buffer_create(sim->device, BUFFER_CONSTANT, "grids", s.n_grids * sizeof *v->grids,
                           v->grids, &v->table, err));
    MESO_TRY(buffer_create(sim->device, BUFFER_STATE, "grids now", s.n_grids * sizeof(grid_now),
                           NULL, &v->now, err));
    MESO_TRY(buffer_create(sim->device, BUFFER_STATE, "vesicles released",
                           s.n_grids * sizeof(uint32_t), NULL, &v->n_released, err));
    MESO_TRY(buffer_create(sim->device, BUFFER_STATE, "column sums", s.columns * sizeof(float),
                           NULL, &v->sums, err));
    MESO_TRY(buffer_create(sim->device, BUFFER_STATE, "strands",
                           s.n_grids * MESO_STRANDS * sizeof(float), NULL, &v->strands, err));
    if (s.n_grids == 0)
        return MESO_OK;
    v->n_columns = (uint32_t)s.columns;
    return program_create(sim, err);
}

void voxels_destroy(simulation *sim)
{
    voxels *v = &sim->voxels;
    buffer *all[] = {&v->table,
                     &v->now,
                     &v->neurons,
                     &v->counts,
                     &v->stamps,
                     &v->sums,
                     &v->strands,
                     &v->concentrations[0],
                     &v->concentrations[1],
                     &v->n_released};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(sim->device, all[i]);
    kernel_release(&v->prepare);
    kernel_release(&v->step);
    program_release(&v->program);
}

/* --- a field step -------------------------------------------------------------------------------- */

meso_status voxels_drugs_set(simulation *sim, const buffer *drugs, meso_error *err)
{
    voxels *v = &sim->voxels;
    if (v->n_grids == 0)
        return MESO_OK;
    MESO_TRY(kernel_set_buffer(&v->prepare, PREPARE_DRUGS, drugs, err));
    return kernel_set_buffer(&v->step, STEP_DRUGS, drugs, err);
}

static meso_status first_prepare(simulation *sim, uint32_t row, meso_error *err)
{
    voxels *v = &sim->voxels;
    MESO_TRY(kernel_set_u32(&v->prepare, PREPARE_DRUG_ROW, row, err));
    return device_launch(sim->device, &v->prepare, 1, sim->l->work_group_size, err);
}

meso_status voxels_advance(simulation *sim, uint32_t row, meso_error *err)
{
    voxels *v = &sim->voxels;
    const cl_ulong number = sim->step / sim->l->steps_per_field;
    if (v->n_grids == 0)
        return MESO_OK;
    if (sim->step == 0)
        MESO_TRY(first_prepare(sim, row, err));
    MESO_TRY(kernel_set_bytes(&v->step, STEP_NUMBER, sizeof number, &number, err));
    MESO_TRY(kernel_set_u32(&v->step, STEP_DRUG_ROW, row, err));
    for (uint32_t s = 0; s < v->most_substeps; s++) {
        MESO_TRY(kernel_set_u32(&v->step, STEP_SUBSTEP, s, err));
        MESO_TRY(device_launch(sim->device, &v->step, v->n_groups, sim->l->work_group_size, err));
    }
    return MESO_OK;
}

const buffer *voxels_now(const simulation *sim, uint32_t grid)
{
    const uint64_t done = sim->step / sim->l->steps_per_field + 1;
    return &sim->voxels.concentrations[done * sim->voxels.grids[grid].n_substeps % 2];
}
