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
    __global latest_event *latest;
    __global float *levels;
    __global row_state *rows;
    __global uint *pending;
    __global const uint *amplitudes;
    __global uint *status;
} learning_memory;

/* --- traces and histories ----------------------------------------------------------------------------- */

MESO_FUNCTION real trace_left(real trace, float per_step, word n_steps)
{
    return meso_flush(trace * meso_exp_falling((real)(-per_step) * meso_to_real(n_steps)));
}

MESO_FUNCTION float trace_left_of(float trace, float per_step, uint n_steps)
{
    return meso_first_lane(trace_left((real)(trace), per_step, (word)(n_steps)));
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
    __global latest_event *latest = &m->latest[e->first_target + target];
    __global post_event *events = m->events + e->first_event + ((ulong)target << e->event_bits);
    const latest_event last = *latest;
    const uint mask = (1u << e->event_bits) - 1u, k = last.n;
    const float left = k > 0u ? trace_left_of(last.trace, e->minus_per_step, time - last.time) : 0.0f;
    const uint none = MESO_LONG_AGO | MESO_LONG_AGO << 16;
    const uint since = k > 0u ? min(time - last.time, MESO_LONG_AGO) | last.since << 16 : none;
    const latest_event now = {k + 1u, time, trace_grown(left, e->nearest), since};
    *latest = now;
    events[k & mask].time = time;
    events[k & mask].trace = now.trace;
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

/* Integral of the modulator, from the multiple of update_steps before, to each step of the field step that begins. */
MESO_FUNCTION void levels_keep(const learning_memory *m, const network_entry *n, const learning_entry *e,
                               uint partition, ulong batch)
{
    const ulong step = batch * n->batch_steps;
    if (e->modulator == MESO_NEVER || step % n->steps_per_field != 0ul)
        return;
    const uint mask = (1u << e->level_bits) - 1u, since = (uint)(step % e->update_steps);
    __global float *levels = m->levels + e->first_level + (partition << e->level_bits);
    const float before = since == 0u ? 0.0f : levels[(uint)step & mask];
    const real now = (real)(m->field[e->modulator]) * meso_exp((real)(-e->level_decay * (float)since));
    for (uint k = (uint)get_local_id(0) + 1u; k <= n->steps_per_field; k += (uint)get_local_size(0)) {
        const real weight = (real)((float)k) * meso_exprel((real)(-e->level_decay * (float)k));
        levels[((uint)step + k) & mask] = meso_first_lane(fma(now, weight, (real)(before)));
    }
}

/* --- synapses, MESO_WIDTH at once --------------------------------------------------------------------- */

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
    __global const latest_event *latest;
    __global const float *levels;
    __global row_state *rows;
    __global uint *pending; /* of the bundle's first row */
    uint n_known; /* times of a target's spikes that stand in `latest` */
    uint delay; /* the group's shortest */
    uint n_words;
    float dt_ms;
    uint n_partitions, n_groups, list_partitions; /* for the numbers of neurons */
    uint first_cell, n_cells;
    population_entry source, target;
    receiver to;
    __global uint *status;
} learner;

/* A row's way from its clock to a time, with no multiple of update_steps in between. */
typedef struct passage {
    uint from, to;
    float trace;    /* of the source's spikes, at the start */
    uint since;     /* multiple of update_steps: where integrals of the modulator begin */
    real level;     /* that up to `from` */
    real modulator; /* what the rule gets for the whole way */
    uint pre;       /* at its end the rule sees a spike of the source */
    uint fires;     /* the source does, at its end: into the ring */
    uint at;        /* word of that spike's slot */
    uint amplitude; /* of that spike */
    meso_words key; /* of the source's random words */
} passage;

/* Synapses of a row: `n` of them, from number `first` of the bundle. Lanes beyond repeat the last. */
typedef struct lanes {
    uint first, n;
    word cell, delay;
    word target; /* neuron, where the rule is random */
} lanes;

