#include "base/rng.h"
#include "engine/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What building the synapses needs on the device, for as long as they are built. */
typedef struct builder {
    simulation *sim;
    cl_program program;
    kernel by_source, by_target, bound;
    buffer bundle, counts, next, overflow;
} builder;

/* --- the description of a projection ---------------------------------------------------------------- */

static void keys_fill(const experiment *e, const projection *p, edge_rule *r)
{
    const char *source = e->populations[p->source].name, *target = e->populations[p->target].name;
    const rng_words edges = rng_stream_key(e->seed, "projection/%s/edges", p->name);
    const rng_words from = rng_stream_key(e->seed, "population/%s/places", source);
    const rng_words to = rng_stream_key(e->seed, "population/%s/places", target);
    r->key0 = edges.x;
    r->key1 = edges.y;
    r->place0 = from.x;
    r->place1 = from.y;
    r->place2 = to.x;
    r->place3 = to.y;
}

double projection_weight_unit(const simulation *sim, uint32_t i)
{
    const uint32_t target = sim->e->projections[i].target;
    return sim->l->populations[target].channels[sim->l->projections[i].channel].unit;
}

static edge_rule rule_of(const simulation *sim, uint32_t i)
{
    const experiment *e = sim->e;
    const layout *l = sim->l;
    const projection *p = &e->projections[i];
    const population_layout *from = &l->populations[p->source], *to = &l->populations[p->target];
    const uint64_t group_steps = layout_group_steps(l, l->projections[i].storage);
    const double unit = projection_weight_unit(sim, i);
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
        .source_first_chunk = from->first_chunk,
        .source_chunk_shift = from->chunk_shift,
        .target_first_chunk = to->first_chunk,
        .target_chunk_shift = to->chunk_shift,
        .target_n_chunks = to->n_chunks,
        .ring_word = to->ring_word + l->projections[i].channel * to->n_local,
        .n_partitions = l->n_partitions,
        .n_words = l->n_words,
        .group_steps = (uint32_t)group_steps,
        .per_group = (UINT64_C(0x100000000) + group_steps - 1) / group_steps,
        .delays = i * MESO_QUANTILES,
        .first_level = l->projections[i].first_level,
        .n_levels = l->projections[i].n_levels,
        .outdegrees = p->rule == RULE_FIXED_TOTAL ? sim->synapses.first_outdegree[i] : 0,
        .local_bits = layout_local_bits(to),
        .largest = (int32_t)llround(projection_largest_weight(p) / unit),
        .most_contacts = l->projections[i].most_contacts,
        .unit = (float)unit,
        .n_states = p->learning != NULL ? p->learning->rule->n_state : 0,
        .first_content = contents_first(e, i),
        .n_contents = contents_count(e, i),
    };
    if (p->rule == RULE_GAUSSIAN_DISTANCE)
        r.per_two_sigma2 = (float)(0.5 / (p->sigma_um * p->sigma_um));
    keys_fill(e, p, &r);
    return r;
}

/* Weights in ring units; none is larger than the ring was scaled for. */
static void levels_fill(const simulation *sim, uint32_t i, int32_t *levels)
{
    const projection_layout *q = &sim->l->projections[i];
    const double unit = projection_weight_unit(sim, i);
    for (uint32_t k = 0; k < q->n_levels; k++)
        levels[k] = (int32_t)llround(weight_level(&sim->e->projections[i].weight, k, q->n_levels) / unit);
}

/* Delays in steps beyond a batch. */
static void delays_fill(const simulation *sim, uint32_t i, uint16_t *delays)
{
    const distribution *d = &sim->e->projections[i].delay_ms;
    for (uint32_t k = 0; k < MESO_QUANTILES; k++) {
        const double delay_ms = distribution_quantile(d, (k + 0.5) / MESO_QUANTILES);
        delays[k] = (uint16_t)(layout_delay_steps(sim->e, delay_ms) - sim->l->batch_steps);
    }
}

/* fixed_total: how many of its synapses each source has. Independent draws of a source for every synapse
 * give a multinomial, which is one binomial after the other. */
