/*
 * Building a bundle's rows: count the synapses of every row, then (after a prefix sum on the host) place them;
 * both walk over the same edges. Last, a proof that no sum in the input ring can overflow.
 *
 * Launch    edges_by_source: a group for each chunk of the source population, an item a source, whose rows
 *           nobody else touches. edges_by_target, ring_bound: a group for each partition.
 */
MESO_FUNCTION edge_sink sink_of(int what, const edge_rule *r, const bundle_entry *b, uint offset_bits,
                                __global const chunk_entry *chunks, __global const int *levels,
                                __global const ushort *delays, __global uint *rows,
                                __global uint *synapses, __global const content_entry *contents)
{
    edge_sink sink;
    sink.what = what;
    sink.chunks = chunks;
    sink.levels = levels + b->levels;
    sink.delays = delays + r->delays;
    sink.rows = rows + b->row_base;
    sink.synapses = synapses;
    sink.n_groups = b->n_groups;
    sink.first_group = b->first_group;
    sink.storage = b->storage;
    sink.offset_bits = offset_bits;
    sink.first_cell = b->first_cell;
    sink.n_cells = b->n_cells;
    sink.ring = 0;
    sink.partition = 0;
    sink.at = 0;
    sink.wrap = 0;
    sink.amplitude = 0;
    sink.n_synapses = b->n_synapses;
    sink.contents = contents;
    return sink;
}

MESO_FUNCTION void chunk_edges(const edge_rule *r, const edge_sink *sink, uint chunk_number,
                               __global const uint *outdegrees)
{
    const chunk_entry chunk = sink->chunks[r->source_first_chunk + chunk_number];
    for (uint i = (uint)get_local_id(0); i < chunk.n; i += (uint)get_local_size(0)) {
        const uint cell = chunk.list_cell + i - sink->first_cell, source = chunk.first + i;
        if (cell < sink->n_cells)
            edges_of_source(r, sink, rows_of_source(r, sink, chunk.list_partition, cell), source,
                            r->rule == 2u ? outdegrees[r->outdegrees + source] : 0u);
    }
}

/* `rows` holds counts, or next free places when `synapses` are placed. */
__kernel void edges_by_source(uint place, uint rule, __global const edge_rule *rules,
                              __global const bundle_entry *bundle, uint offset_bits,
                              __global const chunk_entry *chunks, __global const int *levels,
                              __global const ushort *delays, __global const uint *outdegrees,
                              __global uint *rows, __global uint *synapses,
                              __global const content_entry *contents)
{
    const edge_rule r = rules[rule];
    const bundle_entry b = *bundle;
    const edge_sink count =
        sink_of(MESO_EDGE_COUNT, &r, &b, offset_bits, chunks, levels, delays, rows, synapses, contents);
    const edge_sink put =
        sink_of(MESO_EDGE_PLACE, &r, &b, offset_bits, chunks, levels, delays, rows,
                synapses + b.synapse_base, contents);
    if (place)
        chunk_edges(&r, &put, (uint)get_group_id(0), outdegrees);
    else
        chunk_edges(&r, &count, (uint)get_group_id(0), outdegrees);
}

MESO_FUNCTION void partition_edges(const edge_rule *r, const edge_sink *sink)
{
    for (uint c = 0; c < r->target_n_chunks; c++) {
        const chunk_entry chunk = sink->chunks[r->target_first_chunk + c];
        if (chunk.partition != (uint)get_group_id(0))
            continue;
        for (uint i = (uint)get_local_id(0); i < chunk.n; i += (uint)get_local_size(0))
            edges_of_target(r, sink, chunk.first + i);
    }
}

__kernel void edges_by_target(uint place, uint rule, __global const edge_rule *rules,
                              __global const bundle_entry *bundle, uint offset_bits,
                              __global const chunk_entry *chunks, __global const int *levels,
                              __global const ushort *delays, __global uint *rows,
                              __global uint *synapses, __global const content_entry *contents)
{
    const edge_rule r = rules[rule];
    const bundle_entry b = *bundle;
    const edge_sink count =
        sink_of(MESO_EDGE_COUNT, &r, &b, offset_bits, chunks, levels, delays, rows, synapses, contents);
    const edge_sink put =
        sink_of(MESO_EDGE_PLACE, &r, &b, offset_bits, chunks, levels, delays, rows,
                synapses + b.synapse_base, contents);
    if (place)
        partition_edges(&r, &put);
    else
        partition_edges(&r, &count);
}

/* --- the proof ------------------------------------------------------------------------------------ */

MESO_FUNCTION void compact_bound(const bundle_entry *b, __global const uint *synapses, uint begin,
                                 uint end, uint offset_bits, uint n_words,
                                 __global const int *levels, __global uint *sums)
{
    const uint mask = (1u << offset_bits) - 1u;
    const ulong per_slot = (1ul << 40) / n_words + 1ul; /* exact for offsets of 20 bits */
    for (uint s = begin + (uint)get_local_id(0); s < end; s += (uint)get_local_size(0)) {
        const uint synapse = synapses[s], offset = synapse & mask;
        const uint slot = (uint)((offset * per_slot) >> 40);
        bound_add(&sums[offset - slot * n_words], n_words,
                  levels[b->levels + (synapse >> offset_bits)]);
    }
}

