/*
 * Batches of steps of the network: deliver the spikes that fall due, then advance every neuron.
 *
 * Launch    one group per partition, any group size. With MESO_SERIAL a group has one work-item. A launch takes
 *           every partition to batch `last`: one batch further, or many where groups are known to run side by
 *           side; then a group waits for the others before each batch, and gives up when it has lost patience.
 * Invariant a batch is never longer than the shortest delay, so that no spike of this batch is due in it:
 *           partitions do not look at each other's work of the same batch.
 * Memory    per neuron and batch: its state once in and once out, its ring slots once; per synaptic
 *           event 4 bytes of synapse and one ring word.
 */
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
    __global int *ring;      /* of this partition, at its first slot */
    uint n_words;            /* of a slot */
    uint cell_bits;
    uint list_capacity;
    __global uint *list;     /* where spikes of the chunk's population go */
    __global uint *list_count;
    __global uint *records; /* pairs (step in interval, cell over all populations) */
    __global uint *record_count;
    __global uint *status;
    __global const plasticity_entry *plastic; /* of the chunk's population */
    uint n_plastic;
    __global plastic_state *plastic_states;
    __global uint *amplitudes; /* of this batch */
} batch_context;

MESO_FUNCTION void batch_fail(const batch_context *b, uint code, uint population, uint neuron)
{
    if (atomic_inc(&b->status[MESO_STATUS_FAILURES]) == 0u) {
        b->status[MESO_STATUS_CODE] = code;
        b->status[MESO_STATUS_POPULATION] = population;
        b->status[MESO_STATUS_NEURON] = neuron;
    }
}

/* The amplitudes of a spike beside its place in the list. */
MESO_FUNCTION void amplitudes_emit(const batch_context *b, const chunk_entry *c, uint index, uint step,
                                   uint position)
{
    for (uint k = 0; k < b->n_plastic; k++) {
        __global const plasticity_entry *p = &b->plastic[k];
        b->amplitudes[p->amplitude_base + c->list_partition * b->list_capacity + position] =
            plastic_release(p, &b->plastic_states[p->first_state + c->first + index],
                            b->first_step + step);
    }
}

