/*
 * Long-term plasticity: a batch's share of delivery through synapses that learn, and all that changes these synapses.
 * Before this text stand the rules and, generated, what picks the one with a number: rule_load(), rule_apply(),
 * rule_waits(), rule_hears(), rule_is_random() and rule_contents() (src/engine/codegen_rules.c).
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
 * Hazards   A team has a row, one of its items a synapse. Spikes of a batch go by step, with a barrier between steps,
 *           because rows of the same cell follow each other. Row states are read by all, then moved by one.
 * Memory    per synapse of a spike 4 bytes, and 8 for its weight and each state; a target's number of spikes and the
 *           latest of them; a ring word, and one for each content that feeds a channel.
 */
#define MESO_PRE 0 /* as rule_event */
#define MESO_POST 1
#define MESO_BETWEEN 2

typedef struct learning_memory {
    __global const network_entry *network;
    __global const population_entry *populations;
    __global const bundle_entry *bundles;
    __global const learning_entry *learnings;
    __global const content_port *contents;
    __global const float *constants;
    __global const uint *row_offsets;
    __global uint *synapses[MESO_SYNAPSE_BUFFERS];
    __global int *ring;
    __global const uint *spikes, *spike_counts;
    __global const float *field;
    __global post_event *events;
    __global uint *n_events;
    __global modulator_level *levels;
    __global row_state *rows;
    __global uint *pending;
    __global const uint *amplitudes;
    __global uint *status;
} learning_memory;

/* --- traces and histories ----------------------------------------------------------------------------- */

MESO_FUNCTION float trace_left(float trace, float per_step, uint n_steps)
{
    return meso_flush(trace * meso_exp(-per_step * (float)n_steps));
}

MESO_FUNCTION float trace_grown(float left, uint nearest)
{
    return nearest ? 1.0f : left + 1.0f;
}

MESO_FUNCTION void learning_fail(__global uint *status, uint code, uint projection)
{
    if (atomic_inc(&status[MESO_STATUS_FAILURES]) != 0u)
        return;
    status[MESO_STATUS_CODE] = code;
    status[MESO_STATUS_POPULATION] = projection;
}

/* A target's spike goes to its history. What it takes the place of may not be asked for any more. */
MESO_FUNCTION void event_add(const learning_memory *m, const learning_entry *e, uint target, uint time)
{
    __global uint *n = &m->n_events[e->first_target + target];
    __global post_event *events = m->events + e->first_event + ((ulong)target << e->event_bits);
    const uint mask = (1u << e->event_bits) - 1u, k = *n;
    float left = 0.0f;
    if (k > 0u) {
        const post_event last = events[(k - 1u) & mask];
        left = trace_left(last.trace, e->minus_per_step, time - last.time);
    }
    events[k & mask].time = time;
    events[k & mask].trace = trace_grown(left, e->nearest);
    *n = k + 1u;
    if (k >= mask && time - events[(k + 1u) & mask].time < e->window_steps)
        learning_fail(m->status, MESO_FAILED_HISTORY_FULL, e->projection);
}

/* Spikes of the batch before, from the list of this partition or from that of all. A list has a cell's in order. */
MESO_FUNCTION void histories_follow(const learning_memory *m, const network_entry *n,
                                    const learning_entry *e, uint partition, ulong batch)
{
    const population_entry target = m->populations[e->target];
    const uint slot = (uint)((batch - 1ul) % n->n_history);
    const uint l = n->list_partitions == 1u ? 0u : partition;
    const uint first_cell = n->list_partitions == 1u ? partition * target.n_local : 0u;
    const uint n_spikes = min(m->spike_counts[slot * n->n_lists + e->target * n->list_partitions + l],
                              target.spike_capacity);
    __global const uint *list = m->spikes + (ulong)slot * n->spikes_per_batch + target.spike_base +
                                l * target.spike_capacity;
    const uint first_time = (uint)((batch - 1ul) * n->batch_steps) + 1u;
    for (uint k = 0; k < n_spikes; k++) {
        const uint cell = (list[k] & ((1u << n->cell_bits) - 1u)) - first_cell;
        if (cell < target.n_local && cell % (uint)get_local_size(0) == (uint)get_local_id(0))
            event_add(m, e, partition * target.n_local + cell, first_time + (list[k] >> n->cell_bits));
    }
}

