/*
 * Walks an experiment through time: drug levels go in, results come out.
 */
#include "protocol/walk.h"

#include <math.h>
#include <mesocl/version.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NEGLIGIBLE_NM 1e-9 /* drug levels below are zero, so that no device sees denormals */

double walk_clock_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static meso_status walk_alloc(walk *w, size_t n, size_t size, void *out, meso_error *err)
{
    void *memory = arena_alloc(w->memory, n * size + 1);
    memcpy(out, &memory, sizeof memory);
    return memory != NULL ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
}

/* --- what the sinks are told first ---------------------------------------------------------------- */

static meso_status populations_describe(walk *w, meso_error *err)
{
    const experiment *e = w->e;
    meso_population_info *p;
    MESO_TRY(walk_alloc(w, e->n_populations, sizeof *p, &p, err));
    for (uint32_t i = 0; i < e->n_populations; i++) {
        const population *from = &e->populations[i];
        p[i] = (meso_population_info){from->name, from->region, from->cell, from->n_neurons};
        w->info.n_neurons += from->n_neurons;
    }
    w->info.populations = p;
    w->info.n_populations = e->n_populations;
    return MESO_OK;
}

/* A concentration has no cells: it gets a virtual population of one node, named after both, or with one node a voxel. */
static meso_status report_describe(walk *w, const report *r, meso_report_info *info,
                                   meso_error *err)
{
    const experiment *e = w->e;
    const uint32_t n = r->n_neurons > 0 ? r->n_neurons : 1;
    uint64_t *ids;
    MESO_TRY(walk_alloc(w, n, sizeof *ids, &ids, err));
    for (uint32_t k = 0; k < n; k++)
        ids[k] = r->n_neurons > 0 ? r->neurons[k] : 0;
    const char *population = NULL;
    if (r->source == REPORT_CONCENTRATION || r->source == REPORT_VOXELS)
        population = arena_printf(w->memory, "%s_%s", e->modulators[r->modulator].name,
                                  e->modulators[r->modulator].compartments[r->compartment].region);
    else if (r->source == REPORT_OCCUPANCY)
        population = arena_printf(w->memory, "%s_%s", e->populations[r->population].name,
                                  e->receptors[r->index].name);
    else
        population = e->populations[r->population].name;
    if (population == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    *info = (meso_report_info){.name = r->name,
                               .population = population,
                               .variable = r->variable,
                               .unit = r->unit,
                               .n_elements = n,
                               .node_ids = ids,
                               .interval_ms = r->interval_ms,
                               .start_ms = r->start_ms,
                               .stop_ms = r->stop_ms};
    return MESO_OK;
}

static meso_status reports_describe(walk *w, meso_error *err)
{
    const recording *record = &w->e->record;
    meso_report_info *r;
    MESO_TRY(walk_alloc(w, record->n_reports, sizeof *r, &r, err));
    for (uint32_t i = 0; i < record->n_reports; i++)
        MESO_TRY(report_describe(w, &record->reports[i], &r[i], err));
    w->info.reports = r;
    w->info.n_reports = record->n_reports;
    return MESO_OK;
}

/* Columns of the time line: drugs, field, rates. */
static meso_status series_describe(walk *w, meso_error *err)
{
    const experiment *e = w->e;
    const uint32_t n_field = simulation_n_field(w->sim);
    meso_series_info *s;
    uint32_t n = 0;
    MESO_TRY(walk_alloc(w, 2 * e->n_drugs + n_field + e->n_populations, sizeof *s, &s, err));
    for (uint32_t d = 0; d < e->n_drugs; d++) {
        const char *name = e->drugs[d].name;
        s[n++] = (meso_series_info){arena_printf(w->memory, "drug.%s.plasma_nM", name), "nM"};
        s[n++] = (meso_series_info){arena_printf(w->memory, "drug.%s.brain_nM", name), "nM"};
    }
    for (uint32_t i = 0; i < n_field; i++)
        s[n++] = simulation_field(w->sim, i);
    for (uint32_t i = 0; i < e->n_populations; i++)
        s[n++] = (meso_series_info){arena_printf(w->memory, "rate.%s_hz", e->populations[i].name),
                                    "Hz"};
    for (uint32_t i = 0; i < n; i++)
        if (s[i].name == NULL)
            return error_set(err, MESO_MEMORY, "out of memory");
    w->info.series = s;
    w->info.n_series = n;
    return MESO_OK;
}

static meso_status contingencies_describe(walk *w, meso_error *err)
{
    const experiment *e = w->e;
    const char **names;
    MESO_TRY(walk_alloc(w, e->n_contingencies, sizeof *names, &names, err));
    for (uint32_t i = 0; i < e->n_contingencies; i++)
        names[i] = e->contingencies[i].name;
    w->info.contingencies = names;
    w->info.n_contingencies = e->n_contingencies;
    return MESO_OK;
}

/* How all synapses are kept, in the words of an experiment. */
static const char *storage_describe(const walk *w)
{
    const layout *l = simulation_layout(w->sim);
    const char *name = NULL;
    for (uint32_t i = 0; i < w->e->n_projections; i++) {
        const char *own = storage_name(l->projections[i].storage);
        if (name != NULL && name != own)
            return "mixed";
        name = own;
    }
    return name != NULL ? name : "none";
}

static meso_status walk_describe(walk *w, meso_error *err)
{
    w->info.experiment = w->e;
    w->info.device = meso_device_describe(w->device);
    w->info.seed = w->e->seed;
    w->info.dt_ms = w->e->dt_ms;
    w->info.duration_s = w->e->duration_s;
    w->info.n_synapses = simulation_synapses(w->sim);
    const layout *l = simulation_layout(w->sim);
    w->info.layout = (meso_layout_info){.partitions = l->n_partitions,
                                        .vector_width = l->vector_width,
                                        .work_group_size = l->work_group_size,
                                        .batch_steps = l->batch_steps,
                                        .storage = storage_describe(w),
                                        .side_by_side = simulation_is_side_by_side(w->sim)};
    MESO_TRY(populations_describe(w, err));
    MESO_TRY(reports_describe(w, err));
    MESO_TRY(contingencies_describe(w, err));
    return series_describe(w, err);
}

/* --- drugs ------------------------------------------------------------------------------------------ */

static void doses_give(walk *w)
{
    const double step_s = w->e->field_step_ms * 1e-3;
    while (w->next_dose < w->e->n_doses) {
        const dose *d = &w->e->doses[w->next_dose];
        if ((uint64_t)llround(d->time_s / step_s) > w->field)
            return;
        pk_give(w->drugs, d);
        w->next_dose++;
    }
}

/* The phase that a field step belongs to; at its start, the time that passes unsimulated before it. */
static meso_status phase_enter(walk *w, const phase **out, meso_error *err)
{
    const experiment *e = w->e;
    const double step_s = e->field_step_ms * 1e-3;
    const double now_s = ((double)w->field + 0.5) * step_s; /* in the middle: ends are not exact */
    const phase *p = &e->phases[protocol_phase_at(e->phases, e->n_phases, now_s)];
    *out = p;
    if (p->leap_s > 0 && (uint64_t)llround(p->start_s / step_s) == w->field)
        return pk_leap(w->drugs, p->leap_s, err);
    return MESO_OK;
}

static double drug_level_nM(const walk *w, uint32_t d, const phase *p)
{
    const bool bathed = p->bath_nM != NULL && !isnan(p->bath_nM[d]);
    return bathed ? p->bath_nM[d] : pk_brain_nM(w->drugs, d);
}

/* The level that holds during one field step, into the row. */
static void drug_note(walk *w, float *levels_nM, uint32_t d, const phase *p)
{
    const double brain_nM = drug_level_nM(w, d, p);
    levels_nM[d] = brain_nM < NEGLIGIBLE_NM ? 0 : (float)brain_nM;
    w->row_sum_nM[2 * d] += pk_plasma_nM(w->drugs, d);
    w->row_sum_nM[2 * d + 1] += brain_nM;
}

static void drug_row_end(walk *w, drug_history *h, uint64_t row_fields)
{
    const uint32_t n = 2 * w->e->n_drugs;
    for (uint32_t i = 0; i < n; i++) {
        h->row_nM[h->n_rows * n + i] = w->row_sum_nM[i] / (double)row_fields;
        w->row_sum_nM[i] = 0;
    }
    h->n_rows++;
}

/* Levels of the next n field steps. */
static meso_status drugs_advance(walk *w, drug_history *h, uint32_t n, meso_error *err)
{
    const uint64_t row_fields = (uint64_t)llround(w->e->record.timeline_interval_ms /
                                                  w->e->field_step_ms);
    const phase *p = NULL;
    h->n_rows = 0;
    for (uint32_t f = 0; f < n; f++, w->field++) {
        MESO_TRY(phase_enter(w, &p, err));
        float *levels_nM = &h->levels_nM[f * experiment_n_levels(w->e)];
        doses_give(w);
        contingencies_give(w->contingencies, w->field, w->drugs, levels_nM + w->e->n_drugs);
        for (uint32_t d = 0; d < w->e->n_drugs; d++)
            drug_note(w, levels_nM, d, p);
        assays_levels(w->assays, levels_nM);
        pk_step(w->drugs);
        if ((w->field + 1) % row_fields == 0)
            drug_row_end(w, h, row_fields);
    }
    for (uint32_t d = 0; d < w->e->n_drugs && p != NULL; d++)
        h->end_nM[d] = drug_level_nM(w, d, p);
    return MESO_OK;
}

/* --- results ----------------------------------------------------------------------------------------- */

static meso_status trigger_tell(void *self, const meso_trigger *trigger, meso_error *err)
{
    walk *w = self;
    TELL(w, trigger, trigger, err);
    return MESO_OK;
}

static meso_status spikes_tell(walk *w, const interval *results, meso_error *err)
{
    hash_stream_add(w->hash, results->spikes, results->n_spikes * sizeof *results->spikes);
    w->spikes += results->n_spikes;
    memset(w->rates_hz, 0, w->e->n_populations * sizeof *w->rates_hz);
    for (uint64_t i = 0; i < results->n_spikes; i++) {
        w->n_spikes[results->spikes[i].population]++;
        w->rates_hz[results->spikes[i].population]++;
    }
    const double seconds = (double)results->n_steps * w->e->dt_ms * 1e-3;
    for (uint32_t p = 0; p < w->e->n_populations; p++)
        w->rates_hz[p] /= seconds * w->e->populations[p].n_neurons;
    assays_spikes(w->assays, results->spikes, results->n_spikes);
    if (results->n_spikes > 0)
        TELL(w, spikes, results->spikes, results->n_spikes, err);
    return contingencies_spikes(w->contingencies, results->spikes, results->n_spikes, trigger_tell,
                                w, err);
}

static meso_status row_tell(walk *w, const interval *results, const drug_history *h, uint32_t row,
                            meso_error *err)
{
    const uint32_t n_drugs = w->e->n_drugs, n_field = simulation_n_field(w->sim);
    double *value = w->row_values;
    for (uint32_t i = 0; i < 2 * n_drugs; i++)
        *value++ = h->row_nM[row * 2 * n_drugs + i];
    for (uint32_t i = 0; i < n_field; i++)
        *value++ = results->timeline[(size_t)row * n_field + i];
    const double seconds = (double)(results->row_steps[row] - w->row_step) * w->e->dt_ms * 1e-3;
    for (uint32_t p = 0; p < w->e->n_populations; p++) {
        *value++ = (double)w->row_spikes[p] / seconds / w->e->populations[p].n_neurons;
        w->row_spikes[p] = 0;
    }
    w->row_step = results->row_steps[row];
    const double time_s = (double)w->row_step * w->e->dt_ms * 1e-3;
    assays_row(w->assays, time_s, w->row_values);
    TELL(w, timeline, &time_s, w->row_values, 1, err);
    return MESO_OK;
}

/* Rows and spikes are both in order of time: count up to each row. */
static meso_status timeline_tell(walk *w, const interval *results, meso_error *err)
{
    const drug_history *h = &w->history[w->n_collected % 2];
    uint64_t i = 0;
    for (uint32_t row = 0; row < results->n_rows; row++) {
        for (; i < results->n_spikes && results->spikes[i].step < results->row_steps[row]; i++)
            w->row_spikes[results->spikes[i].population]++;
        MESO_TRY(row_tell(w, results, h, row, err));
    }
    for (; i < results->n_spikes; i++)
        w->row_spikes[results->spikes[i].population]++;
    return MESO_OK;
}

static const char *phase_at(const experiment *e, double time_s)
{
    uint32_t i = 0;
    while (i + 1 < e->n_phases && e->phases[i + 1].start_s < time_s)
        i++;
    return e->n_phases > 0 ? e->phases[i].name : "";
}

static meso_status progress_tell(walk *w, const interval *results, meso_error *err)
{
    const double wall = walk_clock_s() - w->started_s;
    const double seconds = (double)results->n_steps * w->e->dt_ms * 1e-3;
    const double time_s = (double)w->step * w->e->dt_ms * 1e-3;
    const meso_progress p = {
        .model_time_s = time_s,
        .duration_s = w->e->duration_s,
        .wall_s = wall,
        .real_time_factor = (wall - w->last_wall_s) / seconds,
        .phase = phase_at(w->e, time_s),
        .rates_hz = w->rates_hz,
        .n_populations = w->e->n_populations,
        .drug_nM = w->history[(w->n_collected - 1) % 2].end_nM,
        .n_drugs = w->e->n_drugs,
        .spikes = w->spikes,
        .synaptic_events = simulation_events(w->sim),
    };
    w->last_wall_s = wall;
    TELL(w, progress, &p, err);
    return MESO_OK;
}

/* Field steps from here to the end of the phase. */
static uint64_t fields_left(const walk *w)
{
    const experiment *e = w->e;
    for (uint32_t i = 0; i < e->n_phases; i++) {
        const double end_s = e->phases[i].start_s + e->phases[i].duration_s;
        const uint64_t end = (uint64_t)llround(end_s * 1e3 / e->field_step_ms);
        if (end > w->field && end < w->n_fields)
            return end - w->field;
    }
    return w->n_fields - w->field;
}

/* First field step from this on before which synapses are read. */
static uint64_t reading_next(const walk *w, uint64_t field)
{
    const uint64_t recorded = synapse_watch_next(w->synapses, field);
    const uint64_t measured = assays_next(w->assays, field);
    return recorded < measured ? recorded : measured;
}

static meso_status interval_enqueue(walk *w, meso_error *err)
{
    const uint64_t lengths[] = {fields_left(w), reading_next(w, w->field + 1) - w->field,
                                walk_fields_to_stand(w)};
    uint32_t n = contingencies_interval(w->contingencies);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        n = lengths[i] < n ? (uint32_t)lengths[i] : n;
    drug_history *h = &w->history[w->n_enqueued % 2];
    MESO_TRY(drugs_advance(w, h, n, err));
    MESO_TRY(simulation_enqueue(w->sim, n, h->levels_nM, err));
    w->n_enqueued++;
    return MESO_OK;
}

static meso_status interval_collect(walk *w, meso_error *err)
{
    interval results;
    MESO_TRY(simulation_collect(w->sim, &results, err));
    w->step = results.first_step + results.n_steps;
    MESO_TRY(spikes_tell(w, &results, err));
    for (uint32_t r = 0; r < w->info.n_reports; r++)
        if (results.n_frames[r] > 0) {
            assays_frames(w->assays, r, results.frames[r], results.n_frames[r]);
            TELL(w, frames, r, results.frames[r], results.n_frames[r], err);
        }
    MESO_TRY(timeline_tell(w, &results, err));
    w->n_collected++;
    return progress_tell(w, &results, err);
}

/* --- the walk ------------------------------------------------------------------------------------------ */

static meso_status intervals_collect(walk *w, uint32_t n_left, meso_error *err)
{
    while (w->n_enqueued - w->n_collected > n_left)
        MESO_TRY(interval_collect(w, err));
    return MESO_OK;
}

/* Synapses are read when everything before has been collected. */
static meso_status synapses_read(walk *w, meso_error *err)
{
    if (reading_next(w, w->field) != w->field)
        return MESO_OK;
    MESO_TRY(intervals_collect(w, 0, err));
    MESO_TRY(assays_look(w->assays, w->sim, w->field, err));
    return synapse_watch_read(w->synapses, w->field, w->sinks, w->n_sinks, err);
}

/* One interval runs while the one before it is written. */
static meso_status walk_go(walk *w, meso_error *err)
{
    for (; w->n_begun < w->n_sinks; w->n_begun++) {
        const meso_sink *sink = w->sinks[w->n_begun];
        if (sink->begin != NULL)
            MESO_TRY(sink->begin(sink->self, &w->info, err));
    }
    w->started_s = w->last_checkpoint_s = walk_clock_s();
    if (w->info.start_s == 0) /* else they were, before the checkpoint */
        MESO_TRY(synapses_read(w, err));
    while (w->field < w->n_fields && !walk_stop_is_wanted(w)) {
        MESO_TRY(interval_enqueue(w, err));
        MESO_TRY(intervals_collect(w, 1, err));
        MESO_TRY(synapses_read(w, err));
        if (walk_checkpoint_is_due(w)) {
            MESO_TRY(intervals_collect(w, 0, err));
            MESO_TRY(walk_checkpoint(w, err));
        }
    }
    MESO_TRY(intervals_collect(w, 0, err));
    if (w->field < w->n_fields || assays_have_probes(w->assays)) /* those may be stopped too */
        MESO_TRY(walk_checkpoint(w, err));
    if (w->field < w->n_fields)
        return error_set(err, MESO_STOPPED,
                         "stopped at %.1f s of %.1f s of model time; results so far are "
                         "complete",
                         (double)w->step * w->e->dt_ms * 1e-3, w->e->duration_s);
    return MESO_OK;
}

/* Empty where they cannot be read any more: then something else has failed before. */
static void contacts_describe(walk *w, meso_summary *s)
{
    meso_contacts_info *all = arena_alloc(w->memory, (w->e->n_projections + 1) * sizeof *all);
    s->contacts = all;
    for (uint32_t i = 0; all != NULL && i < w->e->n_projections; i++) {
        const projection *p = &w->e->projections[i];
        contact_counts n = {0};
        if (p->structure == NULL || simulation_contacts(w->sim, i, &n, NULL) != MESO_OK)
            continue;
        all[s->n_contacts++] = (meso_contacts_info){
            .projection = p->name,
            .rate_scale = p->structure->rate_scale,
            .contacts = n.contacts,
            .formed = n.formed,
            .pruned = n.pruned,
            .per_target = (double)n.contacts / w->e->populations[p->target].n_neurons,
        };
    }
}

/* Every sink that began hears the end, however it came about, so that it can close its files. What goes
 * wrong then counts more than a stop, but not more than the error that ended the run. */
static meso_status walk_end(walk *w, meso_status outcome, meso_error *err)
{
    const double seconds = (double)w->step * w->e->dt_ms * 1e-3;
    const double wall = w->earlier_s + (w->started_s > 0 ? walk_clock_s() - w->started_s : 0);
    uint64_t now = 0;
    meso_summary s = {
        .version = MESO_VERSION,
        .status = outcome,
        .seed = w->e->seed,
        .spike_hash = hash_stream_value(w->hash),
        .model_time_s = protocol_model_time_s(w->e->phases, w->e->n_phases, seconds),
        .network_time_s = seconds,
        .wall_s = wall,
        .compile_s = w->compile_s,
        .build_s = w->build_s,
        .real_time_factor = seconds > 0 ? wall / seconds : 0,
        .neurons = w->info.n_neurons,
        .synapses = w->info.n_synapses,
        .spikes = w->spikes,
        .synaptic_events = simulation_events(w->sim),
        .rates_hz = w->rates_hz,
        .contingencies = w->counts,
        .n_contingencies = w->e->n_contingencies,
    };
    for (uint32_t i = 0; i < w->e->n_contingencies; i++)
        w->counts[i] = contingencies_count(w->contingencies, i);
    for (uint32_t p = 0; p < w->e->n_populations; p++)
        w->rates_hz[p] = seconds > 0
                             ? (double)w->n_spikes[p] / seconds / w->e->populations[p].n_neurons
                             : 0;
    meso_device_memory(w->device, &now, &s.peak_device_bytes);
    if (outcome == MESO_OK || outcome == MESO_STOPPED) {
        const meso_status drawn = assays_finish(w->assays, outcome == MESO_OK ? w->device : NULL,
                                                w->options, seconds, &s, err);
        outcome = drawn != MESO_OK ? drawn : outcome;
        s.status = outcome;
    }
    contacts_describe(w, &s);
    s.bytes_per_synapse = s.synapses > 0 ? (double)now / (double)s.synapses : 0;
    for (uint32_t i = 0; i < w->n_begun; i++) {
        meso_error cause = {0};
        const meso_sink *sink = w->sinks[i];
        const meso_status ended = sink->end != NULL ? sink->end(sink->self, &s, &cause) : MESO_OK;
        if (ended != MESO_OK && (outcome == MESO_OK || outcome == MESO_STOPPED)) {
            outcome = ended;
            if (err != NULL)
                *err = cause;
        }
    }
    return outcome;
}

static meso_status walk_prepare(walk *w, meso_error *err)
{
    const experiment *e = w->e;
    const double start_s = walk_clock_s(), compiled_s = meso_device_work_done(w->device).compile_s;
    MESO_TRY(simulation_create(e, w->device, w->options, &w->sim, err));
    w->compile_s = meso_device_work_done(w->device).compile_s - compiled_s;
    w->build_s = walk_clock_s() - start_s - w->compile_s;
    w->n_fields = (uint64_t)llround(e->duration_s * 1e3 / e->field_step_ms);
    w->hash = hash_stream_create();
    if (w->hash == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    MESO_TRY(walk_describe(w, err));
    MESO_TRY(synapse_watch_create(e, w->sim, w->memory, &w->info, &w->synapses, err));
    MESO_TRY(assays_create(e, &w->info, &w->assays, err));
    MESO_TRY(contingencies_create(e, w->memory, &w->contingencies, err));
    MESO_TRY(walk_alloc(w, e->n_contingencies, sizeof *w->counts, &w->counts, err));
    MESO_TRY(pk_create(e->drugs, e->n_drugs, e->field_step_ms * 1e-3, w->memory, &w->drugs, err));
    for (int i = 0; i < 2; i++) {
        drug_history *h = &w->history[i];
        MESO_TRY(walk_alloc(w, SIMULATION_INTERVAL * experiment_n_levels(e), sizeof(float),
                            &h->levels_nM, err));
        MESO_TRY(walk_alloc(w, ROWS * 2 * e->n_drugs, sizeof(double), &h->row_nM, err));
        MESO_TRY(walk_alloc(w, e->n_drugs, sizeof(double), &h->end_nM, err));
    }
    MESO_TRY(walk_alloc(w, e->n_populations, sizeof(uint64_t), &w->n_spikes, err));
    MESO_TRY(walk_alloc(w, e->n_populations, sizeof(uint64_t), &w->row_spikes, err));
    MESO_TRY(walk_alloc(w, e->n_populations, sizeof(double), &w->rates_hz, err));
    MESO_TRY(walk_alloc(w, 2 * e->n_drugs, sizeof(double), &w->row_sum_nM, err));
    return walk_alloc(w, w->info.n_series, sizeof(double), &w->row_values, err);
}

static meso_status walk_resume(walk *w, meso_error *err)
{
    if (w->options == NULL || w->options->resume == NULL)
        return MESO_OK;
    MESO_TRY(walk_state(w, w->options->resume, err));
    w->info.start_s = (double)w->field * w->e->field_step_ms * 1e-3;
    w->kept_field = w->field;
    return MESO_OK;
}

meso_status meso_experiment_run(const meso_experiment *experiment, meso_device *device,
                                const meso_run_options *options, meso_sink *const *sinks,
                                uint32_t n_sinks, meso_error *err)
{
    walk w = {.e = experiment,
              .device = device,
              .options = options,
              .sinks = sinks,
              .n_sinks = n_sinks,
              .memory = arena_create()};
    meso_status status = w.memory != NULL ? walk_prepare(&w, err)
                                          : error_set(err, MESO_MEMORY, "out of memory");
    if (status == MESO_OK)
        status = walk_resume(&w, err);
    if (status == MESO_OK) {
        status = walk_go(&w, err);
        status = walk_end(&w, status, err);
    }
    assays_destroy(&w.assays);
    hash_stream_destroy(&w.hash);
    simulation_destroy(&w.sim);
    arena_destroy(&w.memory);
    return status;
}
