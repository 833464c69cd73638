/*
 * Building projections from counters. Every edge is a function of (seed, projection, target or edge number,
 * draw); nothing depends on partitions, on the order of work, or on how many devices share it.
 *
 * Two passes over the same edges: count the synapses of every row, then (after a prefix sum on the host) place
 * them. A last pass sorts each row, so that its order too is always the same.
 *
 * Launch    connect_*: one work-item a target neuron (fixed_total: an edge); rows_sort: one a row.
 */
typedef struct edge_sink {
    __global const uint *weights; /* [4096] weight words at equal steps of probability */
    __global const uint *delays;  /* [4096] delays in steps, likewise */
    __global uint *rows;          /* counts, or next free places */
    __global uint *synapses;      /* 0 in the counting pass */
    __global uint *indegrees;
} edge_sink;

MESO_FUNCTION uint below(uint word, uint n)
{
    return (uint)(((ulong)word * n) >> 32);
}

/* The k-th element of a random order of 0 .. n-1, keyed by the target: a Feistel network on the next even
 * number of bits, walked until it lands inside. */
MESO_FUNCTION uint permuted(const edge_rule *r, uint target, uint k, uint n)
{
    uint half_bits = 4u; /* fewer would not mix */
    while (half_bits < 16u && (1ul << (2u * half_bits)) < (ulong)n)
        half_bits++;
    const uint mask = (1u << half_bits) - 1u;
    uint x = k;
    do {
        uint left = x >> half_bits, right = x & mask;
        for (uint round = 0; round < 4u; round++) {
            const meso_words w = meso_threefry(r->key0 ^ (round + 1u), r->key1, target, right);
            const uint next = left ^ (w.x & mask);
            left = right;
            right = next;
        }
        x = left << half_bits | right;
    } while (x >= n);
    return x;
}

/* One edge: into the count of its row, or to its place. `draw` numbers the edges of this target. */
MESO_FUNCTION void edge_put(const edge_rule *r, const edge_sink *sink, uint source, uint target,
                            uint counter0, uint counter1)
{
    uint weight = 0u, delay = 0u;
    if (r->draws_values) {
        const meso_words v = meso_threefry(r->value0, r->value1, counter0, counter1);
        weight = v.x >> 20;
        delay = v.y >> 20;
    }
    const uint late = sink->delays[delay] - r->batch_steps;
    const uint group = late / r->group_steps;
    const uint chunk = target / r->chunk_size;
    const uint partition = (r->rotation_target + chunk) % r->n_partitions;
    const uint row =
        (source * r->n_partitions + partition) * r->n_groups + group - r->first_group;
    const uint place = atomic_inc(&sink->rows[row]);
    if (sink->synapses == 0)
        return;
    const uint cell = chunk / r->n_partitions * r->chunk_size + (target - chunk * r->chunk_size);
    const uint offset = (late - group * r->group_steps) * r->n_local + cell;
    sink->synapses[place] = sink->weights[weight] << r->offset_bits | offset;
}

MESO_FUNCTION uint skip_self(const edge_rule *r, uint source, uint target)
{
    return r->same && source >= target ? source + 1u : source;
}

MESO_FUNCTION uint edges_fixed_indegree(const edge_rule *r, const edge_sink *sink, uint target)
{
    const uint n = r->n_sources - r->same;
    for (uint k = 0; k < r->indegree; k++) {
        uint source;
        if (r->multapses)
            source = below(meso_threefry(r->key0, r->key1, target, k).x, n);
        else
            source = permuted(r, target, k, n);
        edge_put(r, sink, skip_self(r, source, target), target, target, k);
    }
    return r->indegree;
}

MESO_FUNCTION uint edges_all_to_all(const edge_rule *r, const edge_sink *sink, uint target)
{
    const uint n = r->n_sources - r->same;
    for (uint k = 0; k < n; k++)
        edge_put(r, sink, skip_self(r, k, target), target, target, k);
    return n;
}

/* Gaps between connected sources are geometric. */
MESO_FUNCTION uint edges_fixed_probability(const edge_rule *r, const edge_sink *sink, uint target)
{
    if (r->probability >= 1.0f)
        return edges_all_to_all(r, sink, target);
    if (r->probability <= 0.0f)
        return 0;
    const uint n = r->n_sources - r->same;
    uint k = 0;
    ulong source = 0;
    for (;;) {
        const float u = meso_uniform(meso_threefry(r->key0, r->key1, target, k).x);
        const float gap = meso_log(u) * r->per_log;
        if (!(gap < 4.0e9f))
            return k;
        source += (ulong)gap;
        if (source >= n)
            return k;
        edge_put(r, sink, skip_self(r, (uint)source, target), target, target, k);
        source++;
        k++;
    }
}

