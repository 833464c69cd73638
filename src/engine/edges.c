#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

/*
 * Reading a projection back. The rows of its bundle may hold other projections too, which differ by their levels
 * of weight.
 */
typedef struct edge_reader {
    const simulation *sim;
    uint32_t projection;
    uint32_t first_word;    /* of the projection's targets in a slot */
    uint32_t *rows, *words; /* of the bundle at hand */
    row_state *row_states;  /* of its rows, if it learns */
    uint64_t n_synapses;
    uint32_t n_states;
    float *states; /* [n_states] of the synapse at hand */
    edge_visitor *visit;
    void *self;
} edge_reader;

/* Neuron of a target population from its partition and its number there. */
static uint32_t neuron_of(const layout *l, uint32_t population, uint32_t partition, uint32_t local)
{
    const population_layout *p = &l->populations[population];
    const uint32_t phase = (partition + l->n_partitions - p->rotation) % l->n_partitions;
    const uint32_t chunk = local / p->chunk_size * l->n_partitions + phase;
    return chunk * p->chunk_size + local % p->chunk_size;
}

/* Where a synapse's effect goes, and with which weight. */
typedef struct synapse_words {
    uint32_t local, late; /* cell in its partition, steps in its delay group */
    double weight;
} synapse_words;

/* States follow the weights, one after the other. */
static const float *states_read(const edge_reader *r, uint64_t s)
{
    for (uint32_t k = 0; k < r->n_states; k++)
        memcpy(&r->states[k], &r->words[(2 + k) * r->n_synapses + s], sizeof *r->states);
    return r->states;
}

/* Weights are floats behind the words of all synapses. */
static synapse_words learned_words(const edge_reader *r, uint64_t s)
{
    const uint32_t target = r->sim->e->projections[r->projection].target;
    const uint32_t bits = layout_local_bits(&r->sim->l->populations[target]);
    float weight;
    memcpy(&weight, &r->words[r->n_synapses + s], sizeof weight);
    return (synapse_words){
        .local = r->words[s] & ((1u << bits) - 1), .late = r->words[s] >> bits, .weight = weight};
}

/* 0 if the synapse is another projection's. */
static int ring_words(const edge_reader *r, const bundle_layout *b, uint64_t s, synapse_words *out)
{
    const layout *l = r->sim->l;
    const projection_layout *q = &l->projections[r->projection];
    const int wide = b->storage == STORAGE_WIDE;
    const uint32_t mask = (uint32_t)((UINT64_C(1) << l->offset_bits) - 1);
    const uint32_t offset = wide ? r->words[2 * s] : r->words[s] & mask;
    const uint32_t level = wide ? q->first_level : r->words[s] >> l->offset_bits;
    if (level - q->first_level >= q->n_levels)
        return 0;
    const int32_t weight = wide ? (int32_t)r->words[2 * s + 1]
                                : r->sim->synapses.levels[b->level_base + level];
    *out = (synapse_words){.local = offset % l->n_words - r->first_word,
                           .late = offset / l->n_words,
                           .weight = weight * projection_weight_unit(r->sim, r->projection)};
    return 1;
}

static void synapse_decode(edge_reader *r, const bundle_layout *b, uint32_t source, uint64_t row,
                           uint64_t s)
{
    const layout *l = r->sim->l;
    synapse_words w;
    if (b->storage == STORAGE_PLASTIC)
        w = learned_words(r, s);
    else if (!ring_words(r, b, s, &w))
        return;
    const uint32_t group = (uint32_t)(row % b->n_groups) + b->first_group;
    const uint32_t partition = (uint32_t)(row / b->n_groups % l->n_partitions);
    const uint32_t target = r->sim->e->projections[r->projection].target;
    const edge e = {
        .source = source,
        .target = neuron_of(l, target, partition, w.local),
        .weight = w.weight,
        .delay_steps = l->batch_steps + group * l->batches_per_group * l->batch_steps + w.late,
        .n_states = r->n_states,
        .states = states_read(r, s),
    };
    r->visit(r->self, &e);
}

/* Rows that learn may have free places. */
static uint64_t row_end(const edge_reader *r, const bundle_layout *b, uint64_t row)
{
    return b->storage == STORAGE_PLASTIC ? (uint64_t)r->rows[row] + r->row_states[row].n
                                         : r->rows[row + 1];
}

static void bundle_decode(edge_reader *r, const bundle_layout *b)
{
    const uint32_t n_sources = r->sim->e->populations[b->source].n_neurons;
    const uint64_t per_cell = (uint64_t)r->sim->l->n_partitions * b->n_groups;
    for (uint32_t source = 0; source < n_sources; source++) {
        const uint64_t first = layout_row(r->sim->l, b, source);
        for (uint64_t row = first; first != UINT64_MAX && row < first + per_cell; row++)
            for (uint64_t s = r->rows[row]; s < row_end(r, b, row); s++)
                synapse_decode(r, b, source, row, s);
    }
}

