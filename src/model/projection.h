/** A projection: synapses from one population to another, made by a rule. */
#ifndef MODEL_PROJECTION_H
#define MODEL_PROJECTION_H

#include "model/distribution.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum connection_rule {
    RULE_FIXED_INDEGREE,    /* every target draws `indegree` sources */
    RULE_FIXED_PROBABILITY, /* every pair is connected with `probability`, at most once */
    RULE_FIXED_TOTAL,       /* `total` synapses, source and target drawn independently */
    RULE_ONE_TO_ONE,        /* neuron i to neuron i */
    RULE_ALL_TO_ALL,
    RULE_GAUSSIAN_DISTANCE, /* pair connected with probability * exp(-d^2 / (2 sigma^2)) */
} connection_rule;

/* How the synapses of a projection are kept on the device. None of it changes an edge. */
typedef enum synapse_storage {
    STORAGE_AUTO,
    STORAGE_COMPACT,    /* 4 bytes: drawn weights have a limited number of levels */
    STORAGE_WIDE,       /* 8 bytes: weights in the units of the input ring */
    STORAGE_PROCEDURAL, /* none: edges are made anew whenever their source fires */
} synapse_storage;

/* A spike adds weight * factor to each of several ports of the target: it opens a conductance, or is an
 * input of the model. All ports of a projection have one unit, and the weight has it too. */
typedef struct projection_port {
    uint32_t port; /* of the target: its conductances first, then the inputs of its model */
    double factor;
} projection_port;

typedef struct projection {
    const char *name;
    uint32_t source, target; /* population indices */
    connection_rule rule;
    uint32_t indegree;
    uint64_t total;
    double probability;
    double sigma_um;
    bool autapses;  /* a neuron may connect to itself */
    bool multapses; /* a pair may have several synapses (fixed_indegree, fixed_total) */
    const projection_port *ports;
    uint32_t n_ports;
    distribution weight; /* per spike; of conductances the peak in nS, >= 0; else of either sign */
    distribution delay_ms; /* rounded to steps, at least one step */
    synapse_storage storage;
} projection;

#endif
