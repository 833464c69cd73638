#include "engine/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_BYTES 8u
#define GROUP 64u
#define SPARE 256u /* records of a partition: more than were there in the interval before */

/* --- what is sampled ------------------------------------------------------------------------------ */

static uint32_t report_n_elements(const report *r)
{
    return r->n_neurons > 0 ? r->n_neurons : 1;
}

static void elements_fill_voxels(const simulation *sim, const report *r, uint32_t *pairs)
{
    const grid_entry *g = &sim->voxels.grids[voxels_grid(sim->e, r->modulator, r->compartment)];
    for (uint32_t i = 0; i < r->n_neurons; i++) {
        pairs[2 * i] = g->first_voxel + r->neurons[i] / g->nx * g->row + r->neurons[i] % g->nx;
        pairs[2 * i + 1] = MESO_NEVER;
    }
}

static void elements_fill_local(const simulation *sim, const report *r, uint32_t *pairs)
{
    const population_layout *p = &sim->l->populations[r->population];
    const uint32_t first = cells_result(sim, r->population, r->index, r->quantity);
    for (uint32_t i = 0; i < r->n_neurons; i++) {
        pairs[2 * i] = first + layout_place(sim->l, p, r->neurons[i]);
        pairs[2 * i + 1] = MESO_NEVER;
    }
}

/* Pairs (value, value to subtract or MESO_NEVER) in the array of source_of(). */
static void elements_fill(const simulation *sim, const report *r, uint32_t *pairs)
{
    const modulators *m = &sim->modulators;
    if (r->source == REPORT_VOXELS) {
        elements_fill_voxels(sim, r, pairs);
        return;
    }
    if (r->source == REPORT_OCCUPANCY && r->n_neurons > 0) {
        elements_fill_local(sim, r, pairs);
        return;
    }
    if (r->source == REPORT_CONCENTRATION || r->source == REPORT_OCCUPANCY) {
        pairs[0] = r->source == REPORT_CONCENTRATION
                       ? modulators_concentration(m, r->modulator, r->compartment)
                       : receptors_field(m, r->population, r->index) + r->quantity;
        pairs[1] = MESO_NEVER;
        return;
    }
    const population *p = &sim->e->populations[r->population];
    const population_entry *q = &sim->neurons.entries[r->population];
    uint32_t field = r->index;
    int two = 0;
    if (r->source == REPORT_CONDUCTANCE) {
        field = codegen_conductance_field(p, r->index);
        two = p->conductances[r->index].kind == CONDUCTANCE_BIEXPONENTIAL;
    }
    for (uint32_t i = 0; i < r->n_neurons; i++) {
        const uint32_t at = layout_place(sim->l, &sim->l->populations[r->population],
                                         r->neurons[i]);
        pairs[2 * i] = q->state_base + field * q->n_padded + at;
        pairs[2 * i + 1] = two ? pairs[2 * i] + q->n_padded : MESO_NEVER;
    }
}