static meso_status bundle_read(edge_reader *r, simulation *sim, uint32_t i, meso_error *err)
{
    const bundle_layout *b = &sim->l->bundles[i];
    const bundle_synapses *s = &sim->synapses.bundles[i];
    const size_t word_bytes = s->n_synapses * b->synapse_bytes;
    meso_status status = MESO_OK;
    r->n_synapses = s->n_synapses;
    r->rows = malloc((b->n_rows + 1) * sizeof *r->rows);
    r->words = malloc(word_bytes + 1);
    r->row_states = malloc((b->n_rows + 1) * sizeof *r->row_states);
    if (r->rows == NULL || r->words == NULL || r->row_states == NULL) {
        status = error_set(err, MESO_MEMORY, "out of memory");
        goto done;
    }
    MESO_GO(buffer_read(sim->device, &sim->synapses.row_offsets, b->row_base * sizeof *r->rows,
                        (b->n_rows + 1) * sizeof *r->rows, r->rows, err));
    if (word_bytes > 0)
        MESO_GO(buffer_read(sim->device, &sim->synapses.buffers[s->buffer], s->first_word * 4,
                            word_bytes, r->words, err));
    if (b->storage == STORAGE_PLASTIC)
        MESO_GO(buffer_read(sim->device, &sim->learning.rows,
                            b->first_row_state * sizeof *r->row_states, b->n_rows * sizeof *r->row_states,
                            r->row_states, err));
    bundle_decode(r, b);
done:
    free(r->row_states);
    free(r->rows);
    free(r->words);
    return status;
}

meso_status simulation_visit_edges(simulation *sim, uint32_t projection, edge_visitor *visit,
                                   void *self, meso_error *err)
{
    const struct projection *p = &sim->e->projections[projection];
    const projection_layout *q = &sim->l->projections[projection];
    const population_layout *to = &sim->l->populations[p->target];
    if (q->storage == STORAGE_PROCEDURAL)
        return error_set(err, MESO_UNSUPPORTED,
                         "projections.%s: procedural synapses are not stored", p->name);
    edge_reader r = {.sim = sim,
                     .projection = projection,
                     .n_states = p->learning != NULL ? p->learning->rule->n_state : 0,
                     .first_word = to->ring_word + q->channel * to->n_local,
                     .visit = visit,
                     .self = self};
    r.states = malloc((r.n_states + 1) * sizeof *r.states);
    meso_status status = r.states != NULL ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < q->n_bundles && status == MESO_OK; i++)
        status = bundle_read(&r, sim, q->first_bundle + i, err);
    free(r.states);
    return status;
}

/* --- as a list ------------------------------------------------------------------------------------------ */

typedef struct edge_list {
    edge *edges;
    float *states; /* [n_states] of each edge */
    uint64_t n;
} edge_list;

static void edge_add(void *self, const edge *e)
{
    edge_list *list = self;
    float *states = list->states + list->n * e->n_states;
    edge *own = &list->edges[list->n++];
    *own = *e;
    own->states = states;
    for (uint32_t k = 0; k < e->n_states; k++)
        states[k] = e->states[k];
}

static int edge_compare(const void *left, const void *right)
{
    const edge *a = left, *b = right;
    if (a->target != b->target)
        return a->target < b->target ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    if (a->delay_steps != b->delay_steps)
        return a->delay_steps < b->delay_steps ? -1 : 1;
    if (a->weight != b->weight)
        return a->weight < b->weight ? -1 : 1;
    for (uint32_t k = 0; k < a->n_states; k++)
        if (a->states[k] != b->states[k])
            return a->states[k] < b->states[k] ? -1 : 1;
    return 0;
}

/* Room for all synapses of the bundles, which may be other projections' too, and behind them for their states. */
static meso_status list_alloc(const simulation *sim, uint32_t projection, edge_list *list,
                              meso_error *err)
{
    const projection_layout *q = &sim->l->projections[projection];
    const long_term_plasticity *learns = sim->e->projections[projection].learning;
    const uint32_t n_states = learns != NULL ? learns->rule->n_state : 0;
    uint64_t most = 1;
    for (uint32_t i = q->first_bundle; i < q->first_bundle + q->n_bundles; i++)
        most += sim->synapses.bundles[i].n_synapses;
    list->edges = malloc(most * (sizeof *list->edges + n_states * sizeof *list->states));
    if (list->edges == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    list->states = (float *)(list->edges + most);
    return MESO_OK;
}

meso_status simulation_edges(simulation *sim, uint32_t projection, edge **edges, uint64_t *n,
                             meso_error *err)
{
    edge_list list = {0};
    *edges = NULL;
    MESO_TRY(list_alloc(sim, projection, &list, err));
    const meso_status status = simulation_visit_edges(sim, projection, edge_add, &list, err);
    if (status != MESO_OK) {
        free(list.edges);
        return status;
    }
    qsort(list.edges, list.n, sizeof *list.edges, edge_compare);
    *edges = list.edges;
    *n = list.n;
    return MESO_OK;
}
