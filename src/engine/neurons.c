#include "base/rng.h"
#include "engine/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- drawing values ------------------------------------------------------------------------------ */

/* A quantity of a population and its random stream: the value of cell `i` depends on nothing else. */
typedef struct draw {
    const distribution *distribution;
    uint32_t n_neurons;
    rng_words key;
} draw;

static draw draw_begin(const experiment *e, const population *p, const parameter_array *a)
{
    draw q = {.distribution = a->values, .n_neurons = p->n_neurons};
    q.key = rng_stream_key(e->seed, "%s/%s/%s", a->owner_kind, a->owner, a->parameter);
    return q;
}

static double draw_value(const draw *q, uint32_t i)
{
    const distribution *d = q->distribution;
    switch (d->kind) {
    case DISTRIBUTION_CONSTANT:
        return d->mean;
    case DISTRIBUTION_VALUES: /* what pads the arrays is as the last neuron */
        return d->values[i < q->n_neurons ? i : q->n_neurons - 1];
    default:
        return distribution_quantile(d, rng_uniform(rng_threefry(q->key.x, q->key.y, i, 0).x));
    }
}

/* One value a cell, at its place; the places between belong to nobody, but are computed with. */
static void draw_fill(const draw *q, const simulation *sim, uint32_t population, float *values)
{
    const population_layout *p = &sim->l->populations[population];
    for (uint32_t i = 0; i < p->n_padded; i++)
        values[i] = i == 0 ? (float)draw_value(q, 0) : values[0];
    for (uint32_t i = 0; i < sim->e->populations[population].n_neurons; i++)
        values[layout_place(sim->l, p, i)] = (float)draw_value(q, i);
}

/* Given by the experiment, else the value of a parameter, else the model's own number. */
static void initial_fill(const simulation *sim, uint32_t population_index, uint32_t state,
                         float *values)
{
    const experiment *e = sim->e;
    const population *p = &e->populations[population_index];
    const neuron_model *m = p->model;
    const state_spec *s = &m->state[state];
    const distribution own = {.kind = DISTRIBUTION_CONSTANT, .mean = s->initial};
    const distribution *given = &p->initial_state[state];
    parameter_array from = {given, "population", p->name, s->name};
    if (given->kind == DISTRIBUTION_CONSTANT && isnan(given->mean)) {
        from.values = &own;
        if (s->initial_parameter >= 0)
            from = (parameter_array){&p->parameters[s->initial_parameter], "population", p->name,
                                     m->parameters[s->initial_parameter].name};
    }
    const draw q = draw_begin(e, p, &from);
    draw_fill(&q, sim, population_index, values);
}

/* The same for what a current remembers, `values` being its arrays. */
static void initial_fill_current(const simulation *sim, const stimulus *s, float *values)
{
    const experiment *e = sim->e;
    const neuron_model *m = s->current;
    for (uint32_t i = 0; i < m->n_state; i++) {
        const int32_t parameter = m->state[i].initial_parameter;
        const distribution own = {.kind = DISTRIBUTION_CONSTANT, .mean = m->state[i].initial};
        parameter_array from = {&own, "stimulus", s->name, m->state[i].name};
        if (parameter >= 0) {
            from.values = &s->parameters[parameter];
            from.parameter = m->parameters[parameter].name;
        }
        const draw q = draw_begin(e, &e->populations[s->target], &from);
        draw_fill(&q, sim, s->target,
                  values + (uint64_t)i * sim->l->populations[s->target].n_padded);
    }
}

/* --- tables -------------------------------------------------------------------------------------- */

static void chunks_fill(const simulation *sim, chunk_entry *chunks)
{
    const layout *l = sim->l;
    const int shared = l->list_partitions == 1;
    for (uint32_t i = 0; i < sim->e->n_populations; i++) {
        const population_layout *p = &l->populations[i];
        const uint32_t n = sim->e->populations[i].n_neurons;
        for (uint32_t c = 0; c < p->n_chunks; c++) {
            const uint32_t first = c * p->chunk_size,
                           partition = (p->rotation + c) % l->n_partitions;
            const uint32_t local = c / l->n_partitions * p->chunk_size;
            chunks[p->first_chunk + c] = (chunk_entry){
                .population = i,
                .first = first,
                .n = n - first < p->chunk_size ? n - first : p->chunk_size,
                .local_first = local,
                .partition = partition,
                .list_partition = shared ? 0 : partition,
                .list_cell = (shared ? partition * p->n_local : 0) + local,
                .place = partition * p->n_local + local,
            };
        }
    }
}

