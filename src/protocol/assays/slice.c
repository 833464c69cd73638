#include "protocol/assays/slice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A quantity's value at each moment so far. */
typedef struct course {
    const char *quantity, *unit;
    double *time_s, *values; /* [n_moments] */
    uint32_t n;
} course;

#define MOST_COURSES 16

/* Columns of the time line with the activation of receptors on a pathway's terminals. */
typedef struct terminal_columns {
    uint32_t *columns; /* [n_presynaptic] */
    double factor;
} terminal_columns;

typedef struct slice_state {
    uint32_t n_cells;
    uint32_t *neurons;           /* [n_cells] */
    uint32_t *numbers;           /* [neurons of the target] among the cells, or MODEL_NONE */
    terminal_columns *terminals; /* [n_pathways] */
    course courses[MOST_COURSES];
    uint32_t n_courses;
    double *g_nS[2];
    void *own; /* of the method */

    contact *contacts;
    uint64_t *first; /* [n_cells + 1] */
    uint64_t n_contacts, capacity;
    uint32_t pathway, n_visited;
    bool failed;
} slice_state;

/* --- begin ------------------------------------------------------------------------------------- */

typedef struct drawn_cell {
    rng_words draw;
    uint32_t neuron;
} drawn_cell;

static int draw_compare(const void *left, const void *right)
{
    const drawn_cell *a = left, *b = right;
    if (a->draw.x != b->draw.x)
        return a->draw.x < b->draw.x ? -1 : 1;
    if (a->draw.y != b->draw.y)
        return a->draw.y < b->draw.y ? -1 : 1;
    return (a->neuron > b->neuron) - (a->neuron < b->neuron);
}

/* The cells of all moments. */
static meso_status cells_draw(assay_run *r, slice_state *s, meso_error *err)
{
    const uint32_t n = r->e->populations[r->assay->slice.target].n_neurons;
    const rng_words key = rng_stream_key(r->e->seed, "assay/%s/cells", r->assay->name);
    drawn_cell *cells;
    s->n_cells = r->assay->slice.n_cells < n ? r->assay->slice.n_cells : n;
    MESO_TRY(assay_alloc(r, n, sizeof *cells, &cells, err));
    MESO_TRY(assay_alloc(r, n, sizeof *s->numbers, &s->numbers, err));
    MESO_TRY(assay_alloc(r, s->n_cells, sizeof *s->neurons, &s->neurons, err));
    MESO_TRY(assay_alloc(r, s->n_cells + 1, sizeof *s->first, &s->first, err));
    for (uint32_t i = 0; i < n; i++) {
        cells[i] = (drawn_cell){rng_threefry(key.x, key.y, i, 0), i};
        s->numbers[i] = MODEL_NONE;
    }
    qsort(cells, n, sizeof *cells, draw_compare);
    for (uint32_t i = 0; i < s->n_cells; i++)
        s->numbers[cells[i].neuron] = 0;
    for (uint32_t i = 0, k = 0; i < n; i++)
        if (s->numbers[i] != MODEL_NONE) {
            s->neurons[k] = i;
            s->numbers[i] = k++;
        }
    return MESO_OK;
}

static meso_status terminals_find(assay_run *r, slice_state *s, uint32_t pathway, meso_error *err)
{
    const projection *p = &r->e->projections[r->assay->slice.pathways[pathway].projection];
    const char *region = r->e->populations[p->target].region;
    terminal_columns *t = &s->terminals[pathway];
    t->factor = 1;
    MESO_TRY(assay_alloc(r, p->n_presynaptic, sizeof *t->columns, &t->columns, err));
    for (uint32_t k = 0; k < p->n_presynaptic; k++) {
        const char *series = arena_printf(r->memory, "terminals.%s.%s.activation", region,
                                          r->e->receptors[p->presynaptic[k].receptor].name);
        if (series == NULL)
            return error_set(err, MESO_MEMORY, "out of memory");
        MESO_TRY(assay_column(r, series, &t->columns[k], err));
    }
    return MESO_OK;
}

