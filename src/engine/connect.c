#include "base/rng.h"
#include "engine/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUANTILES 4096u
#define BUILD_GROUP 64u

/* What building one projection needs on the device, for as long as it is built. */
typedef struct builder {
    simulation *sim;
    cl_program program;
    kernel count, place, sort;
    buffer rule, weights, delays, indegrees, next;
} builder;

/* --- the description of one projection ------------------------------------------------------------ */

static void stream_key(const experiment *e, const char *of, const char *name, const char *what,
                       uint32_t *key0, uint32_t *key1)
{
    char stream[256];
    uint32_t key[2];
    snprintf(stream, sizeof stream, "%s/%s/%s", of, name, what);
    rng_stream_key(e->seed, stream, key);
    *key0 = key[0];
    *key1 = key[1];
}

static void keys_fill(const experiment *e, const projection *p, edge_rule *r)
{
    const char *source = e->populations[p->source].name, *target = e->populations[p->target].name;
    stream_key(e, "projection", p->name, "pairs", &r->key0, &r->key1);
    stream_key(e, "projection", p->name, "values", &r->value0, &r->value1);
    stream_key(e, "population", source, "places", &r->place0, &r->place1);
    stream_key(e, "population", target, "places", &r->place2, &r->place3);
}

static edge_rule rule_of(const simulation *sim, uint32_t projection_index)
{
    const experiment *e = sim->e;
    const layout *l = sim->l;
    const projection *p = &e->projections[projection_index];
    const projection_layout *q = &l->projections[projection_index];
    const population_layout *to = &l->populations[p->target];
    edge_rule r = {
        .rule = p->rule,
        .n_sources = e->populations[p->source].n_neurons,
        .n_targets = e->populations[p->target].n_neurons,
        .same = p->source == p->target && !p->autapses,
        .multapses = p->multapses,
        .indegree = p->indegree,
        .probability = (float)p->probability,
        .per_log = p->probability > 0 && p->probability < 1 ? (float)(1 / log1p(-p->probability))
                                                            : 0,
        .extent_source_um = (float)e->populations[p->source].extent_um,
        .extent_target_um = (float)e->populations[p->target].extent_um,
        .n_partitions = l->n_partitions,
        .rotation_target = to->rotation,
        .chunk_size = to->chunk_size,
        .n_local = to->n_local,
        .n_groups = q->n_groups,
        .first_group = q->first_group,
        .group_steps = l->batches_per_group * l->batch_steps,
        .batch_steps = l->batch_steps,
        .offset_bits = q->offset_bits,
        .total_low = (uint32_t)p->total,
        .total_high = (uint32_t)(p->total >> 32),
        .draws_values = p->weight.kind != DISTRIBUTION_CONSTANT ||
                        p->delay_ms.kind != DISTRIBUTION_CONSTANT,
    };
    if (p->rule == RULE_GAUSSIAN_DISTANCE)
        r.per_two_sigma2 = (float)(0.5 / (p->sigma_um * p->sigma_um));
    keys_fill(e, p, &r);
    return r;
}

static double weight_unit(const simulation *sim, uint32_t projection_index)
{
    const projection_layout *q = &sim->l->projections[projection_index];
    const uint32_t target = sim->e->projections[projection_index].target;
    return q->quantum * sim->l->populations[target].channels[q->channel].unit;
}

static void quantiles_fill(const simulation *sim, uint32_t i, uint32_t *weights, uint32_t *delays)
{
    const projection *p = &sim->e->projections[i];
    const double unit = weight_unit(sim, i);
    const double levels = sim->l->projections[i].weight_levels;
    for (uint32_t k = 0; k < QUANTILES; k++) {
        const double probability = (k + 0.5) / QUANTILES;
        const double weight = distribution_quantile(&p->weight, probability);
        const double word = unit != 0 ? round(weight / unit) : 0;
        weights[k] = (uint32_t)(int32_t)fmax(fmin(word, levels), -levels);
        delays[k] = layout_delay_steps(sim->e, distribution_quantile(&p->delay_ms, probability));
    }
}