/* The modulator of the field step that begins, in this partition's own ring. */
MESO_FUNCTION void level_keep(const learning_memory *m, const network_entry *n, const learning_entry *e,
                              uint partition, ulong batch)
{
    const ulong step = batch * n->batch_steps, number = step / n->steps_per_field;
    if (e->modulator == MESO_NEVER || number * n->steps_per_field != step || get_local_id(0) != 0)
        return;
    const uint mask = (1u << e->level_bits) - 1u;
    __global modulator_level *levels = m->levels + e->first_level + (partition << e->level_bits);
    const modulator_level last = levels[((uint)number - 1u) & mask];
    levels[(uint)number & mask].now = m->field[e->modulator];
    levels[(uint)number & mask].before =
        step % e->update_steps == 0ul ? 0.0f : fma(last.now, (float)n->steps_per_field, last.before);
}

/* --- a synapse ---------------------------------------------------------------------------------------- */

/* Whether spikes or time change a synapse. */
MESO_FUNCTION int rule_moves(uint rule)
{
    return rule_hears(rule) || rule_waits(rule);
}

/* What the synapses of a bundle and delay group need, in this partition. */
typedef struct learner {
    learning_entry e;
    rule_numbers numbers;
    __global const content_port *contents; /* by state */
    __global const uint *places;
    __global float *weights, *states;
    uint n_synapses; /* of the bundle: stride of the states */
    __global const post_event *events;
    __global const uint *n_events;
    __global const modulator_level *levels;
    __global row_state *rows;
    __global uint *pending; /* of the bundle's first row */
    uint delay; /* the group's shortest */
    uint n_words, steps_per_field;
    float dt_ms;
    uint n_partitions, n_groups, list_partitions; /* for the numbers of neurons */
    uint first_cell, n_cells;
    population_entry source, target;
    receiver to;
    __global uint *status;
} learner;

/* A row's way from its clock to a time. */
typedef struct passage {
    uint from, to;
    float trace;     /* of the source's spikes, at the start */
    float modulator; /* mean over the way */
    uint pre;        /* at its end the rule sees a spike of the source */
    uint fires;      /* the source does, at its end: into the ring */
    uint at;         /* word of that spike's slot */
    uint amplitude;  /* of that spike */
    meso_words key;  /* of the source's random words */
} passage;

/* A synapse on its way, and what its random words are made of. */
typedef struct learning_synapse {
    learned_synapse x;
    meso_words key;
    uint target; /* neuron */
} learning_synapse;

/* (Not as a result: Oclgrind does not know what the compiler says of large ones.) */
MESO_FUNCTION void synapse_load(const learner *l, uint s, learned_synapse *x)
{
    x->weight = l->weights[s];
    for (uint k = 0; k < MESO_RULE_STATES; k++)
        x->states[k] = k < l->e.n_states ? l->states[(ulong)k * l->n_synapses + s] : 0.0f;
}

MESO_FUNCTION void synapse_store(const learner *l, uint s, const learned_synapse *x)
{
    l->weights[s] = x->weight;
    for (uint k = 0; k < MESO_RULE_STATES; k++)
        if (k < l->e.n_states)
            l->states[(ulong)k * l->n_synapses + s] = x->states[k];
}

/* Mean of the modulator from one time to another, with no multiple of update_steps between them. */
MESO_FUNCTION float modulator_between(const learner *l, uint from, uint to)
{
    if (l->e.modulator == MESO_NEVER || from == to)
        return 0.0f;
    const uint mask = (1u << l->e.level_bits) - 1u;
    const uint first = from / l->steps_per_field, last = (to - 1u) / l->steps_per_field;
    const modulator_level a = l->levels[first & mask], b = l->levels[last & mask];
    if (first == last)
        return a.now;
    const float until_from = fma(a.now, (float)(from - first * l->steps_per_field), a.before);
    const float until_to = fma(b.now, (float)(to - last * l->steps_per_field), b.before);
    return (until_to - until_from) * meso_reciprocal((float)(to - from));
}

MESO_FUNCTION void synapse_change(const learner *l, int event, learned_synapse *x, float value,
                                  uint span, meso_words random)
{
    *x = rule_apply(l->e.rule, event, &l->numbers, *x, value, (float)span * l->dt_ms, random);
    x->weight = fmin(fmax(x->weight, l->e.weight_min), l->e.weight_max);
}

MESO_FUNCTION void synapse_spike(const learner *l, int event, learning_synapse *b, float trace)
{
    const meso_words none = {0u, 0u};
    synapse_change(l, event, &b->x, trace, 0u, none);
}