/* The latest spikes of the targets; those that come by the end of a way, after arrivals_end(). */
typedef struct arrivals {
    word n;        /* number of the last, counting from 1 */
    word times[3]; /* of the last three, the very last first: as many as l->n_known says */
    word heard;    /* of the last that the source's spike at the end sees */
    real trace;    /* just after that */
} arrivals;

/* Number of a neuron, whatever the layout, from its partition and its number there. */
MESO_FUNCTION word neuron_of(const learner *l, const population_entry *p, uint rotation, word partition,
                             word cell)
{
    const word phase = partition + (word)(l->n_partitions - rotation);
    const word turned = min(phase, phase - (word)(l->n_partitions));
    const word chunk = (cell >> p->chunk_shift) * (word)(l->n_partitions) + turned;
    return (chunk << p->chunk_shift) + (cell & (word)((1u << p->chunk_shift) - 1u));
}

MESO_FUNCTION word lanes_load_words(__global const uint *from, uint n)
{
    uint one[MESO_WIDTH];
    if (n == MESO_WIDTH)
        return meso_load_word(from, 0);
    for (uint k = 0; k < MESO_WIDTH; k++)
        one[k] = from[min(k, n - 1u)];
    return meso_load_word(one, 0);
}

MESO_FUNCTION real lanes_load(__global const float *from, uint n)
{
    float one[MESO_WIDTH];
    if (n == MESO_WIDTH)
        return meso_load(from, 0);
    for (uint k = 0; k < MESO_WIDTH; k++)
        one[k] = from[min(k, n - 1u)];
    return meso_load(one, 0);
}

MESO_FUNCTION void lanes_store(real value, __global float *to, uint n)
{
    if (n == MESO_WIDTH) {
        meso_store_global(value, to, 0);
        return;
    }
    for (uint k = 0; k < n; k++)
        to[k] = meso_real_lanes(value)[k];
}

/* (Large structs are not results of functions: Oclgrind does not know what the compiler says of them.) */
MESO_FUNCTION void lanes_begin(const learner *l, uint first, uint n, lanes *i)
{
    const word place = lanes_load_words(l->places + first, n);
    i->first = first;
    i->n = n;
    i->cell = place & (word)((1u << l->e.local_bits) - 1u);
    i->delay = (word)(l->delay) + (place >> l->e.local_bits);
    i->target = (word)(0u);
    if (rule_is_random(l->e.rule))
        i->target = neuron_of(l, &l->target, l->e.target_rotation, (word)(l->to.partition), i->cell);
}

MESO_FUNCTION void synapses_load(const learner *l, const lanes *i, learned_synapse *x)
{
    x->weight = lanes_load(l->weights + i->first, i->n);
    for (uint k = 0; k < MESO_RULE_STATES; k++)
        x->states[k] = k < rule_states(l->e.rule)
                           ? lanes_load(l->states + (ulong)k * l->n_synapses + i->first, i->n)
                           : (real)(0.0f);
}

MESO_FUNCTION void synapses_store(const learner *l, const lanes *i, const learned_synapse *x)
{
    lanes_store(x->weight, l->weights + i->first, i->n);
    for (uint k = 0; k < MESO_RULE_STATES; k++)
        if (k < rule_states(l->e.rule))
            lanes_store(x->states[k], l->states + (ulong)k * l->n_synapses + i->first, i->n);
}

/* The lanes in which something happens become as `then`. */
MESO_FUNCTION void synapses_take(learned_synapse *x, const learned_synapse *then, truth happens)
{
    x->weight = select(x->weight, then->weight, happens);
    for (uint k = 0; k < MESO_RULE_STATES; k++)
        x->states[k] = select(x->states[k], then->states[k], happens);
}

MESO_FUNCTION void synapses_change(const learner *l, int event, learned_synapse *x, real value, word span,
                                   meso_words random)
{
    *x = rule_apply(l->e.rule, event, &l->numbers, *x, value, meso_to_real(span) * (real)(l->dt_ms), random);
    x->weight = meso_within(x->weight, (real)(l->e.weight_min), (real)(l->e.weight_max));
}

