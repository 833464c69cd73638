/** Timing windows of a simulation, while nothing is written. */
#ifndef CLI_BENCH_MEASURE_H
#define CLI_BENCH_MEASURE_H

#include "cli/bench_cases.h"
#include <mesocl/mesocl.h>

typedef struct bench_window {
    double model_s, wall_s;
    uint64_t spikes, synaptic_events, launches;
    double own_cpu_s, foreign_cpu_s; /* NAN where the system does not say */
} bench_window;

/* What came before the windows of one simulation, and what came out of all of it. */
typedef struct bench_simulation {
    double compile_s, build_s;
    uint64_t spike_hash;
} bench_simulation;

typedef struct bench_result {
    bench_simulation *simulations; /* [n_simulations] */
    bench_window *windows;         /* [n_windows] of all simulations, in order */
    uint32_t n_simulations, n_windows;
    meso_layout_info layout;
    uint64_t n_neurons, n_synapses, peak_device_bytes;
    double *spikes;            /* [n_populations] in all windows */
    double model_s;            /* of all windows */
    meso_profile_row *kernels; /* [n_kernels] in all windows, of a device that keeps a profile */
    uint32_t n_kernels;
} bench_result;

/**
 * Simulate once and add what is measured to `result`, which is zeroed before the first time.
 * Errors    those of the run; MESO_ARGUMENT: the protocol is not that of the plan;
 *           MESO_INTERNAL: the spikes are not those of the simulation before
 */
meso_status bench_measure(const experiment *e, meso_device *device, const meso_run_options *options,
                          const bench_plan *plan, bench_result *result, meso_error *err);
void bench_result_free(bench_result *result);

/* Median, smallest and largest. */
typedef struct spread {
    double median, min, max;
} spread;
/** Of n values, which are sorted. */
spread spread_of(double *values, uint32_t n);

#endif
