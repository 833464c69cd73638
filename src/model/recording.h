/** What is written down, and how often. */
#ifndef MODEL_RECORDING_H
#define MODEL_RECORDING_H

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

typedef struct recording {
    bool *spikes; /* [n_populations] written to spikes.h5 (all are hashed and counted) */
    double
        largest_rate_hz; /* mean over the network that spikes have room for; above it a run ends */
    double timeline_interval_ms; /* multiple of field_step_ms */
    const report *reports;
    uint32_t n_reports;
} recording;

#endif
