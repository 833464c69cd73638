#include "engine/layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16u /* padding: the widest vector */
#define CHUNK_SHIFT_MIN 4u
#define CHUNK_SHIFT_MAX 8u
#define OFFSET_BITS_MAX 20u /* leaves 12 for a weight */
#define WIDE_OFFSET_BITS_MAX 31u
#define CACHE_WORDS (1u << 17) /* of the ring slots that a batch touches: half of a core's cache */
#define SPIKES_SURE 4096u /* of a list: as many always fit */
#define LONGEST_DELAY_STEPS 65535u /* 16 bits of a table */

static uint32_t round_up(uint32_t value, uint32_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

uint64_t layout_steps(const experiment *e, double ms)
{
    return (uint64_t)llround(ms / e->dt_ms);
}

uint32_t layout_delay_steps(const experiment *e, double delay_ms)
{
    const long long steps = llround(delay_ms / e->dt_ms);
    return steps < 1 ? 1u : (uint32_t)steps;
}

uint32_t layout_cell(const layout *l, const population_layout *p, uint32_t neuron,
                     uint32_t *partition)
{
    const uint32_t chunk = neuron >> p->chunk_shift;
    *partition = (p->rotation + chunk) % l->n_partitions;
    return chunk / l->n_partitions * p->chunk_size + (neuron & (p->chunk_size - 1));
}

uint32_t layout_place(const layout *l, const population_layout *p, uint32_t neuron)
{
    uint32_t partition;
    const uint32_t local = layout_cell(l, p, neuron, &partition);
    return partition * p->n_local + local;
}

uint64_t layout_row(const layout *l, const bundle_layout *b, uint32_t neuron)
{
    const population_layout *p = &l->populations[b->source];
    const int shared = l->list_partitions == 1;
    uint32_t partition;
    const uint32_t local = layout_cell(l, p, neuron, &partition);
    const uint32_t cell = (shared ? partition * p->n_local : 0) + local - b->first_cell;
    if (cell >= b->n_cells)
        return UINT64_MAX;
    return ((uint64_t)(shared ? 0 : partition) * b->n_cells + cell) * l->n_partitions * b->n_groups;
}

uint32_t layout_group_steps(const layout *l, synapse_storage storage)
{
    return storage == STORAGE_PROCEDURAL ? l->n_slots - l->batch_steps
                                         : l->batches_per_group * l->batch_steps;
}

uint32_t layout_largest_population(const experiment *e)
{
    uint32_t largest = 0;
    for (uint32_t i = 1; i < e->n_populations; i++)
        if (e->populations[i].n_neurons > e->populations[largest].n_neurons)
            largest = i;
    return largest;
}

/* A table is indexed with 32 bits: blame the population with most cells. */
meso_status too_large(const experiment *e, const char *table, double words, meso_error *err)
{
    const population *p = &e->populations[layout_largest_population(e)];
    return error_set(
        err, MESO_RANGE,
        "%s: populations.%s.n_neurons: %u cells are too many: %s needs %.3g entries, and at "
        "most 4.29e+09 can be numbered",
        p->place, p->name, p->n_neurons, table, words);
}

/* --- time --------------------------------------------------------------------------------------- */

static meso_status delays_measure(const experiment *e, layout *l, meso_error *err)
{
    for (uint32_t i = 0; i < e->n_projections; i++) {
        const distribution *d = &e->projections[i].delay_ms;
        projection_layout *q = &l->projections[i];
        q->min_delay_steps = layout_delay_steps(e, distribution_quantile(d, 0.5 / 4096));
        q->max_delay_steps = layout_delay_steps(e, distribution_quantile(d, 1 - 0.5 / 4096));
        if (q->max_delay_steps > LONGEST_DELAY_STEPS)
            return error_set(
                err, MESO_RANGE,
                "%s: projections.%s.delay_ms: %.15g ms are %u steps of %.15g ms; at most %u "
                "can be told apart",
                e->projections[i].place, e->projections[i].name, q->max_delay_steps * e->dt_ms, q->max_delay_steps, e->dt_ms,
                LONGEST_DELAY_STEPS);
    }
    return MESO_OK;
}

/* The longest batch that no delay, field step or frame interval cuts. */
static uint32_t batch_choose(const experiment *e, const layout *l)
{
    uint32_t longest = l->steps_per_field;
    for (uint32_t i = 0; i < e->n_projections; i++)
        longest = min_u32(longest, l->projections[i].min_delay_steps);
    for (uint32_t batch = longest; batch > 1; batch--) {
        int fits = l->steps_per_field % batch == 0;
        for (uint32_t i = 0; fits && i < e->record.n_reports; i++) {
            const report *r = &e->record.reports[i];
            fits = layout_steps(e, r->interval_ms) % batch == 0 &&
                   layout_steps(e, r->start_ms) % batch == 0;
        }
        if (fits)
            return batch;
    }
    return 1;
}

static meso_status time_lay_out(const experiment *e, layout *l, meso_error *err)
{
    l->steps_per_field = (uint32_t)layout_steps(e, e->field_step_ms);
    MESO_TRY(delays_measure(e, l, err));
    l->batch_steps = batch_choose(e, l);
    l->batches_per_field = l->steps_per_field / l->batch_steps;
    return MESO_OK;
}

/* Batches from a spike until it has been delivered everywhere, or has released. */
static uint32_t history_reach(const experiment *e, const layout *l)
{
    uint32_t reach = 1;
    for (uint32_t i = 0; i < e->n_projections; i++) {
        const projection_layout *q = &l->projections[i];
        const uint32_t late = q->max_delay_steps - l->batch_steps;
        reach = max_u32(reach, 1 + late / layout_group_steps(l, q->storage) * l->batches_per_group);
    }
    for (uint32_t m = 0; m < e->n_modulators; m++)
        for (uint32_t c = 0; c < e->modulators[m].n_compartments; c++) {
            const double delay = e->modulators[m].compartments[c].axonal_delay_ms;
            const uint32_t fields = (uint32_t)llround(delay / e->field_step_ms);
            reach = max_u32(reach, (fields + 1) * l->batches_per_field);
        }
    return reach;
}

/* Steps between the first and the last slot that a spike may reach, in whole batches. */
static uint32_t delay_span(const experiment *e, const layout *l)
{
    uint32_t longest = l->batch_steps;
    for (uint32_t i = 0; i < e->n_projections; i++)
        longest = max_u32(longest, l->projections[i].max_delay_steps);
    return round_up(longest - l->batch_steps + 1, l->batch_steps);
}

static int any_storage(const experiment *e, const layout *l, synapse_storage storage)
{
    for (uint32_t i = 0; i < e->n_projections; i++)
        if (l->projections[i].storage == storage)
            return 1;
    return 0;
}

/* A delay group as long as its offsets fit a synapse and, on a CPU, the ring slots stay in a core's cache. Edges
 * that are made anew at every spike reach all delays at once. */
static void groups_lay_out(const experiment *e, const meso_device_info *device, layout *l)
{
    const uint32_t span = delay_span(e, l), words = max_u32(l->n_words, 1);
    const uint32_t most_words = device->is_gpu ? 1u << OFFSET_BITS_MAX : CACHE_WORDS;
    uint32_t steps = min_u32(span, most_words / words);
    steps = max_u32(l->batch_steps, steps / l->batch_steps * l->batch_steps);
    l->batches_per_group = steps / l->batch_steps;
    l->n_slots = l->batch_steps + (l->makes_edges ? span : steps);
    /* a partition that runs a batch ahead of another empties lists that the other no longer needs */
    l->n_history = history_reach(e, l) + 3;
}

/* --- space -------------------------------------------------------------------------------------- */

static uint32_t bits_for(uint64_t n_values)
{
    uint32_t bits = 0;
    while (((uint64_t)1 << bits) < n_values)
        bits++;
    return bits;
}

uint32_t layout_local_bits(const population_layout *p)
{
    return bits_for(p->n_local);
}

/* The largest power of two that gives every partition a chunk. */
static uint32_t chunk_shift(uint32_t n, uint32_t n_partitions)
{
    uint32_t shift = CHUNK_SHIFT_MIN;
    while (shift < CHUNK_SHIFT_MAX && (n + n_partitions - 1) / n_partitions >= 2u << shift)
        shift++;
    return shift;
}

/* 0 if the words of a ring slot cannot be numbered. */
static int populations_lay_out(const experiment *e, layout *l)
{
    uint64_t words = 0;
    l->n_chunks = 0;
    l->n_neurons = 0;
    for (uint32_t i = 0; i < e->n_populations; i++) {
        const uint32_t n = e->populations[i].n_neurons;
        population_layout *p = &l->populations[i];
        p->chunk_shift = chunk_shift(n, l->n_partitions);
        p->chunk_size = 1u << p->chunk_shift;
        p->n_chunks = (n + p->chunk_size - 1) / p->chunk_size;
        p->first_chunk = l->n_chunks;
        p->rotation = l->n_chunks % l->n_partitions;
        p->n_local = (p->n_chunks + l->n_partitions - 1) / l->n_partitions * p->chunk_size;
        p->n_padded = p->n_local * l->n_partitions;
        p->first_id = (uint32_t)l->n_neurons;
        p->ring_word = (uint32_t)words;
        words += (uint64_t)p->n_channels * p->n_local;
        l->n_chunks += p->n_chunks;
        l->n_neurons += n;
    }
    l->n_words = words > INT32_MAX ? INT32_MAX : (uint32_t)words;
    return words <= INT32_MAX;
}

static uint32_t most_local(const experiment *e, const layout *l)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < e->n_populations; i++)
        most = max_u32(most, l->populations[i].n_local);
    return most;
}