static void outdegrees_fill(const experiment *e, const projection *p, uint32_t *outdegrees)
{
    uint64_t left = p->total;
    const uint32_t n = e->populations[p->source].n_neurons;
    const rng_words key = rng_stream_key(e->seed, "projection/%s/outdegrees", p->name);
    for (uint32_t i = 0; i < n; i++) {
        const rng_words w = rng_threefry(key.x, key.y, i, 0);
        const double uniform = ((double)w.x * 0x1p32 + w.y + 0.5) * 0x1p-64;
        outdegrees[i] = (uint32_t)rng_binomial(left, 1.0 / (n - i), uniform);
        left -= outdegrees[i];
    }
}

/* --- tables ------------------------------------------------------------------------------------------ */

static meso_status outdegrees_upload(simulation *sim, meso_error *err)
{
    const experiment *e = sim->e;
    synapses *s = &sim->synapses;
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->n_projections; i++) {
        s->first_outdegree[i] = (uint32_t)n;
        if (e->projections[i].rule == RULE_FIXED_TOTAL)
            n += e->populations[e->projections[i].source].n_neurons;
    }
    if (n > UINT32_MAX)
        return error_set(err, MESO_RANGE, "fixed_total projections have more than 2^32 sources");
    uint32_t *list = calloc(n + 1, sizeof *list);
    if (list == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < e->n_projections; i++)
        if (e->projections[i].rule == RULE_FIXED_TOTAL)
            outdegrees_fill(e, &e->projections[i], list + s->first_outdegree[i]);
    const meso_status status = buffer_create(sim->device, BUFFER_CONSTANT, "out-degrees",
                                             n * sizeof *list, list, &s->source_outdegrees, err);
    free(list);
    return status;
}

static meso_status rules_upload(simulation *sim, meso_error *err)
{
    const uint32_t n = sim->e->n_projections;
    synapses *s = &sim->synapses;
    meso_status status = MESO_OK;
    const size_t n_delays = (size_t)n * MESO_QUANTILES;
    edge_rule *rules = calloc(n + 1, sizeof *rules);
    uint16_t *delays = malloc((n_delays + 1) * sizeof *delays);
    if (rules == NULL || delays == NULL) {
        status = error_set(err, MESO_MEMORY, "out of memory");
        goto done;
    }
    for (uint32_t i = 0; i < n; i++) {
        rules[i] = rule_of(sim, i);
        delays_fill(sim, i, delays + (size_t)i * MESO_QUANTILES);
    }
    MESO_GO(buffer_create(sim->device, BUFFER_CONSTANT, "edge rules", n * sizeof *rules, rules,
                          &s->rules, err));
    MESO_GO(buffer_create(sim->device, BUFFER_CONSTANT, "delay quantiles",
                          n_delays * sizeof *delays, delays, &s->delays, err));
done:
    free(rules);
    free(delays);
    return status;
}

static meso_status levels_upload(simulation *sim, meso_error *err)
{
    synapses *s = &sim->synapses;
    MESO_TRY(simulation_alloc(sim, sim->l->n_levels, sizeof *s->levels, &s->levels, err));
    for (uint32_t i = 0; i < sim->e->n_projections; i++) {
        const projection_layout *q = &sim->l->projections[i];
        int32_t *levels = s->levels + sim->l->bundles[q->first_bundle].level_base;
        levels_fill(sim, i, levels + q->first_level);
        contents_levels_fill(sim, i, levels);
    }
    return buffer_create(sim->device, BUFFER_CONSTANT, "weight levels",
                         sim->l->n_levels * sizeof *s->levels, s->levels, &s->level_table, err);
}

static bundle_entry entry_of(const simulation *sim, uint32_t i)
{
    static const uint32_t storages[] = {[STORAGE_AUTO] = MESO_COMPACT,
                                        [STORAGE_COMPACT] = MESO_COMPACT,
                                        [STORAGE_WIDE] = MESO_WIDE_WORDS,
                                        [STORAGE_PROCEDURAL] = MESO_PROCEDURAL,
                                        [STORAGE_PLASTIC] = MESO_LEARNED};
    const bundle_layout *b = &sim->l->bundles[i];
    const uint32_t first = b->projections[0];
    const int is_plastic = projection_has_amplitudes(&sim->e->projections[first]);
    return (bundle_entry){
        .source = b->source,
        .storage = storages[b->storage],
        .first_cell = b->first_cell,
        .n_cells = b->n_cells,
        .first_group = b->first_group,
        .n_groups = b->n_groups,
        .row_base = (uint32_t)b->row_base,
        .levels = b->level_base,
        .synapse_base = sim->synapses.bundles[i].first_word,
        .buffer = sim->synapses.bundles[i].buffer,
        .rule = first,
        .amplitude_base = is_plastic ? sim->l->projections[first].amplitude_base : MESO_NEVER,
        .n_synapses = (uint32_t)sim->synapses.bundles[i].n_synapses,
        .learning = b->learning,
        .first_row_state = b->first_row_state,
    };
}

