#include "engine/layout.h"
#include "engine/tables.h"

#include <math.h>
#include <string.h>

#define LEVELS_COMPACT 4096u /* of a bundle: a weight has at least 12 bits of a compact synapse */
#define LEVELS_MAX 256u      /* of a projection: more would only fill the cache */
#define UNITS_MIN 100.0    /* of a largest weight: rounding below 1 % */
#define PART_MARGIN 0.9    /* bundles are cut by expected numbers */
#define PARTS_PER_BUFFER 8 /* so that little of a buffer stays empty */
#define PARTS_MAX 64u
#define CHANCE_SD 6 /* standard deviations that a part may have more than expected */

uint32_t projection_synapse_bytes(const projection *p, synapse_storage storage)
{
    if (storage == STORAGE_PLASTIC)
        return 8 + 4 * p->learning->rule->n_state + (contacts_are_timed(p) ? 4 : 0);
    return storage == STORAGE_WIDE ? 8 : storage == STORAGE_PROCEDURAL ? 0 : 4;
}

const char *storage_name(synapse_storage storage)
{
    static const char *const names[] = {"auto", "compact", "wide", "procedural", "plastic"};
    return names[storage];
}

void storage_begin(const experiment *e, synapse_storage *storage)
{
    for (uint32_t i = 0; i < e->n_projections; i++) {
        const projection *p = &e->projections[i];
        storage[i] = p->learning != NULL           ? STORAGE_PLASTIC
                     : p->storage == STORAGE_AUTO ? STORAGE_COMPACT
                                                   : p->storage;
    }
}

/* A rule whose edges are listed by target cannot say what one source sets off. What is read must be kept. */
static int may_become_procedural(const experiment *e, uint32_t i, synapse_storage storage)
{
    const projection *p = &e->projections[i];
    return p->storage == STORAGE_AUTO && storage == STORAGE_COMPACT &&
           p->rule != RULE_FIXED_INDEGREE && !experiment_reads_synapses(e, i);
}

int storage_shrink(const experiment *e, const layout *l, synapse_storage *storage)
{
    uint32_t largest = MESO_NEVER;
    for (uint32_t i = 0; i < e->n_projections; i++)
        if (may_become_procedural(e, i, storage[i]) &&
            (largest == MESO_NEVER ||
             l->projections[i].expected_synapses > l->projections[largest].expected_synapses))
            largest = i;
    if (largest == MESO_NEVER)
        return 0;
    storage[largest] = STORAGE_PROCEDURAL;
    return 1;
}

double weight_level(const distribution *d, uint32_t k, uint32_t n_levels)
{
    enum { SAMPLES = 16 };
    double sum = 0;
    if (d->kind == DISTRIBUTION_CONSTANT)
        return d->mean;
    for (uint32_t s = 0; s < SAMPLES; s++)
        sum += distribution_quantile(d, (k + (s + 0.5) / SAMPLES) / n_levels);
    return sum / SAMPLES;
}

double projection_largest_weight(const projection *p)
{
    const double low = weight_level(&p->weight, 0, MESO_QUANTILES);
    const double high = weight_level(&p->weight, MESO_QUANTILES - 1, MESO_QUANTILES);
    if (p->learning != NULL)
        return fmax(fabs(p->learning->weight_min), fabs(p->learning->weight_max));
    return fmax(fabs(low), fabs(high));
}

static int is_constant(const experiment *e, uint32_t i)
{
    return e->projections[i].weight.kind == DISTRIBUTION_CONSTANT;
}

/* A sum of 31 bits holds neither too many weights nor too small ones beside large ones. */
static meso_status weight_refuse(const experiment *e, const layout *l, uint32_t i, const channel *c,
                                 double weight, meso_error *err)
{
    const projection *p = &e->projections[i];
    const projection_layout *q = &l->projections[i];
    const population *target = &e->populations[p->target];
    const char *key = population_weight_key(target, p->ports[0].port);
    const char *unit = population_port_unit(target, p->ports[0].port);
    const double most = INT32_MAX / (UNITS_MIN * 2 * RING_ROOM); /* the unit is a power of two */
    if (q->max_indegree > most)
        return error_set(err, MESO_RANGE,
                         "%s: projections.%s: a cell of '%s' could receive %.4g synapses; at most %.3g fit "
                         "its input ring",
                         p->place, p->name, target->name, q->max_indegree, most);
    if (c->bound < RING_SMALLEST_BOUND)
        return error_set(err, MESO_RANGE,
                         "%s: projections.%s.%s: weights up to %.3g %s are too small: at least %.3g %s", p->place,
                         p->name, key, weight, unit, UNITS_MIN * c->unit, unit);
    return error_set(err, MESO_RANGE,
                     "%s: projections.%s.%s: weights up to %.3g %s are too small beside the %.3g %s that all "
                     "projections into these receptors could bring at once: at least %.3g %s; another ratio "
                     "in `receptors` gives the projection an input of its own",
                     p->place, p->name, key, weight, unit, c->bound, unit, UNITS_MIN * c->unit, unit);
}