MESO_FUNCTION void synapse_wait(const learner *l, learning_synapse *b, uint from, uint to, float modulator)
{
    meso_words random = {0u, 0u};
    if (!rule_waits(l->e.rule) || from == to)
        return;
    if (rule_is_random(l->e.rule))
        random = meso_threefry(b->key.x, b->key.y, b->target, to);
    synapse_change(l, MESO_BETWEEN, &b->x, modulator, to - from, random);
}

/* How many of a target's first n spikes were fired by a time. */
MESO_FUNCTION uint events_until(const learner *l, __global const post_event *events, uint n, uint time)
{
    const uint mask = (1u << l->e.event_bits) - 1u;
    while (n > 0u && (int)(events[(n - 1u) & mask].time - time) > 0)
        n--;
    return n;
}

/* Trace of a target's spikes before a time, by which it has fired n. */
MESO_FUNCTION float trace_before(const learner *l, __global const post_event *events, uint n, uint time)
{
    const uint mask = (1u << l->e.event_bits) - 1u;
    if (n > 0u && events[(n - 1u) & mask].time == time)
        n--;
    if (n == 0u)
        return 0.0f;
    const post_event last = events[(n - 1u) & mask];
    return trace_left(last.trace, l->e.minus_per_step, time - last.time);
}

MESO_FUNCTION void strength_deliver(const learner *l, uint at, uint amplitude, float units)
{
    MESO_ACCUMULATE(&l->to.ring[min(at, at - l->to.wrap)], weight_released((int)rint(units), amplitude));
}

/* The weight to the channel of the projection, contents to those of their own. */
MESO_FUNCTION void synapse_deliver(const learner *l, const passage *p, uint late, uint cell,
                                   const learned_synapse *x)
{
    const uint at = p->at + late * l->n_words + cell;
    strength_deliver(l, at + l->e.ring_word, p->amplitude, x->weight * l->e.per_unit);
    for (uint k = 0; k < MESO_RULE_STATES; k++)
        if ((rule_contents(l->e.rule) >> k & 1u) && l->contents[k].ring_word != MESO_NEVER)
            strength_deliver(l, at + l->contents[k].ring_word, p->amplitude,
                             x->states[k] * l->contents[k].per_unit);
}

/* The target's spikes on the way, by their numbers, and the time between them. */
MESO_FUNCTION void synapse_follow(const learner *l, const passage *p, __global const post_event *events,
                                  uint first, uint end, uint delay, learning_synapse *b)
{
    const uint mask = (1u << l->e.event_bits) - 1u;
    uint at = p->from;
    for (uint k = first; k < end; k++) {
        const uint time = events[k & mask].time + delay;
        synapse_wait(l, b, at, time, modulator_between(l, at, time));
        synapse_spike(l, MESO_POST, b, trace_left(p->trace, l->e.plus_per_step, time - p->from));
        at = time;
    }
    synapse_wait(l, b, at, p->to, modulator_between(l, at, p->to));
}

/* Number of a neuron, whatever the layout, from its partition and its number there. */
MESO_FUNCTION uint neuron_of(const learner *l, const population_entry *p, uint rotation, uint partition,
                             uint cell)
{
    const uint chunk = (cell >> p->chunk_shift) * l->n_partitions +
                       (partition + l->n_partitions - rotation) % l->n_partitions;
    return (chunk << p->chunk_shift) + (cell & ((1u << p->chunk_shift) - 1u));
}

/* Of a row's source. (Oclgrind knows no remainder beside its quotient.) */
MESO_FUNCTION meso_words row_key(const learner *l, uint row)
{
    const uint c = row / (l->n_groups * l->n_partitions), list = c / l->n_cells;
    const uint listed = c - list * l->n_cells + l->first_cell;
    const uint of_shared = listed / l->source.n_local, shared = l->list_partitions == 1u;
    const uint partition = shared ? of_shared : list;
    const uint cell = shared ? listed - of_shared * l->source.n_local : listed;
    return meso_threefry(l->e.key0, l->e.key1,
                         neuron_of(l, &l->source, l->e.source_rotation, partition, cell), 0u);
}

MESO_FUNCTION learning_synapse synapse_begin(const learner *l, const passage *p, uint s, uint cell, uint delay)
{
    learning_synapse b;
    synapse_load(l, s, &b.x);
    b.key.x = p->key.x;
    b.key.y = p->key.y + delay;
    b.target = 0u;
    if (rule_is_random(l->e.rule))
        b.target = neuron_of(l, &l->target, l->e.target_rotation, l->to.partition, cell);
    return b;
}

