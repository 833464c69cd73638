/*
 * One batch of steps of the network: deliver the spikes that fall due, then advance every neuron.
 *
 * Launch    one group per partition, any group size. With MESO_SERIAL a group has one work-item and needs
 *           neither atomics nor barriers.
 * Invariant a batch is never longer than the shortest delay, so that no spike of this batch is due in it:
 *           partitions do not look at each other's work of the same launch.
 * Memory    per neuron and batch: its state once in and once out, its ring slots once; per synaptic
 *           event 4 bytes of synapse and one ring word.
 *
 * Spikes are kept by chunk for `n_history` batches: entry = step in batch << 16 | index in chunk.
 */
#ifdef MESO_SERIAL
#define MESO_NEXT(counter) ((*(counter))++)
#define MESO_ACCUMULATE(address, value) (*(address) += (value))
#define MESO_BARRIER()
#else
#define MESO_NEXT(counter) atomic_inc(counter)
#define MESO_ACCUMULATE(address, value) atomic_add(address, value)
#define MESO_BARRIER() barrier(CLK_GLOBAL_MEM_FENCE)
#endif

/* What a generated function needs to know about the batch. */
typedef struct batch_context {
    ulong first_step;
    uint n_steps;
    uint ring_slot;  /* of the first step */
    uint n_slots;
    uint record_step; /* first step, counted from the start of the interval */
    uint record_capacity;
    __global const float *constants;
    __global const float *modulation;
    __global const float *parameters;
    __global const stimulus_entry *stimuli;
    __global const uint *thresholds; /* [stimulus][MESO_MAX_THRESHOLDS] */
    __global const ulong *volleys;   /* [stimulus] step of the next common event */
    __global float *state;
    __global int *ring;
    __global uint *chunk_spikes;
    __global uint *chunk_count;
    __global uint *records; /* pairs (step in interval, cell over all populations) */
    __global uint *record_count;
    __global uint *status;
} batch_context;

MESO_FUNCTION void batch_fail(const batch_context *b, uint code, uint population, uint neuron)
{
    if (atomic_inc(&b->status[MESO_STATUS_FAILURES]) == 0u) {
        b->status[MESO_STATUS_CODE] = code;
        b->status[MESO_STATUS_POPULATION] = population;
        b->status[MESO_STATUS_NEURON] = neuron;
    }
}

MESO_FUNCTION void spike_emit(const batch_context *b, const chunk_entry *c, uint first_id, uint index,
                              uint step)
{
    const uint position = MESO_NEXT(b->chunk_count);
    if (position < c->capacity)
        b->chunk_spikes[position] = step << 16 | index;
    else
        batch_fail(b, MESO_FAILED_SPIKES_FULL, c->population, c->first + index);

    const uint row = MESO_NEXT(b->record_count);
    if (row < b->record_capacity) {
        b->records[2u * row] = b->record_step + step;
        b->records[2u * row + 1u] = first_id + c->first + index;
    } else {
        batch_fail(b, MESO_FAILED_RECORD_FULL, c->population, c->first + index);
    }
}

/* The lanes of `spiked` that are cells (the last vector of a chunk may reach past them). Rare, so not worth
 * its place in the loop. */
static __attribute__((noinline)) void lanes_emit(const batch_context *b, const chunk_entry *c,
                                                 uint first_id, uint first, uint step, truth spiked)
{
    int lanes[MESO_WIDTH];
    meso_store_truth(spiked, lanes, 0);
    for (uint lane = 0; lane < MESO_WIDTH; lane++)
        if (lanes[lane] && first + lane < c->n)
            spike_emit(b, c, first_id, first + lane, step);
}

MESO_FUNCTION void spikes_emit(const batch_context *b, const chunk_entry *c, uint first_id, uint first,
                               uint step, truth spiked)
{
    if (meso_any(spiked))
        lanes_emit(b, c, first_id, first, step, spiked);
}

/* A cell whose potential is no longer a number ends the run. */
static __attribute__((noinline)) void lanes_fail(const batch_context *b, const chunk_entry *c,
                                                 uint first, truth broken)
{
    int lanes[MESO_WIDTH];
    meso_store_truth(broken, lanes, 0);
    for (uint lane = 0; lane < MESO_WIDTH; lane++)
        if (lanes[lane] && first + lane < c->n)
            batch_fail(b, MESO_FAILED_NOT_FINITE, c->population, c->first + first + lane);
}

MESO_FUNCTION void finite_check(const batch_context *b, const chunk_entry *c, uint first, real v_mV)
{
    const truth broken = (v_mV - v_mV) != (real)(0.0f);
    if (meso_any(broken))
        lanes_fail(b, c, first, broken);
}

/* A channel's input of one step, in units of its ring; the slot is emptied for the step that comes
 * round next. */
MESO_FUNCTION real ring_take(__global int *slot, uint cell)
{
    const real input = meso_int_to_real(meso_load_int(slot, cell));
    meso_store_int((truth)(0), slot, cell);
    return input;
}

/* Two words for the cells `id` from the stimulus' own stream. */
MESO_FUNCTION meso_words draw(__global const stimulus_entry *s, word id, ulong counter)
{
    return meso_threefry(s->key0, s->key1 ^ (uint)(counter >> 32), id, (word)((uint)counter));
}

MESO_FUNCTION int pulse_is_on(__global const stimulus_entry *s, ulong step)
{
    return step >= s->start && step < s->stop && (step - s->start) % s->period < s->width;
}

MESO_FUNCTION real one_where(truth condition)
{
    return select((real)(0.0f), (real)(1.0f), condition);
}

/* Events of a Poisson process in one step: the number of upper tail probabilities above the draw. They
 * fall, so the first that no lane is below ends the count; two events are common enough to save the branch. */