static meso_status weight_measure(const experiment *e, const layout *l, uint32_t i, uint32_t channel,
                                  double weight, meso_error *err)
{
    const struct channel *c = &l->populations[e->projections[i].target].channels[channel];
    if (weight == 0 || weight / c->unit >= UNITS_MIN)
        return MESO_OK;
    return weight_refuse(e, l, i, c, weight, err);
}

static meso_status weights_measure(const experiment *e, const layout *l, uint32_t i, meso_error *err)
{
    const long_term_plasticity *x = e->projections[i].learning;
    const projection_layout *q = &l->projections[i];
    const double largest = projection_largest_weight(&e->projections[i]);
    MESO_TRY(weight_measure(e, l, i, q->channel, largest, err));
    for (uint32_t k = 0; x != NULL && k < x->n_contents; k++)
        MESO_TRY(weight_measure(e, l, i, q->contents[k].channel, x->weight_max, err));
    return MESO_OK;
}

/* --- who shares rows ------------------------------------------------------------------------------ */

/* Spikes have amplitudes of their own for each projection with short-term plasticity or receptors on its terminals. */
static int may_share(const experiment *e, const layout *l, uint32_t first, uint32_t other)
{
    return !projection_has_amplitudes(&e->projections[first]) &&
           !projection_has_amplitudes(&e->projections[other]) &&
           e->projections[first].source == e->projections[other].source &&
           l->projections[first].storage == STORAGE_COMPACT &&
           l->projections[other].storage == STORAGE_COMPACT;
}

static int shares_levels(synapse_storage storage)
{
    return storage != STORAGE_WIDE && storage != STORAGE_PLASTIC;
}

/* Levels of each drawn weight of a source: as many as a compact bundle of all its projections has room for, so
 * that an edge has the same weight whether it is kept or made anew. */
static meso_status levels_of_source(const experiment *e, const layout *l, uint32_t source,
                                    uint32_t *n_levels, meso_error *err)
{
    uint32_t n_constant = 0, n_drawn = 0;
    for (uint32_t i = 0; i < e->n_projections; i++)
        if (e->projections[i].source == source && shares_levels(l->projections[i].storage)) {
            n_constant += is_constant(e, i);
            n_drawn += !is_constant(e, i);
        }
    if (n_constant + n_drawn > LEVELS_COMPACT / 16)
        return error_set(err, MESO_RANGE,
                         "population '%s' is the source of %u projections; at most %u can share its "
                         "compact synapses: give some of them \"storage\": \"wide\"",
                         e->populations[source].name, n_constant + n_drawn, LEVELS_COMPACT / 16);
    *n_levels = n_drawn > 0 ? (LEVELS_COMPACT - n_constant) / n_drawn : 0;
    *n_levels = *n_levels < LEVELS_MAX ? *n_levels : LEVELS_MAX;
    return MESO_OK;
}

/* Initial values of contents, which are drawn as finely as learned weights. */
static void content_levels_add(const projection *p, projection_layout *q, bundle_layout *b)
{
    const long_term_plasticity *x = p->learning;
    for (uint32_t k = 0; x != NULL && k < x->n_contents; k++) {
        const int is_drawn = x->contents[k].initial.kind != DISTRIBUTION_CONSTANT;
        q->contents[k].first_level = b->n_levels;
        q->contents[k].n_levels = !isnan(x->contents[k].share) ? 0 : is_drawn ? MESO_QUANTILES : 1;
        b->n_levels += q->contents[k].n_levels;
    }
}