static meso_status projection_upload(builder *b, uint32_t i, meso_error *err)
{
    uint32_t weights[QUANTILES], delays[QUANTILES];
    const edge_rule r = rule_of(b->sim, i);
    quantiles_fill(b->sim, i, weights, delays);
    MESO_TRY(buffer_write(b->sim->device, &b->rule, 0, sizeof r, &r, err));
    MESO_TRY(buffer_write(b->sim->device, &b->weights, 0, sizeof weights, weights, err));
    return buffer_write(b->sim->device, &b->delays, 0, sizeof delays, delays, err);
}

static size_t work_items(const projection *p, uint32_t n_targets)
{
    const uint64_t n = p->rule == RULE_FIXED_TOTAL ? p->total : n_targets;
    return (size_t)((n + BUILD_GROUP - 1) / BUILD_GROUP);
}

/* --- counting ------------------------------------------------------------------------------------- */

/* The ring's scale relied on a bound of what one neuron receives: hold the built network against it. */
static meso_status indegree_check(builder *b, uint32_t i, meso_error *err)
{
    const projection *p = &b->sim->e->projections[i];
    const uint32_t n = b->sim->e->populations[p->target].n_neurons;
    uint32_t *indegrees = malloc(n * sizeof *indegrees);
    if (indegrees == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    meso_status status = buffer_read(b->sim->device, &b->indegrees, 0, n * sizeof *indegrees,
                                     indegrees, err);
    uint32_t largest = 0;
    for (uint32_t k = 0; status == MESO_OK && k < n; k++)
        largest = indegrees[k] > largest ? indegrees[k] : largest;
    free(indegrees);
    if (status == MESO_OK && largest > b->sim->l->projections[i].max_indegree)
        status = error_set(
            err, MESO_CONFIG,
            "projections.%s: a neuron of '%s' receives %u synapses; the input ring was "
            "scaled for at most %.0f and could overflow",
            p->name, b->sim->e->populations[p->target].name, largest,
            b->sim->l->projections[i].max_indegree);
    return status;
}

static meso_status projection_count(builder *b, uint32_t i, meso_error *err)
{
    simulation *sim = b->sim;
    const projection *p = &sim->e->projections[i];
    const cl_ulong first_row = sim->l->projections[i].row_base;
    MESO_TRY(projection_upload(b, i, err));
    MESO_TRY(buffer_clear(sim->device, &b->indegrees, 0, b->indegrees.bytes, err));
    MESO_TRY(kernel_set_buffer(&b->count, 0, &b->rule, err));
    MESO_TRY(kernel_set_buffer(&b->count, 1, &b->weights, err));
    MESO_TRY(kernel_set_buffer(&b->count, 2, &b->delays, err));
    MESO_TRY(kernel_set_buffer(&b->count, 3, &sim->synapses.row_offsets, err));
    MESO_TRY(kernel_set_bytes(&b->count, 4, sizeof first_row, &first_row, err));
    MESO_TRY(kernel_set_buffer(&b->count, 5, &b->indegrees, err));
    const uint32_t n_targets = sim->e->populations[p->target].n_neurons;
    MESO_TRY(device_launch(sim->device, &b->count, work_items(p, n_targets), BUILD_GROUP, err));
    return indegree_check(b, i, err);
}

/* What a spike of each cell sets off. */
static void outdegrees_add(simulation *sim, uint32_t i, const uint32_t *counts)
{
    const projection_layout *q = &sim->l->projections[i];
    const uint32_t source = sim->e->projections[i].source;
    uint32_t *outdegree = sim->synapses.outdegrees + sim->l->populations[source].first_id;
    const uint64_t rows_per_source = q->n_rows / sim->e->populations[source].n_neurons;
    for (uint64_t k = 0; k < q->n_rows; k++)
        outdegree[k / rows_per_source] += counts[k];
}

/* Turn counts into offsets, row by row of each projection. */
static meso_status offsets_scan(builder *b, meso_error *err)
{
    simulation *sim = b->sim;
    synapses *s = &sim->synapses;
    const size_t bytes = sim->l->n_rows * sizeof(uint32_t);
    uint32_t *rows = malloc(bytes + sizeof *rows);
    if (rows == NULL)
        return error_set(err, MESO_MEMORY, "out of memory: %zu bytes", bytes);
    meso_status status = buffer_read(sim->device, &s->row_offsets, 0, bytes, rows, err);
    for (uint32_t i = 0; status == MESO_OK && i < sim->e->n_projections; i++) {
        const projection_layout *q = &sim->l->projections[i];
        uint32_t *row = rows + q->row_base;
        uint64_t sum = 0;
        outdegrees_add(sim, i, row);
        for (uint64_t k = 0; k <= q->n_rows; k++) {
            const uint32_t count = k < q->n_rows ? row[k] : 0;
            row[k] = (uint32_t)sum;
            sum += count;
        }
        if (sum > UINT32_MAX)
            status = error_set(err, MESO_DEVICE_MEMORY,
                               "projections.%s: %.3g synapses are more than 2^32 - 1",
                               sim->e->projections[i].name, (double)sum);
        s->bases[i + 1] = s->bases[i] + sum;
    }
    s->n_synapses = s->bases[sim->e->n_projections];
    if (status == MESO_OK)
        status = buffer_write(sim->device, &s->row_offsets, 0, bytes, rows, err);
    if (status == MESO_OK)
        status = buffer_create(sim->device, "next places", bytes, rows, &b->next, err);
    free(rows);
    return status;
}

/* --- placing -------------------------------------------------------------------------------------- */

static meso_status projection_place(builder *b, uint32_t i, meso_error *err)
{
    simulation *sim = b->sim;
    synapses *s = &sim->synapses;
    const projection *p = &sim->e->projections[i];
    const cl_ulong first_row = sim->l->projections[i].row_base;
    const cl_ulong first_synapse = s->bases[i];
    MESO_TRY(projection_upload(b, i, err));
    MESO_TRY(kernel_set_buffer(&b->place, 0, &b->rule, err));
    MESO_TRY(kernel_set_buffer(&b->place, 1, &b->weights, err));
    MESO_TRY(kernel_set_buffer(&b->place, 2, &b->delays, err));
    MESO_TRY(kernel_set_buffer(&b->place, 3, &b->next, err));
    MESO_TRY(kernel_set_bytes(&b->place, 4, sizeof first_row, &first_row, err));
    MESO_TRY(kernel_set_buffer(&b->place, 5, &s->synapses, err));
    MESO_TRY(kernel_set_bytes(&b->place, 6, sizeof first_synapse, &first_synapse, err));
    const uint32_t n_targets = sim->e->populations[p->target].n_neurons;
    return device_launch(sim->device, &b->place, work_items(p, n_targets), BUILD_GROUP, err);
}

static meso_status projection_sort(builder *b, uint32_t i, meso_error *err)
{
    simulation *sim = b->sim;
    synapses *s = &sim->synapses;
    const projection_layout *q = &sim->l->projections[i];
    const cl_ulong first_row = q->row_base, first_synapse = s->bases[i];
    MESO_TRY(kernel_set_u32(&b->sort, 0, (uint32_t)q->n_rows, err));
    MESO_TRY(kernel_set_bytes(&b->sort, 1, sizeof first_row, &first_row, err));
    MESO_TRY(kernel_set_buffer(&b->sort, 2, &s->row_offsets, err));
    MESO_TRY(kernel_set_bytes(&b->sort, 3, sizeof first_synapse, &first_synapse, err));
    MESO_TRY(kernel_set_u32(&b->sort, 4, q->offset_bits, err));
    MESO_TRY(kernel_set_buffer(&b->sort, 5, &s->synapses, err));
    return device_launch(sim->device, &b->sort, (q->n_rows + BUILD_GROUP - 1) / BUILD_GROUP,
                         BUILD_GROUP, err);
}

/* --- all ------------------------------------------------------------------------------------------- */

static meso_status builder_open(builder *b, meso_error *err)
{
    static const char *const paths[] = {"mesocl.clh", "math.clh", "rng.clh", "layout.clh",
                                        "connect.cl"};
    simulation *sim = b->sim;
    uint32_t largest = 1;
    for (uint32_t i = 0; i < sim->e->n_populations; i++)
        if (sim->e->populations[i].n_neurons > largest)
            largest = sim->e->populations[i].n_neurons;
    text source = {0};
    meso_status status = kernel_text(&source, paths, 5, err);
    if (status == MESO_OK)
        status = program_build(sim->device, "connect", source.data, "-DMESO_WIDTH=1", &b->program,
                               err);
    text_free(&source);
    MESO_TRY(status);
    MESO_TRY(kernel_create(b->program, "connect_count", &b->count, err));
    MESO_TRY(kernel_create(b->program, "connect_place", &b->place, err));
    MESO_TRY(kernel_create(b->program, "rows_sort", &b->sort, err));
    MESO_TRY(buffer_create(sim->device, "connection rule", sizeof(edge_rule), NULL, &b->rule, err));
    MESO_TRY(buffer_create(sim->device, "weight quantiles", QUANTILES * 4, NULL, &b->weights, err));
    MESO_TRY(buffer_create(sim->device, "delay quantiles", QUANTILES * 4, NULL, &b->delays, err));
    return buffer_create(sim->device, "in-degrees", largest * sizeof(uint32_t), NULL, &b->indegrees,
                         err);
}

static void builder_close(builder *b)
{
    buffer *all[] = {&b->rule, &b->weights, &b->delays, &b->indegrees, &b->next};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(b->sim->device, all[i]);
    kernel_release(&b->count);
    kernel_release(&b->place);
    kernel_release(&b->sort);
    program_release(&b->program);
}

static meso_status projections_upload(simulation *sim, meso_error *err)
{
    const uint32_t n = sim->e->n_projections;
    projection_entry *table = calloc(n + 1, sizeof *table);
    if (table == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        const projection_layout *q = &sim->l->projections[i];
        table[i] = (projection_entry){
            .source = sim->e->projections[i].source,
            .target = sim->e->projections[i].target,
            .channel = q->channel,
            .offset_bits = q->offset_bits,
            .first_group = q->first_group,
            .n_groups = q->n_groups,
            .row_base = (uint32_t)q->row_base,
            .quantum = q->quantum,
            .synapse_base = sim->synapses.bases[i],
        };
    }
    const meso_status status = buffer_create(sim->device, "projections", n * sizeof *table, table,
                                             &sim->synapses.projections, err);
    free(table);
    return status;
}

static meso_status stop_check(const simulation *sim, meso_error *err)
{
    if (sim->stop == NULL || !*sim->stop)
        return MESO_OK;
    return error_set(err, MESO_STOPPED,
                     "stopped while the network was built; there are no results");
}

meso_status synapses_create(simulation *sim, meso_error *err)
{
    synapses *s = &sim->synapses;
    const uint32_t n = sim->e->n_projections;
    builder b = {.sim = sim};
    meso_status status = MESO_OK;
    MESO_GO(simulation_alloc(sim, n + 1, sizeof *s->bases, &s->bases, err));
    MESO_GO(simulation_alloc(sim, sim->l->n_neurons, sizeof(uint32_t), &s->outdegrees, err));
    MESO_GO(buffer_create(sim->device, "row offsets", sim->l->n_rows * sizeof(uint32_t), NULL,
                          &s->row_offsets, err));
    MESO_GO(builder_open(&b, err));
    for (uint32_t i = 0; i < n; i++) {
        MESO_GO(stop_check(sim, err));
        MESO_GO(projection_count(&b, i, err));
    }
    MESO_GO(offsets_scan(&b, err));
    MESO_GO(buffer_create(sim->device, "synapses", s->n_synapses * sizeof(uint32_t), NULL,
                          &s->synapses, err));
    for (uint32_t i = 0; i < n; i++) {
        MESO_GO(stop_check(sim, err));
        MESO_GO(projection_place(&b, i, err));
        MESO_GO(projection_sort(&b, i, err));
        MESO_GO(device_wait(sim->device, NULL, err));
    }
    MESO_GO(projections_upload(sim, err));
    MESO_GO(device_wait(sim->device, NULL, err));
done:
    builder_close(&b);
    return status;
}

void synapses_destroy(simulation *sim)
{
    buffer_destroy(sim->device, &sim->synapses.projections);
    buffer_destroy(sim->device, &sim->synapses.row_offsets);
    buffer_destroy(sim->device, &sim->synapses.synapses);
}

/* --- reading back ---------------------------------------------------------------------------------- */

/* Neuron of a target population from its partition and its number there. */
static uint32_t neuron_of(const layout *l, uint32_t population, uint32_t partition, uint32_t local)
{
    const population_layout *p = &l->populations[population];
    const uint32_t phase = (partition + l->n_partitions - p->rotation) % l->n_partitions;
    const uint32_t chunk = local / p->chunk_size * l->n_partitions + phase;
    return chunk * p->chunk_size + local % p->chunk_size;
}

static edge edge_decode(const simulation *sim, uint32_t i, uint64_t row, uint32_t synapse)
{
    const layout *l = sim->l;
    const projection_layout *q = &l->projections[i];
    const uint32_t target = sim->e->projections[i].target;
    const uint32_t n_local = l->populations[target].n_local;
    const uint32_t group = (uint32_t)(row % q->n_groups) + q->first_group;
    const uint32_t partition = (uint32_t)(row / q->n_groups % l->n_partitions);
    const uint32_t offset = synapse & ((1u << q->offset_bits) - 1);
    return (edge){
        .source = (uint32_t)(row / q->n_groups / l->n_partitions),
        .target = neuron_of(l, target, partition, offset % n_local),
        .weight = ((int32_t)synapse >> q->offset_bits) * weight_unit(sim, i),
        .delay_steps = l->batch_steps + group * l->batches_per_group * l->batch_steps +
                       offset / n_local,
    };
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
    return (a->weight > b->weight) - (a->weight < b->weight);
}

meso_status simulation_edges(simulation *sim, uint32_t projection, edge **edges, uint64_t *n,
                             meso_error *err)
{
    const projection_layout *q = &sim->l->projections[projection];
    const synapses *s = &sim->synapses;
    meso_status status = MESO_OK;
    *edges = NULL;
    *n = s->bases[projection + 1] - s->bases[projection];
    uint32_t *rows = malloc((q->n_rows + 1) * sizeof *rows);
    uint32_t *words = malloc((*n + 1) * sizeof *words);
    edge *list = malloc((*n + 1) * sizeof *list);
    if (rows == NULL || words == NULL || list == NULL) {
        status = error_set(err, MESO_MEMORY, "out of memory");
        goto done;
    }
    MESO_GO(buffer_read(sim->device, &s->row_offsets, q->row_base * sizeof *rows,
                        (q->n_rows + 1) * sizeof *rows, rows, err));
    if (*n > 0)
        MESO_GO(buffer_read(sim->device, &s->synapses, s->bases[projection] * sizeof *words,
                            *n * sizeof *words, words, err));
    for (uint64_t row = 0; row < q->n_rows; row++)
        for (uint32_t k = rows[row]; k < rows[row + 1]; k++)
            list[k] = edge_decode(sim, projection, row, words[k]);
    qsort(list, *n, sizeof *list, edge_compare);
    *edges = list;
done:
    free(rows);
    free(words);
    if (status != MESO_OK)
        free(list);
    return status;
}
