/*
 * Numbers of contacts that come and go (contacts.cl), as their sources and as their targets see them.
 *
 * Launch    when all delay groups have had an update: one group of any size.
 */
/* Contacts of a source, in all rows of the projection. */
MESO_FUNCTION uint source_contacts(const network_entry *n, __global const bundle_entry *bundles,
                                   const structure_entry *s, __global const row_state *rows,
                                   const chunk_entry *chunk, uint in_chunk)
{
    uint sum = 0u;
    for (uint i = 0; i < n->n_bundles; i++) {
        const bundle_entry q = bundles[i];
        const uint cell = chunk->list_cell + in_chunk - q.first_cell;
        if (q.storage != MESO_LEARNED || q.learning != s->learning || cell >= q.n_cells)
            continue;
        const uint n_rows = n->n_partitions * q.n_groups;
        const uint first = q.first_row_state + (chunk->list_partition * q.n_cells + cell) * n_rows;
        for (uint k = 0; k < n_rows; k++)
            sum += rows[first + k].n;
    }
    return sum;
}

/* Of the structure with this number, when all groups have had their update. `totals` has four words for each: contacts as
 * sources and as targets see them, formed, pruned. */
__kernel void contacts_count(uint structure, __global const network_entry *network,
                             __global const population_entry *populations,
                             __global const bundle_entry *bundles,
                             __global const learning_entry *learnings,
                             __global const structure_entry *structures,
                             __global const chunk_entry *chunks, __global const row_state *rows,
                             __global const uint *indegrees, __global const uint *tallies,
                             __global uint *outdegrees, __global uint *all_totals, __global float *field,
                             __global uint *status)
{
    const network_entry n = *network;
    const structure_entry s = structures[structure];
    const population_entry from = populations[s.source], to = populations[learnings[s.learning].target];
    const uint me = (uint)get_local_id(0), n_items = (uint)get_local_size(0);
    __global uint *totals = all_totals + 4u * structure;
    uint n_out = 0u, n_in = 0u, formed = 0u, pruned = 0u;
    for (uint k = me; k < 4u; k += n_items)
        totals[k] = 0u;
    MESO_BARRIER();
    for (uint k = 0; k < from.n_chunks; k++) {
        const chunk_entry chunk = chunks[from.first_chunk + k];
        for (uint i = me; i < chunk.n; i += n_items) {
            const uint sum = source_contacts(&n, bundles, &s, rows, &chunk, i);
            outdegrees[s.first_outdegree + chunk.first + i] = sum;
            n_out += sum;
        }
    }
    for (uint k = me; k < to.n_padded; k += n_items)
        n_in += indegrees[s.first_indegree + k];
    for (uint k = me; k < n.n_partitions; k += n_items) {
        formed += tallies[s.first_tally + 2u * k];
        pruned += tallies[s.first_tally + 2u * k + 1u];
    }
    MESO_FETCH_ADD(&totals[0], n_out);
    MESO_FETCH_ADD(&totals[1], n_in);
    MESO_FETCH_ADD(&totals[2], formed);
    MESO_FETCH_ADD(&totals[3], pruned);
    MESO_BARRIER();
    if (me != 0u)
        return;
    field[s.first_field + MESO_CONTACTS] = (float)totals[0];
    field[s.first_field + MESO_FORMED] = (float)totals[2];
    field[s.first_field + MESO_PRUNED] = (float)totals[3];
    if (totals[0] != totals[1] && atomic_inc(&status[MESO_STATUS_FAILURES]) == 0u) {
        status[MESO_STATUS_CODE] = MESO_FAILED_VIEWS;
        status[MESO_STATUS_POPULATION] = s.projection;
        status[MESO_STATUS_NEURON] = totals[0] - totals[1];
    }
}
