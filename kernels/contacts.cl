/*
 * Structure: contacts of projections that learn turn, go and come. Behind learning.cl, whose rows these are.
 *
 * Time      A delay group has its update of time T, a multiple of update_steps, when all spikes of the sources before T
 *           have been delivered, and before later ones are. So what is decided of a contact depends on the contact at T
 *           and on the signal then, not on how the work is laid out.
 * Identity  A row is sorted by place word (delay and target). A contact is told from others by source, target, delay,
 *           and its rank among those that share these: never by its place. Random words are functions of that and of
 *           the update's number; those of new contacts of the target, the update, and a count.
 * Launch    contacts_begin once, contacts_update when an update is due: a group for each partition, of any size.
 * Hazards   An item has a row, or a target. New contacts of several targets are put behind the contacts of a row in any
 *           order; then the row is sorted.
 */
#define MESO_AGE_ONE 65536u    /* an age in updates stands in the high half of a word, */
#define MESO_AGE_MOST 65535u   /* updates for which the contact has been weak in the low one */
#define MESO_ARRAYS_MOST (3u + MESO_RULE_STATES)
#define MESO_POISSON_MOST 8.0f /* mean of one draw */
#define MESO_POISSON_TERMS 40u

typedef struct structure_memory {
    __global const structure_entry *structures;
    __global const chunk_entry *chunks;
    __global const ushort *delays; /* beyond a batch, [MESO_QUANTILES] for each structure */
    __global const float *weights;
    __global const content_entry *contents;
    __global const int *strengths; /* at the start, as levels of all bundles */
    __global uint *indegrees, *tallies;
    __global const float *field;
} structure_memory;

/* Contacts of a bundle in this partition: words in arrays of n_synapses places each, the place word, the weight, states
 * of the rule and, if they are timed, ages. */
typedef struct bundle_contacts {
    learner l;
    structure_entry s;
    __global uint *words;
    uint n_arrays;
    __global const ushort *delays;
    __global const float *weights; /* of new ones */
    __global const content_entry *contents;
    __global const int *strengths;
    uint source_first_chunk, source_n_chunks, source_chunk_shift;
    uint target_first_chunk, target_n_chunks, target_chunk_shift;
    uint first_cell, n_cells, n_partitions, n_groups;
    uint first_group;
    __global uint *indegrees; /* of this partition's targets */
    __global uint *formed, *pruned;
    __global uint *status;
} bundle_contacts;

/* What an update does to a delay group. */
typedef struct renewal {
    uint group, number;
    float signal;
    uint goes_below; /* of the random word of one that may go */
    float births;    /* expected, of a target */
} renewal;

MESO_FUNCTION bundle_contacts contacts_of(const learning_memory *m, const structure_memory *x,
                                          const network_entry *n, const bundle_entry *q, const learner *l)
{
    const population_entry from = m->populations[q->source], to = m->populations[l->e.target];
    const uint partition = l->to.partition;
    bundle_contacts c;
    c.l = *l;
    c.s = x->structures[l->e.structure];
    c.words = m->synapses[q->buffer] + q->synapse_base;
    c.n_arrays = 2u + l->e.n_states + (c.s.timed ? 1u : 0u);
    c.delays = x->delays + c.s.first_quantile;
    c.weights = x->weights + c.s.first_quantile;
    c.contents = x->contents + c.s.first_content;
    c.strengths = x->strengths + q->levels;
    c.source_first_chunk = from.first_chunk;
    c.source_n_chunks = from.n_chunks;
    c.source_chunk_shift = from.chunk_shift;
    c.target_first_chunk = to.first_chunk;
    c.target_n_chunks = to.n_chunks;
    c.target_chunk_shift = to.chunk_shift;
    c.first_cell = q->first_cell;
    c.n_cells = q->n_cells;
    c.n_partitions = n->n_partitions;
    c.n_groups = q->n_groups;
    c.first_group = q->first_group;
    c.indegrees = x->indegrees + c.s.first_indegree + partition * to.n_local;
    c.formed = x->tallies + c.s.first_tally + 2u * partition;
    c.pruned = c.formed + 1;
    c.status = m->status;
    return c;
}