/* Of a spike list's entry, beside the step within the batch. */
static uint32_t cell_bits(const layout *l)
{
    return 32 - max_u32(1, bits_for(l->batch_steps));
}

/* A cell fires at most once a step: room for all of that, except in long lists, where two kilohertz sustained by
 * every cell for a batch can only mean that the network runs away. */
static uint32_t spikes_most(const experiment *e, const layout *l, uint32_t n_listed)
{
    const uint64_t all = (uint64_t)n_listed * l->batch_steps;
    const uint64_t high = (uint64_t)n_listed * (uint64_t)fmax(1, ceil(2 * l->batch_steps * e->dt_ms));
    const uint64_t most = all < SPIKES_SURE || all < high ? all : high < SPIKES_SURE ? SPIKES_SURE : high;
    return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

/* Spike lists: one a partition on a CPU, where its owner needs no atomics; one for all on a GPU, where looking
 * into many costs more. */
static meso_status lists_lay_out(const experiment *e, const meso_device_info *device, layout *l,
                                 meso_error *err)
{
    const uint64_t most_listed = (uint64_t)most_local(e, l) * l->n_partitions;
    const int shared = device->is_gpu && bits_for(most_listed) <= cell_bits(l);
    uint64_t places = 0;
    l->list_partitions = shared ? 1 : l->n_partitions;
    l->cell_bits = cell_bits(l);
    for (uint32_t i = 0; i < e->n_populations; i++) {
        population_layout *p = &l->populations[i];
        p->n_listed = shared ? p->n_local * l->n_partitions : p->n_local;
        p->spike_capacity = spikes_most(e, l, p->n_listed);
        p->spike_base = (uint32_t)places;
        places += (uint64_t)l->list_partitions * p->spike_capacity;
    }
    if (places > UINT32_MAX)
        return too_large(e, "the spike history of one batch", (double)places, err);
    l->spikes_per_batch = (uint32_t)places;
    return MESO_OK;
}

/* Cells are numbered over all populations with 32 bits. */
static meso_status neurons_count(const experiment *e, meso_error *err)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->n_populations; i++) {
        n += e->populations[i].n_neurons;
        if (n > INT32_MAX)
            return error_set(
                err, MESO_RANGE,
                "%s: populations.%s.n_neurons: with its %u cells the network has more than "
                "%d",
                e->populations[i].place, e->populations[i].name, e->populations[i].n_neurons,
                INT32_MAX);
    }
    return MESO_OK;
}