/* A weight is a number in the bundle's table of levels; a constant has one. */
static meso_status levels_share(const experiment *e, layout *l, bundle_layout *b, meso_error *err)
{
    uint32_t share = MESO_QUANTILES;
    if (shares_levels(b->storage))
        MESO_TRY(levels_of_source(e, l, b->source, &share, err));
    for (uint32_t k = 0; k < b->n_projections; k++) {
        projection_layout *q = &l->projections[b->projections[k]];
        q->first_level = b->n_levels;
        q->n_levels = is_constant(e, b->projections[k]) ? 1 : share;
        b->n_levels += q->n_levels;
        content_levels_add(&e->projections[b->projections[k]], q, b);
    }
    return MESO_OK;
}

static meso_status bundle_fill(const experiment *e, layout *l, uint32_t first, uint8_t *taken,
                               bundle_layout *b, meso_error *err)
{
    b->projections = arena_alloc(l->memory, e->n_projections * sizeof *b->projections);
    if (b->projections == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    b->source = e->projections[first].source;
    b->storage = l->projections[first].storage;
    b->synapse_bytes = l->projections[first].synapse_bytes;
    b->level_base = l->n_levels;
    for (uint32_t i = first; i < e->n_projections; i++)
        if (i == first || (!taken[i] && may_share(e, l, first, i))) {
            b->projections[b->n_projections++] = i;
            taken[i] = 1;
        }
    MESO_TRY(levels_share(e, l, b, err));
    l->n_levels += b->n_levels;
    return MESO_OK;
}

/* Delay groups of a bundle: from the first that any of its projections needs to the last. */
static void bundle_groups(const experiment *e, layout *l, bundle_layout *b)
{
    const uint32_t group_steps = layout_group_steps(l, b->storage);
    uint32_t first = UINT32_MAX, last = 0;
    for (uint32_t k = 0; k < b->n_projections; k++) {
        const projection_layout *q = &l->projections[b->projections[k]];
        const uint32_t low = (q->min_delay_steps - l->batch_steps) / group_steps;
        const uint32_t high = (q->max_delay_steps - l->batch_steps) / group_steps;
        first = low < first ? low : first;
        last = high > last ? high : last;
        b->expected_synapses += q->expected_synapses;
    }
    b->first_group = first;
    b->n_groups = last - first + 1;
    for (uint32_t k = 0; k < b->n_projections; k++) {
        projection_layout *q = &l->projections[b->projections[k]];
        const projection *p = &e->projections[b->projections[k]];
        q->expected_places = row_places_expect(e, l, b, p, q->expected_synapses);
        b->expected_places += q->expected_places;
    }
}

/* --- parts ------------------------------------------------------------------------------------------ */

static double bundle_bytes(const bundle_layout *b)
{
    return b->expected_places * b->synapse_bytes;
}

/* One, if all synapses go into one buffer; else so many that the buffers fill well. A row counts with 32 bits. */
static uint32_t parts_needed(const layout *l, const bundle_layout *b, double all_bytes)
{
    double most = (double)b->synapse_bytes * UINT32_MAX * PART_MARGIN;
    if (all_bytes > (double)l->buffer_bytes * PART_MARGIN)
        most = fmin(most, (double)l->buffer_bytes / PARTS_PER_BUFFER);
    const double n = b->storage != STORAGE_PROCEDURAL ? ceil(bundle_bytes(b) / most) : 1;
    return n < 1 ? 1 : n > PARTS_MAX ? PARTS_MAX : (uint32_t)n;
}

/* Neurons of a population whose numbers in its spike lists lie in a range. */
static uint32_t cells_between(const experiment *e, const layout *l, uint32_t population,
                              uint32_t first, uint32_t end)
{
    const population_layout *p = &l->populations[population];
    const uint32_t n_neurons = e->populations[population].n_neurons;
    const int shared = l->list_partitions == 1;
    uint32_t n = 0;
    for (uint32_t c = 0; c < p->n_chunks; c++) {
        const uint32_t from = c * p->chunk_size, left = n_neurons - from;
        uint32_t partition;
        const uint32_t local = layout_cell(l, p, from, &partition);
        const uint32_t begin = (shared ? partition * p->n_local : 0) + local;
        const uint32_t stop = begin + (left < p->chunk_size ? left : p->chunk_size);
        const uint32_t low = begin > first ? begin : first, high = stop < end ? stop : end;
        n += high > low ? high - low : 0;
    }
    return n;
}

/* The k-th of n parts by sources. */
static bundle_layout part_of(const experiment *e, const layout *l, const bundle_layout *whole,
                             uint32_t k, uint32_t n)
{
    const uint64_t n_listed = l->populations[whole->source].n_listed;
    bundle_layout part = *whole;
    const uint32_t first = (uint32_t)(n_listed * k / n), end = (uint32_t)(n_listed * (k + 1) / n);
    part.first_cell = first;
    part.n_cells = end - first;
    const double share = n > 1 ? (double)cells_between(e, l, whole->source, first, end) /
                                     e->populations[whole->source].n_neurons
                               : 1;
    part.expected_synapses *= share;
    part.expected_places *= share;
    return part;
}

static meso_status bundle_cut(const experiment *e, layout *l, const bundle_layout *whole,
                              uint32_t n, meso_error *err)
{
    bundle_layout *grown = arena_alloc(l->memory, (l->n_bundles + n) * sizeof *grown);
    if (grown == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    if (l->n_bundles > 0)
        memcpy(grown, l->bundles, l->n_bundles * sizeof *grown);
    l->bundles = grown;
    for (uint32_t k = 0; k < whole->n_projections; k++) {
        l->projections[whole->projections[k]].first_bundle = l->n_bundles;
        l->projections[whole->projections[k]].n_bundles = n;
    }
    for (uint32_t k = 0; k < n; k++)
        l->bundles[l->n_bundles++] = part_of(e, l, whole, k, n);
    return MESO_OK;
}

uint32_t synapses_place(uint64_t used[MESO_SYNAPSE_BUFFERS], uint64_t bytes, uint64_t most)
{
    for (uint32_t i = 0; i < MESO_SYNAPSE_BUFFERS; i++)
        if (used[i] + bytes <= most) {
            used[i] += bytes;
            return i;
        }
    return MESO_SYNAPSE_BUFFERS;
}

int synapses_fit(const layout *l)
{
    uint64_t used[MESO_SYNAPSE_BUFFERS] = {0};
    for (uint32_t i = 0; i < l->n_bundles; i++) {
        const bundle_layout *b = &l->bundles[i];
        const double n = b->expected_places + CHANCE_SD * sqrt(b->expected_places);
        const double bytes = fmin(n * b->synapse_bytes, 0x1p60);
        if (synapses_place(used, (uint64_t)bytes, l->buffer_bytes) == MESO_SYNAPSE_BUFFERS)
            return 0;
    }
    return 1;
}

/* --- all -------------------------------------------------------------------------------------------- */

static meso_status rows_lay_out(const experiment *e, layout *l, meso_error *err)
{
    l->n_counted_rows = 0;
    l->expected_synapses = 0;
    for (int kept = 1; kept >= 0; kept--) {
        for (uint32_t i = 0; i < l->n_bundles; i++) {
            bundle_layout *b = &l->bundles[i];
            if ((b->storage != STORAGE_PROCEDURAL) != kept)
                continue;
            l->expected_synapses += b->expected_synapses;
            b->row_base = l->n_counted_rows;
            b->n_rows = (uint64_t)b->n_cells * l->list_partitions * l->n_partitions * b->n_groups;
            l->n_counted_rows += b->n_rows + 1;
        }
        if (kept)
            l->n_rows = l->n_counted_rows;
    }
    if (l->n_counted_rows > UINT32_MAX)
        return too_large(e, "the table of synapse rows", (double)l->n_counted_rows, err);
    if ((double)l->n_slots * l->n_words > INT32_MAX)
        return too_large(e, "a partition's input ring", (double)l->n_slots * l->n_words, err);
    return MESO_OK;
}

meso_status bundles_lay_out(const experiment *e, layout *l, meso_error *err)
{
    uint8_t *taken = arena_alloc(l->memory, e->n_projections + 1);
    bundle_layout *whole = arena_alloc(l->memory, (e->n_projections + 1) * sizeof *whole);
    uint32_t n = 0;
    double all_bytes = 0;
    if (taken == NULL || whole == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < e->n_projections; i++)
        MESO_TRY(weights_measure(e, l, i, err));
    for (uint32_t i = 0; i < e->n_projections; i++) {
        if (taken[i])
            continue;
        MESO_TRY(bundle_fill(e, l, i, taken, &whole[n], err));
        bundle_groups(e, l, &whole[n]);
        all_bytes += bundle_bytes(&whole[n++]);
    }
    for (uint32_t i = 0; i < n; i++)
        MESO_TRY(bundle_cut(e, l, &whole[i], parts_needed(l, &whole[i], all_bytes), err));
    return rows_lay_out(e, l, err);
}