/* --- counting and placing ------------------------------------------------------------------------------ */

/* All edges of projection p that bundle i covers: counted, or placed. */
static meso_status edges_make(builder *b, uint32_t i, uint32_t p, uint32_t place, meso_error *err)
{
    simulation *sim = b->sim;
    synapses *s = &sim->synapses;
    const layout *l = sim->l;
    const projection *of = &sim->e->projections[p];
    const int by_target = of->rule == RULE_FIXED_INDEGREE;
    kernel *k = by_target ? &b->by_target : &b->by_source;
    const buffer *rows = place ? &b->next : &b->counts;
    const buffer *words = place ? &s->buffers[s->bundles[i].buffer] : &b->counts; /* or none */
    const buffer *tables[] = {&sim->neurons.chunks, &s->level_table, &s->delays};
    uint32_t a = 0;
    MESO_TRY(kernel_set_u32(k, a++, place, err));
    MESO_TRY(kernel_set_u32(k, a++, p, err));
    MESO_TRY(kernel_set_buffer(k, a++, &s->rules, err));
    MESO_TRY(kernel_set_buffer(k, a++, &b->bundle, err));
    MESO_TRY(kernel_set_u32(k, a++, l->offset_bits, err));
    for (uint32_t t = 0; t < 3; t++)
        MESO_TRY(kernel_set_buffer(k, a++, tables[t], err));
    if (!by_target)
        MESO_TRY(kernel_set_buffer(k, a++, &s->source_outdegrees, err));
    MESO_TRY(kernel_set_buffer(k, a++, rows, err));
    MESO_TRY(kernel_set_buffer(k, a++, words, err));
    MESO_TRY(kernel_set_buffer(k, a++, &s->contents, err));
    return device_launch(sim->device, k,
                         by_target ? l->n_partitions : l->populations[of->source].n_chunks,
                         l->work_group_size, err);
}

static meso_status stop_check(const simulation *sim, meso_error *err)
{
    if (sim->stop == NULL || !*sim->stop)
        return MESO_OK;
    return error_set(err, MESO_STOPPED,
                     "stopped while the network was built; there are no results");
}

static meso_status bundle_make(builder *b, uint32_t i, uint32_t place, meso_error *err)
{
    const bundle_layout *q = &b->sim->l->bundles[i];
    const bundle_entry entry = entry_of(b->sim, i);
    if (place && q->storage == STORAGE_PROCEDURAL)
        return MESO_OK;
    MESO_TRY(stop_check(b->sim, err));
    MESO_TRY(buffer_write(b->sim->device, &b->bundle, 0, sizeof entry, &entry, err));
    for (uint32_t k = 0; k < q->n_projections; k++)
        MESO_TRY(edges_make(b, i, q->projections[k], place, err));
    return device_wait(b->sim->device, NULL, err);
}

/* What a spike of each cell sets off. */
static void outdegrees_add(simulation *sim, uint32_t i, const uint32_t *counts)
{
    const layout *l = sim->l;
    const bundle_layout *b = &l->bundles[i];
    const uint32_t first_id = l->populations[b->source].first_id;
    const uint64_t per_cell = (uint64_t)l->n_partitions * b->n_groups;
    const uint32_t n = sim->e->populations[b->source].n_neurons;
    for (uint32_t cell = 0; cell < n; cell++) {
        const uint64_t row = layout_row(l, b, cell);
        for (uint64_t k = 0; row != UINT64_MAX && k < per_cell; k++)
            sim->synapses.outdegrees[first_id + cell] += counts[row + k];
    }
}