MESO_FUNCTION void synapses_spike(const learner *l, int event, learned_synapse *x, real trace)
{
    const meso_words none = {(word)(0u), (word)(0u)};
    synapses_change(l, event, x, trace, (word)(0u), none);
}

/* --- the time between events -------------------------------------------------------------------------- */

/* Integrals of the modulator up to some times. */
MESO_FUNCTION real levels_at(const learner *l, word time)
{
    const word at = time & (word)((1u << l->e.level_bits) - 1u);
    return meso_gather(l->levels, meso_word_lanes(at));
}

/* What a rule gets for the way between two times, from the integrals up to them: the mean of the modulator, or its
 * integral, which counts less from the first time on, with the time constant that the rule names. */
MESO_FUNCTION real modulator_between(const learner *l, uint since, word from, real level_from, word to,
                                     real level_to)
{
    const real integral = level_to - level_from;
    if (!rule_weighs(l->e.rule))
        return integral * meso_reciprocal(meso_to_real(to - from));
    const real passed = meso_to_real(from - (word)(since));
    return integral * (meso_exp_normal((real)(l->e.level_decay) * passed) * (real)(l->dt_ms));
}

MESO_FUNCTION meso_words lanes_random(const learner *l, const passage *p, const lanes *i, word time)
{
    const meso_words none = {(word)(0u), (word)(0u)};
    return rule_is_random(l->e.rule) ? meso_threefry_each(p->key.x, p->key.y + i->delay, i->target, time) : none;
}

/* To the next event, at time `to`. What comes of lanes that are there already is not to be used, but for the level. */
MESO_FUNCTION void synapses_wait(const learner *l, const passage *p, const lanes *i, learned_synapse *x, word from,
                                 real *level, word to)
{
    real modulator = (real)(0.0f);
    if (!rule_waits(l->e.rule))
        return;
    if (rule_is_modulated(l->e.rule)) {
        const real level_to = select(*level, levels_at(l, to), from != to);
        modulator = modulator_between(l, p->since, from, *level, to, level_to);
        *level = level_to;
    }
    synapses_change(l, MESO_BETWEEN, x, modulator, to - from, lanes_random(l, p, i, to));
}

/* --- spikes of the targets ---------------------------------------------------------------------------- */

MESO_FUNCTION truth lanes_and(truth a, truth b)
{
    return select((truth)(0), a, b);
}

MESO_FUNCTION truth is_after(word time, word other)
{
    return meso_as_truth(time - other) > (truth)(0);
}

/* Rare: lanes whose latest spike comes at the end or later. */
MESO_FUNCTION void arrivals_go_back(const learner *l, const passage *p, const lanes *i, truth which, arrivals *a)
{
    const uint mask = (1u << l->e.event_bits) - 1u;
    uint *n = (uint *)&a->n, *heard = (uint *)&a->heard;
    uint *times[3] = {(uint *)&a->times[0], (uint *)&a->times[1], (uint *)&a->times[2]};
    float *trace = (float *)&a->trace;
    for (uint k = 0; k < MESO_WIDTH; k++) {
        if (!meso_truth_lanes(which)[k])
            continue;
        const uint until = p->to - meso_word_lanes(i->delay)[k];
        __global const post_event *events = l->events + ((ulong)meso_word_lanes(i->cell)[k] << l->e.event_bits);
        while (n[k] > 0u && (int)(events[(n[k] - 1u) & mask].time - until) > 0)
            n[k]--;
        const post_event last = events[(n[k] - 1u) & mask], other = events[(n[k] - 2u) & mask];
        const uint unheard = n[k] > 0u && last.time == until;
        times[0][k] = last.time;
        times[1][k] = other.time;
        times[2][k] = events[(n[k] - 3u) & mask].time;
        heard[k] = unheard ? other.time : last.time;
        trace[k] = n[k] <= unheard ? 0.0f : unheard ? other.trace : last.trace;
    }
}

