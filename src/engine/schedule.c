/*
 * Launches of the network. The plain way is one launch a batch, queued far ahead. Where groups are seen to run side
 * by side, one launch does many batches and its groups wait for each other: this saves the cost of launches, and
 * every worker keeps its partition in its caches. A group that waits too long, because something else
 * has its core, gives up; the launch then ends with partitions at most one batch apart, and the host goes on from
 * the slowest with plain launches for a while.
 */
#include "base/log.h"
#include "engine/internal.h"

#include <time.h>

#define PROBE_ROUNDS 100u
#define PROBE_PATIENCE 200000u
#define PATIENCE_MIN 3000u /* about 0.1 ms */
#define LOOK_S 30e-9       /* a look with its pause takes about so long */
#define PAUSE_MIN 50u      /* batches */
#define PAUSE_MAX 6400u

/* Arguments of network_advance (network.cl) by position. */
enum {
    LAST,
    INTERVAL_FIRST_STEP,
    SERIAL,
    PATIENCE,
    TABLES,
    RECORDS = TABLES + 31,
    RECORD_COUNTS,
    STATUS,
    PLAYS,
    PLAYBACK_OFFSETS,
    PLAYBACK_EVENTS
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint32_t clamp(double value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : (uint32_t)value;
}

/* Arguments that stay the same for the whole run. */
static meso_status arguments_set(simulation *sim, meso_error *err)
{
    const synapses *s = &sim->synapses;
    const schedule *c = &sim->schedule;
    const buffer *const tables[] = {&sim->network,
                                    &sim->neurons.chunks,
                                    &sim->neurons.populations,
                                    &s->table,
                                    &sim->neurons.partition_chunks,
                                    &s->row_offsets,
                                    &s->buffers[0],
                                    &s->buffers[1],
                                    &s->buffers[2],
                                    &s->buffers[3],
                                    &s->level_table,
                                    &s->rules,
                                    &s->delays,
                                    &s->source_outdegrees,
                                    &sim->neurons.constants,
                                    &sim->neurons.modulation,
                                    &sim->neurons.parameters,
                                    &sim->stimuli.table,
                                    &sim->stimuli.thresholds,
                                    &sim->stimuli.volleys,
                                    &sim->neurons.state,
                                    &sim->ring,
                                    &sim->spikes,
                                    &sim->spike_counts,
                                    &c->batches_done,
                                    &c->progress,
                                    &c->claims,
                                    &c->owners,
                                    &sim->plasticity.table,
                                    &sim->plasticity.states,
                                    &sim->plasticity.amplitudes};
    return kernel_set_buffers(&sim->network_advance, TABLES, tables, sizeof tables / sizeof *tables,
                              err);
}

/* Do as many groups as there are partitions run side by side? */
static meso_status probe(simulation *sim, int *works, meso_error *err)
{
    const size_t bytes = (size_t)sim->l->n_partitions * MESO_LINE * sizeof(uint32_t);
    buffer progress = {0}, numbers = {0}, failures = {0};
    kernel k = {0};
    uint32_t n_failures = 0;
    meso_status status = MESO_OK;
    MESO_GO(
        buffer_create(sim->device, BUFFER_PASSING, "probe progress", bytes, NULL, &progress, err));
    MESO_GO(
        buffer_create(sim->device, BUFFER_PASSING, "probe numbers", bytes, NULL, &numbers, err));
    MESO_GO(buffer_create(sim->device, BUFFER_PASSING, "probe failures", sizeof n_failures, NULL,
                          &failures, err));
    MESO_GO(kernel_create(sim->network_program, "schedule_probe", &k, err));
    MESO_GO(kernel_set_u32(&k, 0, PROBE_ROUNDS, err));
    MESO_GO(kernel_set_u32(&k, 1, PROBE_PATIENCE, err));
    MESO_GO(kernel_set_buffer(&k, 2, &progress, err));
    MESO_GO(kernel_set_buffer(&k, 3, &numbers, err));
    MESO_GO(kernel_set_buffer(&k, 4, &failures, err));
    MESO_GO(device_launch(sim->device, &k, sim->l->n_partitions, sim->l->work_group_size, err));
    MESO_GO(buffer_read(sim->device, &failures, 0, sizeof n_failures, &n_failures, err));
    *works = n_failures == 0;
    log_message(LOG_DEBUG, "%u groups %s side by side", sim->l->n_partitions,
                *works ? "run" : "do not run");
done:
    kernel_release(&k);
    buffer_destroy(sim->device, &progress);
    buffer_destroy(sim->device, &numbers);
    buffer_destroy(sim->device, &failures);
    return status;
}

static meso_status probe_if_wanted(simulation *sim, const meso_run_options *options,
                                   meso_error *err)
{
    const meso_device_info *device = meso_device_describe(sim->device);
    const meso_schedule wanted = options != NULL ? options->schedule : MESO_SCHEDULE_AUTO;
    if (wanted == MESO_SCHEDULE_LAUNCH || sim->l->n_learnings > 0)
        return MESO_OK;
    if (wanted == MESO_SCHEDULE_AUTO && (!sim->l->pocl || !device->is_cpu || sim->field_moves))
        return MESO_OK;
    return probe(sim, &sim->schedule.side_by_side, err);
}

uint64_t schedule_bytes(const layout *l)
{
    return l->n_partitions * (sizeof(uint64_t) + 3 * MESO_LINE * sizeof(uint32_t));
}

meso_status schedule_create(simulation *sim, const meso_run_options *options, meso_error *err)
{
    schedule *c = &sim->schedule;
    const size_t n = sim->l->n_partitions, bytes = n * MESO_LINE * sizeof(uint32_t);
    c->patience = PATIENCE_MIN;
    c->pause = PAUSE_MIN;
    MESO_TRY(buffer_create(sim->device, BUFFER_STATE, "batches done", n * sizeof(uint64_t), NULL,
                           &c->batches_done, err));
    MESO_TRY(buffer_create(sim->device, BUFFER_STATE, "progress", bytes, NULL, &c->progress, err));
    MESO_TRY(buffer_create(sim->device, BUFFER_PASSING, "claims", bytes, NULL, &c->claims, err));
    MESO_TRY(buffer_create(sim->device, BUFFER_PASSING, "owners", bytes, NULL, &c->owners, err));
    MESO_TRY(arguments_set(sim, err));
    return probe_if_wanted(sim, options, err);
}

void schedule_destroy(simulation *sim)
{
    schedule *c = &sim->schedule;
    buffer *all[] = {&c->batches_done, &c->progress, &c->claims, &c->owners};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(sim->device, all[i]);
}

static meso_status network_launch(simulation *sim, uint64_t last, uint32_t patience,
                                  meso_error *err)
{
    const recording_half *h = &sim->recorder.halves[sim->n_enqueued % 2];
    const playback_half *played = &sim->playback.halves[sim->n_enqueued % 2];
    const cl_ulong to = last, first_step = h->first_step;
    kernel *k = &sim->network_advance;
    MESO_TRY(kernel_set_bytes(k, LAST, sizeof to, &to, err));
    MESO_TRY(kernel_set_bytes(k, INTERVAL_FIRST_STEP, sizeof first_step, &first_step, err));
    MESO_TRY(kernel_set_u32(k, SERIAL, ++sim->schedule.serial, err));
    MESO_TRY(kernel_set_u32(k, PATIENCE, patience, err));
    MESO_TRY(kernel_set_buffer(k, RECORDS, &h->records, err));
    MESO_TRY(kernel_set_buffer(k, RECORD_COUNTS, &h->record_counts, err));
    MESO_TRY(kernel_set_buffer(k, STATUS, &h->status, err));
    MESO_TRY(kernel_set_u32(k, PLAYS, sim->playback.n_due > 0, err));
    MESO_TRY(kernel_set_buffer(k, PLAYBACK_OFFSETS, &played->offsets, err));
    MESO_TRY(kernel_set_buffer(k, PLAYBACK_EVENTS, &played->events, err));
    return device_launch(sim->device, k, sim->l->n_partitions, sim->l->work_group_size, err);
}

/* Batches that the slowest partition has done. */
static meso_status slowest_read(simulation *sim, uint64_t *batch, meso_error *err)
{
    uint64_t done[64];
    *batch = UINT64_MAX;
    for (uint32_t first = 0; first < sim->l->n_partitions; first += 64) {
        const uint32_t left = sim->l->n_partitions - first, n = left < 64 ? left : 64;
        MESO_TRY(buffer_read(sim->device, &sim->schedule.batches_done, first * sizeof *done,
                             n * sizeof *done, done, err));
        for (uint32_t i = 0; i < n; i++)
            *batch = done[i] < *batch ? done[i] : *batch;
    }
    return MESO_OK;
}

/* All batches up to `last` in one launch, or as many as the groups have patience for. */
static meso_status side_by_side_advance(simulation *sim, uint64_t last, meso_error *err)
{
    schedule *c = &sim->schedule;
    const double start_s = now_s();
    const uint64_t first = c->batch;
    MESO_TRY(network_launch(sim, last, c->patience, err));
    MESO_TRY(slowest_read(sim, &c->batch, err));
    if (c->batch < last) {
        c->n_aborts++;
        log_message(LOG_DEBUG, "a group lost patience at batch %llu; %u launches follow",
                    (unsigned long long)c->batch, c->pause);
        c->pause_left = c->pause;
        c->pause = clamp(2.0 * c->pause, PAUSE_MIN, PAUSE_MAX);
        return MESO_OK;
    }
    c->pause = clamp(0.5 * c->pause, PAUSE_MIN, PAUSE_MAX);
    c->patience = clamp((now_s() - start_s) / (double)(last - first) / LOOK_S, PATIENCE_MIN,
                        UINT32_MAX / 64); /* the kernel waits many times as long at first */
    return MESO_OK;
}

meso_status schedule_advance(simulation *sim, meso_error *err)
{
    schedule *c = &sim->schedule;
    const uint64_t last = sim->step / sim->l->batch_steps;
    while (c->batch < last) {
        if (c->side_by_side && c->pause_left == 0) {
            MESO_TRY(side_by_side_advance(sim, last, err));
            continue;
        }
        MESO_TRY(contacts_launch(sim, c->batch, err));
        MESO_TRY(learning_launch(sim, c->batch, err));
        MESO_TRY(network_launch(sim, ++c->batch, 0, err));
        c->pause_left -= c->pause_left > 0;
    }
    return MESO_OK;
}