/* Counts become offsets; the last place gets the sum. */
static uint64_t row_offsets_scan(uint32_t *row, uint64_t n_rows)
{
    uint64_t sum = 0;
    for (uint64_t k = 0; k <= n_rows; k++) {
        const uint32_t count = k < n_rows ? row[k] : 0;
        row[k] = (uint32_t)sum;
        sum += count;
    }
    return sum;
}

/* Rows that learn keep their numbers of synapses, and may get more places than that. */
static meso_status learned_rows_count(simulation *sim, uint32_t i, uint32_t *rows, meso_error *err)
{
    const bundle_layout *b = &sim->l->bundles[i];
    if (b->learning == MESO_NEVER)
        return MESO_OK;
    memcpy(sim->learning.row_counts + b->first_row_state, rows, b->n_rows * sizeof *rows);
    return row_places_fill(sim->e, sim->l, b, rows, err);
}

static uint64_t rows_sum(const uint32_t *rows, uint64_t n_rows)
{
    uint64_t sum = 0;
    for (uint64_t k = 0; k < n_rows; k++)
        sum += rows[k];
    return sum;
}

/* Turn counts into offsets, row by row of each bundle. */
static meso_status offsets_scan(builder *b, meso_error *err)
{
    simulation *sim = b->sim;
    synapses *s = &sim->synapses;
    const size_t bytes = sim->l->n_rows * sizeof(uint32_t);
    const size_t counted_bytes = sim->l->n_counted_rows * sizeof(uint32_t);
    meso_status status = MESO_OK;
    uint32_t *rows = malloc(counted_bytes + sizeof *rows);
    if (rows == NULL)
        return error_set(err, MESO_MEMORY, "out of memory: %zu bytes", counted_bytes);
    MESO_GO(buffer_read(sim->device, &b->counts, 0, counted_bytes, rows, err));
    for (uint32_t i = 0; i < sim->l->n_bundles; i++) {
        const bundle_layout *q = &sim->l->bundles[i];
        if (sim->e->projections[q->projections[0]].structure == NULL)
            outdegrees_add(sim, i, rows + q->row_base);
        s->n_synapses += rows_sum(rows + q->row_base, q->n_rows);
        MESO_GO(learned_rows_count(sim, i, rows + q->row_base, err));
        s->bundles[i].n_synapses = row_offsets_scan(rows + q->row_base, q->n_rows);
        if (s->bundles[i].n_synapses > UINT32_MAX && q->storage != STORAGE_PROCEDURAL)
            MESO_GO(error_set(err, MESO_DEVICE_MEMORY,
                              "projections.%s: %.3g synapses are more than 2^32 - 1",
                              sim->e->projections[q->projections[0]].name,
                              (double)s->bundles[i].n_synapses));
    }
    buffer_destroy(sim->device, &b->counts);
    MESO_GO(buffer_create(sim->device, BUFFER_CONSTANT, "row offsets", bytes, rows, &s->row_offsets,
                          err));
    MESO_GO(buffer_create(sim->device, BUFFER_PASSING, "next places", bytes, rows, &b->next, err));
done:
    free(rows);
    return status;
}

static meso_status no_room(const simulation *sim, uint32_t i, uint64_t bytes, meso_error *err)
{
    const double MB = 1e6;
    return error_set(
        err, MESO_DEVICE_MEMORY,
        "projections.%s: no room for %llu synapses (%.1f MB) in %u buffers of %.1f MB; "
        "all synapses: %.4g",
        sim->e->projections[sim->l->bundles[i].projections[0]].name,
        (unsigned long long)sim->synapses.bundles[i].n_synapses, (double)bytes / MB,
        MESO_SYNAPSE_BUFFERS, (double)sim->l->buffer_bytes / MB, (double)sim->synapses.n_synapses);
}

