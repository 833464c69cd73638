/*
 * Long-term plasticity: a batch's share of delivery through synapses that learn, and all that changes these synapses.
 * Before this text stand the rules and, generated, what picks the one with a number: rule_load(), rule_apply(), and what is
 * known of it, rule_waits() and the like (src/engine/codegen_rules.c).
 *
 * Time      is counted in steps: an event of step n has the time n + 1. A spike of the source is at a synapse in its own
 *           step, one of the target a delay later; of two at once the target's comes first. A row has a clock, up to
 *           which all this has been done to its synapses. It moves to each spike of the source when that is delivered,
 *           and to the multiples of update_steps as soon as every earlier spike of the source has been: which does
 *           not depend on how the work is laid out. Where a rule sees spikes of the source later than the targets do, the
 *           clock stops at these times on its way; of things at one time the target's spike comes first, then what the
 *           rule sees, then the delivery.
 * Random    A rule's words are made of source, target, delay and time. Synapses that have the first three in common get
 *           the same.
 * Launch    once a batch, before network_advance; a group for each partition, of any size.
 * Hazards   A team has a row, one of its items MESO_WIDTH synapses. Spikes of a batch go by step, with a barrier between steps,
 *           because rows of the same cell follow each other. Row states are read by all, then moved by one.
 * Memory    per synapse of a spike 4 bytes, and 8 for its weight and each state; 16 of its target's latest spikes; a ring
 *           word, and one for each content that feeds a channel.
 */

/* --- rows --------------------------------------------------------------------------------------------- */

/* Brings the beginning of a row to the cache, from where the processor sees what comes. */
MESO_FUNCTION void row_fetch(const learner *l, uint row)
{
#if defined MESO_POCL
    const uint first = l->to.row_offsets[row];
    for (uint k = 0; k < 64u; k += 16u) {
        MESO_FETCH(&l->places[first + k]);
        MESO_FETCH(&l->weights[first + k]);
        for (uint i = 0; i < rule_states(l->e.rule); i++)
            MESO_FETCH(&l->states[(ulong)i * l->n_synapses + first + k]);
    }
#endif
}

/* A way whose beginning the row knows. */
MESO_FUNCTION passage passage_to(uint time)
{
    passage p;
    p.to = time;
    p.fires = 0u;
    p.at = 0u;
    p.amplitude = 0u;
    p.key.x = (word)(0u);
    p.key.y = (word)(0u);
    return p;
}

MESO_FUNCTION row_state row_moved(const learner *l, row_state state, uint time, uint pre)
{
    const float left = trace_left_of(state.trace, l->e.plus_per_step, time - state.clock);
    state.clock = time;
    state.trace = pre ? trace_grown(left, l->e.nearest) : left;
    return state;
}

/* The same where a rule leaves that to slower processes. */
MESO_FUNCTION void row_deliver(const learner *l, uint row, const passage *p)
{
    const uint begin = l->to.row_offsets[row], end = begin + l->rows[row].n, stride = l->to.team_size * MESO_WIDTH;
    for (uint s = begin + l->to.lane * MESO_WIDTH; s < end; s += stride) {
        lanes i;
        learned_synapse x;
        lanes_begin(l, s, min(end - s, (uint)MESO_WIDTH), &i);
        synapses_load(l, &i, &x);
        synapses_give(l, p, &i, &x);
    }
}

MESO_FUNCTION int rule_is_late(const learner *l)
{
    return l->e.pre_delay_steps != MESO_NEVER;
}

/* Ring of a row's spikes that a late rule has yet to see. */
MESO_FUNCTION __global uint *pending_of(const learner *l, uint row)
{
    return l->pending + (ulong)row * (MESO_PENDING_TIMES + (1u << l->e.pending_bits));
}

/* Of a row's source. (Oclgrind knows no remainder beside its quotient, and takes lanes that are alike, which the compiler
 * fills last, for uninitialised: one number, then.) */