/* All that comes to a synapse on the way, and the source's spike at the end. Without spikes of the target time does the
 * same to all synapses of a row: worth a path of its own, out of whose loop the compiler takes what is common. */
MESO_FUNCTION void synapse_pass(const learner *l, const passage *p, uint s)
{
    const uint cell = l->places[s] & ((1u << l->e.local_bits) - 1u);
    const uint late = l->places[s] >> l->e.local_bits, delay = l->delay + late;
    __global const post_event *events = l->events + ((ulong)cell << l->e.event_bits);
    const uint n_events = rule_hears(l->e.rule) ? l->n_events[cell] : 0u;
    const uint end = events_until(l, events, n_events, p->to - delay);
    const uint first = events_until(l, events, end, p->from - delay);
    if (first == end && !p->fires && !p->pre && !rule_waits(l->e.rule))
        return;
    learning_synapse b = synapse_begin(l, p, s, cell, delay);
    if (first == end)
        synapse_wait(l, &b, p->from, p->to, p->modulator);
    else
        synapse_follow(l, p, events, first, end, delay, &b);
    if (p->pre)
        synapse_spike(l, MESO_PRE, &b, trace_before(l, events, end, p->to - delay));
    if (p->fires)
        synapse_deliver(l, p, late, cell, &b.x);
    synapse_store(l, s, &b.x);
}

/* --- rows --------------------------------------------------------------------------------------------- */

MESO_FUNCTION row_state row_moved(const learner *l, row_state state, uint time, uint pre)
{
    const float left = trace_left(state.trace, l->e.plus_per_step, time - state.clock);
    state.clock = time;
    state.trace = pre ? trace_grown(left, l->e.nearest) : left;
    return state;
}

/* The same where a rule leaves that to slower processes. */
MESO_FUNCTION void row_deliver(const learner *l, uint row, const passage *p)
{
    const uint begin = l->to.row_offsets[row], end = begin + l->rows[row].n;
    for (uint s = begin + l->to.lane; s < end; s += l->to.team_size) {
        learned_synapse x;
        synapse_load(l, s, &x);
        synapse_deliver(l, p, l->places[s] >> l->e.local_bits, l->places[s] & ((1u << l->e.local_bits) - 1u), &x);
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
        p.modulator = modulator_between(l, p.from, p.to);
        for (uint s = begin + l->to.lane; s < end; s += l->to.team_size)
            synapse_pass(l, &p, s);
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
    const passage p = {0u, time, 0.0f, 0.0f, 0u, 0u, 0u, 0u, {0u, 0u}};
    for (uint c = l->to.team; c < n_sources; c += l->to.n_teams)
        row_pass(l, row_of(n, q, l, c, group), p);
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
            const passage p = {0u, time, 0.0f, 0.0f, 1u, 1u, slot_word(n, &l->to, list[k]),
                               spike_amplitude(&l->to, k), {0u, 0u}};
            if (row == MESO_NEVER)
                continue;
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
    l.n_events = m->n_events + l.e.first_target + first_target;
    l.levels = m->levels + l.e.first_level + (partition << l.e.level_bits);
    l.rows = m->rows + q->first_row_state;
    l.pending = m->pending + l.e.first_pending +
                (ulong)(q->first_row_state - l.e.first_row) * (MESO_PENDING_TIMES + (1u << l.e.pending_bits));
    l.delay = 0u;
    l.n_words = n->n_words;
    l.steps_per_field = n->steps_per_field;
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
        if (first_step > 0u && first_step % l.e.update_steps == 0u &&
            rule_moves(l.e.rule))
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
    __global post_event *events, __global uint *n_events, __global modulator_level *levels,
    __global row_state *rows, __global uint *pending, __global const uint *amplitudes, uint n_learnings,
    __global uint *status)
{
    const learning_memory m = {network, populations, bundles, learnings, contents, constants, row_offsets,
                               {synapses0, synapses1, synapses2, synapses3}, ring, spikes, spike_counts,
                               field, events, n_events, levels, rows, pending, amplitudes, status};
    const network_entry n = *network;
    const uint partition = (uint)get_group_id(0);
    for (uint i = 0; i < n_learnings; i++) {
        const learning_entry e = learnings[i];
        level_keep(&m, &n, &e, partition, batch);
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
