#include "protocol/assays/assays.h"

#include "base/text.h"
#include "protocol/assays/method.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const assay_method *const methods[] = {
    [ASSAY_MICRODIALYSIS] = &microdialysis_method,
    [ASSAY_VOLTAMMETRY] = &voltammetry_method,
    [ASSAY_PET] = &pet_method,
    [ASSAY_EVOKED_CURRENT] = &evoked_current_method,
    [ASSAY_UNITS] = &units_method,
    [ASSAY_SIGNAL] = &signal_method,
    [ASSAY_TRANSIENTS] = &transients_method,
    [ASSAY_MEMBRANE_STATES] = &membrane_states_method,
    [ASSAY_AMPA_NMDA_RATIO] = &ampa_nmda_ratio_method,
    [ASSAY_SILENT_SYNAPSES] = &silent_synapses_method,
    [ASSAY_MEPSC] = &mepsc_method,
    [ASSAY_PAIRED_PULSE_RATIO] = &paired_pulse_ratio_method,
    [ASSAY_WEIGHT_DISTRIBUTION] = &weight_distribution_method,
    [ASSAY_CONTACTS] = &contacts_method,
};

/* A moment whose drug levels a probe will have. */
typedef struct moment {
    uint64_t field;
    uint32_t run; /* index of the assay */
    double at_s;
    double *level_nM; /* [n_drugs] */
} moment;

struct assays {
    const experiment *e;
    arena *memory;
    assay_run *runs; /* [n_assays] */
    moment *moments; /* [n_moments] in order of time */
    uint32_t n_moments, n_reached;
    uint64_t field;
    result_list results;
    memory_list memories;
};

/* --- creation --------------------------------------------------------------------------------- */

static uint32_t probes_of(const assay *a, double duration_s)
{
    if (methods[a->kind]->probe == NULL)
        return 0;
    return a->every_s > 0 ? 1 + (uint32_t)floor((duration_s - a->at_s) / a->every_s + 1e-9) : 1;
}

static int earlier(const void *a, const void *b)
{
    const moment *one = a, *other = b;
    if (one->field != other->field)
        return one->field < other->field ? -1 : 1;
    return (one->run > other->run) - (one->run < other->run);
}

static meso_status moments_create(assays *all, meso_error *err)
{
    const experiment *e = all->e;
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n_assays; i++)
        n += probes_of(&e->assays[i], e->duration_s);
    all->moments = arena_alloc(all->memory, (n + 1) * sizeof *all->moments);
    if (all->moments == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < e->n_assays; i++) {
        const assay *a = &e->assays[i];
        for (uint32_t k = 0; k < probes_of(a, e->duration_s); k++) {
            moment *m = &all->moments[all->n_moments++];
            m->run = i;
            m->at_s = a->at_s + k * a->every_s;
            m->field = (uint64_t)llround(m->at_s * 1e3 / e->field_step_ms);
            m->level_nM = arena_alloc(all->memory, (e->n_drugs + 1) * sizeof *m->level_nM);
            if (m->level_nM == NULL)
                return error_set(err, MESO_MEMORY, "out of memory");
        }
    }
    qsort(all->moments, all->n_moments, sizeof *all->moments, earlier);
    return MESO_OK;
}

static meso_status run_begin(assay_run *r, const assay_method *m, meso_error *err)
{
    const uint32_t before = r->memories->n;
    if (m->begin != NULL)
        MESO_TRY(m->begin(r, err));
    if ((m->spikes || m->frames || m->row || m->look) && r->memories->n == before)
        return error_set(err, MESO_INTERNAL, "assay '%s' does not say what it remembers",
                         r->assay->name);
    return MESO_OK;
}