MESO_FUNCTION void contacts_fail(const bundle_contacts *c, uint code, uint most)
{
    if (atomic_inc(&c->status[MESO_STATUS_FAILURES]) == 0u) {
        c->status[MESO_STATUS_CODE] = code;
        c->status[MESO_STATUS_POPULATION] = c->s.projection;
        c->status[MESO_STATUS_NEURON] = most;
    }
}

/* --- words and order ---------------------------------------------------------------------------------- */

MESO_FUNCTION __global uint *word_at(const bundle_contacts *c, uint array, uint s)
{
    return c->words + (ulong)array * c->l.n_synapses + s;
}

MESO_FUNCTION void contact_copy(const bundle_contacts *c, uint from, uint to)
{
    for (uint a = 0; a < c->n_arrays; a++)
        *word_at(c, a, to) = *word_at(c, a, from);
}

MESO_FUNCTION void contact_take(const bundle_contacts *c, uint s, uint *words)
{
    for (uint a = 0; a < MESO_ARRAYS_MOST; a++)
        words[a] = a < c->n_arrays ? *word_at(c, a, s) : 0u;
}

MESO_FUNCTION void contact_put(const bundle_contacts *c, uint s, const uint *words)
{
    for (uint a = 0; a < MESO_ARRAYS_MOST; a++)
        if (a < c->n_arrays)
            *word_at(c, a, s) = words[a];
}

/* By the place word, then by all that it is: two that are alike cannot be told apart. */
MESO_FUNCTION int contact_follows(const bundle_contacts *c, uint s, const uint *words)
{
    for (uint a = 0; a < MESO_ARRAYS_MOST; a++) {
        const uint word = a < c->n_arrays ? *word_at(c, a, s) : 0u;
        if (word != words[a])
            return word > words[a];
    }
    return 0;
}

/* Shell's sort, with Knuth's steps. */
MESO_FUNCTION void contacts_sort(const bundle_contacts *c, uint begin, uint end)
{
    uint words[MESO_ARRAYS_MOST], step = 1u;
    while (step < (end - begin) / 3u)
        step = 3u * step + 1u;
    for (; step > 0u; step /= 3u)
        for (uint s = begin + step; s < end; s++) {
            uint at = s;
            contact_take(c, s, words);
            while (at >= begin + step && contact_follows(c, at - step, words)) {
                contact_copy(c, at - step, at);
                at -= step;
            }
            contact_put(c, at, words);
        }
}

/* --- cells and rows ----------------------------------------------------------------------------------- */

/* Row of a source's cell in a delay group; MESO_NEVER if the bundle does not cover it. */
MESO_FUNCTION uint contacts_row(const bundle_contacts *c, const chunk_entry *chunk, uint in_chunk, uint group)
{
    const uint cell = chunk->list_cell + in_chunk - c->first_cell;
    if (cell >= c->n_cells)
        return MESO_NEVER;
    return ((chunk->list_partition * c->n_cells + cell) * c->n_partitions + c->l.to.partition) * c->n_groups +
           group;
}

/* Neuron of a target from its number in this partition. */
MESO_FUNCTION uint target_of(const bundle_contacts *c, uint target_cell)
{
    const uint rotation = c->target_first_chunk % c->n_partitions;
    const uint phase = (c->l.to.partition + c->n_partitions - rotation) % c->n_partitions;
    const uint chunk = (target_cell >> c->target_chunk_shift) * c->n_partitions + phase;
    return (chunk << c->target_chunk_shift) + (target_cell & ((1u << c->target_chunk_shift) - 1u));
}

/* --- at the start ------------------------------------------------------------------------------------- */

MESO_FUNCTION void row_begin(const bundle_contacts *c, uint row)
{
    const uint begin = c->l.to.row_offsets[row], end = begin + c->l.rows[row].n;
    const uint mask = (1u << c->l.e.local_bits) - 1u;
    for (uint s = begin; s < end; s++) {
        MESO_NEXT(&c->indegrees[*word_at(c, 0u, s) & mask]);
        if (c->s.timed)
            *word_at(c, c->n_arrays - 1u, s) = MESO_AGE_MOST * MESO_AGE_ONE;
    }
    contacts_sort(c, begin, end);
}

