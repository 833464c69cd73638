/** The walk of an experiment through time: what run.c and restart.c share. */
#ifndef PROTOCOL_WALK_H
#define PROTOCOL_WALK_H

#include "base/hash.h"
#include "engine/simulation.h"
#include "protocol/assays/assays.h"
#include "protocol/contingencies.h"
#include "protocol/pharmacokinetics.h"
#include "protocol/synapse_watch.h"
#include <mesocl/simulation.h>

/* Rows of the time line that an interval can end, at most one per field step. */
#define ROWS SIMULATION_INTERVAL

/* Drug levels of one interval, kept until its results are collected. */
typedef struct drug_history {
    float *levels_nM; /* [SIMULATION_INTERVAL x experiment_n_levels] free in the brain; what pulses add */
    double *row_nM; /* [ROWS x 2 n_drugs] plasma and brain, means over each row */
    double *end_nM; /* [n_drugs] brain, at the end of the interval */
    uint32_t n_rows;
} drug_history;

typedef struct walk {
    const experiment *e;
    meso_device *device;
    simulation *sim;
    const meso_run_options *options;
    meso_sink *const *sinks;
    uint32_t n_sinks;
    arena *memory;

    pharmacokinetics *drugs;
    contingencies *contingencies;
    meso_contingency_count *counts; /* [n_contingencies] at the end */
    double *row_sum_nM; /* [2 n_drugs] plasma and brain since the last row ended */
    uint32_t next_dose;
    drug_history history[2];
    uint64_t n_fields, field; /* field steps in all, and enqueued so far */
    uint32_t n_enqueued, n_collected;

    meso_run_info info;
    assays *assays;
    synapse_watch *synapses;
    hash_stream *hash;
    uint64_t spikes;                 /* so far */
    uint64_t *n_spikes, *row_spikes; /* [n_populations] so far; since the last row */
    uint64_t row_step;               /* at which the last row ended */
    double *row_values, *rates_hz;
    uint64_t step; /* collected so far */
    double compile_s, build_s, started_s, last_wall_s;
    double earlier_s;         /* wall time of earlier sittings */
    uint64_t kept_field;      /* of the checkpoint that sinks have */
    double checkpoint_took_s;
    double last_checkpoint_s; /* walk_clock_s() then */
    uint32_t n_begun;         /* sinks that heard begin, and will hear the end */
} walk;

/* Call each sink that has the callback. */
#define TELL(w, callback, ...)                                                                     \
    do {                                                                                           \
        for (uint32_t sink_ = 0; sink_ < (w)->n_sinks; sink_++) {                                  \
            const meso_sink *to_ = (w)->sinks[sink_];                                              \
            if (to_->callback != NULL)                                                             \
                MESO_TRY(to_->callback(to_->self, __VA_ARGS__));                                   \
        }                                                                                          \
    } while (0)

double walk_clock_s(void);

/* restart.c */

/** Show all that the walk carries on: host and device. Everything enqueued was collected. */
meso_status walk_state(walk *w, const meso_state_visitor *v, meso_error *err);
/** Field steps from here to where the walk has to stand still for a checkpoint or a stop. */
uint64_t walk_fields_to_stand(const walk *w);
bool walk_stop_is_wanted(const walk *w);
bool walk_checkpoint_is_due(const walk *w);
/** Let the sinks keep the state, unless they have that of this moment. */
meso_status walk_checkpoint(walk *w, meso_error *err);

#endif
