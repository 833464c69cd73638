/**
 * A run without a simulation: results that follow formulas, handed to a sink as the engine would.
 * tests/sonata/synthetic.py has the same formulas.
 */
#ifndef SUPPORT_SYNTHETIC_RUN_H
#define SUPPORT_SYNTHETIC_RUN_H

#include "model/experiment.h"
#include <math.h>
#include <mesocl/output.h>
#include <mesocl/version.h>

enum {
    N_STEPS = 40000, /* one spike each: more than two chunks of spikes */
    N_POTENTIAL_FRAMES = 3000,
    N_DOPAMINE_FRAMES = 5000, /* more than a chunk of frames */
    N_ROWS = 1500,            /* more than a chunk of rows */
    N_SERIES = 4,
    N_FOLLOWED = 3,
    N_READINGS = 1500, /* more than a chunk of readings */
    N_EDGES = 50,
};

static bool synthetic_recorded[] = {true, true, false};
static const meso_experiment synthetic_experiment = {
    .title = "Synthetic \"run\"",
    .json = "{\n  \"schema_version\": 1\n}\n",
    .record = {.spikes = synthetic_recorded},
};
static const meso_device_info synthetic_device = {.name = "no device"};
static const meso_population_info synthetic_populations[] = {
    {"vta_da", "vta", "da", 20},
    {"silent", "vta", "da", 5},
    {"not_recorded", "nac_core", "msn_d1", 10},
};
static const uint64_t synthetic_node_ids[] = {1, 4, 9};
static const uint64_t synthetic_voxel[] = {0};
static const meso_report_info synthetic_reports[] = {
    {"potential", "vta_da", "v_mV", "mV", 3, synthetic_node_ids, 1.0, 10.0, 4000.0},
    {"dopamine_core", "dopamine_nac_core", "concentration_nM", "nM", 1, synthetic_voxel, 0.5, 0.0,
     2500.0},
    {"nothing", "vta_da", "v_mV", "mV", 3, synthetic_node_ids, 1.0, 9000.0, 9100.0},
};
static const meso_series_info synthetic_series[N_SERIES] = {
    {"drug.cocaine.plasma_nM", "nM"},
    {"drug.cocaine.brain_nM", "nM"},
    {"dopamine.nac_core.concentration_nM", "nM"},
    {"rate.vta_da_hz", "Hz"},
};
static const meso_series_info synthetic_variables[] = {{"weight", "nS"}, {"nmda", "of the weight"}};
static const uint64_t synthetic_sources[N_FOLLOWED] = {0, 4, 4},
                      synthetic_targets[N_FOLLOWED] = {0, 0, 7};
static const double synthetic_delays_ms[N_FOLLOWED] = {1.0, 1.5, 2.0};
static const meso_synapse_info synthetic_sets[] = {
    {"followed", "da_to_msn", "vta_da", "not_recorded", N_FOLLOWED, synthetic_sources,
     synthetic_targets, synthetic_delays_ms, synthetic_variables, 2},
};
static const char *const synthetic_contingencies[] = {"reward", "never"};
static const meso_trigger synthetic_triggers[] = {{0, 1.5, 2.75}, {0, 3.25, (double)NAN}};
static const meso_contingency_count synthetic_counts[] = {{"reward", 2, 1}, {"never", 0, 0}};
static const meso_run_info synthetic_info = {
    .experiment = &synthetic_experiment,
    .device = &synthetic_device,
    .seed = 42,
    .dt_ms = 0.1,
    .duration_s = 4,
    .populations = synthetic_populations,
    .n_populations = 3,
    .reports = synthetic_reports,
    .n_reports = 3,
    .series = synthetic_series,
    .n_series = N_SERIES,
    .synapse_sets = synthetic_sets,
    .n_synapse_sets = 1,
    .contingencies = synthetic_contingencies,
    .n_contingencies = 2,
    .n_neurons = 35,
};
static const double synthetic_rates_hz[] = {500, 0, 0.1};

/* Every step one neuron of vta_da fires, and every tenth step one that is not recorded. */
static inline meso_status synthetic_spikes(meso_sink *sink, uint64_t first, uint64_t last,
                                           meso_error *err)
{
    for (uint64_t step = first; step < last; step++) {
        meso_spike spikes[] = {{step, 0, (uint32_t)(step * 7 % 20)},
                               {step, 2, (uint32_t)(step % 10)}};
        meso_status status = sink->spikes(sink->self, spikes, step % 10 == 0 ? 2 : 1, err);
        if (status != MESO_OK)
            return status;
    }
    return MESO_OK;
}

