#include "engine/simulation.h"

#include "base/embedded.h"
#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

meso_status simulation_alloc(simulation *sim, size_t n, size_t size, void *out, meso_error *err)
{
    void *memory = arena_alloc(sim->memory, n * size + 1);
    memcpy(out, &memory, sizeof memory);
    return memory != NULL ? MESO_OK
                          : error_set(err, MESO_MEMORY, "out of memory: %zu bytes", n * size);
}

meso_status kernel_text(text *source, const char *const *paths, uint32_t n, meso_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        const char *file = embedded_find(paths[i]);
        if (file == NULL)
            return error_set(err, MESO_INTERNAL, "kernel file %s is missing", paths[i]);
        text_appendf(source, "#line 1 \"%s\"\n", paths[i]);
        text_append(source, file);
        text_append(source, "\n");
    }
    return source->failed ? error_set(err, MESO_MEMORY, "out of memory") : MESO_OK;
}

/* --- programs --------------------------------------------------------------------------------------- */

/* The network program: what generated functions use, the functions, and what uses them. */
static meso_status network_text(text *source, const char *generated, meso_error *err)
{
    static const char *const before[] = {"mesocl.clh", "math.clh",   "rng.clh",
                                         "layout.clh", "groups.clh", "plasticity.clh",
                                         "edges.clh",  "neurons.clh"};
    static const char *const after[] = {"schedule.clh", "synapses.clh", "network.cl"};
    MESO_TRY(kernel_text(source, before, 8, err));
    text_append(source, generated);
    return kernel_text(source, after, 3, err);
}

const char *network_options(const layout *l, char options[96])
{
    snprintf(options, 96, "-w -DMESO_WIDTH=%u%s%s%s%s", l->vector_width,
             l->work_group_size == 1 ? " -DMESO_SERIAL" : "",
             l->makes_edges ? " -DMESO_MAKES_EDGES" : "", l->n_plastic > 0 ? " -DMESO_PLASTIC" : "",
             l->pocl ? " -DMESO_POCL" : "");
    return options;
}

static meso_status network_compile(const experiment *e, meso_device *device, const layout *l,
                                   const char *generated, cl_program *out, meso_error *err)
{
    text source = {0};
    char options[96];
    meso_status status = network_text(&source, generated, err);
    if (status == MESO_OK)
        status = program_build(device, "network", source.data, network_options(l, options), out,
                               err);
    text_free(&source);
    return status == MESO_KERNEL_BUILD ? model_errors(e, err) : status;
}

static meso_status network_build(simulation *sim, const char *generated, meso_error *err)
{
    MESO_TRY(network_compile(sim->e, sim->device, sim->l, generated, &sim->network_program, err));
    return kernel_create(sim->network_program, "network_advance", &sim->network_advance, err);
}

static meso_status field_build(simulation *sim, meso_error *err)
{
    static const char *const paths[] = {
        "mesocl.clh",    "math.clh",      "rng.clh",   "layout.clh",    "groups.clh",
        "receptors.clh", "terminals.clh", "grids.clh", "signals.clh",   "modulators.cl",
        "recorder.cl"};
    text source = {0};
    const char *options = sim->l->work_group_size == 1 ? "-DMESO_WIDTH=1 -DMESO_SERIAL"
                                                       : "-DMESO_WIDTH=1";
    meso_status status = kernel_text(&source, paths, 11, err);
    if (status == MESO_OK)
        status = program_build(sim->device, "field", source.data, options, &sim->field_program,
                               err);
    text_free(&source);
    MESO_TRY(status);
    MESO_TRY(kernel_create(sim->field_program, "field_step", &sim->field_step, err));
    MESO_TRY(kernel_create(sim->field_program, "frame_record", &sim->frame_record, err));
    return kernel_create(sim->field_program, "timeline_record", &sim->timeline_record, err);
}

