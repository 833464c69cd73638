/** What an assay is made of: one table of functions per kind, each in a file of its own. */
#ifndef PROTOCOL_ASSAYS_METHOD_H
#define PROTOCOL_ASSAYS_METHOD_H

#include "base/arena.h"
#include "base/status.h"
#include "engine/simulation.h"
#include "model/experiment.h"
#include <mesocl/simulation.h>
#include <mesocl/sink.h>
#include <stdbool.h>

typedef struct result_list {
    meso_assay_value *values;
    meso_assay_series *series;
    uint32_t n_values, n_series, values_capacity, series_capacity;
} result_list;

/* What a method has seen so far: a checkpoint has it. */
typedef struct remembered {
    uint32_t run; /* index of the assay */
    void *data;
    size_t bytes;
} remembered;

typedef struct memory_list {
    remembered *blocks;
    uint32_t n, capacity;
} memory_list;

typedef struct assay_run {
    const assay *assay;
    const experiment *e;
    const meso_run_info *info;
    double row_s;  /* interval of the time line */
    arena *memory; /* until the results have been told */
    result_list *results;
    memory_list *memories;
    uint32_t index; /* of the assay */
    void *state;    /* of the method */
} assay_run;

typedef struct assay_method {
    meso_status (*begin)(assay_run *r, meso_error *err);
    void (*spikes)(assay_run *r, const meso_spike *spikes, uint64_t n);
    void (*frames)(assay_run *r, uint32_t report, const float *data, uint32_t n_frames);
    /** A row of the time line whose middle is at `middle_s` of simulated time. */
    void (*row)(assay_run *r, double middle_s, const double *values);
    /** The synapses of the run can be read: moment number `moment` of the assay's slice. */
    meso_status (*look)(assay_run *r, simulation *sim, uint32_t moment, meso_error *err);
    meso_status (*end)(assay_run *r, double ended_s, meso_error *err);
    /** Frees what the run's memory does not hold; `state` may be NULL. */
    void (*destroy)(assay_run *r);
    /** On a network of its own, with these free drug levels [n_drugs]; at_s is simulated time of the run. */
    meso_status (*probe)(assay_run *r, meso_device *device, const meso_run_options *options,
                         const double *level_nM, double at_s, meso_error *err);
} assay_method;

extern const assay_method microdialysis_method, voltammetry_method, pet_method,
    evoked_current_method, units_method, signal_method, transients_method, membrane_states_method,
    ampa_nmda_ratio_method, silent_synapses_method, mepsc_method, paired_pulse_ratio_method,
    weight_distribution_method, contacts_method;

/* --- for methods ------------------------------------------------------------------------------ */

/** Zeroed memory for n elements, in `*out`. */
meso_status assay_alloc(assay_run *r, size_t n, size_t size, void *out, meso_error *err);
/**
 * Say, in `begin`, what changes while the run goes on, so that a restart has it: arrays and variables, no pointers. One
 * that observes and says nothing is an error.
 */
meso_status assay_remember(assay_run *r, void *data, size_t bytes, meso_error *err);
#define ASSAY_REMEMBER(r, variable, err) assay_remember((r), &(variable), sizeof(variable), (err))
/** Column of the time line, by name. Errors: MESO_CONFIG with the nearest name. */
meso_status assay_column(const assay_run *r, const char *series, uint32_t *column, meso_error *err);
/** The column "<modulator>.<region>.<quantity>" of what the assay looks at. */
meso_status assay_compartment_column(assay_run *r, const char *quantity, uint32_t *column,
                                     meso_error *err);
/** Is this moment not too soon after a leap? */
bool assay_is_settled(const assay_run *r, double time_s);
/** Is it settled, and in the window? */
bool assay_sees(const assay_run *r, double time_s);
/** Is it settled, and before the end of the baseline? */
bool assay_is_baseline(const assay_run *r, double time_s);
/** Biological time in hours, of simulated time. */
double assay_time_h(const assay_run *r, double time_s);

/** The same of the window's end, or of `ended_s` if the run ended before. */
double assay_end_h(const assay_run *r, double ended_s);

/** A number that the assay gives, at a biological time. Quantity and unit are not copied. */
meso_status assay_add(assay_run *r, const char *quantity, const char *unit, double time_h,
                      double value, meso_error *err);
/** A time course [n]; the arrays must live in the run's memory. Times are biological, in seconds. */
meso_status assay_add_series(assay_run *r, const char *quantity, const char *unit,
                             const double *time_s, const double *values, uint32_t n,
                             meso_error *err);
/** Histograms: values [n x n_bins] are counts, edges [n_bins + 1]. */
meso_status assay_add_histogram(assay_run *r, const char *quantity, const double *time_s,
                                const double *values, uint32_t n, const double *edges,
                                const char *edges_unit, uint32_t n_bins, meso_error *err);

#endif