static meso_status runs_begin(assays *all, const meso_run_info *info, meso_error *err)
{
    const experiment *e = all->e;
    for (uint32_t i = 0; i < e->n_assays; i++) {
        const assay *a = &e->assays[i];
        all->runs[i] = (assay_run){.assay = a,
                                   .e = e,
                                   .info = info,
                                   .row_s = e->record.timeline_interval_ms * 1e-3,
                                   .memory = all->memory,
                                   .results = &all->results,
                                   .memories = &all->memories,
                                   .index = i};
        const meso_status status = run_begin(&all->runs[i], methods[a->kind], err);
        if (status != MESO_OK)
            return error_prepend(err, status, "%s", a->place);
    }
    return MESO_OK;
}

meso_status assays_create(const experiment *e, const meso_run_info *info, assays **out,
                          meso_error *err)
{
    assays *all = calloc(1, sizeof *all);
    *out = all;
    if (all == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    all->e = e;
    all->memory = arena_create();
    all->runs = all->memory != NULL
                    ? arena_alloc(all->memory, (e->n_assays + 1) * sizeof *all->runs)
                    : NULL;
    if (all->runs == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    MESO_TRY(moments_create(all, err));
    return runs_begin(all, info, err);
}

void assays_destroy(assays **out)
{
    assays *all = *out;
    if (all == NULL)
        return;
    for (uint32_t i = 0; all->runs != NULL && i < all->e->n_assays; i++)
        if (methods[all->e->assays[i].kind]->destroy != NULL)
            methods[all->e->assays[i].kind]->destroy(&all->runs[i]);
    free(all->results.values);
    free(all->results.series);
    free(all->memories.blocks);
    arena_destroy(&all->memory);
    free(all);
    *out = NULL;
}

/* --- what happens meanwhile ------------------------------------------------------------------- */

/* A moment at the very end has the levels of the last field step. */
void assays_levels(assays *all, const float *free_nM)
{
    const uint64_t n_fields = (uint64_t)llround(all->e->duration_s * 1e3 / all->e->field_step_ms);
    const bool last = all->field + 1 == n_fields;
    while (all->n_reached < all->n_moments &&
           (all->moments[all->n_reached].field <= all->field || last)) {
        moment *m = &all->moments[all->n_reached++];
        for (uint32_t d = 0; d < all->e->n_drugs; d++)
            m->level_nM[d] = free_nM[d];
    }
    all->field++;
}

void assays_spikes(assays *all, const meso_spike *spikes, uint64_t n)
{
    for (uint32_t i = 0; i < all->e->n_assays; i++) {
        const assay_method *m = methods[all->runs[i].assay->kind];
        if (m->spikes != NULL)
            m->spikes(&all->runs[i], spikes, n);
    }
}

void assays_frames(assays *all, uint32_t report, const float *data, uint32_t n_frames)
{
    for (uint32_t i = 0; i < all->e->n_assays; i++) {
        const assay_method *m = methods[all->runs[i].assay->kind];
        if (m->frames != NULL)
            m->frames(&all->runs[i], report, data, n_frames);
    }
}

void assays_row(assays *all, double time_s, const double *values)
{
    for (uint32_t i = 0; i < all->e->n_assays; i++) {
        const assay_method *m = methods[all->runs[i].assay->kind];
        if (m->row != NULL)
            m->row(&all->runs[i], time_s - all->runs[i].row_s / 2, values);
    }
}

static uint64_t look_field(const assays *all, const assay *a, uint32_t moment)
{
    return (uint64_t)llround(a->slice.moments_s[moment] * 1e3 / all->e->field_step_ms);
}

uint64_t assays_next(const assays *all, uint64_t field)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < all->e->n_assays; i++)
        for (uint32_t k = 0; k < all->e->assays[i].slice.n_moments; k++) {
            const uint64_t at = look_field(all, &all->e->assays[i], k);
            next = at >= field && at < next ? at : next;
        }
    return next;
}