MESO_FUNCTION void arrivals_load(const learner *l, const lanes *i, arrivals *a)
{
    word trace = (word)(0u), intervals = (word)(0u);
    a->n = (word)(0u);
    a->times[0] = (word)(0u);
    if (rule_hears(l->e.rule))
        MESO_GATHER_4(l->latest, meso_word_lanes(i->cell), a->n, a->times[0], trace, intervals);
    a->times[1] = a->times[0] - (intervals & (word)(MESO_LONG_AGO));
    a->times[2] = a->times[1] - (intervals >> 16);
    a->trace = meso_as_real(trace);
    a->heard = a->times[0];
}

MESO_FUNCTION void arrivals_end(const learner *l, const passage *p, const lanes *i, arrivals *a)
{
    const word until = (word)(p->to) - i->delay;
    const truth too_late = lanes_and(meso_as_truth(a->times[0] - until) >= (truth)(0), a->n != (word)(0u));
    if (meso_any(too_late))
        arrivals_go_back(l, p, i, too_late, a);
}

/* Time of the spike that is `back` before the last; it may have been written over where there is none on the way. */
MESO_FUNCTION word arrival_time(const learner *l, const lanes *i, const arrivals *a, uint back)
{
    if (back < l->n_known)
        return back == 0u ? a->times[0] : back == 1u ? a->times[1] : a->times[2];
    word time = (a->n - (word)(1u + back)) & (word)((1u << l->e.event_bits) - 1u);
    uint *lane = (uint *)&time;
    for (uint k = 0; k < MESO_WIDTH; k++)
        lane[k] = l->events[((ulong)meso_word_lanes(i->cell)[k] << l->e.event_bits) + lane[k]].time;
    return time;
}

/* How many spikes of each target are on the way: nearly always three at most, known without a branch. */
MESO_FUNCTION word arrivals_count(const learner *l, const passage *p, const lanes *i, const arrivals *a, truth comes,
                                  uint *most)
{
    const word since = (word)(p->from) - i->delay;
    const truth second = lanes_and(comes, lanes_and(is_after(arrival_time(l, i, a, 1u), since), a->n > (word)(1u)));
    truth more = lanes_and(second, lanes_and(is_after(arrival_time(l, i, a, 2u), since), a->n > (word)(2u)));
    word count = select(select((word)(0u), (word)(1u), comes), (word)(2u), second);
    count = select(count, (word)(3u), more);
    *most = 1u + (meso_any(second) ? 1u : 0u) + (meso_any(more) ? 1u : 0u);
    while (meso_any(more)) {
        more = lanes_and(more, lanes_and(is_after(arrival_time(l, i, a, *most), since), a->n > (word)(*most)));
        *most += meso_any(more) ? 1u : 0u;
        count = select(count, (word)(*most), more);
    }
    return count;
}

/* All that comes on the way, lane by lane in its order: a turn of the loop is a spike of each target that still has one. */
MESO_FUNCTION void synapses_follow(const learner *l, const passage *p, const lanes *i, const arrivals *a, truth comes,
                                   learned_synapse *x)
{
    const word start = (word)(p->from), end = (word)(p->to);
    uint most;
    const word count = arrivals_count(l, p, i, a, comes, &most);
    learned_synapse then;
    word at = start;
    real level = p->level;
    for (uint back = most; back-- > 0u;) {
        const truth now = count > (word)(back);
        const word time = select(at, arrival_time(l, i, a, back) + i->delay, now);
        then = *x;
        synapses_wait(l, p, i, &then, at, &level, time);
        synapses_spike(l, MESO_POST, &then, trace_left((real)(p->trace), l->e.plus_per_step, time - start));
        synapses_take(x, &then, now);
        at = time;
    }
    then = *x;
    synapses_wait(l, p, i, &then, at, &level, end);
    synapses_take(x, &then, at != end);
}

/* --- a passage ---------------------------------------------------------------------------------------- */