MESO_FUNCTION meso_words row_key(const learner *l, uint row)
{
    const uint c = row / (l->n_groups * l->n_partitions), list = c / l->n_cells;
    const uint listed = c - list * l->n_cells + l->first_cell;
    const uint of_shared = listed / l->source.n_local, shared = l->list_partitions == 1u;
    const uint partition = shared ? of_shared : list;
    const uint cell = shared ? listed - of_shared * l->source.n_local : listed;
    const uint phase = partition + (l->n_partitions - l->e.source_rotation), shift = l->source.chunk_shift;
    const uint chunk = (cell >> shift) * l->n_partitions + min(phase, phase - l->n_partitions);
    const uint neuron = (chunk << shift) + (cell & ((1u << shift) - 1u));
    return meso_threefry(l->e.key0, l->e.key1, (word)(neuron), (word)(0u));
}

/* The modulator on a row's way. */
MESO_FUNCTION void passage_modulate(const learner *l, passage *p)
{
    const word from = (word)(p->from), to = (word)(p->to);
    p->since = p->from - p->from % l->e.update_steps;
    p->level = (real)(0.0f);
    p->modulator = (real)(0.0f);
    if (!rule_is_modulated(l->e.rule))
        return;
    if (p->from != p->since)
        p->level = levels_at(l, from);
    p->modulator = modulator_between(l, p->since, from, p->level, to, levels_at(l, to));
}

/* The synapses of a row from `begin` to `end`. What the next turn needs is on its way while this one decides what to do. */
MESO_FUNCTION void passage_take(const learner *l, const passage *p, uint begin, uint end)
{
    const uint stride = l->to.team_size * MESO_WIDTH;
    uint s = begin + l->to.lane * MESO_WIDTH;
    lanes i, next;
    arrivals a, next_a;
    if (s >= end)
        return;
    lanes_begin(l, s, min(end - s, (uint)MESO_WIDTH), &i);
    arrivals_load(l, &i, &a);
    for (; s < end; s += stride) {
        const uint after = min(s + stride, end);
        if (after < end) {
            lanes_begin(l, after, min(end - after, (uint)MESO_WIDTH), &next);
            arrivals_load(l, &next, &next_a);
        }
        synapses_pass(l, p, &i, &a);
        i = next;
        a = next_a;
    }
}

/* A row to a time, with stops where a late rule sees spikes of the source. */
MESO_FUNCTION void row_pass(const learner *l, uint row, passage p)
{
    const uint time = p.to, fires = p.fires, begin = l->to.row_offsets[row], end = begin + l->rows[row].n;
    __global const uint *pending = pending_of(l, row);
    row_state state = l->rows[row];
    uint k = rule_is_late(l) ? pending[MESO_PENDING_SEEN] : 0u;
    if (rule_is_random(l->e.rule))
        p.key = row_key(l, row);
    for (int stops = 1; stops;) {
        stops = rule_is_late(l) && pending_is_due(pending, l->e.pending_bits, k, time);
        p.from = state.clock;
        p.trace = state.trace;
        p.to = stops ? pending_time(pending, l->e.pending_bits, k++) : time;
        p.pre = stops || (fires && !rule_is_late(l));
        p.fires = !stops && fires;
        passage_modulate(l, &p);
        passage_take(l, &p, begin, end);
        state = row_moved(l, state, p.to, p.pre);
    }
}

/* What row_pass() has done, for the next one. */
MESO_FUNCTION void row_end(const learner *l, uint row, uint time, uint fires)
{
    row_state state = l->rows[row];
    if (rule_is_late(l)) {
        __global uint *pending = pending_of(l, row);
        uint k = pending[MESO_PENDING_SEEN];
        while (pending_is_due(pending, l->e.pending_bits, k, time))
            state = row_moved(l, state, pending_time(pending, l->e.pending_bits, k++), 1u);
        pending[MESO_PENDING_SEEN] = k;
        if (fires && !pending_add(pending, l->e.pending_bits, time + l->e.pre_delay_steps))
            learning_fail(l->status, MESO_FAILED_PENDING_FULL, l->e.projection);
    }
    l->rows[row] = row_moved(l, state, time, fires && !rule_is_late(l));
}

MESO_FUNCTION uint row_of(const network_entry *n, const bundle_entry *q, const learner *l, uint source,
                          uint group)
{
    return (source * n->n_partitions + l->to.partition) * q->n_groups + group;
}