meso_status simulation_compile(const experiment *e, meso_device *device, const layout *l,
                               meso_error *err)
{
    text generated = {0};
    cl_program program = NULL, rules = NULL, contacts = NULL;
    meso_status status = MESO_OK;
    population_program *programs = calloc(e->n_populations + 1, sizeof *programs);
    if (programs == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    MESO_GO(codegen_populations(e, l, &generated, programs, err));
    MESO_GO(network_compile(e, device, l, generated.data, &program, err));
    MESO_GO(learning_compile(e, device, l, &rules, &contacts, err));
done:
    program_release(&program);
    program_release(&rules);
    program_release(&contacts);
    codegen_programs_free(programs, e->n_populations);
    free(programs);
    text_free(&generated);
    return status;
}

/* --- creation ---------------------------------------------------------------------------------------- */

static meso_status network_upload(simulation *sim, meso_error *err)
{
    const layout *l = sim->l;
    const network_entry entry = {
        .n_partitions = l->n_partitions,
        .n_chunks = l->n_chunks,
        .n_bundles = l->n_bundles,
        .n_populations = sim->e->n_populations,
        .n_words = l->n_words,
        .n_slots = l->n_slots,
        .n_history = l->n_history,
        .batches_per_group = l->batches_per_group,
        .batch_steps = l->batch_steps,
        .steps_per_field = l->steps_per_field,
        .spikes_per_batch = l->spikes_per_batch,
        .n_lists = sim->e->n_populations * l->list_partitions,
        .list_partitions = l->list_partitions,
        .cell_bits = l->cell_bits,
        .offset_bits = l->offset_bits,
        .record_capacity = recorder_capacity(sim->e, l),
        .amplitudes_per_batch = l->amplitudes_per_batch,
    };
    return buffer_create(sim->device, BUFFER_CONSTANT, "network", sizeof entry, &entry,
                         &sim->network, err);
}

static meso_status rings_create(simulation *sim, meso_error *err)
{
    const layout *l = sim->l;
    meso_device *d = sim->device;
    const size_t lists = (size_t)l->n_history * sim->e->n_populations * l->list_partitions;
    MESO_TRY(buffer_create(d, BUFFER_STATE, "input ring", l->ring_words * sizeof(int32_t), NULL,
                           &sim->ring, err));
    MESO_TRY(buffer_create(d, BUFFER_STATE, "spike history",
                           (size_t)l->n_history * l->spikes_per_batch * sizeof(uint32_t), NULL,
                           &sim->spikes, err));
    return buffer_create(d, BUFFER_STATE, "spike counts", lists * sizeof(uint32_t), NULL,
                         &sim->spike_counts, err);
}

/* Arguments of field_step (modulators.cl) by position. */
enum {
    FIELD_SIZES = 0,
    FIELD_BATCHES_PER_FIELD = 8,
    FIELD_STEPS_PER_FIELD,
    FIELD_NUMBER,
    FIELD_DT,
    FIELD_DRUG_ROW,
    FIELD_N_LEVELS,
    FIELD_TABLES,
    FIELD_DRUGS = FIELD_TABLES + 11,
    FIELD_STATE,
    FIELD_GRIDS = FIELD_STATE + 7,
    FIELD_SIGNALS = FIELD_GRIDS + 8
};

static meso_status field_arguments_set(simulation *sim, meso_error *err)
{
    const layout *l = sim->l;
    const modulators *m = &sim->modulators;
    kernel *k = &sim->field_step;
    const uint32_t sizes[] = {m->n_compartments,
                              m->n_receptors,
                              receptors_n_targets(sim),
                              m->n_gates,
                              sim->e->n_stimuli,
                              m->n_field,
                              sim->e->n_populations * l->list_partitions,
                              l->n_history};
    for (uint32_t i = 0; i < 8; i++)
        MESO_TRY(kernel_set_u32(k, i, sizes[i], err));
    MESO_TRY(kernel_set_u32(k, FIELD_BATCHES_PER_FIELD, l->batches_per_field, err));
    MESO_TRY(kernel_set_u32(k, FIELD_STEPS_PER_FIELD, l->steps_per_field, err));
    MESO_TRY(kernel_set_f32(k, FIELD_DT, (float)sim->e->field_step_ms, err));
    MESO_TRY(kernel_set_u32(k, FIELD_N_LEVELS, experiment_n_levels(sim->e), err));
    const buffer *const tables[] = {&m->compartments,    &m->terminals,     &m->enzymes,
                                    &m->blocks,          &m->receptors,     &m->ligands,
                                    &m->targets,         &m->effects,       &m->gate_table,
                                    &sim->stimuli.table, &sim->spike_counts};
    MESO_TRY(kernel_set_buffers(k, FIELD_TABLES, tables, sizeof tables / sizeof *tables, err));
    const buffer *const state[] = {&m->field,
                                   &m->field_sum,
                                   &m->states,
                                   &sim->neurons.modulation,
                                   &sim->stimuli.thresholds,
                                   &sim->stimuli.volleys,
                                   &sim->stimuli.rates};
    MESO_TRY(kernel_set_buffers(k, FIELD_STATE, state, sizeof state / sizeof *state, err));
    MESO_TRY(kernel_set_u32(k, FIELD_GRIDS, sim->voxels.n_grids, err));
    const buffer *const grids[] = {
        &sim->voxels.table,      &sim->voxels.sums,  &sim->voxels.strands, &sim->voxels.now,
        &sim->voxels.n_released, &sim->cells.locals, &sim->cells.sums};
    MESO_TRY(kernel_set_buffers(k, FIELD_GRIDS + 1, grids, sizeof grids / sizeof *grids, err));
    const buffer *const signals[] = {&sim->contacts.signals, &sim->contacts.signal_states};
    MESO_TRY(kernel_set_u32(k, FIELD_SIGNALS, sim->contacts.n_signals, err));
    return kernel_set_buffers(k, FIELD_SIGNALS + 1, signals, 2, err);
}

static meso_status simulation_build(simulation *sim, const meso_run_options *options,
                                    meso_error *err)
{
    text generated = {0};
    meso_status status = MESO_OK;
    MESO_GO(layout_create(sim->e, meso_device_describe(sim->device), options, &sim->l, err));
    MESO_GO(memory_check(sim->e, sim->l, meso_device_describe(sim->device), err));
    MESO_GO(neurons_create(sim, &generated, err));
    MESO_GO(network_build(sim, generated.data, err));
    MESO_GO(neurons_derive(sim, err));
    MESO_GO(field_build(sim, err));
    MESO_GO(voxels_create(sim, err));
    MESO_GO(modulators_create(sim, err));
    MESO_GO(stimuli_create(sim, err));
    MESO_GO(playback_create(sim, err));
    MESO_GO(rings_create(sim, err));
    MESO_GO(plasticity_create(sim, err));
    MESO_GO(synapses_create(sim, err));
    MESO_GO(recorder_create(sim, err));
    MESO_GO(network_upload(sim, err));
    MESO_GO(learning_create(sim, err));
    MESO_GO(signals_create(sim, err));
    MESO_GO(contacts_create(sim, err));
    MESO_GO(schedule_create(sim, options, err));
    MESO_GO(field_arguments_set(sim, err));
    MESO_GO(voxels_arguments_set(sim, err));
    MESO_GO(device_wait(sim->device, NULL, err));
    sim->end_buffer = buffers_made(sim->device);
done:
    text_free(&generated);
    return status;
}

meso_status simulation_create(const experiment *e, meso_device *device,
                              const meso_run_options *options, simulation **out, meso_error *err)
{
    *out = NULL;
    simulation *sim = calloc(1, sizeof *sim);
    if (sim == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    sim->e = e;
    sim->device = device;
    sim->stop = options != NULL ? options->stop : NULL;
    sim->field_moves = e->n_modulators > 0 || e->n_receptors > 0 || stimuli_move(e) ||
                       contacts_n_fields(e) > 0;
    sim->first_buffer = buffers_made(device);
    sim->memory = arena_create();
    meso_status status = sim->memory != NULL ? simulation_build(sim, options, err)
                                             : error_set(err, MESO_MEMORY, "out of memory");
    if (status != MESO_OK)
        simulation_destroy(&sim);
    *out = sim;
    return status;
}

void simulation_destroy(simulation **sim)
{
    if (sim == NULL || *sim == NULL)
        return;
    simulation *s = *sim;
    device_wait(s->device, NULL, NULL);
    if (s->l != NULL) {
        neurons_destroy(s);
        modulators_destroy(s);
        voxels_destroy(s);
        cells_destroy(s);
        stimuli_destroy(s);
        playback_destroy(s);
        synapses_destroy(s);
        recorder_destroy(s);
        plasticity_destroy(s);
        contacts_destroy(s);
        learning_destroy(s);
        schedule_destroy(s);
        buffer_destroy(s->device, &s->network);
        buffer_destroy(s->device, &s->ring);
        buffer_destroy(s->device, &s->spikes);
        buffer_destroy(s->device, &s->spike_counts);
    }
    kernel_release(&s->network_advance);
    kernel_release(&s->field_step);
    kernel_release(&s->frame_record);
    kernel_release(&s->timeline_record);
    program_release(&s->network_program);
    program_release(&s->field_program);
    layout_destroy(&s->l);
    arena_destroy(&s->memory);
    free(s);
    *sim = NULL;
}

/* --- the loop ----------------------------------------------------------------------------------------- */

/* Release from the spikes of the field step before, uptake, binding; rates of outside input. */
static meso_status field_advance(simulation *sim, uint32_t row, meso_error *err)
{
    const cl_ulong number = sim->step / sim->l->steps_per_field;
    kernel *k = &sim->field_step;
    MESO_TRY(voxels_advance(sim, row, err));
    MESO_TRY(kernel_set_bytes(k, FIELD_NUMBER, sizeof number, &number, err));
    MESO_TRY(kernel_set_u32(k, FIELD_DRUG_ROW, row, err));
    return device_launch(sim->device, k, 1, sim->l->work_group_size, err);
}

/* Levels of the interval that begins. */
static meso_status drugs_set(simulation *sim, meso_error *err)
{
    const buffer *drugs = &sim->recorder.halves[sim->n_enqueued % 2].drugs;
    MESO_TRY(voxels_drugs_set(sim, drugs, err));
    return kernel_set_buffer(&sim->field_step, FIELD_DRUGS, drugs, err);
}

/* At the start, and when there is anything to change. */
static int field_is_due(const simulation *sim)
{
    return sim->field_moves || sim->step == 0 || stimuli_change(sim->e, sim->step);
}

/*
 * One field step (1 ms) at a time, in batches of steps no longer than the shortest delay:
 *
 *   field      sees the spikes of all earlier steps; sets concentrations, bound receptors, modulated parameters
 *              and outside rates, which then hold for the whole field step
 *   frames     see the state at the start of a batch
 *   network    sees spikes of earlier batches only; no partition needs another one's work of the same batch
 *   time line  a row ends when its last field step is summed
 *
 * Batches between which nothing else happens go to the device together (schedule.c).
 */
meso_status simulation_enqueue(simulation *sim, uint32_t n_field_steps, const float *levels_nM,
                               meso_error *err)
{
    MESO_TRY(recorder_begin(sim, n_field_steps, levels_nM, err));
    MESO_TRY(playback_begin(sim, n_field_steps, err));
    MESO_TRY(drugs_set(sim, err));
    for (uint32_t f = 0; f < n_field_steps; f++) {
        if (field_is_due(sim)) {
            MESO_TRY(schedule_advance(sim, err));
            MESO_TRY(field_advance(sim, f, err));
        }
        MESO_TRY(recorder_timeline(sim, err));
        for (uint32_t b = 0; b < sim->l->batches_per_field; b++) {
            if (recorder_frames_are_due(sim)) {
                MESO_TRY(schedule_advance(sim, err));
                MESO_TRY(recorder_frames(sim, err));
            }
            sim->step += sim->l->batch_steps;
        }
    }
    MESO_TRY(schedule_advance(sim, err));
    MESO_TRY(recorder_end(sim, err));
    sim->n_enqueued++;
    return MESO_OK;
}

meso_status simulation_collect(simulation *sim, interval *out, meso_error *err)
{
    MESO_TRY(recorder_collect(sim, out, err));
    sim->n_collected++;
    return MESO_OK;
}

/* --- looking in ----------------------------------------------------------------------------------------- */

bool simulation_is_side_by_side(const simulation *sim)
{
    return sim->schedule.side_by_side;
}

const layout *simulation_layout(const simulation *sim)
{
    return sim->l;
}

uint64_t simulation_synapses(const simulation *sim)
{
    return sim->synapses.n_synapses;
}

uint64_t simulation_events(const simulation *sim)
{
    return sim->recorder.n_events;
}

uint32_t simulation_n_field(const simulation *sim)
{
    return sim->modulators.n_field;
}

meso_series_info simulation_field(const simulation *sim, uint32_t i)
{
    return sim->modulators.series[i];
}
