/** What is written down, and how often. */
#ifndef MODEL_RECORDING_H
#define MODEL_RECORDING_H

#include "model/projection.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum report_source {
    REPORT_STATE,         /* a state variable of the neuron model */
    REPORT_CONDUCTANCE,   /* g of a conductance, nS, before gain and block */
    REPORT_CONCENTRATION, /* of a modulator in one compartment, nM: one element */
    REPORT_VOXELS,        /* the same in voxels of its grid, numbered along x, then y, then z */
    REPORT_OCCUPANCY, /* of a receptor in a population, by `quantity`: one element, or neurons in a grid */
} report_source;

typedef struct report {
    const char *name;
    report_source source;
    uint32_t population;             /* STATE, CONDUCTANCE, OCCUPANCY */
    uint32_t index;                  /* state variable, conductance, or receptor */
    uint32_t modulator, compartment; /* CONCENTRATION, VOXELS */
    uint32_t quantity;               /* OCCUPANCY: 0 occupancy, 1 activation, 2 surface */
    const uint32_t *neurons; /* [n_neurons] ascending; STATE and CONDUCTANCE; VOXELS: voxels */
    uint32_t n_neurons;
    const char *variable, *unit;
    double interval_ms, start_ms, stop_ms; /* stop is the end of the experiment when not given */
} report;

/* Synapses of one projection that are followed. Which ones is a function of their sources, targets and delays, as they
 * are when the run begins. */
typedef struct synapse_set {
    const char *name;
    uint32_t projection;
    double fraction;                   /* of those between the cells below */
    uint32_t count;                    /* so many of them instead, if not 0 */
    const uint32_t *sources, *targets; /* ascending */
    uint32_t n_sources, n_targets;
    const synapse_variable *variables;
    uint32_t n_variables;
    double every_s, start_s, stop_s; /* read at start + k every <= stop, rounded to field steps */
} synapse_set;

/* All synapses of a projection at one time. */
typedef struct snapshot {
    uint32_t projection;
    double at_s;
    const synapse_variable *variables; /* the weight, then all states */
    uint32_t n_variables;
} snapshot;

typedef struct recording {
    bool *spikes; /* [n_populations] written to spikes.h5 (all are hashed and counted) */
    double
        largest_rate_hz; /* mean over the network that spikes have room for; above it a run ends */
    double timeline_interval_ms;  /* multiple of field_step_ms */
    double checkpoint_interval_s; /* the same; 0: none by simulated time */
    const report *reports;
    uint32_t n_reports;
    const synapse_set *synapse_sets;
    uint32_t n_synapse_sets;
    const snapshot *snapshots; /* in order of time */
    uint32_t n_snapshots;
} recording;

#endif
