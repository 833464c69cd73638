/**
 * Where results go: a struct of callbacks.
 *
 * The run calls them from one thread, in order: begin, then for every interval of model time its spikes,
 * triggers, frames, time line and progress, then end. An interval is at most 100 field steps and ends where a
 * phase ends, where a checkpoint is due, or where synapses are read: they come after it, those at time 0
 * after begin. A sink that began hears the end, whatever went wrong. Pointers passed in are valid during
 * the call only. A callback that is NULL is skipped; one that fails ends the run with its status
 * (MESO_STOPPED from `progress` ends it cleanly).
 */
#ifndef MESOCL_SINK_H
#define MESOCL_SINK_H

#include <mesocl/device.h>
#include <mesocl/experiment.h>
#include <mesocl/state.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A spike. Its time is (step + 1) * dt: the end of the step in which the threshold was crossed. */
typedef struct meso_spike {
    uint64_t step;
    uint32_t population; /* index in meso_run_info.populations */
    uint32_t neuron;     /* index in its population */
} meso_spike;

typedef struct meso_population_info {
    const char *name;
    const char *region;
    const char *cell;
    uint32_t n_neurons;
} meso_population_info;

/** A frame report: one variable of sampled elements at a fixed interval. */
typedef struct meso_report_info {
    const char *name;       /* file name without suffix */
    const char *population; /* SONATA population; for a concentration, a virtual one */
    const char *variable;
    const char *unit;
    uint32_t n_elements;
    const uint64_t *node_ids; /* [n_elements], ascending */
    double interval_ms;
    double start_ms, stop_ms; /* first frame is at start_ms; stop is excluded */
} meso_report_info;

/** A column of the time line: a drug level, a concentration, an occupancy, a rate. Or a variable of synapses. */
typedef struct meso_series_info {
    const char *name; /* "drug.cocaine.brain_nM", "dopamine.nac_core.concentration_nM", ... */
    const char *unit;
} meso_series_info;

/** Synapses of one projection that are followed. */
typedef struct meso_synapse_info {
    const char *name; /* file name without suffix */
    const char *projection;
    const char *source, *target; /* populations */
    uint32_t n_synapses;
    const uint64_t *source_ids, *target_ids; /* [n_synapses], sorted by source, then target */
    const double *delay_ms;                  /* [n_synapses] */
    const meso_series_info *variables;       /* the weight, states of its rule */
    uint32_t n_variables;
} meso_synapse_info;

/** Spikes met the condition of a contingency, and something follows from it. */
typedef struct meso_trigger {
    uint32_t contingency; /* index in meso_run_info.contingencies */
    double time_s;        /* of the spike that met it */
    double given_s; /* of the field step in which the consequence falls due; NAN: after the end */
} meso_trigger;

/** How often it was met, and what followed was given. */
typedef struct meso_contingency_count {
    const char *name;
    uint64_t triggers, given;
} meso_contingency_count;

/** How the work was laid out. Nothing here changes a result. */
typedef struct meso_layout_info {
    uint32_t partitions, vector_width, work_group_size;
    uint32_t batch_steps; /* steps per launch */
    const char *storage;  /* of synapses: compact, wide, procedural, mixed, or none */
    bool side_by_side;    /* many batches in one launch, unless groups lose patience */
} meso_layout_info;

typedef struct meso_run_info {
    const meso_experiment *experiment;
    const meso_device_info *device;
    uint64_t seed;
    double dt_ms;
    double duration_s;
    double start_s; /* simulated time that begins now: 0, but for a run that goes on */
    const meso_population_info *populations;
    uint32_t n_populations;
    const meso_report_info *reports;
    uint32_t n_reports;
    const meso_series_info *series;
    uint32_t n_series;
    const meso_synapse_info *synapse_sets;
    uint32_t n_synapse_sets;
    const char *const *contingencies; /* their names */
    uint32_t n_contingencies;
    uint64_t n_neurons;
    uint64_t n_synapses;
    meso_layout_info layout;
} meso_run_info;

/** All synapses of a projection at one time. */
typedef struct meso_edges {
    const meso_run_info *run;
    const char *projection;
    const char *source, *target;   /* populations */
    uint32_t n_sources, n_targets; /* their cells */
    double time_s;
    uint64_t n;
    const uint64_t *source_ids, *target_ids; /* [n], sorted by target, then source */
    const float *delay_ms;                   /* [n] */
    const meso_series_info *variables;       /* first the weight, then states of its rule */
    uint32_t n_variables;
    const float *values; /* [n_variables x n] */
} meso_edges;