/* One partition per compute unit, more when a partition would be too large for the synapse format. */
static meso_status partitions_lay_out(const experiment *e, const meso_device_info *device,
                                      const meso_run_options *options, layout *l, meso_error *err)
{
    const uint32_t units = max_u32(1, device->compute_units);
    const int chosen = options != NULL && options->partitions > 0;
    const uint32_t most_bits = any_storage(e, l, STORAGE_COMPACT) ? OFFSET_BITS_MAX
                                                                  : WIDE_OFFSET_BITS_MAX;
    l->n_partitions = chosen ? options->partitions : units;
    for (;;) {
        const int numbered = populations_lay_out(e, l);
        groups_lay_out(e, device, l);
        l->offset_bits = bits_for((uint64_t)layout_group_steps(l, STORAGE_COMPACT) * l->n_words);
        const int listed = bits_for(most_local(e, l)) <= cell_bits(l);
        if (numbered && listed && l->offset_bits <= most_bits)
            return MESO_OK;
        if (most_local(e, l) <= 1u << CHUNK_SHIFT_MIN)
            return error_set(err, MESO_RANGE,
                             "the projections have too many inputs of their own for any number of "
                             "partitions: a synapse has %u bits for the place in its partition, and %u are "
                             "needed",
                             most_bits, l->offset_bits);
        if (chosen)
            return error_set(err, MESO_ARGUMENT,
                             "%u partitions are too few: a %s has %u bits for the place in its "
                             "partition, and %u are needed",
                             l->n_partitions, listed ? "synapse" : "spike",
                             listed ? most_bits : cell_bits(l),
                             listed ? l->offset_bits : bits_for(most_local(e, l)));
        l->n_partitions += units;
    }
}