MESO_FUNCTION void wide_bound(__global const uint *synapses, uint begin, uint end, uint n_words,
                              __global uint *sums)
{
    for (ulong s = begin + (uint)get_local_id(0); s < end; s += (uint)get_local_size(0))
        bound_add(&sums[synapses[2ul * s] % n_words], n_words, (int)synapses[2ul * s + 1ul]);
}

/* As if every weight and every content had grown as far as it may. */
MESO_FUNCTION void learned_bound(const edge_rule *r, __global const content_entry *contents,
                                 __global const uint *synapses, uint begin, uint end, __global uint *sums)
{
    const uint mask = (1u << r->local_bits) - 1u;
    for (uint s = begin + (uint)get_local_id(0); s < end; s += (uint)get_local_size(0)) {
        const uint cell = synapses[s] & mask;
        bound_add(&sums[r->ring_word + cell], r->n_words, r->largest);
        for (uint k = r->first_content; k < r->first_content + r->n_contents; k++)
            bound_add(&sums[contents[k].ring_word + cell], r->n_words, contents[k].largest);
    }
}

/* All contacts that a target may have: those before and after an update may meet in one step. */
MESO_FUNCTION void target_bound(const edge_rule *r, int largest, __global uint *sum)
{
    const ulong most = 2ul * r->most_contacts * (ulong)largest;
    bound_add(sum, r->n_words, (int)min(most, 0x7ffffffful));
}

MESO_FUNCTION void formed_bound(const edge_rule *r, __global const content_entry *contents,
                                __global const chunk_entry *chunks, uint partition, __global uint *sums)
{
    for (uint c = r->target_first_chunk; c < r->target_first_chunk + r->target_n_chunks; c++) {
        const chunk_entry chunk = chunks[c];
        if (chunk.partition != partition)
            continue;
        for (uint i = (uint)get_local_id(0); i < chunk.n; i += (uint)get_local_size(0)) {
            const uint cell = chunk.local_first + i;
            target_bound(r, r->largest, &sums[r->ring_word + cell]);
            for (uint k = r->first_content; k < r->first_content + r->n_contents; k++)
                target_bound(r, contents[k].largest, &sums[contents[k].ring_word + cell]);
        }
    }
}

MESO_FUNCTION void procedural_bound(const edge_rule *r, const edge_sink *sink,
                                    __global const uint *outdegrees)
{
    for (uint source = (uint)get_local_id(0); source < r->n_sources;
         source += (uint)get_local_size(0))
        edges_of_source(r, sink, 0, source,
                        r->rule == 2u ? outdegrees[r->outdegrees + source] : 0u);
}

/* `sums` are the first two slots of the ring, [partition][2][n_words] at a distance of `stride`: zero before and
 * after. `overflow` gets the first word of a slot whose sum a ring cannot hold. */
__kernel void ring_bound(uint n_bundles, __global const bundle_entry *bundles, uint list_partitions,
                         uint n_words, uint offset_bits, __global const uint *row_offsets,
                         __global const uint *synapses0, __global const uint *synapses1,
                         __global const uint *synapses2, __global const uint *synapses3,
                         __global const int *levels, __global const edge_rule *rules,
                         __global const ushort *delays, __global const uint *outdegrees,
                         __global const chunk_entry *chunks, __global const content_entry *contents,
                         ulong stride, __global uint *sums, __global uint *overflow)
{
    __global const uint *synapses[MESO_SYNAPSE_BUFFERS] = {synapses0, synapses1, synapses2,
                                                           synapses3};
    const uint partition = (uint)get_group_id(0), n_partitions = (uint)get_num_groups(0);
    __global uint *mine = sums + partition * stride;
    for (uint i = 0; i < n_bundles; i++) {
        const bundle_entry b = bundles[i];
        const ulong n_sources = (ulong)list_partitions * b.n_cells;
        const edge_rule r = rules[b.rule];
        if (b.storage == MESO_PROCEDURAL) {
            edge_sink sink = sink_of(MESO_EDGE_BOUND, &r, &b, offset_bits, chunks, levels, delays, mine, 0, contents);
            sink.rows = mine;
            sink.partition = partition;
            procedural_bound(&r, &sink, outdegrees);
            continue;
        }
        if (b.storage == MESO_LEARNED && r.most_contacts > 0u) {
            if (b.first_cell == 0u) /* once, for all parts */
                formed_bound(&r, contents, chunks, partition, mine);
            continue;
        }
        __global const uint *of_bundle = synapses[b.buffer] + b.synapse_base;
        for (ulong source = 0; source < n_sources; source++) {
            const ulong row = b.row_base + (source * n_partitions + partition) * b.n_groups;
            const uint begin = row_offsets[row], end = row_offsets[row + b.n_groups];
            if (b.storage == MESO_COMPACT)
                compact_bound(&b, of_bundle, begin, end, offset_bits, n_words, levels, mine);
            else if (b.storage == MESO_LEARNED)
                learned_bound(&r, contents, of_bundle, begin, end, mine);
            else
                wide_bound(of_bundle, begin, end, n_words, mine);
        }
    }
    MESO_BARRIER();
    for (uint w = (uint)get_local_id(0); w < n_words; w += (uint)get_local_size(0)) {
        if (mine[w] > 0x7fffffffu || mine[n_words + w] > 0u)
            atomic_min(overflow, w);
        mine[w] = 0u;
        mine[n_words + w] = 0u;
    }
}