MESO_FUNCTION real poisson_count(word drawn, __global const uint *thresholds, uint n_thresholds)
{
    real count =
        one_where(meso_below(drawn, thresholds[0])) + one_where(meso_below(drawn, thresholds[1]));
    for (uint k = 2; k < n_thresholds; k++) {
        const truth more = meso_below(drawn, thresholds[k]);
        if (!meso_any(more))
            break;
        count += one_where(more);
    }
    return count;
}

/* Magnesium block of the NMDA receptor (Jahr & Stevens 1990). Beyond +-960 mV it is what it is there. */
MESO_FUNCTION real magnesium_block(real v_mV, real mg_over_3_57)
{
    const real x = fmin(fmax(v_mV * -0.062f, (real)(-60.0f)), (real)(60.0f));
    return meso_reciprocal_normal(fma(mg_over_3_57, meso_exp_normal(x), (real)(1.0f)));
}

MESO_FUNCTION float first_lane(real x)
{
    float lanes[MESO_WIDTH];
    meso_store(x, lanes, 0);
    return lanes[0];
}

@GENERATED@

/* Every spike of one chunk and batch, one delay group: add its synapses to the ring of this partition. */
MESO_FUNCTION void spikes_deliver(__global const uint *spikes, uint n_spikes, uint source_first,
                                   const projection_entry *q, uint group, uint partition,
                                   uint n_partitions, __global const uint *row_offsets,
                                   __global const uint *synapses, __global int *ring, uint ring_slot,
                                   uint n_slots, uint n_local)
{
    const uint wrap = n_slots * n_local;
    const uint offset_mask = (1u << q->offset_bits) - 1u;
    for (uint k = 0; k < n_spikes; k++) {
        const uint spike = spikes[k];
        const uint source = source_first + (spike & 0xffffu);
        uint slot = ring_slot + (spike >> 16) + 1u;
        slot -= slot >= n_slots ? n_slots : 0u;
        const ulong row =
            q->row_base + ((ulong)source * n_partitions + partition) * q->n_groups + group;
        const uint begin = row_offsets[row], end = row_offsets[row + 1];
        for (uint s = begin + (uint)get_local_id(0); s < end; s += (uint)get_local_size(0)) {
            const uint synapse = synapses[q->synapse_base + s];
            uint at = slot * n_local + (synapse & offset_mask);
            at -= at >= wrap ? wrap : 0u;
            MESO_ACCUMULATE(&ring[at], ((int)synapse >> q->offset_bits) * q->quantum);
        }
    }
}

__kernel void network_advance(
    uint n_partitions, uint n_chunks, uint n_projections, uint n_slots, uint n_history,
    uint batches_per_group, ulong first_step, uint n_steps, uint n_batches_before, uint history_slot,
    uint ring_slot, uint record_step, uint record_capacity, uint spikes_per_batch,
    __global const chunk_entry *chunks, __global const population_entry *populations,
    __global const projection_entry *projections, __global const uint *partition_chunks,
    __global const uint *row_offsets, __global const uint *synapses,
    __global const float *constants, __global const float *modulation,
    __global const float *parameters, __global const stimulus_entry *stimuli,
    __global const uint *thresholds, __global const ulong *volleys, __global float *state,
    __global int *ring, __global uint *spikes, __global uint *spike_counts, __global uint *records,
    __global uint *record_counts, __global uint *status)
{
    const uint partition = (uint)get_group_id(0);

    /* 1. deliver: group g of a spike is due 1 + g * batches_per_group batches after it was fired */
    for (uint i = 0; i < n_projections; i++) {
        const projection_entry q = projections[i];
        const population_entry from = populations[q.source];
        const population_entry to = populations[q.target];
        __global int *target_ring =
            ring + to.ring_base +
            (partition * to.n_channels + q.channel) * n_slots * to.n_local;
        for (uint g = 0; g < q.n_groups; g++) {
            const uint back = 1u + (q.first_group + g) * batches_per_group;
            if (back > n_batches_before)
                break;
            const uint h = (history_slot + n_history - back) % n_history;
            for (uint c = from.first_chunk; c < from.first_chunk + from.n_chunks; c++)
                spikes_deliver(
                    spikes + (ulong)h * spikes_per_batch + chunks[c].spike_base,
                    min(spike_counts[h * n_chunks + c], chunks[c].capacity), chunks[c].first, &q, g, partition,
                    n_partitions, row_offsets, synapses, target_ring, ring_slot, n_slots,
                    to.n_local);
        }
    }

    /* 2. empty this batch's spike lists */
    const uint chunk_begin = partition_chunks[partition];
    const uint chunk_end = partition_chunks[partition + 1];
    if (get_local_id(0) == 0)
        for (uint k = chunk_begin; k < chunk_end; k++)
            spike_counts[history_slot * n_chunks + partition_chunks[k]] = 0u;
    MESO_BARRIER();

    /* 3. advance the cells */
    batch_context b = {first_step, n_steps, ring_slot, n_slots, record_step, record_capacity,
                       constants, modulation, parameters, stimuli, thresholds, volleys, state,
                       ring, 0, 0, records + 2ul * partition * record_capacity,
                       record_counts + partition, status};
    for (uint k = chunk_begin; k < chunk_end; k++) {
        const uint c = partition_chunks[k];
        const chunk_entry chunk = chunks[c];
        const population_entry population = populations[chunk.population];
        b.chunk_spikes = spikes + (ulong)history_slot * spikes_per_batch + chunk.spike_base;
        b.chunk_count = spike_counts + history_slot * n_chunks + c;
        chunk_advance(&b, &chunk, &population);
    }
}
