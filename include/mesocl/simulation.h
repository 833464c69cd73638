/**
 * Running an experiment.
 */
#ifndef MESOCL_SIMULATION_H
#define MESOCL_SIMULATION_H

#include <mesocl/device.h>
#include <mesocl/experiment.h>
#include <mesocl/sink.h>
#include <mesocl/state.h>
#include <mesocl/status.h>
#include <signal.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How batches of steps are launched. */
typedef enum meso_schedule {
    MESO_SCHEDULE_AUTO,         /* side by side where a probe shows that it works, on CPUs */
    MESO_SCHEDULE_LAUNCH,       /* one launch a batch */
    MESO_SCHEDULE_SIDE_BY_SIDE, /* many batches in a launch whose groups wait for each other; launches when the
                                   probe fails or a group waits too long */
} meso_schedule;

/** How the work is laid out, and in how many sittings it is done. Nothing here changes a result. Zero means: choose for
 *  the device, and run from start to end. */
typedef struct meso_run_options {
    uint32_t work_group_size; /* work-items per group */
    uint32_t vector_width;    /* 1, 4, 8 or 16 neurons per work-item */
    uint32_t partitions;      /* parts of the network, each owned by one work-group at a time */
    uint64_t buffer_bytes;    /* of synapses in one buffer, if less than the device allows */
    meso_schedule schedule;
    const volatile sig_atomic_t *stop; /* set to nonzero from a signal handler to end early */
    double stop_after_s;               /* end early when so much has been simulated */
    double checkpoint_wall_s; /* the longest, in wall time, that may be lost when the run is killed:
                                          after so long sinks are asked for a checkpoint (if that takes more
                                          than 1/50 of it, after 50 times as long as it takes) */
    const meso_state_visitor
        *resume; /* fills the state of an earlier sitting: the run goes on from there */
} meso_run_options;

/**
 * Walk the experiment through time and hand the results to the sinks, in order.
 * Errors    MESO_STOPPED when stopped: the sinks were ended properly, hold all results so far, and had been asked
 *           for a checkpoint of that moment; MESO_VERSION when what is to be resumed is another experiment's or lies
 *           differently on the device
 */
MESO_API meso_status meso_experiment_run(const meso_experiment *experiment, meso_device *device,
                                         const meso_run_options *options, meso_sink *const *sinks,
                                         uint32_t n_sinks, meso_error *err);

/** One row of the plan that `mesocl check` prints. */
typedef struct meso_plan_row {
    char name[96];
    uint64_t count; /* neurons, synapses (expected), or 0 */
    uint64_t bytes; /* device memory */
    const char *storage; /* of synapses: "compact", "wide" or "procedural"; else NULL */
} meso_plan_row;

/**
 * What a run would need, without running: one row per population, projection and buffer, last the total.
 * Outputs   rows  freed with free()
 * Errors    MESO_DEVICE_MEMORY and MESO_CONFIG as a run would give them before it starts
 */
MESO_API meso_status meso_experiment_plan(const meso_experiment *experiment,
                                          const meso_device_info *device,
                                          const meso_run_options *options, meso_plan_row **rows,
                                          uint32_t *n_rows, meso_error *err);

/**
 * Compile the models that lie beside the experiment, as a run would before it starts; without such, nothing is done.
 * Errors    MESO_CONFIG with file, line and what the compiler says
 */
MESO_API meso_status meso_experiment_compile(const meso_experiment *experiment, meso_device *device,
                                             const meso_run_options *options, meso_error *err);

#ifdef __cplusplus
}
#endif
#endif