meso_status assays_look(assays *all, simulation *sim, uint64_t field, meso_error *err)
{
    for (uint32_t i = 0; i < all->e->n_assays; i++) {
        assay_run *r = &all->runs[i];
        for (uint32_t k = 0; k < r->assay->slice.n_moments; k++) {
            if (look_field(all, r->assay, k) != field)
                continue;
            const meso_status status = methods[r->assay->kind]->look(r, sim, k, err);
            if (status != MESO_OK)
                return error_prepend(err, status, "%s", r->assay->place);
        }
    }
    return MESO_OK;
}

/* --- restart ---------------------------------------------------------------------------------- */

bool assays_have_probes(const assays *all)
{
    return all->n_moments > 0;
}

meso_status assays_state(assays *all, const meso_state_visitor *v, meso_error *err)
{
    MESO_TRY(STATE_VALUE(v, all->field, err, "assays/field step"));
    MESO_TRY(STATE_VALUE(v, all->n_reached, err, "assays/moments reached"));
    for (uint32_t i = 0; i < all->n_moments; i++)
        MESO_TRY(state_block(v, all->moments[i].level_nM,
                             all->e->n_drugs * sizeof *all->moments[i].level_nM, err,
                             "assays/levels at moment %u", i));
    for (uint32_t i = 0; i < all->memories.n; i++) {
        const remembered *m = &all->memories.blocks[i];
        MESO_TRY(state_block(v, m->data, m->bytes, err, "assays/assay %u, memory %u", m->run, i));
    }
    return MESO_OK;
}

/* --- results ---------------------------------------------------------------------------------- */

static meso_status probes_run(assays *all, meso_device *device, const meso_run_options *options,
                              meso_error *err)
{
    for (uint32_t i = 0; i < all->n_reached; i++) {
        const moment *m = &all->moments[i];
        assay_run *r = &all->runs[m->run];
        const meso_status status = methods[r->assay->kind]->probe(r, device, options, m->level_nM,
                                                                  m->at_s, err);
        if (status != MESO_OK)
            return error_prepend(err, status, "probe of assay '%s'", r->assay->name);
    }
    return MESO_OK;
}

meso_status assays_finish(assays *all, meso_device *device, const meso_run_options *options,
                          double ended_s, meso_summary *summary, meso_error *err)
{
    for (uint32_t i = 0; i < all->e->n_assays; i++) {
        const assay_method *m = methods[all->runs[i].assay->kind];
        if (m->end != NULL)
            MESO_TRY(m->end(&all->runs[i], ended_s, err));
    }
    if (device != NULL)
        MESO_TRY(probes_run(all, device, options, err));
    summary->assay_values = all->results.values;
    summary->n_assay_values = all->results.n_values;
    summary->assay_series = all->results.series;
    summary->n_assay_series = all->results.n_series;
    return MESO_OK;
}

/* --- for methods ------------------------------------------------------------------------------ */

meso_status assay_alloc(assay_run *r, size_t n, size_t size, void *out, meso_error *err)
{
    void *memory = arena_alloc(r->memory, n * size + 1);
    memcpy(out, &memory, sizeof memory);
    return memory != NULL ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
}

meso_status assay_column(const assay_run *r, const char *series, uint32_t *column, meso_error *err)
{
    const meso_run_info *info = r->info;
    for (uint32_t i = 0; i < info->n_series; i++)
        if (strcmp(info->series[i].name, series) == 0) {
            *column = i;
            return MESO_OK;
        }
    const char **names = arena_alloc(r->memory, (info->n_series + 1) * sizeof *names);
    if (names == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < info->n_series; i++)
        names[i] = info->series[i].name;
    const char *near = text_nearest(series, names, info->n_series);
    return error_set(err, MESO_CONFIG, "the time line has no series '%s'%s%s%s", series,
                     near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                     near != NULL ? "'?" : "");
}

meso_status assay_compartment_column(assay_run *r, const char *quantity, uint32_t *column,
                                     meso_error *err)
{
    const modulator *m = &r->e->modulators[r->assay->modulator];
    const char *series = arena_printf(r->memory, "%s.%s.%s", m->name,
                                      m->compartments[r->assay->compartment].region, quantity);
    return series != NULL ? assay_column(r, series, column, err)
                          : error_set(err, MESO_MEMORY, "out of memory");
}

