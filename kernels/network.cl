/*
 * Batches of steps of the network: deliver the spikes that fall due, then advance every neuron.
 *
 * Launch    one group per partition, any group size. With MESO_SERIAL a group has one work-item. A launch takes
 *           every partition to batch `last`: one batch further, or many where groups are known to run side by
 *           side; then a group waits for the others before each batch, and gives up when it has lost patience.
 * Invariant a batch is never longer than the shortest delay, so that no spike of this batch is due in it:
 *           partitions do not look at each other's work of the same batch.
 * Memory    per neuron and batch: its state once in and once out, its ring slots once; deliveries.
 */
/* Spikes of files that arrive in this batch: channels of their own count them. */
MESO_FUNCTION void playback_deliver(const network_memory *m, const network_entry *n, uint partition,
                                    ulong batch, ulong interval_first_step)
{
    if (!m->plays)
        return;
    const uint number = (uint)(batch - interval_first_step / n->batch_steps);
    const uint at = number * n->n_partitions + partition;
    const uint end = m->playback_offsets[at + 1u];
    __global int *ring = m->ring + (ulong)partition * n->n_slots * n->n_words;
    for (uint i = m->playback_offsets[at] + (uint)get_local_id(0); i < end;
         i += (uint)get_local_size(0))
        MESO_ACCUMULATE(&ring[m->playback_events[i]], 1);
}

/* The lists that the next batch will fill: nobody looks at them any more. */
MESO_FUNCTION void lists_empty(const network_memory *m, const network_entry *n, uint partition,
                               ulong batch)
{
    const uint next = (uint)((batch + 1ul) % n->n_history);
    if (partition >= n->list_partitions)
        return;
    for (uint p = (uint)get_local_id(0); p < n->n_populations; p += (uint)get_local_size(0))
        m->spike_counts[next * n->n_lists + p * n->list_partitions + partition] = 0u;
}

MESO_FUNCTION void cells_advance(const network_memory *m, const network_entry *n, uint partition,
                                 ulong batch, uint ring_slot, ulong interval_first_step)
{
    const uint slot = (uint)(batch % n->n_history);
    const ulong first_step = batch * n->batch_steps;
    batch_context b = {first_step, n->batch_steps, ring_slot, n->n_slots,
                       (uint)(first_step - interval_first_step), n->record_capacity,
                       m->constants, m->modulation, m->parameters, m->stimuli, m->thresholds,
                       m->volleys, m->state,
                       m->ring + (ulong)partition * n->n_slots * n->n_words, n->n_words,
                       n->cell_bits, 0, 0, 0,
                       m->records + 2ul * partition * n->record_capacity,
                       m->record_counts + partition, m->status, 0, 0, m->plastic_states,
                       m->amplitudes + (ulong)slot * n->amplitudes_per_batch};
    for (uint k = m->partition_chunks[partition]; k < m->partition_chunks[partition + 1]; k++) {
        const chunk_entry chunk = m->chunks[m->partition_chunks[k]];
        const population_entry population = m->populations[chunk.population];
        b.list_capacity = population.spike_capacity;
        b.list = m->spikes + (ulong)slot * n->spikes_per_batch + population.spike_base +
                 chunk.list_partition * population.spike_capacity;
        b.list_count = m->spike_counts + slot * n->n_lists +
                       chunk.population * n->list_partitions + chunk.list_partition;
        b.plastic = m->plastic + population.first_plastic;
        b.n_plastic = population.n_plastic;
        chunk_advance(&b, &chunk, &population);
    }
}

/* One batch of one partition. */
MESO_FUNCTION void batch_advance(const network_memory *m, const network_entry *n, uint partition,
                                 ulong batch, ulong interval_first_step)
{
    const uint ring_slot = (uint)(batch * n->batch_steps % n->n_slots);
    spikes_deliver(m, n, partition, batch, ring_slot);
    playback_deliver(m, n, partition, batch, interval_first_step);
    lists_empty(m, n, partition, batch);
    MESO_BARRIER();
    cells_advance(m, n, partition, batch, ring_slot, interval_first_step);
}

__kernel void network_advance(
    ulong last, ulong interval_first_step, uint serial, uint patience,
    __global const network_entry *network, __global const chunk_entry *chunks,
    __global const population_entry *populations, __global const bundle_entry *bundles,
    __global const uint *partition_chunks, __global const uint *row_offsets,
    __global const uint *synapses0, __global const uint *synapses1,
    __global const uint *synapses2, __global const uint *synapses3, __global const int *levels,
    __global const edge_rule *rules, __global const ushort *delays,
    __global const uint *outdegrees, __global const float *constants, __global const float *modulation,
    __global const float *parameters, __global const stimulus_entry *stimuli,
    __global const uint *thresholds, __global const ulong *volleys, __global float *state,
    __global int *ring, __global uint *spikes, __global uint *spike_counts,
    __global ulong *batches_done, __global uint *progress, __global uint *claims,
    __global uint *owners, __global const plasticity_entry *plastic,
    __global plastic_state *plastic_states, __global uint *amplitudes, __global uint *records,
    __global uint *record_counts, __global uint *status, uint plays,
    __global const uint *playback_offsets, __global const uint *playback_events)
{
    const network_memory m = {network, chunks, populations, bundles, partition_chunks, row_offsets,
                              {synapses0, synapses1, synapses2, synapses3}, levels,
                              rules, delays, outdegrees, constants, modulation, parameters, stimuli, thresholds, volleys,
                              state, ring, spikes, spike_counts, records, record_counts, status,
                              plays, playback_offsets, playback_events,
                              plastic, plastic_states, amplitudes};
    __local int answer;
    const network_entry n = *network;
    const uint partition = partition_claim(n.n_partitions, serial, claims, owners);
    uint n_waits_long = 2u; /* other workers may still have to wake up */
    for (ulong batch = batches_done[partition]; batch < last; batch++) {
        if (!group_may_begin(progress, n.n_partitions, (uint)batch,
                             n_waits_long > 0u ? patience * MESO_WAKE : patience, &answer))
            break;
        batch_advance(&m, &n, partition, batch, interval_first_step);
        group_has_done(batches_done, progress, partition, batch);
        n_waits_long -= n_waits_long > 0u;
    }
}

/*
 * Whether groups run side by side and see what others write: in every round a group writes a number, waits for all,
 * and reads the numbers of all, by the plain means that the network uses.
 */
__kernel void schedule_probe(uint n_rounds, uint patience, __global uint *progress,
                             __global uint *numbers, __global uint *failures)
{
    __local int answer;
    const uint me = (uint)get_group_id(0), n = (uint)get_num_groups(0);
    for (uint round = 1; round <= n_rounds; round++) {
        if (get_local_id(0) == 0)
            numbers[me * MESO_LINE] = round;
        MESO_BARRIER();
        if (get_local_id(0) == 0)
            atomic_inc(&progress[me * MESO_LINE]);
        if (!group_may_begin(progress, n, 2u * round - 1u, patience, &answer)) {
            atomic_inc(failures);
            return;
        }
        for (uint p = (uint)get_local_id(0); p < n; p += (uint)get_local_size(0))
            if (numbers[p * MESO_LINE] != round)
                atomic_inc(failures);
        MESO_BARRIER();
        if (get_local_id(0) == 0)
            atomic_inc(&progress[me * MESO_LINE]);
        if (!group_may_begin(progress, n, 2u * round, patience, &answer)) {
            atomic_inc(failures);
            return;
        }
    }
}
