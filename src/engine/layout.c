#include "engine/layout.h"

#include <math.h>
#include <string.h>

#define LANES 16u /* padding: the widest vector */
#define CHUNK_MAX 256u
#define WEIGHT_BITS 12u /* of a synapse; the same in every layout, so that weights are too */
#define OFFSET_BITS_MAX 20u
#define GROUP_STEPS_MIN 8u
#define WEIGHT_UNITS_MIN 100.0 /* ring units of a projection's largest weight: rounding below 1 % */
#define ROUNDING_ROOM 1.02     /* of the ring's bound, for weights that are rounded up */

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

uint32_t layout_largest_population(const experiment *e)
{
    uint32_t largest = 0;
    for (uint32_t i = 1; i < e->n_populations; i++)
        if (e->populations[i].n_neurons > e->populations[largest].n_neurons)
            largest = i;
    return largest;
}

/* --- time --------------------------------------------------------------------------------------- */

static void delays_measure(const experiment *e, layout *l)
{
    for (uint32_t i = 0; i < e->n_projections; i++) {
        const distribution *d = &e->projections[i].delay_ms;
        projection_layout *q = &l->projections[i];
        q->min_delay_steps = layout_delay_steps(e, distribution_quantile(d, 0.5 / 4096));
        q->max_delay_steps = layout_delay_steps(e, distribution_quantile(d, 1 - 0.5 / 4096));
    }
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

static void time_lay_out(const experiment *e, layout *l)
{
    l->steps_per_field = (uint32_t)layout_steps(e, e->field_step_ms);
    delays_measure(e, l);
    l->batch_steps = batch_choose(e, l);
    l->batches_per_field = l->steps_per_field / l->batch_steps;
    const uint32_t group_steps = round_up(max_u32(GROUP_STEPS_MIN, l->batch_steps), l->batch_steps);
    l->batches_per_group = group_steps / l->batch_steps;
    l->n_slots = l->batch_steps + group_steps;

    uint32_t history = 2;
    for (uint32_t i = 0; i < e->n_projections; i++) {
        projection_layout *q = &l->projections[i];
        q->first_group = (q->min_delay_steps - l->batch_steps) / group_steps;
        const uint32_t last = (q->max_delay_steps - l->batch_steps) / group_steps;
        q->n_groups = last - q->first_group + 1;
        history = max_u32(history, 2 + last * l->batches_per_group);
    }
    for (uint32_t m = 0; m < e->n_modulators; m++)
        for (uint32_t c = 0; c < e->modulators[m].n_compartments; c++) {
            const double delay = e->modulators[m].compartments[c].axonal_delay_ms;
            const uint32_t fields = (uint32_t)llround(delay / e->field_step_ms);
            history = max_u32(history, (fields + 1) * l->batches_per_field + 1);
        }
    l->n_history = history;
}

/* --- space -------------------------------------------------------------------------------------- */

static void populations_lay_out(const experiment *e, layout *l)
{
    const double batch_ms = l->batch_steps * e->dt_ms;
    l->n_chunks = 0;
    l->spikes_per_batch = 0;
    l->n_neurons = 0;
    for (uint32_t i = 0; i < e->n_populations; i++) {
        const uint32_t n = e->populations[i].n_neurons;
        population_layout *p = &l->populations[i];
        const uint32_t share = (n + l->n_partitions - 1) / l->n_partitions;
        p->chunk_size = min_u32(round_up(share, LANES), CHUNK_MAX);
        p->n_chunks = (n + p->chunk_size - 1) / p->chunk_size;
        p->first_chunk = l->n_chunks;
        p->rotation = l->n_chunks % l->n_partitions;
        p->n_local = (p->n_chunks + l->n_partitions - 1) / l->n_partitions * p->chunk_size;
        p->n_padded = p->n_chunks * p->chunk_size;
        p->first_id = (uint32_t)l->n_neurons;
        /* a kilohertz, sustained by every cell of a chunk for a batch */
        p->spike_capacity = p->chunk_size * (uint32_t)fmax(1, ceil(batch_ms));
        l->n_chunks += p->n_chunks;
        l->spikes_per_batch += p->n_chunks * p->spike_capacity;
        l->n_neurons += n;
    }
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

static uint32_t bits_for(uint64_t n_values)
{
    uint32_t bits = 0;
    while (((uint64_t)1 << bits) < n_values)
        bits++;
    return bits;
}

static uint32_t offset_bits(const layout *l, uint32_t population)
{
    const uint64_t group_steps = (uint64_t)l->batches_per_group * l->batch_steps;
    return bits_for(group_steps * l->populations[population].n_local);
}

/* One partition per compute unit, more when a partition would be too large for the synapse format. */
static void partitions_lay_out(const experiment *e, const meso_device_info *device,
                               const meso_run_options *options, layout *l)
{
    const uint32_t units = max_u32(1, device->compute_units);
    const int chosen = options != NULL && options->partitions > 0;
    l->n_partitions = chosen ? options->partitions : units;
    for (;;) {
        populations_lay_out(e, l);
        uint32_t widest = 0;
        for (uint32_t i = 0; i < e->n_populations; i++)
            widest = max_u32(widest, offset_bits(l, i));
        if (widest <= OFFSET_BITS_MAX || chosen)
            return;
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
    q->expected_synapses = mean * n_targets;
    q->max_indegree = bound;
}

/* A table is indexed with 32 bits: blame the population with most cells. */
static meso_status too_large(const experiment *e, const char *table, double words, meso_error *err)
{
    const population *p = &e->populations[layout_largest_population(e)];
    return error_set(
        err, MESO_RANGE,
        "%s: populations.%s.n_neurons: %u cells are too many: %s needs %.3g entries, and at "
        "most 4.29e+09 can be numbered",
        p->place, p->name, p->n_neurons, table, words);
}

static int same_ports(const channel *c, const projection *p)
{
    if (c->n_ports != p->n_ports)
        return 0;
    for (uint32_t i = 0; i < p->n_ports; i++)
        if (c->ports[i].port != p->ports[i].port || c->ports[i].factor != p->ports[i].factor)
            return 0;
    return 1;
}

static uint32_t channel_find(population_layout *target, const projection *p)
{
    for (uint32_t c = 0; c < target->n_channels; c++)
        if (same_ports(&target->channels[c], p))
            return c;
    target->channels[target->n_channels] = (channel){.ports = p->ports, .n_ports = p->n_ports};
    return target->n_channels++;
}

static double largest_weight(const projection *p)
{
    const double low = distribution_quantile(&p->weight, 0.5 / 4096);
    const double high = distribution_quantile(&p->weight, 1 - 0.5 / 4096);
    return fmax(fabs(low), fabs(high));
}

static meso_status channels_lay_out(const experiment *e, layout *l, meso_error *err)
{
    for (uint32_t i = 0; i < e->n_populations; i++) {
        l->populations[i].channels = arena_alloc(l->memory,
                                                 (e->n_projections + 1) * sizeof(channel));
        if (l->populations[i].channels == NULL)
            return error_set(err, MESO_MEMORY, "out of memory");
        l->populations[i].n_channels = 0;
    }
    for (uint32_t i = 0; i < e->n_projections; i++) {
        const projection *p = &e->projections[i];
        projection_layout *q = &l->projections[i];
        synapses_expect(e, p, q);
        q->channel = channel_find(&l->populations[p->target], p);
        channel *c = &l->populations[p->target].channels[q->channel];
        c->bound += q->max_indegree * largest_weight(p);
    }
    l->ring_words = 0;
    for (uint32_t i = 0; i < e->n_populations; i++) {
        population_layout *p = &l->populations[i];
        for (uint32_t c = 0; c < p->n_channels; c++) {
            const double bound = fmax(p->channels[c].bound, 1e-6) * ROUNDING_ROOM;
            p->channels[c].unit = exp2(ceil(log2(bound / INT32_MAX)));
        }
        p->ring_base = (uint32_t)l->ring_words;
        p->ring_words = (uint64_t)l->n_partitions * p->n_channels * l->n_slots * p->n_local;
        l->ring_words += p->ring_words;
    }
    if (l->ring_words > UINT32_MAX)
        return too_large(e, "the input ring", (double)l->ring_words, err);
    return MESO_OK;
}

/* Weight words: a constant weight is one unit; others have up to 2047 levels of either sign, fewer where
 * they are small beside the sum that their ring must hold. */
static meso_status weights_lay_out(const population *target, const projection *p, const channel *c,
                                   projection_layout *q, meso_error *err)
{
    const char *unit = population_port_unit(target, p->ports[0].port);
    const double units = largest_weight(p) / c->unit;
    if (units > 0 && units < WEIGHT_UNITS_MIN)
        return error_set(
            err, MESO_RANGE,
            "projections.%s.%s: weights up to %.3g %s are too small beside the %.3g %s that all "
            "projections into these receptors could bring at once: at least %.3g %s; another ratio "
            "in `receptors` gives the projection an input of its own",
            p->name, population_weight_key(target, p->ports[0].port), units * c->unit, unit,
            c->bound, unit, WEIGHT_UNITS_MIN * c->unit, unit);
    if (p->weight.kind == DISTRIBUTION_CONSTANT) {
        q->quantum = (int32_t)llround(p->weight.mean / c->unit);
        q->weight_levels = 1;
        return MESO_OK;
    }
    q->quantum = (int32_t)fmax(1, ceil(units / ((1u << (WEIGHT_BITS - 1)) - 1)));
    q->weight_levels = (uint32_t)ceil(units / q->quantum);
    return MESO_OK;
}

static meso_status synapses_lay_out(const experiment *e, layout *l, meso_error *err)
{
    l->n_rows = 0;
    l->expected_synapses = 0;
    for (uint32_t i = 0; i < e->n_projections; i++) {
        const projection *p = &e->projections[i];
        projection_layout *q = &l->projections[i];
        q->offset_bits = offset_bits(l, p->target);
        if (q->offset_bits > OFFSET_BITS_MAX)
            return error_set(err, MESO_ARGUMENT,
                             "%u partitions are too few for population '%s': a synapse has %u bits "
                             "for the place in its partition and %u are needed",
                             l->n_partitions, e->populations[p->target].name, OFFSET_BITS_MAX,
                             q->offset_bits);
        MESO_TRY(weights_lay_out(&e->populations[p->target], p,
                                 &l->populations[p->target].channels[q->channel], q, err));
        q->row_base = l->n_rows;
        q->n_rows = (uint64_t)e->populations[p->source].n_neurons * l->n_partitions * q->n_groups;
        l->n_rows += q->n_rows + 1;
        l->expected_synapses += q->expected_synapses;
    }
    if (l->n_rows > UINT32_MAX)
        return too_large(e, "the table of synapse rows", (double)l->n_rows, err);
    return MESO_OK;
}

static void launch_shape(const meso_device_info *device, const meso_run_options *options, layout *l)
{
    l->work_group_size = device->is_gpu ? 64 : 1;
    l->vector_width = device->is_gpu ? 1 : 16; /* wider than registers: two steps side by side */
    if (options != NULL && options->work_group_size > 0)
        l->work_group_size = options->work_group_size;
    if (options != NULL && options->vector_width > 0)
        l->vector_width = options->vector_width;
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

meso_status layout_create(const experiment *e, const meso_device_info *device,
                          const meso_run_options *options, layout **out, meso_error *err)
{
    *out = NULL;
    MESO_TRY(options_check(device, options, err));
    arena *memory = arena_create();
    layout *l = memory != NULL ? arena_alloc(memory, sizeof *l) : NULL;
    if (l == NULL) {
        arena_destroy(&memory);
        return error_set(err, MESO_MEMORY, "out of memory");
    }
    l->memory = memory;
    meso_status status = MESO_OK;
    l->populations = arena_alloc(memory, e->n_populations * sizeof *l->populations);
    l->projections = arena_alloc(memory, (e->n_projections + 1) * sizeof *l->projections);
    if (l->populations == NULL || l->projections == NULL) {
        status = error_set(err, MESO_MEMORY, "out of memory");
        goto done;
    }
    launch_shape(device, options, l);
    time_lay_out(e, l);
    MESO_GO(neurons_count(e, err));
    partitions_lay_out(e, device, options, l);
    MESO_GO(channels_lay_out(e, l, err));
    MESO_GO(synapses_lay_out(e, l, err));
    *out = l;
done:
    if (status != MESO_OK)
        layout_destroy(&l);
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