/* [n_partitions + 1] begins, then the chunks of each partition. */
static void partition_chunks_fill(const layout *l, const chunk_entry *chunks, uint32_t *list)
{
    uint32_t at = l->n_partitions + 1;
    for (uint32_t p = 0; p < l->n_partitions; p++) {
        list[p] = at;
        for (uint32_t c = 0; c < l->n_chunks; c++)
            if (chunks[c].partition == p)
                list[at++] = c;
    }
    list[l->n_partitions] = at;
}

/* Where each population's arrays begin; sums go to `n`. */
static void populations_fill(simulation *sim)
{
    neurons *n = &sim->neurons;
    uint32_t stimulus = 0;
    for (uint32_t i = 0; i < sim->e->n_populations; i++) {
        const population_layout *pl = &sim->l->populations[i];
        const population_program *g = &n->programs[i];
        const population *p = &sim->e->populations[i];
        const rng_words random = rng_stream_key(sim->e->seed, "population/%s/random", p->name);
        n->entries[i] = (population_entry){
            .kind = g->kind,
            .n_neurons = sim->e->populations[i].n_neurons,
            .n_padded = pl->n_padded,
            .state_base = (uint32_t)n->n_state,
            .parameter_base = (uint32_t)n->n_parameters,
            .constant_base = (uint32_t)n->n_constants,
            .modulation_base = 2 * n->n_targets,
            .ring_word = pl->ring_word,
            .n_channels = pl->n_channels,
            .n_local = pl->n_local,
            .first_chunk = pl->first_chunk,
            .n_chunks = pl->n_chunks,
            .chunk_shift = pl->chunk_shift,
            .first_id = pl->first_id,
            .stimulus_base = stimulus,
            .spike_base = pl->spike_base,
            .spike_capacity = pl->spike_capacity,
            .key0 = random.x,
            .key1 = random.y,
            .first_plastic = pl->first_plastic,
            .n_plastic = pl->n_plastic,
        };
        n->n_state += (uint64_t)g->n_fields * pl->n_padded;
        n->n_parameters += (uint64_t)g->n_arrays * pl->n_padded;
        n->n_constants += g->n_constants;
        n->n_targets += g->n_targets;
        for (uint32_t s = 0; s < sim->e->n_stimuli; s++)
            stimulus += sim->e->stimuli[s].target == i;
    }
}

static void values_fill(const simulation *sim, float *constants, float *parameters, float *state)
{
    const experiment *e = sim->e;
    for (uint32_t i = 0; i < e->n_populations; i++) {
        const population *p = &e->populations[i];
        const population_entry *q = &sim->neurons.entries[i];
        const population_program *g = &sim->neurons.programs[i];
        memcpy(constants + q->constant_base, g->constants, g->n_constants * sizeof *constants);
        for (uint32_t a = 0; a < g->n_arrays; a++) {
            const draw d = draw_begin(e, p, &g->arrays[a]);
            draw_fill(&d, sim, i, parameters + q->parameter_base + (uint64_t)a * q->n_padded);
        }
        for (uint32_t s = 0; s < p->model->n_state; s++)
            initial_fill(sim, i, s, state + q->state_base + (uint64_t)s * q->n_padded);
    }
    for (uint32_t i = 0; i < e->n_populations; i++) { /* no change as yet */
        const population_entry *q = &sim->neurons.entries[i];
        for (uint32_t f = codegen_local_field(e, i, 0); f < codegen_fields(e, i); f += 2)
            for (uint32_t k = 0; k < q->n_padded; k++)
                state[q->state_base + (uint64_t)f * q->n_padded + k] = 1;
    }
    for (uint32_t i = 0; i < e->n_stimuli; i++) {
        if (e->stimuli[i].kind != STIMULUS_CURRENT)
            continue;
        const population_entry *q = &sim->neurons.entries[e->stimuli[i].target];
        initial_fill_current(sim, &e->stimuli[i],
                             state + q->state_base +
                                 (uint64_t)codegen_current_field(e, i) * q->n_padded);
    }
}