/* --- turnover and pruning ------------------------------------------------------------------------------ */

/* Random words of a contact in an update: a pair for its turnover, then one for its end. */
MESO_FUNCTION meso_words contact_words(const bundle_contacts *c, uint source, uint place, uint rank,
                                       const renewal *r, uint draw)
{
    const uint mask = (1u << c->l.e.local_bits) - 1u;
    const uint delay = c->l.delay + (place >> c->l.e.local_bits);
    const meso_words w = meso_threefry(c->s.fate0, c->s.fate1, source, target_of(c, place & mask));
    return meso_threefry(w.x, w.y, rank << 16 | delay, r->number << 1 | draw);
}

/* One synapse: MESO_WIDTH is 1 here. */
MESO_FUNCTION lanes lane_of(uint s)
{
    const lanes i = {s, 1u, 0u, 0u, 0u};
    return i;
}

MESO_FUNCTION void contact_turn(const bundle_contacts *c, const renewal *r, uint s, meso_words random)
{
    const lanes i = lane_of(s);
    learned_synapse x;
    synapses_load(&c->l, &i, &x);
    x = rule_turnover(c->l.e.rule, &c->l.numbers, x, r->signal, random, c->s.span_s);
    x.weight = meso_within(x.weight, c->l.e.weight_min, c->l.e.weight_max);
    synapses_store(&c->l, &i, &x);
}

/* Weight and contents. */
MESO_FUNCTION float contact_strength(const bundle_contacts *c, uint s)
{
    const lanes i = lane_of(s);
    learned_synapse x;
    synapses_load(&c->l, &i, &x);
    float sum = x.weight;
    for (uint k = 0; k < MESO_RULE_STATES; k++)
        sum += (rule_contents(c->l.e.rule) >> k & 1u) ? x.states[k] : 0.0f;
    return sum;
}

/* Whether it may go by its weight, and for how long it has been so; and by its age. */
MESO_FUNCTION int contact_may_go(const bundle_contacts *c, uint s)
{
    const int weak = contact_strength(c, s) < c->s.below;
    if (!c->s.timed)
        return weak;
    __global uint *times = word_at(c, c->n_arrays - 1u, s);
    const uint age = min((*times >> 16) + 1u, MESO_AGE_MOST);
    const uint weak_for = weak ? min((*times & 0xffffu) + 1u, 0xffffu) : 0u;
    *times = age << 16 | weak_for;
    return weak_for > c->s.after && age >= c->s.older;
}

/* Turnover, then its end or none: whether it stays. */
MESO_FUNCTION int contact_renew(const bundle_contacts *c, const renewal *r, uint source, uint s, uint place,
                                uint rank)
{
    if (rule_turns(c->l.e.rule))
        contact_turn(c, r, s, contact_words(c, source, place, rank, r, 0u));
    if (!c->s.prunes || !contact_may_go(c, s))
        return 1;
    return !c->s.prunes_at_once && contact_words(c, source, place, rank, r, 1u).x >= r->goes_below;
}

/* Those that stay move together, in their order. */
MESO_FUNCTION void row_renew(const bundle_contacts *c, const renewal *r, uint row, uint source)
{
    const uint begin = c->l.to.row_offsets[row], end = begin + c->l.rows[row].n;
    const uint mask = (1u << c->l.e.local_bits) - 1u;
    uint to = begin, last = MESO_NEVER, rank = 0u;
    for (uint s = begin; s < end; s++) {
        const uint place = *word_at(c, 0u, s);
        rank = place == last ? rank + 1u : 0u;
        last = place;
        if (!contact_renew(c, r, source, s, place, rank)) {
            MESO_FETCH_ADD(&c->indegrees[place & mask], 0xffffffffu);
            continue;
        }
        if (to != s)
            contact_copy(c, s, to);
        to++;
    }
    c->l.rows[row].n = to - begin;
    if (to != end)
        MESO_FETCH_ADD(c->pruned, end - to);
}

/* --- formation ----------------------------------------------------------------------------------------- */