meso_status slice_begin(assay_run *r, meso_error *err)
{
    const slice *plan = &r->assay->slice;
    slice_state *s;
    MESO_TRY(assay_alloc(r, 1, sizeof *s, &s, err));
    r->state = s;
    MESO_TRY(assay_alloc(r, plan->n_pathways, sizeof *s->terminals, &s->terminals, err));
    for (uint32_t i = 0; i < plan->n_pathways; i++)
        MESO_TRY(terminals_find(r, s, i, err));
    const uint32_t n = r->e->populations[plan->target].n_conductances;
    for (int i = 0; i < 2; i++)
        MESO_TRY(assay_alloc(r, n, sizeof(double), &s->g_nS[i], err));
    return cells_draw(r, s, err);
}

void slice_destroy(assay_run *r)
{
    slice_state *s = r->state;
    if (s != NULL)
        free(s->contacts);
}

void *slice_own(const assay_run *r)
{
    const slice_state *s = r->state;
    return s->own;
}

void slice_keep(assay_run *r, void *own)
{
    slice_state *s = r->state;
    s->own = own;
}

double *clamp_closed(assay_run *r, unsigned set)
{
    slice_state *s = r->state;
    const uint32_t n = r->e->populations[r->assay->slice.target].n_conductances;
    memset(s->g_nS[set], 0, n * sizeof(double));
    return s->g_nS[set];
}

/* --- terminals --------------------------------------------------------------------------------- */

void slice_row(assay_run *r, double middle_s, const double *values)
{
    slice_state *s = r->state;
    (void)middle_s;
    for (uint32_t i = 0; i < r->assay->slice.n_pathways; i++) {
        const projection *p = &r->e->projections[r->assay->slice.pathways[i].projection];
        double factor = 1;
        for (uint32_t k = 0; k < p->n_presynaptic; k++)
            factor *= fmax(0, 1 + p->presynaptic[k].scale * values[s->terminals[i].columns[k]]);
        s->terminals[i].factor = factor;
    }
}

double slice_terminals(const assay_run *r, uint32_t pathway)
{
    const slice_state *s = r->state;
    return s->terminals[pathway].factor;
}

bool slice_fires(const assay_run *r, const contact *c)
{
    const rng_words key = rng_stream_key(r->e->seed, "assay/%s/axons", r->assay->name);
    return rng_uniform(rng_threefry(key.x, key.y, c->pathway, c->source).x) < r->assay->share;
}

/* --- contacts ---------------------------------------------------------------------------------- */

static contact *contact_place(slice_state *s)
{
    if (s->n_contacts == s->capacity) {
        const uint64_t wanted = s->capacity > 0 ? 2 * s->capacity : 256;
        contact *longer = realloc(s->contacts, wanted * sizeof *longer);
        s->failed = s->failed || longer == NULL;
        if (longer == NULL)
            return NULL;
        s->contacts = longer;
        s->capacity = wanted;
    }
    return &s->contacts[s->n_contacts++];
}

static void contact_visit(void *self, const edge *e)
{
    slice_state *s = self;
    const uint32_t order = s->n_visited++;
    contact *c = s->numbers[e->target] != MODEL_NONE ? contact_place(s) : NULL;
    if (c == NULL)
        return;
    *c = (contact){.cell = s->numbers[e->target],
                   .pathway = s->pathway,
                   .source = e->source,
                   .delay = e->delay_steps,
                   .order = order,
                   .weight = (float)e->weight};
    for (uint32_t k = 0; k < e->n_states; k++)
        c->states[k] = e->states[k];
}