/* --- synapses ----------------------------------------------------------------------------------- */

/* Mean of exp(-(x - y)^2 / (2 sigma^2)) over a point on each of two sides, by the midpoint rule. */
static double gaussian_overlap(double source_um, double target_um, double sigma_um)
{
    const int n = 200;
    double mean = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            const double z = ((i + 0.5) / n * source_um - (k + 0.5) / n * target_um) / sigma_um;
            mean += exp(-0.5 * z * z) / n / n;
        }
    return mean;
}

/* Mean share of a square of sources that a target in its middle reaches. */
static double gaussian_reach(double source_um, double sigma_um)
{
    const double side = sqrt(2 * 3.14159265358979) * sigma_um / source_um;
    return fmin(1, side * side);
}

/* Expected synapses, and a bound on what one target receives: ten standard deviations above the mean
 * where the number is random. */
static void synapses_expect(const experiment *e, const projection *p, projection_layout *q)
{
    const double n_targets = e->populations[p->target].n_neurons;
    const int no_self = p->source == p->target && !p->autapses;
    const double n_sources = e->populations[p->source].n_neurons;
    const double partners = n_sources - (no_self ? 1 : 0);
    const double source_um = e->populations[p->source].extent_um;
    double mean = 0, bound = 0;
    switch (p->rule) {
    case RULE_FIXED_INDEGREE:
        mean = bound = p->indegree;
        break;
    case RULE_ALL_TO_ALL:
        mean = bound = partners;
        break;
    case RULE_ONE_TO_ONE:
        mean = bound = 1;
        break;
    case RULE_FIXED_PROBABILITY:
        mean = partners * p->probability;
        break;
    case RULE_FIXED_TOTAL:
        mean = (double)p->total / n_targets;
        break;
    case RULE_GAUSSIAN_DISTANCE:
        mean = partners * p->probability *
               pow(gaussian_overlap(source_um, e->populations[p->target].extent_um, p->sigma_um),
                   2);
        bound = partners * p->probability * gaussian_reach(source_um, p->sigma_um);
        bound = fmin(partners, bound + 10 * sqrt(bound) + 20);
        break;
    }
    if (p->rule == RULE_FIXED_PROBABILITY)
        bound = fmin(partners, mean + 10 * sqrt(mean) + 20);
    if (p->rule == RULE_FIXED_TOTAL)
        bound = fmin((double)p->total, mean + 10 * sqrt(mean) + 20);
    q->expected_synapses = p->rule == RULE_FIXED_TOTAL ? (double)p->total : mean * n_targets;
    q->most_contacts = contacts_most(p, bound);
    q->max_indegree = q->most_contacts > 0 ? 2.0 * q->most_contacts : bound;
}

