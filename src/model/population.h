/** A population: cells of one kind in one region, with their conductances and receptors' effects. */
#ifndef MODEL_POPULATION_H
#define MODEL_POPULATION_H

#include "model/distribution.h"
#include "model/neuron_model.h"

typedef enum conductance_kind {
    CONDUCTANCE_EXPONENTIAL,   /* g jumps by the weight and decays with tau_decay */
    CONDUCTANCE_BIEXPONENTIAL, /* difference of exponentials, its peak equals the weight */
    CONDUCTANCE_TONIC,         /* constant g_nS times gain; takes no spikes */
} conductance_kind;

/* What polyamines inside the cell leave of a conductance: left_open + (1 - left_open) / (1 + exp((v - V_half) / slope)). */
typedef struct rectification {
    double V_half_mV;
    double slope_mV;  /* > 0: it closes towards positive potentials */
    double left_open; /* share that is never blocked */
} rectification;

/* I = gain * g * block(v) * rectification(v) * (E - v), block = 1 / (1 + mg_mM / 3.57 * exp(-0.062 v)) if mg_mM > 0
 * (Jahr & Stevens 1990), else 1. */
typedef struct conductance {
    const char *name; /* "ampa", "nmda", "gaba_a", "gaba_b", "girk" */
    conductance_kind kind;
    double tau_rise_ms, tau_decay_ms;
    double E_mV;
    double mg_mM;
    const rectification *rectifies; /* NULL: it does not */
    double g_nS; /* tonic only */
    double gain; /* before effects */
} conductance;

typedef enum effect_target { EFFECT_PARAMETER, EFFECT_CONDUCTANCE_GAIN } effect_target;

/* What an active receptor does to the cell: x becomes x * (1 + scale * phi) + add * phi, where phi is the
 * receptor's activation in the population's region. Effects on one target multiply and add in order. */
typedef struct effect {
    uint32_t receptor; /* index in experiment.receptors */
    effect_target target;
    uint32_t index; /* of the model parameter or of the conductance */
    double scale, add;
} effect;

typedef struct population {
    const char *name, *region, *cell;
    const char *place; /* file:line that gives n_neurons, for messages */
    uint32_t n_neurons;
    const neuron_model *model;
    const distribution *parameters; /* [model.n_parameters] */
    const distribution
        *initial_state; /* [model.n_state]; kind constant with mean NAN: the model's own */
    const conductance *conductances;
    uint32_t n_conductances;
    const effect *effects;
    uint32_t n_effects;
    double extent_um; /* side of the square in which the cells lie, for distance rules */
} population;

/** What spikes can add to: the conductances, numbered first, then the inputs of the model. */
uint32_t population_ports(const population *p);
const char *population_port_name(const population *p, uint32_t port);
/** nS, pA, mV or 1. */
const char *population_port_unit(const population *p, uint32_t port);
/** The key of a weight in that unit: weight_nS, ..., or weight. */
const char *population_weight_key(const population *p, uint32_t port);

#endif
