/** Structure: contacts of a projection that learns are formed and pruned. */
#ifndef MODEL_STRUCTURE_H
#define MODEL_STRUCTURE_H

#include "model/distribution.h"
#include <stdbool.h>
#include <stdint.h>

/* Where a signal comes from, in the region of the target. */
typedef enum modulator_source {
    MODULATED_BY_NOTHING,
    MODULATED_BY_CONCENTRATION, /* nM */
    MODULATED_BY_RECEPTOR,      /* its activation on the target */
} modulator_source;

/* dS/dt = (what it follows - S) / tau */
typedef struct slow_signal {
    modulator_source follows;
    uint32_t modulator; /* index of the modulator or receptor */
    double tau_h;       /* 0: the mean since the update before */
    double initial;
} slow_signal;

/* Who may go, and how soon: with p = 1 - exp(-hazard x update_s), hazard = rate + gain S. */
typedef struct pruning {
    double below;        /* weight and contents together; NAN: whatever they are */
    double after_s;      /* it must have been below so long */
    double older_than_s; /* and be older than this; the first contacts are */
    double rate_per_h;   /* NAN: all of them, at once */
    double gain_per_h;   /* of the signal */
} pruning;

/* Expected new contacts of a target: rate + gain S. Their sources are drawn uniformly. */
typedef struct formation {
    double per_target_per_h, gain_per_target_per_h;
    distribution weight;
} formation;

typedef struct structure {
    double update_s;
    double spare; /* share of free places in a row */
    double
        rate_scale; /* slow time runs so many times as fast: rates are multiplied, times divided by it */
    slow_signal signal;
    const pruning *prune;  /* NULL: none goes */
    const formation *form; /* NULL: none comes */
} structure;

#endif