MESO_FUNCTION void spike_emit(const batch_context *b, const chunk_entry *c, uint first_id, uint index,
                              uint step)
{
    const uint position = MESO_NEXT(b->list_count);
    if (position < b->list_capacity) {
        b->list[position] = step << b->cell_bits | (c->list_cell + index);
        amplitudes_emit(b, c, index, step, position);
    } else {
        batch_fail(b, MESO_FAILED_SPIKES_FULL, c->population, c->first + index);
    }

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

/*
 * One word for each cell and step. A pair of words serves two cells: those of a block of 16 and those of the block
 * beside it. Where a work-item does both blocks, one after the other, the second words are kept.
 */
#if MESO_WIDTH == 16 && defined MESO_SERIAL
#define MESO_KEPT 16u /* steps of a batch */
#else
#define MESO_KEPT 1u
#endif

MESO_FUNCTION word poisson_word(__global const stimulus_entry *s, word id, uint first, uint i,
                                ulong step, uint t, word *kept)
{
    const uint second = (first + i) & 16u;
#if MESO_WIDTH == 16 && defined MESO_SERIAL
    if (second && i > 0u && t < MESO_KEPT)
        return kept[t];
#endif
    const meso_words pair = draw(s, id & (word)(~16u), step);
#if MESO_WIDTH == 16 && defined MESO_SERIAL
    if (t < MESO_KEPT)
        kept[t] = pair.y;
#endif
    return second ? pair.y : pair.x;
}

MESO_FUNCTION int pulse_is_on(__global const stimulus_entry *s, ulong step)
{
    return step >= s->start && step < s->stop && (step - s->start) % s->period < s->width;
}

MESO_FUNCTION real one_where(truth condition)
{
    return select((real)(0.0f), (real)(1.0f), condition);
}

/* Events of a Poisson process in one step: the number of upper tail probabilities above the draw. They fall, so
 * the first that no lane is below ends the count. Most draws end within the first third, which is cheaper
 * counted than looked at one by one. */
MESO_FUNCTION real poisson_count(word drawn, __global const uint *thresholds, uint n_thresholds)
{
    const uint n_common = n_thresholds / 3u + 1u;
    real count = one_where(meso_below(drawn, thresholds[0]));
    for (uint k = 1; k < n_common; k++)
        count += one_where(meso_below(drawn, thresholds[k]));
    for (uint k = n_common; k < n_thresholds; k++) {
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

@GENERATED@

/* --- delivery ------------------------------------------------------------------------------------- */

/* Where the synapses of a spike are, and where they go. */
typedef struct delivery {
    uint begin, end; /* in the bundle's synapses */
    uint at;         /* ring word of the spike's slot */
    uint amplitude;
} delivery;

/* Spikes whose rows are looked up, and fetched into the cache, ahead of their delivery. */
#define MESO_AHEAD 8u

#if defined MESO_POCL
#define MESO_FETCH(pointer) __builtin_prefetch((const void *)(size_t)(pointer), 0, 3)
#else
#define MESO_FETCH(pointer)
#endif

MESO_FUNCTION void synapses_fetch(__global const uint *synapses, uint begin, uint end)
{
#if defined MESO_POCL
    for (uint s = begin; s < end; s += 16u)
        MESO_FETCH(&synapses[s]);
#endif
}

/* What one partition needs to deliver to itself. Work-items form teams: a team takes a spike, its items the
 * synapses. */
typedef struct receiver {
    __global const uint *row_offsets;
    __global const uint *synapses; /* of the bundle */
    __global const int *levels;    /* weights of the bundle */
    __global int *ring;            /* of this partition */
    __global const uint *amplitudes; /* of the list's spikes; 0: they act with their whole weight */
    uint partition, ring_slot, wrap;
    uint team_size, n_teams, team, lane;
} receiver;

MESO_FUNCTION void teams_form(receiver *r)
{
#ifdef MESO_SERIAL
    r->team_size = 1u;
    r->n_teams = 1u;
    r->team = 0u;
    r->lane = 0u;
#else
    r->team_size = min(16u, (uint)get_local_size(0));
    r->n_teams = (uint)get_local_size(0) / r->team_size;
    r->team = (uint)get_local_id(0) / r->team_size;
    r->lane = (uint)get_local_id(0) - r->team * r->team_size;
#endif
}

/* Of the k-th spike of the list. */
MESO_FUNCTION uint spike_amplitude(const receiver *to, uint k)
{
    return to->amplitudes != 0 ? to->amplitudes[k] : MESO_AMPLITUDE_ONE;
}

MESO_FUNCTION void synapses_deliver(const receiver *to, const delivery *d, uint offset_bits)
{
    const uint mask = (1u << offset_bits) - 1u;
    for (uint s = d->begin + to->lane; s < d->end; s += to->team_size) {
        const uint synapse = to->synapses[s];
        const uint at = d->at + (synapse & mask);
        MESO_ACCUMULATE(&to->ring[min(at, at - to->wrap)], to->levels[synapse >> offset_bits]);
    }
}

MESO_FUNCTION void wide_synapses_deliver(const receiver *to, const delivery *d)
{
    for (ulong s = d->begin + to->lane; s < d->end; s += to->team_size) {
        const uint at = d->at + to->synapses[2ul * s];
        MESO_ACCUMULATE(&to->ring[min(at, at - to->wrap)], (int)to->synapses[2ul * s + 1ul]);
    }
}

/* The same with the amplitude of the spike. */
MESO_FUNCTION void plastic_synapses_deliver(const receiver *to, const delivery *d, uint offset_bits)
{
    const uint mask = (1u << offset_bits) - 1u;
    for (uint s = d->begin + to->lane; s < d->end; s += to->team_size) {
        const uint synapse = to->synapses[s];
        const uint at = d->at + (synapse & mask);
        MESO_ACCUMULATE(&to->ring[min(at, at - to->wrap)],
                        weight_released(to->levels[synapse >> offset_bits], d->amplitude));
    }
}

MESO_FUNCTION void plastic_wide_synapses_deliver(const receiver *to, const delivery *d)
{
    for (ulong s = d->begin + to->lane; s < d->end; s += to->team_size) {
        const uint at = d->at + to->synapses[2ul * s];
        MESO_ACCUMULATE(&to->ring[min(at, at - to->wrap)],
                        weight_released((int)to->synapses[2ul * s + 1ul], d->amplitude));
    }
}

MESO_FUNCTION void spike_deliver(const receiver *to, const delivery *d, uint storage, uint offset_bits)
{
    const int is_compact = storage == MESO_COMPACT;
    if (to->amplitudes == 0 && is_compact)
        synapses_deliver(to, d, offset_bits);
    else if (to->amplitudes == 0)
        wide_synapses_deliver(to, d);
    else if (is_compact)
        plastic_synapses_deliver(to, d, offset_bits);
    else
        plastic_wide_synapses_deliver(to, d);
}

/* Everything that a launch works on. */
typedef struct network_memory {
    __global const network_entry *network;
    __global const chunk_entry *chunks;
    __global const population_entry *populations;
    __global const bundle_entry *bundles;
    __global const uint *partition_chunks;
    __global const uint *row_offsets;
    __global const uint *synapses[MESO_SYNAPSE_BUFFERS];
    __global const int *levels;
    __global const edge_rule *rules;
    __global const ushort *delays;
    __global const uint *outdegrees; /* of fixed_total projections, by source */
    __global const float *constants, *modulation, *parameters;
    __global const stimulus_entry *stimuli;
    __global const uint *thresholds;
    __global const ulong *volleys;
    __global float *state;
    __global int *ring;
    __global uint *spikes, *spike_counts, *records, *record_counts, *status;
    uint plays; /* whether anything is played in this interval */
    __global const uint *playback_offsets; /* [batch of the interval][partition], and an end */
    __global const uint *playback_events;  /* ring words of the partition */
    __global const plasticity_entry *plastic;
    __global plastic_state *plastic_states;
    __global uint *amplitudes; /* [batch of the history], as the spike lists */
} network_memory;

/* First ring word of the slot that is one step after the spike, in this batch's numbering. */
MESO_FUNCTION uint slot_word(const network_entry *n, const receiver *to, uint spike)
{
    const uint slot = to->ring_slot + (spike >> n->cell_bits) + 1u;
    return (slot >= n->n_slots ? slot - n->n_slots : slot) * n->n_words;
}

/* The spikes of one list that the bundle covers, one delay group: rows are looked up some spikes ahead. */
MESO_FUNCTION void list_deliver(const network_entry *n, const bundle_entry *q, const receiver *to,
                                __global const uint *list, uint n_spikes, uint list_partition,
                                uint group)
{
    const uint n_teams = to->n_teams;
    if (to->team >= n_teams)
        return;
    const uint cell_mask = (1u << n->cell_bits) - 1u;
    for (uint first = to->team; first < n_spikes; first += n_teams * MESO_AHEAD) {
        delivery due[MESO_AHEAD];
        uint n_due = 0;
        const uint last = min(n_spikes, first + n_teams * MESO_AHEAD);
        for (uint k = first; k < last; k += n_teams) {
            const uint spike = list[k], cell = (spike & cell_mask) - q->first_cell;
            if (cell >= q->n_cells)
                continue;
            const uint row = q->row_base +
                             ((list_partition * q->n_cells + cell) * n->n_partitions + to->partition) *
                                 q->n_groups + group;
            delivery d;
            d.begin = to->row_offsets[row];
            d.end = to->row_offsets[row + 1u];
            d.at = slot_word(n, to, spike);
            d.amplitude = spike_amplitude(to, k);
            due[n_due++] = d;
            synapses_fetch(to->synapses, d.begin, d.end);
        }
        for (uint k = 0; k < n_due; k++)
            spike_deliver(to, &due[k], q->storage, n->offset_bits);
    }
}

#ifdef MESO_MAKES_EDGES

/* The neuron that a list calls `cell`. */
MESO_FUNCTION uint neuron_of(const network_entry *n, const population_entry *from, uint list_partition,
                             uint cell)
{
    const uint partition = n->list_partitions == 1u ? cell / from->n_local : list_partition;
    const uint number = n->list_partitions == 1u ? cell - partition * from->n_local : cell;
    const uint rotation = from->first_chunk % n->n_partitions;
    const uint phase = partition >= rotation ? partition - rotation
                                             : partition + n->n_partitions - rotation;
    const uint chunk = (number >> from->chunk_shift) * n->n_partitions + phase;
    return (chunk << from->chunk_shift) + (number & ((1u << from->chunk_shift) - 1u));
}

/* The same for a bundle whose edges are not kept: each spike's are made anew, and those of this partition
 * delivered. Rare beside others, so it has no place in their loop. */
static __attribute__((noinline)) void list_make_and_deliver(const network_memory *m,
                                                            const network_entry *n,
                                                            const bundle_entry *q,
                                                            const receiver *to,
                                                            __global const uint *list,
                                                            uint n_spikes, uint list_partition)
{
    const edge_rule r = m->rules[q->rule];
    const population_entry from = m->populations[q->source];
    edge_sink sink = {MESO_EDGE_DELIVER, m->chunks, to->levels, m->delays + r.delays, 0, 0, 0, 0, 0, 0,
                      0, 0, to->partition, to->ring, 0, to->wrap, 0};
    for (uint k = (uint)get_local_id(0); k < n_spikes; k += (uint)get_local_size(0)) {
        const uint cell = list[k] & ((1u << n->cell_bits) - 1u);
        const uint source = neuron_of(n, &from, list_partition, cell);
        sink.at = slot_word(n, to, list[k]);
        sink.amplitude = spike_amplitude(to, k);
        edges_of_source(&r, &sink, 0, source,
                        r.rule == 2u ? m->outdegrees[r.outdegrees + source] : 0u);
    }
}

#endif

/* Group g of a spike is due 1 + g * batches_per_group batches after it was fired. */
MESO_FUNCTION void spikes_deliver(const network_memory *m, const network_entry *n, uint partition,
                                  ulong batch, uint ring_slot)
{
    receiver to;
    to.row_offsets = m->row_offsets;
    to.wrap = n->n_slots * n->n_words;
    to.ring = m->ring + (ulong)partition * to.wrap;
    to.partition = partition;
    to.ring_slot = ring_slot;
    to.amplitudes = 0;
    teams_form(&to);
    const uint slot = (uint)(batch % n->n_history);
    for (uint i = 0; i < n->n_bundles; i++) {
        const bundle_entry q = m->bundles[i];
        const population_entry from = m->populations[q.source];
        to.synapses = m->synapses[q.buffer] + q.synapse_base;
        to.levels = m->levels + q.levels;
        for (uint g = 0; g < q.n_groups; g++) {
            const uint back = 1u + (q.first_group + g) * n->batches_per_group;
            if (back > batch)
                break;
            const uint h = slot >= back ? slot - back : slot + n->n_history - back;
            for (uint l = 0; l < n->list_partitions; l++) {
                const uint n_spikes =
                    m->spike_counts[h * n->n_lists + q.source * n->list_partitions + l];
                __global const uint *list = m->spikes + (ulong)h * n->spikes_per_batch +
                                            from.spike_base + l * from.spike_capacity;
                if (n_spikes == 0u)
                    continue;
#ifdef MESO_PLASTIC
                to.amplitudes = q.amplitude_base != MESO_NEVER
                                    ? m->amplitudes + (ulong)h * n->amplitudes_per_batch +
                                          q.amplitude_base + l * from.spike_capacity
                                    : 0;
#endif
#ifdef MESO_MAKES_EDGES
                if (q.storage == MESO_PROCEDURAL) {
                    list_make_and_deliver(m, n, &q, &to, list, min(n_spikes, from.spike_capacity), l);
                    continue;
                }
#endif
                list_deliver(n, &q, &to, list, min(n_spikes, from.spike_capacity), l, g);
            }
        }
    }
}

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
 * and reads the numbers of all.
 */
__kernel void schedule_probe(uint n_rounds, uint patience, __global uint *progress,
                             volatile __global uint *numbers, __global uint *failures)
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
