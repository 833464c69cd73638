/** A projection: synapses from one population to another, made by a rule. */
#ifndef MODEL_PROJECTION_H
#define MODEL_PROJECTION_H

#include "model/distribution.h"
#include "model/modulator.h"
#include "model/neuron_model.h"
#include "model/structure.h"
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

/* How the synapses of a projection are kept on the device. None of it changes who is connected. */
typedef enum synapse_storage {
    STORAGE_AUTO,
    STORAGE_COMPACT,    /* 4 bytes: drawn weights have a limited number of levels */
    STORAGE_WIDE,       /* 8 bytes: weights in the units of the input ring */
    STORAGE_PROCEDURAL, /* none: edges are made anew whenever their source fires */
    STORAGE_PLASTIC,    /* 8 bytes and 4 for each variable of the rule that it comes with: no choice of the user */
} synapse_storage;

/* A spike adds weight * factor to each of several ports of the target: it opens a conductance, or is an
 * input of the model. All ports of a projection have one unit, and the weight has it too. */
typedef struct projection_port {
    uint32_t port; /* of the target: its conductances first, then the inputs of its model */
    double factor;
} projection_port;

/* Short-term plasticity of Tsodyks, Uziel & Markram 2000, J Neurosci 20:RC50, with immediate decay of what is
 * released, as in NEST's tsodyks2_synapse. Every spike of a source neuron, h after its spike before, does
 *
 *     x <- 1 + (x (1 - u) - 1) exp(-h / tau_recovery)      resources; the u of the spike before
 *     u <- U + u (1 - U) exp(-h / tau_facilitation)         release; U where tau_facilitation_ms is 0
 *
 * and acts with weight x u. The first spike has x = 1 and u = U. */
typedef struct short_term_plasticity {
    double U; /* (0, 1] */
    double tau_recovery_ms, tau_facilitation_ms;
} short_term_plasticity;

typedef enum spike_pairs {
    PAIRS_ALL,     /* a trace adds up the spikes of one side */
    PAIRS_NEAREST, /* it knows the latest only */
} spike_pairs;

/* A content of the rule's, which every spike adds to ports of its own as it adds the weight to those of the projection. */
typedef struct synapse_content {
    uint32_t state; /* of the rule */
    const projection_port *ports; /* in the unit of the weight */
    uint32_t n_ports;
    distribution initial; /* in that unit; of no meaning where there is a share */
    double share; /* the initial value as a share of the synapse's initial weight; NAN: it is drawn by itself */
} synapse_content;

/* Weights of single synapses that change by a rule, with the spikes of both sides. Delays are dendritic: a spike of
 * the source is at the synapse in its own step, one of the target `delay_ms` later. */
typedef struct long_term_plasticity {
    const neuron_model *rule;
    const distribution *parameters; /* [rule.n_parameters] constants */
    spike_pairs pairs;
    double weight_min, weight_max; /* in the unit of the weight */
    double update_ms; /* synapses without spikes are brought up to date at its multiples */
    modulator_source modulated_by;
    uint32_t modulator; /* index of the modulator or receptor */
    const synapse_content *contents; /* in the order of the rule's states */
    uint32_t n_contents;
} long_term_plasticity;

typedef struct projection {
    const char *name;
    const char *place; /* file:line, for messages */
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
    const short_term_plasticity *plasticity; /* NULL: none */
    const long_term_plasticity *learning;    /* NULL: none */
    const structure *structure;              /* NULL: the contacts stay as they are */
    /* receptors on the terminals, in the target's region: they multiply U, or the weight where there is no U */
    const presynaptic_effect *presynaptic;
    uint32_t n_presynaptic;
} projection;

/* What a synapse has that can be read. */
typedef struct synapse_variable {
    const char *name, *unit;
    uint32_t state; /* of the rule; MODEL_NONE: the weight */
} synapse_variable;

/** Whether its contacts have an age, and the time for which they have been weak. */
static inline bool contacts_are_timed(const projection *p)
{
    return p->structure != NULL && p->structure->prune != NULL &&
           (p->structure->prune->after_s > 0 || p->structure->prune->older_than_s > 0);
}

/** Whether each of its spikes has an amplitude of its own. */
static inline bool projection_has_amplitudes(const projection *p)
{
    return p->plasticity != NULL || p->n_presynaptic > 0;
}

#endif