/* All rows of a group to a time. */
MESO_FUNCTION void rows_sweep(const network_entry *n, const bundle_entry *q, const learner *l, uint group,
                              uint time)
{
    const uint n_sources = n->list_partitions * q->n_cells;
    passage p = passage_to(time);
    for (uint c = l->to.team; c < n_sources; c += l->to.n_teams) {
        if (c + l->to.n_teams < n_sources)
            row_fetch(l, row_of(n, q, l, c + l->to.n_teams, group));
        row_pass(l, row_of(n, q, l, c, group), p);
    }
    MESO_BARRIER();
    for (uint c = (uint)get_local_id(0); c < n_sources; c += (uint)get_local_size(0))
        row_end(l, row_of(n, q, l, c, group), time, 0u);
    MESO_BARRIER();
}

/* Row of a spike of `step`; MESO_NEVER if it is of another step, or of a cell that the bundle does not cover. */
MESO_FUNCTION uint row_of_spike(const network_entry *n, const bundle_entry *q, const learner *l,
                                uint spike, uint step, uint list_partition, uint group)
{
    const uint cell = (spike & ((1u << n->cell_bits) - 1u)) - q->first_cell;
    if (spike >> n->cell_bits != step || cell >= q->n_cells)
        return MESO_NEVER;
    return row_of(n, q, l, list_partition * q->n_cells + cell, group);
}

/* The spikes of one list, step by step. */
MESO_FUNCTION void list_learn(const network_entry *n, const bundle_entry *q, const learner *l,
                              __global const uint *list, uint n_spikes, uint list_partition, uint group,
                              uint first_step)
{
    for (uint step = 0; step < n->batch_steps; step++) {
        const uint time = first_step + step + 1u;
        for (uint k = l->to.team; k < n_spikes; k += l->to.n_teams) {
            const uint row = row_of_spike(n, q, l, list[k], step, list_partition, group);
            passage p = passage_to(time);
            if (row == MESO_NEVER)
                continue;
            p.fires = 1u;
            p.at = slot_word(n, &l->to, list[k]);
            p.amplitude = spike_amplitude(&l->to, k);
            if (k + l->to.n_teams < n_spikes) {
                const uint next = list[k + l->to.n_teams], cell = (next & ((1u << n->cell_bits) - 1u)) - q->first_cell;
                if (cell < q->n_cells)
                    row_fetch(l, row_of(n, q, l, list_partition * q->n_cells + cell, group));
            }
            if (rule_moves(l->e.rule))
                row_pass(l, row, p);
            else
                row_deliver(l, row, &p);
        }
        MESO_BARRIER();
        for (uint k = (uint)get_local_id(0); k < n_spikes; k += (uint)get_local_size(0)) {
            const uint row = row_of_spike(n, q, l, list[k], step, list_partition, group);
            if (row != MESO_NEVER)
                row_end(l, row, time, 1u);
        }
        MESO_BARRIER();
    }
}

/* --- a batch ------------------------------------------------------------------------------------------ */

MESO_FUNCTION learner learner_of(const learning_memory *m, const network_entry *n, const bundle_entry *q,
                                 uint partition, ulong batch, float dt_ms)
{
    learner l;
    l.e = m->learnings[q->learning];
    l.numbers = rule_load(l.e.rule, m->constants + l.e.first_constant, dt_ms);
    l.contents = m->contents + l.e.first_content;
    l.places = m->synapses[q->buffer] + q->synapse_base;
    l.weights = (__global float *)(l.places + q->n_synapses);
    l.states = l.weights + q->n_synapses;
    l.n_synapses = q->n_synapses;
    const uint first_target = partition * m->populations[l.e.target].n_local;
    l.events = m->events + l.e.first_event + ((ulong)first_target << l.e.event_bits);
    l.latest = m->latest + l.e.first_target + first_target;
    l.levels = m->levels + l.e.first_level + (partition << l.e.level_bits);
    l.rows = m->rows + q->first_row_state;
    l.pending = m->pending + l.e.first_pending +
                (ulong)(q->first_row_state - l.e.first_row) * (MESO_PENDING_TIMES + (1u << l.e.pending_bits));
    l.n_known = l.e.window_steps < MESO_LONG_AGO ? 3u : 1u;
    l.delay = 0u;
    l.n_words = n->n_words;
    l.dt_ms = dt_ms;
    l.n_partitions = n->n_partitions;
    l.n_groups = q->n_groups;
    l.list_partitions = n->list_partitions;
    l.first_cell = q->first_cell;
    l.n_cells = q->n_cells;
    l.source = m->populations[q->source];
    l.target = m->populations[l.e.target];
    l.status = m->status;
    l.to.row_offsets = m->row_offsets + q->row_base;
    l.to.wrap = n->n_slots * n->n_words;
    l.to.ring = m->ring + (ulong)partition * l.to.wrap;
    l.to.partition = partition;
    l.to.ring_slot = (uint)(batch * n->batch_steps % n->n_slots);
    teams_form(&l.to);
    if (l.to.team >= l.to.n_teams)
        l.to.team = MESO_NEVER; /* a rest that is no team: it only waits */
    return l;
}