static int ascend(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int contact_compare(const void *left, const void *right)
{
    const contact *a = left, *b = right;
    if (a->cell != b->cell)
        return ascend(a->cell, b->cell);
    if (a->pathway != b->pathway)
        return ascend(a->pathway, b->pathway);
    if (a->source != b->source)
        return ascend(a->source, b->source);
    return a->delay != b->delay ? ascend(a->delay, b->delay) : ascend(a->order, b->order);
}

meso_status slice_look(assay_run *r, simulation *sim, slice_cells *out, meso_error *err)
{
    slice_state *s = r->state;
    s->n_contacts = 0;
    for (s->pathway = 0; s->pathway < r->assay->slice.n_pathways; s->pathway++) {
        s->n_visited = 0;
        MESO_TRY(simulation_visit_edges(sim, r->assay->slice.pathways[s->pathway].projection,
                                        contact_visit, s, err));
    }
    if (s->failed)
        return error_set(err, MESO_MEMORY, "out of memory");
    if (s->n_contacts > 0)
        qsort(s->contacts, s->n_contacts, sizeof *s->contacts, contact_compare);
    memset(s->first, 0, (s->n_cells + 1) * sizeof *s->first);
    for (uint64_t i = 0; i < s->n_contacts; i++)
        s->first[s->contacts[i].cell + 1]++;
    for (uint32_t i = 0; i < s->n_cells; i++)
        s->first[i + 1] += s->first[i];
    *out = (slice_cells){s->n_cells, s->neurons, s->contacts, s->first};
    return MESO_OK;
}

/* --- results ----------------------------------------------------------------------------------- */

static meso_status course_find(assay_run *r, const char *quantity, const char *unit, course **out,
                               meso_error *err)
{
    slice_state *s = r->state;
    uint32_t i = 0;
    while (i < s->n_courses && strcmp(s->courses[i].quantity, quantity) != 0)
        i++;
    *out = &s->courses[i];
    if (i < s->n_courses)
        return MESO_OK;
    **out = (course){.quantity = quantity, .unit = unit};
    s->n_courses++;
    MESO_TRY(assay_alloc(r, r->assay->slice.n_moments, sizeof(double), &(*out)->time_s, err));
    return assay_alloc(r, r->assay->slice.n_moments, sizeof(double), &(*out)->values, err);
}

meso_status slice_add(assay_run *r, uint32_t moment, const char *quantity, const char *unit,
                      double value, meso_error *err)
{
    const double time_h = r->assay->slice.moments_h[moment];
    course *c;
    MESO_TRY(course_find(r, quantity, unit, &c, err));
    c->time_s[c->n] = time_h * 3600;
    c->values[c->n++] = value;
    return assay_add(r, quantity, unit, time_h, value, err);
}

meso_status slice_add_mean(assay_run *r, uint32_t moment, const char *quantity, const char *sem,
                           const char *unit, const double *values, uint32_t n, meso_error *err)
{
    double mean = 0, squares = 0;
    for (uint32_t i = 0; i < n; i++)
        mean += values[i] / n;
    for (uint32_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    MESO_TRY(slice_add(r, moment, quantity, unit, n > 0 ? mean : NAN, err));
    if (sem == NULL)
        return MESO_OK;
    return slice_add(r, moment, sem, unit, n > 1 ? sqrt(squares / (n - 1) / n) : NAN, err);
}

meso_status slice_end(assay_run *r, double ended_s, meso_error *err)
{
    slice_state *s = r->state;
    (void)ended_s;
    for (uint32_t i = 0; i < s->n_courses; i++) {
        const course *c = &s->courses[i];
        MESO_TRY(assay_add_series(r, c->quantity, c->unit, c->time_s, c->values, c->n, err));
    }
    return MESO_OK;
}

/* --- random numbers ---------------------------------------------------------------------------- */

slice_draws slice_draws_of(const assay_run *r, uint32_t moment, uint32_t neuron)
{
    return (slice_draws){.key = rng_stream_key(r->e->seed, "assay/%s/%u", r->assay->name, moment),
                         .neuron = neuron};
}

double slice_uniform(slice_draws *d)
{
    return rng_uniform(rng_threefry(d->key.x, d->key.y, d->neuron, d->n++).x);
}

double slice_normal(slice_draws *d)
{
    return rng_normal_quantile(slice_uniform(d));
}