typedef struct meso_progress {
    double model_time_s, duration_s;
    double wall_s;           /* of this sitting */
    double real_time_factor; /* wall / model time, of the last second or so */
    const char *phase;
    const double *rates_hz; /* [n_populations], over the last interval */
    uint32_t n_populations;
    const double *drug_nM; /* [n_drugs], brain, now */
    uint32_t n_drugs;
    uint64_t spikes, synaptic_events; /* so far */
} meso_progress;

/** A number that an assay of the experiment gave. */
typedef struct meso_assay_value {
    const char *name;     /* that the experiment gives the assay */
    const char *assay;    /* its kind: "microdialysis" */
    const char *quantity; /* "peak_percent" */
    const char *unit;
    double time_h; /* of the experiment, with the time that it leapt over */
    double value;  /* NAN: there was nothing to measure */
} meso_assay_value;

/** A time course that an assay gave. */
typedef struct meso_assay_series {
    const char *name, *quantity, *unit;
    const double *time_s, *values; /* [n], and values [n x n_bins] where there are bins */
    uint32_t n;
    const double *edges; /* [n_bins + 1] of a histogram's bins; NULL: no histogram */
    const char *edges_unit;
    uint32_t n_bins;
} meso_assay_series;

/** Contacts of a projection with structure, as of the last update that all of them have had. */
typedef struct meso_contacts_info {
    const char *projection;
    double rate_scale; /* slow time was compressed so much */
    uint64_t contacts, formed, pruned;
    double per_target; /* mean contacts of a target cell */
} meso_contacts_info;

/** What summary.json holds; see docs/architecture.md. */
typedef struct meso_summary {
    const char *version;
    meso_status status; /* how the run ended: MESO_OK, MESO_STOPPED, or an error */
    uint64_t seed;
    uint64_t spike_hash;
    double model_time_s, network_time_s, wall_s, real_time_factor; /* wall: of all sittings */
    double compile_s, build_s; /* before: programs; network and everything else on the device */
    uint64_t neurons, synapses, spikes, synaptic_events, peak_device_bytes;
    double bytes_per_synapse;
    const double *rates_hz; /* [n_populations] over the whole run */
    const meso_assay_value *assay_values;
    const meso_assay_series *assay_series;
    uint32_t n_assay_values, n_assay_series;
    const meso_contacts_info *contacts;
    uint32_t n_contacts; /* projections with structure */
    const meso_contingency_count *contingencies;
    uint32_t n_contingencies;
} meso_summary;

typedef struct meso_sink {
    void *self;
    meso_status (*begin)(void *self, const meso_run_info *info, meso_error *err);
    /** spikes [n], sorted by (step, population, neuron) */
    meso_status (*spikes)(void *self, const meso_spike *spikes, uint64_t n, meso_error *err);
    /** in order of time; when the interval of the spike comes, before the consequence */
    meso_status (*trigger)(void *self, const meso_trigger *trigger, meso_error *err);
    /** data [n_frames x n_elements], row-major; frames of one report come in order without gaps */
    meso_status (*frames)(void *self, uint32_t report, const float *data, uint32_t n_frames,
                          meso_error *err);
    /** time_s [n_rows], values [n_rows x n_series] */
    meso_status (*timeline)(void *self, const double *time_s, const double *values, uint32_t n_rows,
                            meso_error *err);
    /** values [n_variables x n_synapses] of a set, by number; NAN: the synapse is not there any more */
    meso_status (*synapses)(void *self, uint32_t set, double time_s, const float *values,
                            meso_error *err);
    meso_status (*edges)(void *self, const meso_edges *edges, meso_error *err);
    meso_status (*progress)(void *self, const meso_progress *progress, meso_error *err);
    /** Keep the state. The run stands still, and all results up to now have been told. */
    meso_status (*checkpoint)(void *self, const meso_state *state, meso_error *err);
    meso_status (*end)(void *self, const meso_summary *summary, meso_error *err);
} meso_sink;

#ifdef __cplusplus
}
#endif
#endif