/* As spikes_deliver() of synapses.clh, but rows are taken to a multiple of update_steps before. */
MESO_FUNCTION void bundle_learn(const learning_memory *m, const network_entry *n, const bundle_entry *q,
                                uint partition, ulong batch, float dt_ms)
{
    const population_entry from = m->populations[q->source];
    learner l = learner_of(m, n, q, partition, batch, dt_ms);
    for (uint g = 0; g < q->n_groups; g++) {
        const uint back = 1u + (q->first_group + g) * n->batches_per_group;
        if (back > batch)
            break;
        const uint first_step = (uint)((batch - back) * n->batch_steps);
        const uint h = (uint)((batch - back) % n->n_history);
        l.delay = back * n->batch_steps;
        if (first_step > 0u && first_step % l.e.update_steps == 0u && rule_moves(l.e.rule))
            rows_sweep(n, q, &l, g, first_step);
        for (uint k = 0; k < n->list_partitions; k++) {
            const uint n_spikes = m->spike_counts[h * n->n_lists + q->source * n->list_partitions + k];
            __global const uint *list = m->spikes + (ulong)h * n->spikes_per_batch + from.spike_base +
                                        k * from.spike_capacity;
            l.to.amplitudes = q->amplitude_base != MESO_NEVER
                                  ? m->amplitudes + (ulong)h * n->amplitudes_per_batch + q->amplitude_base +
                                        k * from.spike_capacity
                                  : 0;
            if (n_spikes > 0u)
                list_learn(n, q, &l, list, min(n_spikes, from.spike_capacity), k, g, first_step);
        }
    }
}

__kernel void synapses_learn(
    ulong batch, float dt_ms, __global const network_entry *network,
    __global const population_entry *populations, __global const bundle_entry *bundles,
    __global const learning_entry *learnings, __global const content_port *contents,
    __global const float *constants, __global const uint *row_offsets, __global uint *synapses0, __global uint *synapses1,
    __global uint *synapses2, __global uint *synapses3, __global int *ring,
    __global const uint *spikes, __global const uint *spike_counts, __global const float *field,
    __global post_event *events, __global latest_event *latest, __global float *levels,
    __global row_state *rows, __global uint *pending, __global const uint *amplitudes, uint n_learnings,
    __global uint *status)
{
    const learning_memory m = {network, populations, bundles, learnings, contents, constants, row_offsets,
                               {synapses0, synapses1, synapses2, synapses3}, ring, spikes, spike_counts,
                               field, events, latest, levels, rows, pending, amplitudes, status};
    const network_entry n = *network;
    const uint partition = (uint)get_group_id(0);
    for (uint i = 0; i < n_learnings; i++) {
        const learning_entry e = learnings[i];
        levels_keep(&m, &n, &e, partition, batch);
        if (batch > 0ul && rule_hears(e.rule))
            histories_follow(&m, &n, &e, partition, batch);
    }
    MESO_BARRIER();
    for (uint i = 0; i < n.n_bundles; i++) {
        const bundle_entry q = bundles[i];
        if (q.storage == MESO_LEARNED)
            bundle_learn(&m, &n, &q, partition, batch, dt_ms);
    }
}