/* A Poisson number, by its upper tails, summed from the small end: rare counts are as likely as they should be. */
MESO_FUNCTION uint poisson_of(float mean, uint word)
{
    float terms[MESO_POISSON_TERMS];
    terms[0] = meso_exp(-mean);
    for (uint k = 1u; k < MESO_POISSON_TERMS; k++)
        terms[k] = terms[k - 1u] * mean * meso_reciprocal((float)k);
    float tail = 0.0f;
    for (uint k = MESO_POISSON_TERMS - 1u; k > 0u; k--) {
        tail += terms[k];
        const uint threshold = tail >= 1.0f ? 0xffffffffu : (uint)(tail * 4294967296.0f);
        if (word < threshold)
            return k;
    }
    return 0u;
}

MESO_FUNCTION uint births_of(float mean, meso_words key)
{
    const uint n_draws = (uint)(mean * (1.0f / MESO_POISSON_MOST)) + 1u;
    const float of_draw = mean * meso_reciprocal((float)n_draws);
    uint n = 0u;
    for (uint k = 0; mean > 0.0f && k < n_draws; k++)
        n += poisson_of(of_draw, meso_threefry(key.x, key.y, k, 0u).x);
    return n;
}

/* Whether sorted contacts of a row have this place word. */
MESO_FUNCTION int row_has(const bundle_contacts *c, uint row, uint place)
{
    uint low = c->l.to.row_offsets[row], high = low + c->l.rows[row].n;
    const uint end = high;
    while (low < high) {
        const uint middle = low + (high - low) / 2u;
        if (*word_at(c, 0u, middle) < place)
            low = middle + 1u;
        else
            high = middle;
    }
    return low < end && *word_at(c, 0u, low) == place;
}

/* The source that birth k of a target draws. */
MESO_FUNCTION uint birth_source(const bundle_contacts *c, meso_words key, uint k, uint target, uint *values)
{
    const meso_words w = meso_threefry(key.x, key.y, k, 1u);
    const uint partner = edges_below(w.x, c->s.n_sources - c->s.same);
    *values = w.y;
    return c->s.same && partner >= target ? partner + 1u : partner;
}

/* Was it drawn by an earlier birth of this update? */
MESO_FUNCTION int drawn_before(const bundle_contacts *c, meso_words key, uint k, uint target, uint source)
{
    uint values;
    for (uint before = 0; before < k; before++)
        if (birth_source(c, key, before, target, &values) == source)
            return 1;
    return 0;
}

/* Its contents are drawn as those of the first contacts were. */
MESO_FUNCTION void contact_make(const bundle_contacts *c, uint s, uint place, uint target, uint values)
{
    const float weight = c->weights[values >> 20];
    *word_at(c, 0u, s) = place;
    *word_at(c, 1u, s) = as_uint(weight);
    for (uint a = 2u; a < c->n_arrays; a++)
        *word_at(c, a, s) = 0u;
    for (uint k = 0; k < c->s.n_contents; k++)
        *word_at(c, 2u + c->contents[k].state, s) =
            as_uint(content_begin(&c->contents[k], c->strengths, target, values, weight));
}

/* Behind the contacts of its row, in any order. */
MESO_FUNCTION void contact_form(const bundle_contacts *c, uint row, uint place, uint target, uint target_cell,
                                uint values)
{
    const uint first = c->l.to.row_offsets[row], n_places = c->l.to.row_offsets[row + 1u] - first;
    if (c->indegrees[target_cell] >= c->s.most_contacts) {
        contacts_fail(c, MESO_FAILED_TARGET_FULL, c->s.most_contacts);
        return;
    }
    const uint at = c->l.rows[row].n + MESO_NEXT(&c->l.rows[row].n_new);
    if (at >= n_places) {
        contacts_fail(c, MESO_FAILED_ROW_FULL, n_places);
        return;
    }
    contact_make(c, first + at, place, target, values);
    c->indegrees[target_cell]++; /* of this item's own target */
    MESO_NEXT(c->formed);
}