static meso_status elements_upload(simulation *sim, uint32_t i, meso_error *err)
{
    const report *r = &sim->e->record.reports[i];
    recorder *rec = &sim->recorder;
    rec->n_elements[i] = report_n_elements(r);
    uint32_t *pairs = malloc(2 * rec->n_elements[i] * sizeof *pairs);
    if (pairs == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    elements_fill(sim, r, pairs);
    const meso_status status = buffer_create(sim->device, BUFFER_CONSTANT, "report elements",
                                             2 * rec->n_elements[i] * sizeof *pairs, pairs,
                                             &rec->elements[i], err);
    free(pairs);
    return status;
}

/* --- two halves ------------------------------------------------------------------------------------ */

static uint32_t frames_per_interval(const experiment *e, const report *r)
{
    return (uint32_t)ceil(SIMULATION_INTERVAL * e->field_step_ms / r->interval_ms) + 1;
}

uint64_t recorder_frame_bytes(const experiment *e, const report *r)
{
    return (uint64_t)frames_per_interval(e, r) * report_n_elements(r) * sizeof(float);
}

static uint32_t timeline_fields(const experiment *e)
{
    return (uint32_t)llround(e->record.timeline_interval_ms / e->field_step_ms);
}

static uint32_t timeline_rows(const experiment *e)
{
    return SIMULATION_INTERVAL / timeline_fields(e) + 1;
}

uint64_t recorder_report_bytes(const experiment *e)
{
    uint64_t half = timeline_rows(e) * modulators_n_field(e) * sizeof(float) +
                    SIMULATION_INTERVAL * experiment_n_levels(e) * sizeof(float);
    uint64_t elements = 0;
    for (uint32_t i = 0; i < e->record.n_reports; i++) {
        half += recorder_frame_bytes(e, &e->record.reports[i]);
        elements += report_n_elements(&e->record.reports[i]);
    }
    return 2 * half + elements * 2 * sizeof(uint32_t);
}

static meso_status half_create_frames(simulation *sim, recording_half *h, meso_error *err)
{
    const recorder *rec = &sim->recorder;
    const uint32_t n = sim->e->record.n_reports;
    MESO_TRY(simulation_alloc(sim, n + 1, sizeof *h->frames, &h->frames, err));
    MESO_TRY(simulation_alloc(sim, n + 1, sizeof *h->host_frames, &h->host_frames, err));
    MESO_TRY(simulation_alloc(sim, n + 1, sizeof *h->n_frames, &h->n_frames, err));
    for (uint32_t i = 0; i < n; i++) {
        const size_t values = (size_t)frames_per_interval(sim->e, &sim->e->record.reports[i]) *
                              rec->n_elements[i];
        MESO_TRY(buffer_create(sim->device, BUFFER_PASSING, "frames", values * sizeof(float), NULL,
                               &h->frames[i], err));
        MESO_TRY(simulation_alloc(sim, values, sizeof(float), &h->host_frames[i], err));
    }
    return MESO_OK;
}

static meso_status half_create(simulation *sim, recording_half *h, meso_error *err)
{
    const uint32_t partitions = sim->l->n_partitions;
    const size_t spikes = (size_t)sim->recorder.capacity * partitions;
    const size_t rows = timeline_rows(sim->e);
    const size_t row_bytes = sim->modulators.n_field * sizeof(float);
    const size_t drugs = (size_t)SIMULATION_INTERVAL * experiment_n_levels(sim->e);
    meso_device *d = sim->device;
    MESO_TRY(buffer_create(d, BUFFER_PASSING, "spike records", spikes * RECORD_BYTES, NULL,
                           &h->records, err));
    MESO_TRY(buffer_create(d, BUFFER_PASSING, "spike record counts", partitions * 4, NULL,
                           &h->record_counts, err));
    MESO_TRY(
        buffer_create(d, BUFFER_PASSING, "status", sizeof h->host_status, NULL, &h->status, err));
    MESO_TRY(
        buffer_create(d, BUFFER_PASSING, "time line", rows * row_bytes, NULL, &h->timeline, err));
    MESO_TRY(buffer_create(d, BUFFER_PASSING, "drug levels", drugs * sizeof(float), NULL, &h->drugs,
                           err));
    MESO_TRY(simulation_alloc(sim, spikes, RECORD_BYTES, &h->host_records, err));
    MESO_TRY(simulation_alloc(sim, spikes, sizeof *h->spikes, &h->spikes, err));
    MESO_TRY(simulation_alloc(sim, partitions, 4, &h->host_counts, err));
    MESO_TRY(simulation_alloc(sim, rows, row_bytes + 1, &h->host_timeline, err));
    MESO_TRY(simulation_alloc(sim, rows, sizeof *h->row_steps, &h->row_steps, err));
    MESO_TRY(simulation_alloc(sim, drugs + 1, sizeof(float), &h->host_drugs, err));
    return half_create_frames(sim, h, err);
}

static void half_destroy(simulation *sim, recording_half *h)
{
    buffer *all[] = {&h->records, &h->record_counts, &h->status, &h->timeline, &h->drugs};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(sim->device, all[i]);
    for (uint32_t i = 0; h->frames != NULL && i < sim->e->record.n_reports; i++)
        buffer_destroy(sim->device, &h->frames[i]);
}

uint32_t recorder_capacity(const experiment *e, const layout *l)
{
    const double per_partition = ceil((double)l->n_neurons / l->n_partitions) + 256;
    const double seconds = SIMULATION_INTERVAL * e->field_step_ms * 1e-3;
    return (uint32_t)fmin(per_partition * fmax(1, e->record.largest_rate_hz * seconds), UINT32_MAX);
}

uint64_t recorder_record_bytes(const experiment *e, const layout *l)
{
    return (uint64_t)recorder_capacity(e, l) * l->n_partitions * RECORD_BYTES;
}

meso_status recorder_create(simulation *sim, meso_error *err)
{
    const experiment *e = sim->e;
    recorder *rec = &sim->recorder;
    const uint32_t n = e->record.n_reports;
    rec->capacity = recorder_capacity(e, sim->l);
    rec->expected = SPARE;
    rec->timeline_fields = timeline_fields(e);
    const size_t spikes = (size_t)rec->capacity * sim->l->n_partitions;
    MESO_TRY(simulation_alloc(sim, n + 1, sizeof *rec->elements, &rec->elements, err));
    MESO_TRY(simulation_alloc(sim, n + 1, sizeof *rec->n_elements, &rec->n_elements, err));
    MESO_TRY(simulation_alloc(sim, spikes, sizeof *rec->sort_keys, &rec->sort_keys, err));
    MESO_TRY(simulation_alloc(sim, spikes, sizeof *rec->sort_spare, &rec->sort_spare, err));
    MESO_TRY(simulation_alloc(sim, 65537, sizeof *rec->places, &rec->places, err));
    for (uint32_t i = 0; i < n; i++)
        MESO_TRY(elements_upload(sim, i, err));
    MESO_TRY(half_create(sim, &rec->halves[0], err));
    return half_create(sim, &rec->halves[1], err);
}

void recorder_destroy(simulation *sim)
{
    recorder *rec = &sim->recorder;
    for (uint32_t i = 0; rec->elements != NULL && i < sim->e->record.n_reports; i++)
        buffer_destroy(sim->device, &rec->elements[i]);
    half_destroy(sim, &rec->halves[0]);
    half_destroy(sim, &rec->halves[1]);
}

/* --- an interval ------------------------------------------------------------------------------------ */

static recording_half *half_current(simulation *sim)
{
    return &sim->recorder.halves[sim->n_enqueued % 2];
}

meso_status recorder_begin(simulation *sim, uint32_t n_field_steps, const float *levels_nM,
                           meso_error *err)
{
    recording_half *h = half_current(sim);
    const size_t drug_bytes = (size_t)n_field_steps * experiment_n_levels(sim->e) * sizeof(float);
    h->first_step = sim->step;
    h->n_steps = (uint64_t)n_field_steps * sim->l->steps_per_field;
    h->n_rows = 0;
    memset(h->n_frames, 0, sim->e->record.n_reports * sizeof *h->n_frames);
    MESO_TRY(buffer_clear(sim->device, &h->record_counts, 0, h->record_counts.bytes, err));
    if (drug_bytes == 0)
        return MESO_OK;
    memcpy(h->host_drugs, levels_nM, drug_bytes);
    return buffer_write_begin(sim->device, &h->drugs, 0, drug_bytes, h->host_drugs, NULL, err);
}

static int report_is_due(const experiment *e, const report *r, uint64_t step)
{
    const uint64_t start = layout_steps(e, r->start_ms), interval = layout_steps(e, r->interval_ms);
    return step >= start && step < layout_steps(e, r->stop_ms) && (step - start) % interval == 0;
}

int recorder_frames_are_due(const simulation *sim)
{
    for (uint32_t i = 0; i < sim->e->record.n_reports; i++)
        if (report_is_due(sim->e, &sim->e->record.reports[i], sim->step))
            return 1;
    return 0;
}

/* Where a report's values lie after the field step of now. */
static const buffer *source_of(const simulation *sim, const report *r)
{
    if (r->source == REPORT_VOXELS)
        return voxels_now(sim, voxels_grid(sim->e, r->modulator, r->compartment));
    if (r->source == REPORT_STATE || r->source == REPORT_CONDUCTANCE)
        return &sim->neurons.state;
    if (r->source == REPORT_OCCUPANCY && r->n_neurons > 0)
        return &sim->cells.states;
    return &sim->modulators.field;
}

meso_status recorder_frames(simulation *sim, meso_error *err)
{
    recorder *rec = &sim->recorder;
    recording_half *h = half_current(sim);
    for (uint32_t i = 0; i < sim->e->record.n_reports; i++) {
        const report *r = &sim->e->record.reports[i];
        if (!report_is_due(sim->e, r, sim->step))
            continue;
        kernel *k = &sim->frame_record;
        MESO_TRY(kernel_set_u32(k, 0, rec->n_elements[i], err));
        MESO_TRY(kernel_set_u32(k, 1, h->n_frames[i]++, err));
        MESO_TRY(kernel_set_buffer(k, 2, &rec->elements[i], err));
        MESO_TRY(kernel_set_buffer(k, 3, source_of(sim, r), err));
        MESO_TRY(kernel_set_buffer(k, 4, &h->frames[i], err));
        MESO_TRY(
            device_launch(sim->device, k, (rec->n_elements[i] + GROUP - 1) / GROUP, GROUP, err));
    }
    return MESO_OK;
}

meso_status recorder_timeline(simulation *sim, meso_error *err)
{
    recorder *rec = &sim->recorder;
    recording_half *h = half_current(sim);
    const uint64_t fields_done = sim->step / sim->l->steps_per_field + 1;
    const uint32_t n = sim->modulators.n_field;
    if (fields_done % rec->timeline_fields != 0)
        return MESO_OK;
    kernel *k = &sim->timeline_record;
    MESO_TRY(kernel_set_u32(k, 0, n, err));
    MESO_TRY(kernel_set_u32(k, 1, h->n_rows, err));
    MESO_TRY(kernel_set_f32(k, 2, (float)(1.0 / rec->timeline_fields), err));
    MESO_TRY(kernel_set_buffer(k, 3, &sim->modulators.field_sum, err));
    MESO_TRY(kernel_set_buffer(k, 4, &h->timeline, err));
    MESO_TRY(device_launch(sim->device, k, (n + GROUP - 1) / GROUP, GROUP, err));
    h->row_steps[h->n_rows++] = fields_done * sim->l->steps_per_field;
    return MESO_OK;
}

/* The first n_read records of every partition. */
static meso_status records_read_begin(simulation *sim, recording_half *h, meso_error *err)
{
    return buffer_read_rows_begin(
        sim->device, &h->records, sim->l->n_partitions, (size_t)h->n_read * RECORD_BYTES,
        (size_t)sim->recorder.capacity * RECORD_BYTES, h->host_records, err);
}

meso_status recorder_end(simulation *sim, meso_error *err)
{
    recording_half *h = half_current(sim);
    meso_device *d = sim->device;
    for (uint32_t i = 0; i < sim->e->record.n_reports; i++) {
        const size_t bytes = (size_t)h->n_frames[i] * sim->recorder.n_elements[i] * sizeof(float);
        if (bytes > 0)
            MESO_TRY(buffer_read_begin(d, &h->frames[i], 0, bytes, h->host_frames[i], NULL, err));
    }
    const size_t row_bytes = (size_t)h->n_rows * sim->modulators.n_field * sizeof(float);
    if (row_bytes > 0)
        MESO_TRY(buffer_read_begin(d, &h->timeline, 0, row_bytes, h->host_timeline, NULL, err));
    h->n_read = sim->recorder.expected;
    MESO_TRY(records_read_begin(sim, h, err));
    MESO_TRY(buffer_read_begin(d, &h->record_counts, 0, h->record_counts.bytes, h->host_counts,
                               NULL, err));
    MESO_TRY(
        buffer_read_begin(d, &h->status, 0, sizeof h->host_status, h->host_status, &h->done, err));
    return device_flush(d, err);
}

/* --- collecting -------------------------------------------------------------------------------------- */

static meso_status status_check(const simulation *sim, const recording_half *h, meso_error *err)
{
    if (h->host_status[MESO_STATUS_FAILURES] == 0)
        return MESO_OK;
    const uint32_t code = h->host_status[MESO_STATUS_CODE];
    if (code == MESO_FAILED_HISTORY_FULL || code == MESO_FAILED_PENDING_FULL)
        return learning_failed(sim, code, h->host_status[MESO_STATUS_POPULATION], err);
    if (code >= MESO_FAILED_ROW_FULL && code <= MESO_FAILED_VIEWS)
        return contacts_failed(sim, h->host_status, err);
    const struct population *p = &sim->e->populations[h->host_status[MESO_STATUS_POPULATION]];
    const char *population = p->name;
    const uint32_t neuron = h->host_status[MESO_STATUS_NEURON];
    const double from_s = (double)h->first_step * sim->e->dt_ms * 1e-3;
    const double to_s = from_s + (double)h->n_steps * sim->e->dt_ms * 1e-3;
    switch (h->host_status[MESO_STATUS_CODE]) {
    case MESO_FAILED_NOT_FINITE:
        return error_set(err, MESO_NUMERICS,
                         "population '%s', neuron %u: %s is not a finite number (between %g and %g "
                         "s of model time)",
                         population, neuron, p->model->state[0].name, from_s, to_s);
    case MESO_FAILED_SPIKES_FULL:
        return error_set(
            err, MESO_NUMERICS,
            "population '%s', near neuron %u: more than two spikes per cell and millisecond "
            "(between %g and %g s of model time): the network runs away",
            population, neuron, from_s, to_s);
    default:
        return error_set(
            err, MESO_NUMERICS,
            "the cells of one of %u partitions fire above record.largest_rate_hz, %g Hz, on "
            "average (between %g and %g s of model time, last in population '%s'): the network "
            "runs away, or the key is too low for it",
            sim->l->n_partitions, sim->e->record.largest_rate_hz, from_s, to_s, population);
    }
}

/* Least significant digit first, 16 bits a pass, as many passes as the largest key has digits. */
static uint64_t *keys_sort(uint64_t *keys, uint64_t *spare, size_t *places, size_t n,
                           uint64_t largest)
{
    for (unsigned shift = 0; shift < 64 && largest >> shift > 0; shift += 16) {
        memset(places, 0, 65537 * sizeof *places);
        for (size_t i = 0; i < n; i++)
            places[(keys[i] >> shift & 0xffff) + 1]++;
        for (size_t digit = 0; digit < 65536; digit++)
            places[digit + 1] += places[digit];
        for (size_t i = 0; i < n; i++)
            spare[places[keys[i] >> shift & 0xffff]++] = keys[i];
        uint64_t *swap = keys;
        keys = spare;
        spare = swap;
    }
    return keys;
}

/* Spikes of the busiest partition. Those that were not expected are read now. */
static meso_status records_complete(simulation *sim, recording_half *h, meso_error *err)
{
    recorder *rec = &sim->recorder;
    uint32_t most = 0;
    for (uint32_t p = 0; p < sim->l->n_partitions; p++)
        most = h->host_counts[p] > most ? h->host_counts[p] : most;
    rec->expected = most < (rec->capacity - SPARE) / 2 ? 2 * most + SPARE : rec->capacity;
    if (most <= h->n_read)
        return MESO_OK;
    h->n_read = most;
    MESO_TRY(records_read_begin(sim, h, err));
    return device_wait(sim->device, NULL, err);
}

static uint32_t population_of(const simulation *sim, uint32_t id)
{
    uint32_t low = 0, high = sim->e->n_populations;
    while (high - low > 1) {
        const uint32_t middle = (low + high) / 2;
        if (sim->l->populations[middle].first_id <= id)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Records are (step in interval, id over all populations); ids rise with the population. */
static uint64_t spikes_sort(simulation *sim, recording_half *h)
{
    recorder *rec = &sim->recorder;
    const uint32_t *records = h->host_records;
    size_t n = 0;
    for (uint32_t p = 0; p < sim->l->n_partitions; p++)
        for (uint32_t i = 0; i < h->host_counts[p]; i++) {
            const uint32_t *r = records + 2 * ((size_t)p * rec->capacity + i);
            rec->sort_keys[n++] = (uint64_t)r[0] * sim->l->n_neurons + r[1];
        }
    const uint64_t *keys = keys_sort(rec->sort_keys, rec->sort_spare, rec->places, n,
                                     h->n_steps * sim->l->n_neurons);
    for (size_t i = 0; i < n; i++) {
        const uint32_t id = (uint32_t)(keys[i] % sim->l->n_neurons);
        const uint32_t population = population_of(sim, id);
        rec->n_events += sim->synapses.outdegrees[id];
        h->spikes[i] = (meso_spike){.step = h->first_step + keys[i] / sim->l->n_neurons,
                                    .population = population,
                                    .neuron = id - sim->l->populations[population].first_id};
    }
    rec->n_events += outdegrees_count(sim, h, n);
    return n;
}

meso_status recorder_collect(simulation *sim, interval *out, meso_error *err)
{
    recording_half *h = &sim->recorder.halves[sim->n_collected % 2];
    MESO_TRY(device_wait(sim->device, &h->done, err));
    MESO_TRY(status_check(sim, h, err));
    MESO_TRY(records_complete(sim, h, err));
    *out = (interval){
        .first_step = h->first_step,
        .n_steps = h->n_steps,
        .n_spikes = spikes_sort(sim, h),
        .spikes = h->spikes,
        .frames = (const float *const *)h->host_frames,
        .n_frames = h->n_frames,
        .timeline = h->host_timeline,
        .row_steps = h->row_steps,
        .n_rows = h->n_rows,
    };
    return MESO_OK;
}