static int same_ports(const channel *c, const projection_port *ports, uint32_t n_ports)
{
    if (c->n_ports != n_ports)
        return 0;
    for (uint32_t i = 0; i < n_ports; i++)
        if (c->ports[i].port != ports[i].port || c->ports[i].factor != ports[i].factor)
            return 0;
    return 1;
}

/* The channel of these ports, where as much more may arrive in a step. */
static uint32_t channel_find(population_layout *target, const projection_port *ports,
                             uint32_t n_ports, double bound)
{
    uint32_t c = 0;
    while (c < target->n_channels && !same_ports(&target->channels[c], ports, n_ports))
        c++;
    if (c == target->n_channels)
        target->channels[target->n_channels++] = (channel){.ports = ports, .n_ports = n_ports};
    target->channels[c].bound += bound;
    return c;
}

static void playback_channels_find(const experiment *e, layout *l)
{
    for (uint32_t i = 0; i < e->n_stimuli; i++) {
        const stimulus *s = &e->stimuli[i];
        population_layout *target = &l->populations[s->target];
        if (s->kind != STIMULUS_PLAYBACK || s->n_events == 0)
            continue;
        l->playback_channels[i] = target->n_channels;
        target->channels[target->n_channels++] = (channel){.ports = s->ports,
                                                           .n_ports = s->n_ports,
                                                           .bound = s->most_at_once,
                                                           .unit = s->weight.mean,
                                                           .counts = 1};
    }
}

static void projection_channels_find(const projection *p, layout *l, projection_layout *q)
{
    population_layout *target = &l->populations[p->target];
    const long_term_plasticity *x = p->learning;
    q->channel = channel_find(target, p->ports, p->n_ports,
                              q->max_indegree * projection_largest_weight(p));
    for (uint32_t k = 0; x != NULL && k < x->n_contents; k++)
        q->contents[k].channel = channel_find(target, x->contents[k].ports, x->contents[k].n_ports,
                                              q->max_indegree * x->weight_max);
}

static uint32_t most_channels(const experiment *e)
{
    uint32_t most = e->n_projections + e->n_stimuli + 1;
    for (uint32_t i = 0; i < e->n_projections; i++)
        most += e->projections[i].learning != NULL ? e->projections[i].learning->n_contents : 0;
    return most;
}

static meso_status channels_find(const experiment *e, layout *l, meso_error *err)
{
    for (uint32_t i = 0; i < e->n_populations; i++) {
        l->populations[i].channels = arena_alloc(l->memory, most_channels(e) * sizeof(channel));
        if (l->populations[i].channels == NULL)
            return error_set(err, MESO_MEMORY, "out of memory");
        l->populations[i].n_channels = 0;
    }
    for (uint32_t i = 0; i < e->n_projections; i++) {
        synapses_expect(e, &e->projections[i], &l->projections[i]);
        projection_channels_find(&e->projections[i], l, &l->projections[i]);
    }
    playback_channels_find(e, l);
    return MESO_OK;
}

/* The unit of a channel: fine, but coarse enough for the largest sum. */
static void units_choose(const experiment *e, layout *l)
{
    for (uint32_t i = 0; i < e->n_populations; i++)
        for (uint32_t c = 0; c < l->populations[i].n_channels; c++) {
            channel *x = &l->populations[i].channels[c];
            if (!x->counts)
                x->unit = exp2(ceil(log2(fmax(x->bound, RING_SMALLEST_BOUND) * RING_ROOM / INT32_MAX)));
        }
}

static void launch_shape(const meso_device_info *device, const meso_run_options *options, layout *l)
{
    l->work_group_size = device->is_gpu ? 256 : 1;
    l->pocl = strcmp(device->platform, "Portable Computing Language") == 0;
    l->vector_width = device->is_gpu ? 1 : 16; /* wider than registers: two steps side by side */
    if (l->work_group_size > device->max_work_group)
        l->work_group_size = (uint32_t)device->max_work_group;
    if (options != NULL && options->work_group_size > 0)
        l->work_group_size = options->work_group_size;
    if (options != NULL && options->vector_width > 0)
        l->vector_width = options->vector_width;
    l->buffer_bytes = device->max_alloc_bytes;
    if (options != NULL && options->buffer_bytes > 0 && options->buffer_bytes < l->buffer_bytes)
        l->buffer_bytes = options->buffer_bytes;
}