/* Its new contacts in the delay group at hand. */
MESO_FUNCTION void target_form(const bundle_contacts *c, const renewal *r, __global const chunk_entry *sources,
                               uint target, uint target_cell)
{
    const meso_words key = meso_threefry(c->s.birth0, c->s.birth1, target, r->number);
    const uint n = births_of(r->births, key);
    for (uint k = 0; k < n; k++) {
        uint values;
        const uint source = birth_source(c, key, k, target, &values);
        const uint late = c->delays[(values >> 8) & (MESO_QUANTILES - 1u)];
        const uint group = (uint)((late * c->s.per_group) >> 32);
        if (group - c->first_group != r->group)
            continue;
        const chunk_entry chunk = sources[source >> c->source_chunk_shift];
        const uint row = contacts_row(c, &chunk, source & ((1u << c->source_chunk_shift) - 1u), r->group);
        const uint place = (late - group * c->s.group_steps) << c->l.e.local_bits | target_cell;
        if (row == MESO_NEVER)
            continue;
        if (c->s.multapses || !(row_has(c, row, place) || drawn_before(c, key, k, target, source)))
            contact_form(c, row, place, target, target_cell, values);
    }
}

/* New contacts take their places; those that are like them stand before them. */
MESO_FUNCTION void row_settle(const bundle_contacts *c, uint row)
{
    const uint begin = c->l.to.row_offsets[row], first = begin + c->l.rows[row].n;
    const uint end = min(first + c->l.rows[row].n_new, c->l.to.row_offsets[row + 1u]);
    uint words[MESO_ARRAYS_MOST];
    if (first == end)
        return;
    contacts_sort(c, first, end);
    for (uint s = first; s < end; s++) {
        uint at = s;
        contact_take(c, s, words);
        for (; at > begin && *word_at(c, 0u, at - 1u) > words[0]; at--)
            contact_copy(c, at - 1u, at);
        contact_put(c, at, words);
    }
    c->l.rows[row].n = end - begin;
    c->l.rows[row].n_new = 0u;
}

/* --- rows and targets of a partition ------------------------------------------------------------------- */

#define MESO_BEGIN 0
#define MESO_RENEW 1
#define MESO_SETTLE 2

MESO_FUNCTION void rows_do(const bundle_contacts *c, const renewal *r, __global const chunk_entry *sources,
                           int what)
{
    for (uint k = 0; k < c->source_n_chunks; k++) {
        const chunk_entry chunk = sources[k];
        for (uint i = (uint)get_local_id(0); i < chunk.n; i += (uint)get_local_size(0)) {
            const uint row = contacts_row(c, &chunk, i, r->group);
            if (row == MESO_NEVER)
                continue;
            if (what == MESO_BEGIN)
                row_begin(c, row);
            else if (what == MESO_RENEW)
                row_renew(c, r, row, chunk.first + i);
            else
                row_settle(c, row);
        }
    }
    MESO_BARRIER();
}

MESO_FUNCTION void targets_form(const bundle_contacts *c, const renewal *r, __global const chunk_entry *chunks)
{
    __global const chunk_entry *sources = chunks + c->source_first_chunk;
    for (uint k = 0; k < c->target_n_chunks; k++) {
        const chunk_entry chunk = chunks[c->target_first_chunk + k];
        if (chunk.partition != c->l.to.partition)
            continue;
        for (uint i = (uint)get_local_id(0); i < chunk.n; i += (uint)get_local_size(0))
            target_form(c, r, sources, chunk.first + i, chunk.local_first + i);
    }
    MESO_BARRIER();
}

/* Probability that one which may go does so, of 2^32. */
MESO_FUNCTION uint hazard_threshold(float hazard)
{
    const float x = fmax(hazard, 0.0f), p = x * meso_exprel(-x);
    return p >= 1.0f ? 0xffffffffu : (uint)(p * 4294967296.0f);
}

MESO_FUNCTION renewal renewal_of(const structure_entry *s, __global const float *field, uint group,
                                 uint number)
{
    renewal r;
    r.group = group;
    r.number = number;
    r.signal = s->signal != MESO_NEVER ? field[s->signal] : 0.0f;
    r.goes_below = hazard_threshold(fma(s->hazard_gain, r.signal, s->hazard));
    r.births = fmin(fmax(fma(s->births_gain, r.signal, s->births), 0.0f), (float)s->most_contacts);
    return r;
}