/* Bundles go where the layout expected them, now by their true numbers. */
static meso_status synapse_buffers_create(simulation *sim, meso_error *err)
{
    synapses *s = &sim->synapses;
    uint64_t used[MESO_SYNAPSE_BUFFERS] = {0};
    for (uint32_t i = 0; i < sim->l->n_bundles; i++) {
        const uint64_t bytes = s->bundles[i].n_synapses * sim->l->bundles[i].synapse_bytes;
        const uint32_t n = synapses_place(used, bytes, sim->l->buffer_bytes);
        if (n == MESO_SYNAPSE_BUFFERS)
            return no_room(sim, i, bytes, err);
        s->bundles[i].buffer = n;
        s->bundles[i].first_word = (used[n] - bytes) / sizeof(uint32_t);
    }
    for (uint32_t i = 0; i < MESO_SYNAPSE_BUFFERS; i++) {
        const size_t bytes = used[i];
        /* the kernels fill them; clearing those that are small costs nothing and helps Oclgrind, which does not
         * see all of what is written here */
        MESO_TRY(bytes < 1u << 20 ? buffer_create(sim->device, BUFFER_PARTS, "synapses", bytes,
                                                  NULL, &s->buffers[i], err)
                                  : buffer_reserve(sim->device, BUFFER_PARTS, "synapses", bytes,
                                                   &s->buffers[i], err));
    }
    return MESO_OK;
}

/* --- the proof that the ring cannot overflow ------------------------------------------------------------ */

static const char *population_of_word(const simulation *sim, uint32_t word)
{
    uint32_t i = sim->e->n_populations - 1;
    while (i > 0 && sim->l->populations[i].ring_word > word)
        i--;
    return sim->e->populations[i].name;
}

static meso_status overflow_refuse(builder *b, meso_error *err)
{
    simulation *sim = b->sim;
    synapses *s = &sim->synapses;
    const layout *l = sim->l;
    const cl_ulong stride = (cl_ulong)l->n_slots * l->n_words;
    uint32_t word = MESO_NEVER, a = 0;
    kernel *k = &b->bound;
    MESO_TRY(kernel_set_u32(k, a++, l->n_bundles, err));
    MESO_TRY(kernel_set_buffer(k, a++, &s->table, err));
    MESO_TRY(kernel_set_u32(k, a++, l->list_partitions, err));
    MESO_TRY(kernel_set_u32(k, a++, l->n_words, err));
    MESO_TRY(kernel_set_u32(k, a++, l->offset_bits, err));
    MESO_TRY(kernel_set_buffer(k, a++, &s->row_offsets, err));
    for (uint32_t i = 0; i < MESO_SYNAPSE_BUFFERS; i++)
        MESO_TRY(kernel_set_buffer(k, a++, &s->buffers[i], err));
    const buffer *tables[] = {&s->level_table, &s->rules, &s->delays, &s->source_outdegrees,
                              &sim->neurons.chunks, &s->contents};
    for (uint32_t i = 0; i < 6; i++)
        MESO_TRY(kernel_set_buffer(k, a++, tables[i], err));
    MESO_TRY(kernel_set_bytes(k, a++, sizeof stride, &stride, err));
    MESO_TRY(kernel_set_buffer(k, a++, &sim->ring, err));
    MESO_TRY(kernel_set_buffer(k, a++, &b->overflow, err));
    MESO_TRY(device_launch(sim->device, k, l->n_partitions, l->work_group_size, err));
    MESO_TRY(buffer_read(sim->device, &b->overflow, 0, sizeof word, &word, err));
    if (word == MESO_NEVER)
        return MESO_OK;
    return error_set(err, MESO_CONFIG,
                     "populations.%s: a neuron receives more than its input ring was scaled for and "
                     "could overflow it, if all its sources fired in one step",
                     population_of_word(sim, word));
}

/* --- all ------------------------------------------------------------------------------------------------ */

static meso_status builder_open(builder *b, meso_error *err)
{
    static const char *const paths[] = {"mesocl.clh", "math.clh",       "rng.clh",   "layout.clh",
                                        "groups.clh", "plasticity.clh", "edges.clh", "connect.cl"};
    simulation *sim = b->sim;
    const uint32_t none = MESO_NEVER;
    text source = {0};
    char options[96];
    meso_status status = kernel_text(&source, paths, 8, err);
    if (status == MESO_OK)
        status = program_build(sim->device, "connect", source.data,
                               network_options(sim->l, options), &b->program, err);
    text_free(&source);
    MESO_TRY(status);
    MESO_TRY(kernel_create(b->program, "edges_by_source", &b->by_source, err));
    MESO_TRY(kernel_create(b->program, "edges_by_target", &b->by_target, err));
    MESO_TRY(kernel_create(b->program, "ring_bound", &b->bound, err));
    MESO_TRY(buffer_create(sim->device, BUFFER_PASSING, "bundle", sizeof(bundle_entry), NULL,
                           &b->bundle, err));
    return buffer_create(sim->device, BUFFER_PASSING, "overflow", sizeof none, &none, &b->overflow,
                         err);
}