/* As weight_released(). */
MESO_FUNCTION truth strengths_released(truth units, uint amplitude)
{
    if (amplitude == MESO_AMPLITUDE_ONE)
        return units;
    const word low = meso_as_word(units) & (word)(0xffffu), rounder = (word)(32768u) - (meso_as_word(units) >> 31);
    return (units >> 16) * (truth)((int)amplitude) + meso_as_truth((low * (word)(amplitude) + rounder) >> 16);
}

/* To the channel whose first word is `channel` words behind those of the slots, `slots`. */
MESO_FUNCTION void strengths_give(const learner *l, const passage *p, const lanes *i, word slots, uint channel, real units)
{
    const word straight = slots + (word)(channel), at = min(straight, straight - (word)(l->to.wrap));
    const truth given = strengths_released(meso_round(units), p->amplitude);
    const uint *word_of = meso_word_lanes(at);
    const int *amount = meso_truth_lanes(given);
    if (i->n == MESO_WIDTH)
        for (uint k = 0; k < MESO_WIDTH; k++)
            MESO_ACCUMULATE(&l->to.ring[word_of[k]], amount[k]);
    else
        for (uint k = 0; k < i->n; k++)
            MESO_ACCUMULATE(&l->to.ring[word_of[k]], amount[k]);
}

/* The weight to the channel of the projection, contents to those of their own. */
MESO_FUNCTION void synapses_give(const learner *l, const passage *p, const lanes *i, const learned_synapse *x)
{
    const word slots = (word)(p->at) + (i->delay - (word)(l->delay)) * (word)(l->n_words) + i->cell;
    strengths_give(l, p, i, slots, l->e.ring_word, x->weight * (real)(l->e.per_unit));
    for (uint k = 0; k < MESO_RULE_STATES; k++)
        if ((rule_contents(l->e.rule) >> k & 1u) && l->contents[k].ring_word != MESO_NEVER)
            strengths_give(l, p, i, slots, l->contents[k].ring_word, x->states[k] * (real)(l->contents[k].per_unit));
}

/* All that comes to synapses on the way, and the source's spike at the end. Without spikes of the targets time does the
 * same to all synapses of a row: worth a path of its own, out of whose loop the compiler takes what is common. */
MESO_FUNCTION void synapses_pass(const learner *l, const passage *p, const lanes *i, arrivals *a)
{
    learned_synapse x;
    arrivals_end(l, p, i, a);
    const truth comes = lanes_and(is_after(a->times[0], (word)(p->from) - i->delay), a->n != (word)(0u));
    const int follows = rule_hears(l->e.rule) && meso_any(comes);
    if (!follows && !p->pre && !p->fires && !rule_waits(l->e.rule))
        return;
    synapses_load(l, i, &x);
    if (follows)
        synapses_follow(l, p, i, a, comes, &x);
    else if (rule_waits(l->e.rule) && p->from != p->to)
        synapses_change(l, MESO_BETWEEN, &x, p->modulator, (word)(p->to - p->from),
                        lanes_random(l, p, i, (word)(p->to)));
    if (p->pre)
        synapses_spike(l, MESO_PRE, &x,
                       trace_left(a->trace, l->e.minus_per_step, (word)(p->to) - i->delay - a->heard));
    if (p->fires)
        synapses_give(l, p, i, &x);
    synapses_store(l, i, &x);
}

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

/* Of a row's source. (Oclgrind knows no remainder beside its quotient.) */
MESO_FUNCTION meso_words row_key(const learner *l, uint row)
{
    const uint c = row / (l->n_groups * l->n_partitions), list = c / l->n_cells;
    const uint listed = c - list * l->n_cells + l->first_cell;
    const uint of_shared = listed / l->source.n_local, shared = l->list_partitions == 1u;
    const uint partition = shared ? of_shared : list;
    const uint cell = shared ? listed - of_shared * l->source.n_local : listed;
    return meso_threefry(l->e.key0, l->e.key1,
                         neuron_of(l, &l->source, l->e.source_rotation, (word)(partition), (word)(cell)),
                         (word)(0u));
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