static meso_status tables_upload(simulation *sim, meso_error *err)
{
    const layout *l = sim->l;
    neurons *n = &sim->neurons;
    meso_status status = MESO_OK;
    const size_t list_words = l->n_partitions + 1 + l->n_chunks;
    chunk_entry *chunks = calloc(l->n_chunks, sizeof *chunks);
    uint32_t *list = calloc(list_words, sizeof *list);
    if (chunks == NULL || list == NULL) {
        status = error_set(err, MESO_MEMORY, "out of memory");
        goto done;
    }
    chunks_fill(sim, chunks);
    partition_chunks_fill(l, chunks, list);
    MESO_GO(buffer_create(sim->device, BUFFER_CONSTANT, "chunks", l->n_chunks * sizeof *chunks,
                          chunks, &n->chunks, err));
    MESO_GO(buffer_create(sim->device, BUFFER_CONSTANT, "partition chunks",
                          list_words * sizeof *list, list, &n->partition_chunks, err));
    MESO_GO(buffer_create(sim->device, BUFFER_CONSTANT, "populations",
                          sim->e->n_populations * sizeof *n->entries, n->entries, &n->populations,
                          err));
done:
    free(chunks);
    free(list);
    return status;
}

static meso_status values_upload(simulation *sim, meso_error *err)
{
    neurons *n = &sim->neurons;
    meso_status status = MESO_OK;
    float *constants = calloc(n->n_constants + 1, sizeof *constants);
    float *parameters = calloc(n->n_parameters + 1, sizeof *parameters);
    float *state = calloc(n->n_state + 1, sizeof *state);
    const uint32_t n_targets = receptors_n_targets(sim);
    float *modulation = calloc(2 * n_targets + 1, sizeof *modulation);
    if (constants == NULL || parameters == NULL || state == NULL || modulation == NULL) {
        status = error_set(err, MESO_MEMORY, "out of memory");
        goto done;
    }
    values_fill(sim, constants, parameters, state);
    for (uint32_t t = 0; t < n_targets; t++)
        modulation[2 * t] = 1;
    MESO_GO(buffer_create(sim->device, BUFFER_CONSTANT, "constants", n->n_constants * sizeof(float),
                          constants, &n->constants, err));
    MESO_GO(buffer_create(sim->device, BUFFER_CONSTANT, "parameters",
                          n->n_parameters * sizeof(float), parameters, &n->parameters, err));
    MESO_GO(buffer_create(sim->device, BUFFER_STATE, "state", n->n_state * sizeof(float), state,
                          &n->state, err));
    MESO_GO(buffer_create(sim->device, BUFFER_STATE, "modulation", 2 * n_targets * sizeof(float),
                          modulation, &n->modulation, err));
done:
    free(constants);
    free(parameters);
    free(state);
    free(modulation);
    return status;
}

meso_status neurons_create(simulation *sim, text *network_source, meso_error *err)
{
    neurons *n = &sim->neurons;
    const uint32_t n_populations = sim->e->n_populations;
    MESO_TRY(simulation_alloc(sim, n_populations, sizeof *n->programs, &n->programs, err));
    MESO_TRY(simulation_alloc(sim, n_populations, sizeof *n->entries, &n->entries, err));
    MESO_TRY(codegen_populations(sim->e, sim->l, network_source, n->programs, err));
    populations_fill(sim);
    MESO_TRY(tables_upload(sim, err));
    return values_upload(sim, err);
}

meso_status neurons_derive(simulation *sim, meso_error *err)
{
    const uint32_t n = sim->e->n_populations;
    int derives = 0;
    for (uint32_t i = 0; i < n; i++)
        derives |= sim->neurons.programs[i].derives;
    if (!derives)
        return MESO_OK;
    kernel k = {0};
    meso_status status = MESO_OK;
    MESO_GO(kernel_create(sim->network_program, "constants_derive", &k, err));
    MESO_GO(kernel_set_buffer(&k, 0, &sim->neurons.populations, err));
    MESO_GO(kernel_set_buffer(&k, 1, &sim->neurons.constants, err));
    MESO_GO(device_launch(sim->device, &k, n, 1, err));
done:
    kernel_release(&k);
    return status;
}

void neurons_destroy(simulation *sim)
{
    neurons *n = &sim->neurons;
    buffer *all[] = {&n->chunks,     &n->populations, &n->partition_chunks, &n->constants,
                     &n->parameters, &n->state,       &n->modulation};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(sim->device, all[i]);
    if (n->programs != NULL)
        codegen_programs_free(n->programs, sim->e->n_populations);
}