static void builder_close(builder *b)
{
    buffer *all[] = {&b->bundle, &b->counts, &b->next, &b->overflow};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(b->sim->device, all[i]);
    kernel *kernels[] = {&b->by_source, &b->by_target, &b->bound};
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        kernel_release(kernels[i]);
    program_release(&b->program);
}

static meso_status bundles_upload(simulation *sim, meso_error *err)
{
    const uint32_t n = sim->l->n_bundles;
    bundle_entry *table = calloc(n + 1, sizeof *table);
    if (table == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < n; i++)
        table[i] = entry_of(sim, i);
    const meso_status status = buffer_create(sim->device, BUFFER_CONSTANT, "bundles",
                                             n * sizeof *table, table, &sim->synapses.table, err);
    free(table);
    return status;
}

/* Tables of rules that nobody reads any more; empty ones remain, as arguments of kernels. New contacts get contents. */
static meso_status rules_shrink(simulation *sim, meso_error *err)
{
    synapses *s = &sim->synapses;
    buffer *tables[] = {&s->rules, &s->delays, &s->source_outdegrees, &s->contents};
    const size_t n = sizeof tables / sizeof *tables - (sim->l->n_structures > 0);
    if (sim->l->makes_edges)
        return MESO_OK;
    for (size_t i = 0; i < n; i++) {
        const char *name = tables[i]->name;
        buffer_destroy(sim->device, tables[i]);
        MESO_TRY(buffer_create(sim->device, BUFFER_CONSTANT, name, 0, NULL, tables[i], err));
    }
    return MESO_OK;
}

meso_status synapses_create(simulation *sim, meso_error *err)
{
    synapses *s = &sim->synapses;
    const uint32_t n = sim->l->n_bundles;
    builder b = {.sim = sim};
    meso_status status = MESO_OK;
    MESO_GO(simulation_alloc(sim, n + 1, sizeof *s->bundles, &s->bundles, err));
    MESO_GO(simulation_alloc(sim, sim->e->n_projections + 1, sizeof(uint32_t), &s->first_outdegree,
                             err));
    MESO_GO(simulation_alloc(sim, sim->l->n_neurons, sizeof(uint32_t), &s->outdegrees, err));
    sim->learning.row_counts = calloc(sim->l->n_row_states + 1, sizeof(uint32_t));
    if (sim->learning.row_counts == NULL)
        MESO_GO(error_set(err, MESO_MEMORY, "out of memory"));
    MESO_GO(outdegrees_upload(sim, err));
    MESO_GO(levels_upload(sim, err));
    MESO_GO(rules_upload(sim, err));
    MESO_GO(contents_upload(sim, err));
    MESO_GO(builder_open(&b, err));
    MESO_GO(buffer_create(sim->device, BUFFER_PASSING, "row counts",
                          sim->l->n_counted_rows * sizeof(uint32_t), NULL, &b.counts, err));
    for (uint32_t i = 0; i < n; i++)
        MESO_GO(bundle_make(&b, i, 0, err));
    MESO_GO(offsets_scan(&b, err));
    MESO_GO(synapse_buffers_create(sim, err));
    for (uint32_t i = 0; i < n; i++)
        MESO_GO(bundle_make(&b, i, 1, err));
    MESO_GO(bundles_upload(sim, err));
    MESO_GO(overflow_refuse(&b, err));
    MESO_GO(rules_shrink(sim, err));
done:
    builder_close(&b);
    return status;
}

void synapses_destroy(simulation *sim)
{
    synapses *s = &sim->synapses;
    buffer *all[] = {&s->table,       &s->row_offsets, &s->rules,   &s->level_table,
                     &s->delays,      &s->contents,    &s->source_outdegrees};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(sim->device, all[i]);
    for (uint32_t i = 0; i < MESO_SYNAPSE_BUFFERS; i++)
        buffer_destroy(sim->device, &s->buffers[i]);
}