bool assay_is_settled(const assay_run *r, double time_s)
{
    const phase *p = &r->e->phases[protocol_phase_at(r->e->phases, r->e->n_phases, time_s)];
    return p->leap_s == 0 || time_s - p->start_s >= r->assay->settle_s;
}

bool assay_sees(const assay_run *r, double time_s)
{
    return time_s >= r->assay->start_s && time_s < r->assay->stop_s && assay_is_settled(r, time_s);
}

bool assay_is_baseline(const assay_run *r, double time_s)
{
    return time_s < r->assay->baseline_stop_s && assay_is_settled(r, time_s);
}

double assay_time_h(const assay_run *r, double time_s)
{
    return protocol_model_time_s(r->e->phases, r->e->n_phases, time_s) / 3600;
}

double assay_end_h(const assay_run *r, double ended_s)
{
    const double end_s = fmin(r->assay->stop_s, ended_s), moment_s = 1e-6;
    return assay_time_h(r, end_s - moment_s) +
           moment_s / 3600; /* before the leap of the next phase */
}

/* Room for one more of `n` elements; the list as it is when there is none. */
static void *list_grow(void *list, uint32_t n, uint32_t *capacity, size_t size)
{
    if (n < *capacity)
        return list;
    const uint32_t wanted = *capacity > 0 ? 2 * *capacity : 32;
    void *longer = realloc(list, wanted * size);
    if (longer == NULL)
        return list;
    *capacity = wanted;
    return longer;
}

meso_status assay_remember(assay_run *r, void *data, size_t bytes, meso_error *err)
{
    memory_list *l = r->memories;
    l->blocks = list_grow(l->blocks, l->n, &l->capacity, sizeof *l->blocks);
    if (l->n == l->capacity)
        return error_set(err, MESO_MEMORY, "out of memory");
    l->blocks[l->n++] = (remembered){.run = r->index, .data = data, .bytes = bytes};
    return MESO_OK;
}

meso_status assay_add(assay_run *r, const char *quantity, const char *unit, double time_h,
                      double value, meso_error *err)
{
    result_list *l = r->results;
    l->values = list_grow(l->values, l->n_values, &l->values_capacity, sizeof *l->values);
    if (l->n_values == l->values_capacity)
        return error_set(err, MESO_MEMORY, "out of memory");
    l->values[l->n_values++] = (meso_assay_value){.name = r->assay->name,
                                                  .assay = assay_kind_names[r->assay->kind],
                                                  .quantity = quantity,
                                                  .unit = unit,
                                                  .time_h = time_h,
                                                  .value = value};
    return MESO_OK;
}

meso_status assay_add_series(assay_run *r, const char *quantity, const char *unit,
                             const double *time_s, const double *values, uint32_t n,
                             meso_error *err)
{
    result_list *l = r->results;
    l->series = list_grow(l->series, l->n_series, &l->series_capacity, sizeof *l->series);
    if (l->n_series == l->series_capacity)
        return error_set(err, MESO_MEMORY, "out of memory");
    l->series[l->n_series++] = (meso_assay_series){.name = r->assay->name,
                                                   .quantity = quantity,
                                                   .unit = unit,
                                                   .time_s = time_s,
                                                   .values = values,
                                                   .n = n};
    return MESO_OK;
}

meso_status assay_add_histogram(assay_run *r, const char *quantity, const double *time_s,
                                const double *values, uint32_t n, const double *edges,
                                const char *edges_unit, uint32_t n_bins, meso_error *err)
{
    MESO_TRY(assay_add_series(r, quantity, "1", time_s, values, n, err));
    meso_assay_series *s = &r->results->series[r->results->n_series - 1];
    s->edges = edges;
    s->edges_unit = edges_unit;
    s->n_bins = n_bins;
    return MESO_OK;
}
