#include "protocol/synapse_watch.h"

#include "base/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The columns of a set are in order of source, target and delay, and synapses that have all three in common in the order in
 * which they come. */
typedef struct followed {
    const synapse_set *set;
    uint32_t n;
    uint32_t *first; /* [sources + 1] column of a source's first synapse */
    uint32_t *targets, *delays;
    uint32_t *n_seen; /* of those in common, by the first column, in this reading */
    float *values;    /* [n_variables x n] */
} followed;

struct synapse_watch {
    const experiment *e;
    simulation *sim;
    arena *memory;
    const meso_run_info *info;
    followed *sets; /* [n_synapse_sets] */
};

static meso_status watch_alloc(const synapse_watch *w, size_t n, size_t size, void *out,
                               meso_error *err)
{
    void *memory = arena_alloc(w->memory, n * size + 1);
    memcpy(out, &memory, sizeof memory);
    return memory != NULL ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
}

static float variable_of(const synapse_variable *v, const edge *e)
{
    return v->state == MODEL_NONE ? (float)e->weight : e->states[v->state];
}

/* --- which synapses --------------------------------------------------------------------------- */

typedef struct candidate {
    uint64_t draw; /* uniform; a function of the synapse's ends and delay */
    uint32_t source, target, delay, order;
} candidate;

typedef struct choice {
    const synapse_set *set;
    rng_words key;
    bool *is_source, *is_target;
    candidate *list;
    size_t n, capacity;
    uint32_t n_visited;
    bool failed;
} choice;

static uint64_t draw_of(rng_words key, const edge *e)
{
    const rng_words pair = rng_threefry(key.x, key.y, e->source, e->target);
    const rng_words drawn = rng_threefry(pair.x, pair.y, e->delay_steps, 0);
    return (uint64_t)drawn.x << 32 | drawn.y;
}

static void candidate_add(choice *c, const candidate *one)
{
    if (c->n == c->capacity) {
        const size_t wanted = c->capacity > 0 ? 2 * c->capacity : 1024;
        candidate *longer = realloc(c->list, wanted * sizeof *longer);
        c->failed = c->failed || longer == NULL;
        if (longer == NULL)
            return;
        c->list = longer;
        c->capacity = wanted;
    }
    c->list[c->n++] = *one;
}