MESO_FUNCTION float2 position(uint key0, uint key1, uint neuron, float extent_um)
{
    const meso_words w = meso_threefry(key0, key1, neuron, 0u);
    return (float2)(meso_uniform(w.x) * extent_um, meso_uniform(w.y) * extent_um);
}

MESO_FUNCTION uint edges_gaussian(const edge_rule *r, const edge_sink *sink, uint target)
{
    const float2 to = position(r->place2, r->place3, target, r->extent_target_um);
    uint n = 0;
    for (uint source = 0; source < r->n_sources; source++) {
        if (r->same && source == target)
            continue;
        const float2 from = position(r->place0, r->place1, source, r->extent_source_um);
        const float dx = from.x - to.x, dy = from.y - to.y;
        const float p = r->probability * meso_exp(-fma(dx, dx, dy * dy) * r->per_two_sigma2);
        if (meso_uniform(meso_threefry(r->key0, r->key1, target, source).x) < p) {
            edge_put(r, sink, source, target, target, source);
            n++;
        }
    }
    return n;
}

MESO_FUNCTION void edge_of_total(const edge_rule *r, const edge_sink *sink, ulong edge)
{
    const uint low = (uint)edge, high = (uint)(edge >> 32);
    const meso_words w = meso_threefry(r->key0, r->key1, low, high);
    const uint target = below(w.y, r->n_targets);
    const uint source = skip_self(r, below(w.x, r->n_sources - r->same), target);
    edge_put(r, sink, source, target, low, high);
    if (sink->synapses == 0)
        atomic_inc(&sink->indegrees[target]);
}

MESO_FUNCTION void edges_make(const edge_rule *r, const edge_sink *sink, ulong item)
{
    if (r->rule == 2u) {
        if (item < ((ulong)r->total_high << 32 | r->total_low))
            edge_of_total(r, sink, item);
        return;
    }
    if (item >= r->n_targets)
        return;
    const uint target = (uint)item;
    uint n = 1u;
    switch (r->rule) {
    case 0u: n = edges_fixed_indegree(r, sink, target); break;
    case 1u: n = edges_fixed_probability(r, sink, target); break;
    case 3u: edge_put(r, sink, target, target, target, 0u); break;
    case 4u: n = edges_all_to_all(r, sink, target); break;
    default: n = edges_gaussian(r, sink, target); break;
    }
    if (sink->synapses == 0)
        sink->indegrees[target] = n;
}

__kernel void connect_count(__global const edge_rule *rule, __global const uint *weights,
                            __global const uint *delays, __global uint *rows, ulong first_row,
                            __global uint *indegrees)
{
    const edge_rule r = *rule;
    const edge_sink sink = {weights, delays, rows + first_row, 0, indegrees};
    edges_make(&r, &sink, get_global_id(0));
}

/* `next` starts as a copy of the row offsets. */
__kernel void connect_place(__global const edge_rule *rule, __global const uint *weights,
                            __global const uint *delays, __global uint *next, ulong first_row,
                            __global uint *synapses, ulong first_synapse)
{
    const edge_rule r = *rule;
    const edge_sink sink = {weights, delays, next + first_row, synapses + first_synapse, 0};
    edges_make(&r, &sink, get_global_id(0));
}

/* Offset first, then weight. */
MESO_FUNCTION uint sort_key(uint synapse, uint offset_bits)
{
    return rotate(synapse, 32u - offset_bits);
}

/* Shell sort: rows are short. */
__kernel void rows_sort(uint n_rows, ulong first_row, __global const uint *row_offsets,
                        ulong first_synapse, uint offset_bits, __global uint *synapses)
{
    const uint row = (uint)get_global_id(0);
    if (row >= n_rows)
        return;
    const uint begin = row_offsets[first_row + row];
    const uint n = row_offsets[first_row + row + 1u] - begin;
    __global uint *s = synapses + first_synapse + begin;
    uint gap = 1u;
    while (gap < n / 3u)
        gap = 3u * gap + 1u;
    for (; gap > 0u; gap /= 3u)
        for (uint i = gap; i < n; i++) {
            const uint moved = s[i];
            const uint key = sort_key(moved, offset_bits);
            uint k = i;
            for (; k >= gap && sort_key(s[k - gap], offset_bits) > key; k -= gap)
                s[k] = s[k - gap];
            s[k] = moved;
        }
}