/* The groups of a bundle whose update is due in this batch. */
MESO_FUNCTION void bundle_renew(const learning_memory *m, const structure_memory *x, const network_entry *n,
                                const bundle_entry *q, uint partition, ulong batch, float dt_ms)
{
    learner l = learner_of(m, n, q, partition, batch, dt_ms);
    if (l.e.structure == MESO_NEVER)
        return;
    for (uint g = 0; g < q->n_groups; g++) {
        const uint back = 1u + (q->first_group + g) * n->batches_per_group;
        const uint time = back < batch ? (uint)((batch - back) * n->batch_steps) : 0u;
        const uint update_steps = x->structures[l.e.structure].update_steps;
        const uint number = time / update_steps;
        if (number == 0u || number * update_steps != time)
            continue;
        l.delay = back * n->batch_steps;
        if (rule_moves(l.e.rule))
            rows_sweep(n, q, &l, g, time);
        const bundle_contacts c = contacts_of(m, x, n, q, &l);
        const renewal r = renewal_of(&c.s, x->field, g, number);
        rows_do(&c, &r, x->chunks + c.source_first_chunk, MESO_RENEW);
        if (!c.s.forms)
            continue;
        targets_form(&c, &r, x->chunks);
        rows_do(&c, &r, x->chunks + c.source_first_chunk, MESO_SETTLE);
    }
}

#define MESO_CONTACTS_ARGUMENTS                                                                               \
    float dt_ms, __global const network_entry *network, __global const population_entry *populations,         \
        __global const bundle_entry *bundles, __global const learning_entry *learnings,                       \
        __global const float *constants, __global const uint *row_offsets, __global uint *synapses0,          \
        __global uint *synapses1, __global uint *synapses2, __global uint *synapses3, __global int *ring,     \
        __global float *field, __global post_event *events, __global latest_event *latest,                    \
        __global float *levels, __global row_state *rows, __global uint *pending,                             \
        __global const structure_entry *structures, __global const chunk_entry *chunks,                       \
        __global const ushort *delays, __global const float *weights,                                         \
        __global const content_entry *contents, __global const int *strengths, __global uint *indegrees,      \
        __global uint *tallies, __global uint *status
#define MESO_CONTACTS_MEMORY                                                                                  \
    const learning_memory m = {.network = network,                                                            \
                               .populations = populations,                                                    \
                               .bundles = bundles,                                                            \
                               .learnings = learnings,                                                        \
                               .constants = constants,                                                        \
                               .row_offsets = row_offsets,                                                    \
                               .synapses = {synapses0, synapses1, synapses2, synapses3},                      \
                               .ring = ring,                                                                  \
                               .field = field,                                                                \
                               .events = events,                                                              \
                               .latest = latest,                                                              \
                               .levels = levels,                                                              \
                               .rows = rows,                                                                  \
                               .pending = pending,                                                            \
                               .status = status};                                                             \
    const structure_memory x = {structures, chunks,    delays,    weights, contents,                          \
                                strengths,  indegrees, tallies,   field};                                     \
    const network_entry n = *network;                                                                         \
    const uint partition = (uint)get_group_id(0);

/* Rows as they were made: their order, ages and in-degrees. */
__kernel void contacts_begin(MESO_CONTACTS_ARGUMENTS)
{
    MESO_CONTACTS_MEMORY
    for (uint i = 0; i < n.n_bundles; i++) {
        const bundle_entry q = bundles[i];
        if (q.storage != MESO_LEARNED || learnings[q.learning].structure == MESO_NEVER)
            continue;
        const learner l = learner_of(&m, &n, &q, partition, 0ul, dt_ms);
        const bundle_contacts c = contacts_of(&m, &x, &n, &q, &l);
        for (uint g = 0; g < q.n_groups; g++) {
            const renewal r = renewal_of(&c.s, field, g, 0u);
            rows_do(&c, &r, chunks + c.source_first_chunk, MESO_BEGIN);
        }
    }
}

__kernel void contacts_update(MESO_CONTACTS_ARGUMENTS, ulong batch)
{
    MESO_CONTACTS_MEMORY
    for (uint i = 0; i < n.n_bundles; i++) {
        const bundle_entry q = bundles[i];
        if (q.storage == MESO_LEARNED)
            bundle_renew(&m, &x, &n, &q, partition, batch, dt_ms);
    }
}