static meso_status options_check(const meso_device_info *device, const meso_run_options *options,
                                 meso_error *err)
{
    if (options == NULL)
        return MESO_OK;
    const uint32_t w = options->vector_width;
    if (w != 0 && w != 1 && w != 4 && w != 8 && w != 16)
        return error_set(err, MESO_ARGUMENT, "vector width %u is not one of 1, 4, 8, 16", w);
    if (options->work_group_size > device->max_work_group)
        return error_set(err, MESO_ARGUMENT, "work-group size %u is above this device's %llu",
                         options->work_group_size, (unsigned long long)device->max_work_group);
    if (options->partitions > 65536)
        return error_set(err, MESO_ARGUMENT, "%u partitions are outside 1 ... 65536",
                         options->partitions);
    return MESO_OK;
}

/* --- all ------------------------------------------------------------------------------------------ */

static meso_status layout_fill(const experiment *e, const meso_device_info *device,
                               const meso_run_options *options, const synapse_storage *storage,
                               layout *l, meso_error *err)
{
    l->populations = arena_alloc(l->memory, e->n_populations * sizeof *l->populations);
    l->projections = arena_alloc(l->memory, (e->n_projections + 1) * sizeof *l->projections);
    l->playback_channels = arena_alloc(l->memory,
                                       (e->n_stimuli + 1) * sizeof *l->playback_channels);
    if (l->populations == NULL || l->projections == NULL || l->playback_channels == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < e->n_projections; i++) {
        l->projections[i].storage = storage[i];
        l->projections[i].synapse_bytes = projection_synapse_bytes(&e->projections[i], storage[i]);
    }
    launch_shape(device, options, l);
    l->makes_edges = any_storage(e, l, STORAGE_PROCEDURAL);
    MESO_TRY(time_lay_out(e, l, err));
    MESO_TRY(neurons_count(e, err));
    MESO_TRY(channels_find(e, l, err));
    units_choose(e, l);
    MESO_TRY(partitions_lay_out(e, device, options, l, err));
    MESO_TRY(lists_lay_out(e, device, l, err));
    MESO_TRY(plasticity_lay_out(e, l, err));
    l->ring_words = (uint64_t)l->n_partitions * l->n_slots * l->n_words;
    MESO_TRY(bundles_lay_out(e, l, err));
    MESO_TRY(learning_lay_out(e, l, err));
    return contacts_lay_out(e, l, err);
}

static meso_status layout_try(const experiment *e, const meso_device_info *device,
                              const meso_run_options *options, const synapse_storage *storage,
                              layout **out, meso_error *err)
{
    arena *memory = arena_create();
    *out = memory != NULL ? arena_alloc(memory, sizeof **out) : NULL;
    if (*out == NULL) {
        arena_destroy(&memory);
        return error_set(err, MESO_MEMORY, "out of memory");
    }
    (*out)->memory = memory;
    const meso_status status = layout_fill(e, device, options, storage, *out, err);
    if (status != MESO_OK)
        layout_destroy(out);
    return status;
}

meso_status layout_create(const experiment *e, const meso_device_info *device,
                          const meso_run_options *options, layout **out, meso_error *err)
{
    *out = NULL;
    MESO_TRY(options_check(device, options, err));
    synapse_storage *storage = calloc(e->n_projections + 1, sizeof *storage);
    if (storage == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    storage_begin(e, storage);
    meso_status status = layout_try(e, device, options, storage, out, err);
    while (status == MESO_OK && !memory_fits(e, *out, device) && storage_shrink(e, *out, storage)) {
        layout_destroy(out);
        status = layout_try(e, device, options, storage, out, err);
    }
    free(storage);
    return status;
}

void layout_destroy(layout **l)
{
    if (l == NULL || *l == NULL)
        return;
    arena *memory = (*l)->memory;
    arena_destroy(&memory);
    *l = NULL;
}