static void choice_visit(void *self, const edge *e)
{
    choice *c = self;
    const candidate one = {draw_of(c->key, e), e->source, e->target, e->delay_steps,
                           c->n_visited++};
    if (!c->is_source[e->source] || !c->is_target[e->target])
        return;
    if (c->set->count > 0 || ((double)one.draw + 0.5) * 0x1p-64 < c->set->fraction)
        candidate_add(c, &one);
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int column_compare(const void *left, const void *right)
{
    const candidate *a = left, *b = right;
    if (a->source != b->source)
        return compare(a->source, b->source);
    if (a->target != b->target)
        return compare(a->target, b->target);
    if (a->delay != b->delay)
        return compare(a->delay, b->delay);
    return compare(a->order, b->order);
}

static int draw_compare(const void *left, const void *right)
{
    const candidate *a = left, *b = right;
    return a->draw != b->draw ? compare(a->draw, b->draw) : column_compare(left, right);
}

static bool *members_of(const uint32_t *list, uint32_t n, uint32_t n_neurons)
{
    bool *is_member = calloc(n_neurons + 1, sizeof *is_member);
    for (uint32_t i = 0; is_member != NULL && i < n; i++)
        is_member[list[i]] = true;
    return is_member;
}

static meso_status choice_make(const synapse_watch *w, const synapse_set *s, choice *c,
                               meso_error *err)
{
    const projection *p = &w->e->projections[s->projection];
    *c = (choice){.set = s, .key = rng_stream_key(w->e->seed, "record/synapses/%s", s->name)};
    c->is_source = members_of(s->sources, s->n_sources, w->e->populations[p->source].n_neurons);
    c->is_target = members_of(s->targets, s->n_targets, w->e->populations[p->target].n_neurons);
    if (c->is_source == NULL || c->is_target == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    MESO_TRY(simulation_visit_edges(w->sim, s->projection, choice_visit, c, err));
    if (c->failed || c->n > UINT32_MAX)
        return error_set(err, MESO_MEMORY, "out of memory");
    if (s->count > 0 && s->count < c->n) {
        qsort(c->list, c->n, sizeof *c->list, draw_compare);
        c->n = s->count;
    }
    qsort(c->list, c->n, sizeof *c->list, column_compare);
    return MESO_OK;
}

/* --- what the sinks are told first ------------------------------------------------------------- */

static meso_status variables_describe(const synapse_watch *w, const synapse_variable *v, uint32_t n,
                                      const meso_series_info **out, meso_error *err)
{
    meso_series_info *list;
    MESO_TRY(watch_alloc(w, n, sizeof *list, &list, err));
    for (uint32_t i = 0; i < n; i++)
        list[i] = (meso_series_info){v[i].name, v[i].unit};
    *out = list;
    return MESO_OK;
}

static meso_status columns_fill(const synapse_watch *w, followed *f, const choice *c,
                                meso_synapse_info *info, meso_error *err)
{
    const uint32_t n_sources =
        w->e->populations[w->e->projections[f->set->projection].source].n_neurons;
    uint64_t *source_ids, *target_ids;
    double *delay_ms;
    MESO_TRY(watch_alloc(w, f->n, sizeof *source_ids, &source_ids, err));
    MESO_TRY(watch_alloc(w, f->n, sizeof *target_ids, &target_ids, err));
    MESO_TRY(watch_alloc(w, f->n, sizeof *delay_ms, &delay_ms, err));
    for (uint32_t i = 0; i < f->n; i++) {
        const candidate *one = &c->list[i];
        f->first[one->source + 1]++;
        f->targets[i] = one->target;
        f->delays[i] = one->delay;
        source_ids[i] = one->source;
        target_ids[i] = one->target;
        delay_ms[i] = one->delay * w->e->dt_ms;
    }
    for (uint32_t i = 0; i < n_sources; i++)
        f->first[i + 1] += f->first[i];
    info->source_ids = source_ids;
    info->target_ids = target_ids;
    info->delay_ms = delay_ms;
    return MESO_OK;
}

static meso_status set_describe(const synapse_watch *w, followed *f, const choice *c,
                                meso_synapse_info *info, meso_error *err)
{
    const synapse_set *s = f->set;
    const projection *p = &w->e->projections[s->projection];
    const population *from = &w->e->populations[p->source];
    f->n = (uint32_t)c->n;
    MESO_TRY(watch_alloc(w, from->n_neurons + 1, sizeof *f->first, &f->first, err));
    MESO_TRY(watch_alloc(w, f->n, sizeof *f->targets, &f->targets, err));
    MESO_TRY(watch_alloc(w, f->n, sizeof *f->delays, &f->delays, err));
    MESO_TRY(watch_alloc(w, f->n, sizeof *f->n_seen, &f->n_seen, err));
    MESO_TRY(watch_alloc(w, (size_t)s->n_variables * f->n, sizeof *f->values, &f->values, err));
    *info = (meso_synapse_info){.name = s->name,
                                .projection = p->name,
                                .source = from->name,
                                .target = w->e->populations[p->target].name,
                                .n_synapses = f->n,
                                .n_variables = s->n_variables};
    MESO_TRY(variables_describe(w, s->variables, s->n_variables, &info->variables, err));
    return columns_fill(w, f, c, info, err);
}

meso_status synapse_watch_create(const experiment *e, simulation *sim, arena *memory,
                                 meso_run_info *info, synapse_watch **out, meso_error *err)
{
    const uint32_t n = e->record.n_synapse_sets;
    meso_synapse_info *sets;
    synapse_watch *w = arena_alloc(memory, sizeof *w);
    *out = w;
    if (w == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    *w = (synapse_watch){.e = e, .sim = sim, .memory = memory, .info = info};
    MESO_TRY(watch_alloc(w, n, sizeof *w->sets, &w->sets, err));
    MESO_TRY(watch_alloc(w, n, sizeof *sets, &sets, err));
    for (uint32_t i = 0; i < n; i++) {
        choice c;
        w->sets[i].set = &e->record.synapse_sets[i];
        meso_status status = choice_make(w, w->sets[i].set, &c, err);
        if (status == MESO_OK)
            status = set_describe(w, &w->sets[i], &c, &sets[i], err);
        free(c.is_source);
        free(c.is_target);
        free(c.list);
        MESO_TRY(status);
    }
    info->synapse_sets = sets;
    info->n_synapse_sets = n;
    return MESO_OK;
}

/* --- when -------------------------------------------------------------------------------------- */

static uint64_t field_of(const synapse_watch *w, double time_s)
{
    return (uint64_t)llround(time_s * 1e3 / w->e->field_step_ms);
}

/* Readings are at least a field step apart. */
static uint64_t set_next(const synapse_watch *w, const synapse_set *s, uint64_t field)
{
    const double now_s = (double)field * w->e->field_step_ms * 1e-3;
    const double before = floor((now_s - s->start_s) / s->every_s) - 1;
    for (double k = fmax(before, 0);; k++) {
        const double at_s = s->start_s + k * s->every_s;
        if (at_s > s->stop_s * (1 + 1e-12))
            return UINT64_MAX;
        if (field_of(w, at_s) >= field)
            return field_of(w, at_s);
    }
}

uint64_t synapse_watch_next(const synapse_watch *w, uint64_t field)
{
    const recording *record = &w->e->record;
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < record->n_synapse_sets; i++) {
        const uint64_t at = set_next(w, &record->synapse_sets[i], field);
        next = at < next ? at : next;
    }
    for (uint32_t i = 0; i < record->n_snapshots; i++) {
        const uint64_t at = field_of(w, record->snapshots[i].at_s);
        next = at >= field && at < next ? at : next;
    }
    return next;
}

/* --- sets -------------------------------------------------------------------------------------- */

/* First of a source's columns that is not before this target and delay. */
static uint32_t column_of(const followed *f, const edge *e)
{
    uint32_t low = f->first[e->source], high = f->first[e->source + 1];
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (f->targets[middle] < e->target ||
            (f->targets[middle] == e->target && f->delays[middle] < e->delay_steps))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void followed_visit(void *self, const edge *e)
{
    followed *f = self;
    const uint32_t end = f->first[e->source + 1];
    uint32_t column = column_of(f, e);
    if (column >= end || f->targets[column] != e->target || f->delays[column] != e->delay_steps)
        return;
    column += f->n_seen[column]++;
    if (column >= end || f->targets[column] != e->target || f->delays[column] != e->delay_steps)
        return;
    for (uint32_t v = 0; v < f->set->n_variables; v++)
        f->values[(size_t)v * f->n + column] = variable_of(&f->set->variables[v], e);
}

static meso_status set_read(const synapse_watch *w, followed *f, meso_error *err)
{
    memset(f->n_seen, 0, f->n * sizeof *f->n_seen);
    for (size_t i = 0; i < (size_t)f->set->n_variables * f->n; i++)
        f->values[i] = NAN;
    return simulation_visit_edges(w->sim, f->set->projection, followed_visit, f, err);
}

/* --- snapshots --------------------------------------------------------------------------------- */

typedef struct gathering {
    uint64_t n;
    uint32_t n_variables;
    const synapse_variable *variables;
    uint32_t *sources, *targets, *delays;
    float *values; /* [n x n_variables] */
} gathering;

static void count_visit(void *self, const edge *e)
{
    (void)e;
    ++*(uint64_t *)self;
}

static void gather_visit(void *self, const edge *e)
{
    gathering *g = self;
    g->sources[g->n] = e->source;
    g->targets[g->n] = e->target;
    g->delays[g->n] = e->delay_steps;
    for (uint32_t v = 0; v < g->n_variables; v++)
        g->values[g->n * g->n_variables + v] = variable_of(&g->variables[v], e);
    g->n++;
}

/* One pass of a radix sort: stable. */
static void order_by(const uint32_t *keys, uint32_t n_keys, uint64_t n, const uint64_t *from,
                     uint64_t *to, uint64_t *starts)
{
    memset(starts, 0, (n_keys + 1) * sizeof *starts);
    for (uint64_t i = 0; i < n; i++)
        starts[keys[i] + 1]++;
    for (uint32_t k = 0; k < n_keys; k++)
        starts[k + 1] += starts[k];
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t at = from != NULL ? from[i] : i;
        to[starts[keys[at]]++] = at;
    }
}

/* Synapses of one pair by their delay: they are few. */
static void pairs_sort(const gathering *g, uint64_t *order)
{
    for (uint64_t i = 1; i < g->n; i++) {
        const uint64_t one = order[i];
        uint64_t k = i;
        for (; k > 0; k--) {
            const uint64_t other = order[k - 1];
            if (g->targets[other] != g->targets[one] || g->sources[other] != g->sources[one] ||
                g->delays[other] <= g->delays[one])
                break;
            order[k] = other;
        }
        order[k] = one;
    }
}

/* By target, then source and delay. */
static meso_status order_make(const gathering *g, uint32_t n_sources, uint32_t n_targets,
                              uint64_t **out, meso_error *err)
{
    const uint32_t most = n_sources > n_targets ? n_sources : n_targets;
    uint64_t *order = malloc((g->n + 1) * sizeof *order),
             *spare = malloc((g->n + 1) * sizeof *spare);
    uint64_t *starts = malloc((most + 1) * sizeof *starts);
    const bool complete = order != NULL && spare != NULL && starts != NULL;
    if (complete) {
        order_by(g->sources, n_sources, g->n, NULL, spare, starts);
        order_by(g->targets, n_targets, g->n, spare, order, starts);
        pairs_sort(g, order);
    }
    free(spare);
    free(starts);
    *out = order;
    return complete ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
}

static meso_status gather(const synapse_watch *w, uint32_t projection, gathering *g,
                          meso_error *err)
{
    uint64_t n = 0;
    MESO_TRY(simulation_visit_edges(w->sim, projection, count_visit, &n, err));
    g->sources = malloc((n + 1) * sizeof *g->sources);
    g->targets = malloc((n + 1) * sizeof *g->targets);
    g->delays = malloc((n + 1) * sizeof *g->delays);
    g->values = malloc((n + 1) * g->n_variables * sizeof *g->values);
    if (g->sources == NULL || g->targets == NULL || g->delays == NULL || g->values == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    return simulation_visit_edges(w->sim, projection, gather_visit, g, err);
}

/* The arrays that a sink gets. */
typedef struct edge_arrays {
    uint64_t *source_ids, *target_ids;
    float *delay_ms, *values;
} edge_arrays;

static meso_status arrays_fill(const gathering *g, const uint64_t *order, double dt_ms,
                               edge_arrays *a, meso_error *err)
{
    a->source_ids = malloc((g->n + 1) * sizeof *a->source_ids);
    a->target_ids = malloc((g->n + 1) * sizeof *a->target_ids);
    a->delay_ms = malloc((g->n + 1) * sizeof *a->delay_ms);
    a->values = malloc((g->n + 1) * g->n_variables * sizeof *a->values);
    if (a->source_ids == NULL || a->target_ids == NULL || a->delay_ms == NULL || a->values == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint64_t i = 0; i < g->n; i++) {
        const uint64_t at = order[i];
        a->source_ids[i] = g->sources[at];
        a->target_ids[i] = g->targets[at];
        a->delay_ms[i] = (float)(g->delays[at] * dt_ms);
        for (uint32_t v = 0; v < g->n_variables; v++)
            a->values[v * g->n + i] = g->values[at * g->n_variables + v];
    }
    return MESO_OK;
}

static meso_status edges_tell(const synapse_watch *w, const snapshot *s, const gathering *g,
                              const edge_arrays *a, meso_sink *const *sinks, uint32_t n_sinks,
                              meso_error *err)
{
    const projection *p = &w->e->projections[s->projection];
    const population *from = &w->e->populations[p->source], *to = &w->e->populations[p->target];
    meso_edges edges = {.run = w->info,
                        .projection = p->name,
                        .source = from->name,
                        .target = to->name,
                        .n_sources = from->n_neurons,
                        .n_targets = to->n_neurons,
                        .time_s = (double)field_of(w, s->at_s) * w->e->field_step_ms * 1e-3,
                        .n = g->n,
                        .source_ids = a->source_ids,
                        .target_ids = a->target_ids,
                        .delay_ms = a->delay_ms,
                        .n_variables = g->n_variables,
                        .values = a->values};
    MESO_TRY(variables_describe(w, g->variables, g->n_variables, &edges.variables, err));
    for (uint32_t i = 0; i < n_sinks; i++)
        if (sinks[i]->edges != NULL)
            MESO_TRY(sinks[i]->edges(sinks[i]->self, &edges, err));
    return MESO_OK;
}

static meso_status snapshot_take(const synapse_watch *w, const snapshot *s, meso_sink *const *sinks,
                                 uint32_t n_sinks, meso_error *err)
{
    const projection *p = &w->e->projections[s->projection];
    const uint32_t n_sources = w->e->populations[p->source].n_neurons;
    const uint32_t n_targets = w->e->populations[p->target].n_neurons;
    gathering g = {.n_variables = s->n_variables, .variables = s->variables};
    edge_arrays a = {0};
    uint64_t *order = NULL;
    meso_status status;
    MESO_GO(gather(w, s->projection, &g, err));
    MESO_GO(order_make(&g, n_sources, n_targets, &order, err));
    MESO_GO(arrays_fill(&g, order, w->e->dt_ms, &a, err));
    MESO_GO(edges_tell(w, s, &g, &a, sinks, n_sinks, err));
done:
    free(order);
    free(g.sources);
    free(g.targets);
    free(g.delays);
    free(g.values);
    free(a.source_ids);
    free(a.target_ids);
    free(a.delay_ms);
    free(a.values);
    return status;
}

/* --- all that is due --------------------------------------------------------------------------- */

meso_status synapse_watch_read(synapse_watch *w, uint64_t field, meso_sink *const *sinks,
                               uint32_t n_sinks, meso_error *err)
{
    const recording *record = &w->e->record;
    const double time_s = (double)field * w->e->field_step_ms * 1e-3;
    for (uint32_t i = 0; i < record->n_synapse_sets; i++) {
        if (set_next(w, &record->synapse_sets[i], field) != field)
            continue;
        MESO_TRY(set_read(w, &w->sets[i], err));
        for (uint32_t k = 0; k < n_sinks; k++)
            if (sinks[k]->synapses != NULL)
                MESO_TRY(sinks[k]->synapses(sinks[k]->self, i, time_s, w->sets[i].values, err));
    }
    for (uint32_t i = 0; i < record->n_snapshots; i++)
        if (field_of(w, record->snapshots[i].at_s) == field)
            MESO_TRY(snapshot_take(w, &record->snapshots[i], sinks, n_sinks, err));
    return MESO_OK;
}