/* Frames in blocks of seven, which no chunk is a multiple of. */
static inline meso_status synthetic_frames(meso_sink *sink, uint32_t index, uint32_t n_frames,
                                           meso_error *err)
{
    float block[7 * 3];
    uint32_t width = synthetic_reports[index].n_elements;
    for (uint32_t first = 0; first < n_frames; first += 7) {
        uint32_t n = n_frames - first < 7 ? n_frames - first : 7;
        for (uint32_t i = 0; i < n * width; i++)
            block[i] = (float)(first * width + i) * 0.25f - 70.0f;
        meso_status status = sink->frames(sink->self, index, block, n, err);
        if (status != MESO_OK)
            return status;
    }
    return MESO_OK;
}

static inline meso_status synthetic_rows(meso_sink *sink, uint32_t n_rows, meso_error *err)
{
    for (uint32_t row = 0; row < n_rows; row++) {
        double time_s = 0.1 * (row + 1), values[N_SERIES];
        for (uint32_t s = 0; s < N_SERIES; s++)
            values[s] = 1000.0 * s + row;
        meso_status status = sink->timeline(sink->self, &time_s, values, 1, err);
        if (status != MESO_OK)
            return status;
    }
    return MESO_OK;
}

/* The second synapse is gone from the tenth reading on. */
static inline meso_status synthetic_readings(meso_sink *sink, meso_error *err)
{
    for (uint32_t k = 0; k < N_READINGS; k++) {
        float values[2 * N_FOLLOWED];
        for (uint32_t i = 0; i < 2 * N_FOLLOWED; i++)
            values[i] = i % N_FOLLOWED == 1 && k >= 9 ? NAN : (float)(10 * k + i);
        meso_status status = sink->synapses(sink->self, 0, 0.5 * k, values, err);
        if (status != MESO_OK)
            return status;
    }
    return MESO_OK;
}

/* Every target has five edges, two of them from one source. */
static inline meso_status synthetic_edges(meso_sink *sink, meso_error *err)
{
    static const uint64_t five[] = {0, 4, 4, 12, 16};
    uint64_t sources[N_EDGES], targets[N_EDGES];
    float delay_ms[N_EDGES], values[2 * N_EDGES];
    for (uint32_t i = 0; i < N_EDGES; i++) {
        sources[i] = five[i % 5];
        targets[i] = i / 5;
        delay_ms[i] = 1 + 0.25f * (float)(i % 7);
        values[i] = 0.5f * (float)i;
        values[N_EDGES + i] = 100 + (float)i;
    }
    const meso_edges edges = {.run = &synthetic_info,
                              .projection = "da_to_msn",
                              .source = "vta_da",
                              .target = "not_recorded",
                              .n_sources = 20,
                              .n_targets = 10,
                              .time_s = 2.5,
                              .n = N_EDGES,
                              .source_ids = sources,
                              .target_ids = targets,
                              .delay_ms = delay_ms,
                              .variables = synthetic_variables,
                              .n_variables = 2,
                              .values = values};
    return sink->edges(sink->self, &edges, err);
}

/* Everything but the end. */
static inline meso_status synthetic_play(meso_sink *sink, meso_error *err)
{
    meso_status status = sink->begin(sink->self, &synthetic_info, err);
    if (status == MESO_OK)
        status = synthetic_spikes(sink, 0, N_STEPS, err);
    if (status == MESO_OK)
        status = synthetic_frames(sink, 0, N_POTENTIAL_FRAMES, err);
    if (status == MESO_OK)
        status = synthetic_frames(sink, 1, N_DOPAMINE_FRAMES, err);
    if (status == MESO_OK)
        status = synthetic_readings(sink, err);
    if (status == MESO_OK)
        status = synthetic_edges(sink, err);
    for (int i = 0; i < 2 && status == MESO_OK; i++)
        status = sink->trigger(sink->self, &synthetic_triggers[i], err);
    return status == MESO_OK ? synthetic_rows(sink, N_ROWS, err) : status;
}

static inline meso_summary synthetic_summary(meso_status status)
{
    return (meso_summary){.version = MESO_VERSION,
                          .status = status,
                          .seed = 42,
                          .spike_hash = 0x00c0ffee00000001u,
                          .model_time_s = 4,
                          .network_time_s = 4,
                          .wall_s = 1.5,
                          .compile_s = 0.5,
                          .build_s = 0.25,
                          .real_time_factor = (double)INFINITY,
                          .neurons = 35,
                          .synapses = 70,
                          .spikes = 44000,
                          .synaptic_events = 1u << 20,
                          .peak_device_bytes = 1u << 30,
                          .bytes_per_synapse = 8.1,
                          .rates_hz = synthetic_rates_hz,
                          .contingencies = synthetic_counts,
                          .n_contingencies = 2};
}

#endif
