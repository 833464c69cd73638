#include "protocol/assays/slice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N_SCRATCH 3

/* What changes from moment to moment lies in arrays of their own. */
typedef struct slice_state {
    const slice_quantity *quantities;
    uint32_t n_quantities;
    uint32_t n_cells;
    uint32_t *neurons;          /* [n_cells] */
    uint32_t *numbers;          /* [neurons of the target] among the cells, or MODEL_NONE */
    uint32_t **terminals;       /* [n_pathways][n_presynaptic] columns of their activation */
    double *factors;            /* [n_pathways] what these make of release */
    uint32_t *n_done;           /* moments */
    double *values;             /* [n_moments x n_quantities] */
    double *scratch[N_SCRATCH]; /* [n_cells] */
    double *g_nS[2];            /* [conductances of the target] */
    void *own;                  /* of the method */

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
    uint32_t *columns;
    MESO_TRY(assay_alloc(r, p->n_presynaptic, sizeof *columns, &columns, err));
    s->terminals[pathway] = columns;
    s->factors[pathway] = 1;
    for (uint32_t k = 0; k < p->n_presynaptic; k++) {
        const char *series = arena_printf(r->memory, "terminals.%s.%s.activation", region,
                                          r->e->receptors[p->presynaptic[k].receptor].name);
        if (series == NULL)
            return error_set(err, MESO_MEMORY, "out of memory");
        MESO_TRY(assay_column(r, series, &columns[k], err));
    }
    return MESO_OK;
}

static meso_status arrays_alloc(assay_run *r, slice_state *s, meso_error *err)
{
    const slice *plan = &r->assay->slice;
    const uint32_t n = r->e->populations[plan->target].n_conductances;
    const size_t n_values = (size_t)plan->n_moments * s->n_quantities;
    MESO_TRY(assay_alloc(r, plan->n_pathways, sizeof *s->terminals, &s->terminals, err));
    MESO_TRY(assay_alloc(r, plan->n_pathways, sizeof *s->factors, &s->factors, err));
    MESO_TRY(assay_alloc(r, 1, sizeof *s->n_done, &s->n_done, err));
    MESO_TRY(assay_alloc(r, n_values, sizeof *s->values, &s->values, err));
    for (int i = 0; i < N_SCRATCH; i++)
        MESO_TRY(assay_alloc(r, s->n_cells, sizeof(double), &s->scratch[i], err));
    for (int i = 0; i < 2; i++)
        MESO_TRY(assay_alloc(r, n, sizeof(double), &s->g_nS[i], err));
    MESO_TRY(assay_remember(r, s->factors, plan->n_pathways * sizeof *s->factors, err));
    MESO_TRY(assay_remember(r, s->values, n_values * sizeof *s->values, err));
    return ASSAY_REMEMBER(r, *s->n_done, err);
}

meso_status slice_begin(assay_run *r, const slice_quantity *quantities, uint32_t n, meso_error *err)
{
    slice_state *s;
    MESO_TRY(assay_alloc(r, 1, sizeof *s, &s, err));
    r->state = s;
    s->quantities = quantities;
    s->n_quantities = n;
    MESO_TRY(cells_draw(r, s, err));
    MESO_TRY(arrays_alloc(r, s, err));
    for (uint32_t i = 0; i < r->assay->slice.n_pathways; i++)
        MESO_TRY(terminals_find(r, s, i, err));
    return MESO_OK;
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

double *slice_scratch(const assay_run *r, unsigned which)
{
    const slice_state *s = r->state;
    return s->scratch[which];
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
            factor *= fmax(0, 1 + p->presynaptic[k].scale * values[s->terminals[i][k]]);
        s->factors[i] = factor;
    }
}

double slice_terminals(const assay_run *r, uint32_t pathway)
{
    const slice_state *s = r->state;
    return s->factors[pathway];
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

void slice_set(assay_run *r, uint32_t moment, uint32_t quantity, double value)
{
    slice_state *s = r->state;
    s->values[(size_t)moment * s->n_quantities + quantity] = value;
    *s->n_done = moment + 1;
}

static double mean_of(const double *values, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += values[i];
    return n > 0 ? sum / n : NAN;
}

void slice_set_mean(assay_run *r, uint32_t moment, uint32_t quantity, const double *values,
                    uint32_t n)
{
    slice_set(r, moment, quantity, mean_of(values, n));
}

void slice_set_estimate(assay_run *r, uint32_t moment, uint32_t quantity, const double *values,
                        uint32_t n)
{
    const double mean = mean_of(values, n);
    double squares = 0;
    for (uint32_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    slice_set(r, moment, quantity, mean);
    slice_set(r, moment, quantity + 1, n > 1 ? sqrt(squares / (n - 1) / n) : NAN);
}

static const char *unit_of(const assay_run *r, const slice_quantity *q)
{
    return q->unit != NULL ? q->unit : r->assay->slice.pathways[0].variable.unit;
}

/* A quantity at all moments that were reached. */
static meso_status course_add(assay_run *r, uint32_t quantity, meso_error *err)
{
    const slice_state *s = r->state;
    const slice_quantity *q = &s->quantities[quantity];
    double *time_s, *values;
    MESO_TRY(assay_alloc(r, *s->n_done, sizeof *time_s, &time_s, err));
    MESO_TRY(assay_alloc(r, *s->n_done, sizeof *values, &values, err));
    for (uint32_t i = 0; i < *s->n_done; i++) {
        time_s[i] = r->assay->slice.moments_h[i] * 3600;
        values[i] = s->values[(size_t)i * s->n_quantities + quantity];
    }
    return assay_add_series(r, q->name, unit_of(r, q), time_s, values, *s->n_done, err);
}

meso_status slice_end(assay_run *r, double ended_s, meso_error *err)
{
    const slice_state *s = r->state;
    (void)ended_s;
    for (uint32_t i = 0; i < *s->n_done; i++)
        for (uint32_t k = 0; k < s->n_quantities; k++)
            MESO_TRY(assay_add(r, s->quantities[k].name, unit_of(r, &s->quantities[k]),
                               r->assay->slice.moments_h[i],
                               s->values[(size_t)i * s->n_quantities + k], err));
    for (uint32_t k = 0; k<s->n_quantities && * s->n_done> 0; k++)
        MESO_TRY(course_add(r, k, err));
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
