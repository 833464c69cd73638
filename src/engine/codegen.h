/**
 * Kernel text for the populations of an experiment.
 *
 * Populations of one make (model, conductances, channels, stimuli, which parameters vary or are
 * modulated) share one generated function; numbers come from tables, so that they do not multiply
 * programs.
 */
#ifndef ENGINE_CODEGEN_H
#define ENGINE_CODEGEN_H

#include "base/text.h"
#include "engine/layout.h"
#include "model/experiment.h"

#define CODEGEN_MAX_CONSTANTS 512

/* A parameter or conductance gain that receptors change: value * scale + add. */
typedef struct modulated_target {
    effect_target target;
    uint32_t index;
} modulated_target;

/* A parameter with a value per neuron, drawn from a stream that has the names of owner and parameter. */
typedef struct parameter_array {
    const distribution *values;
    const char *owner_kind, *owner, *parameter; /* "population" or "stimulus" */
} parameter_array;

typedef struct population_program {
    uint32_t kind;
    float constants[CODEGEN_MAX_CONSTANTS];
    uint32_t n_constants;
    parameter_array *arrays; /* [n_arrays] */
    uint32_t n_arrays;
    modulated_target *targets; /* [n_targets] */
    uint32_t n_targets;
    int derives; /* constants_derive fills the last constants */
    uint32_t
        n_fields; /* state arrays: the model's state, one or two a conductance, currents' state */
} population_program;

/**
 * Outputs   source    models, one function per kind, the dispatch between them, and the kernel
 *                     constants_derive, to be launched once with a group for each population
 *           programs  [n_populations], zeroed by the caller, freed with codegen_programs_free
 */
meso_status codegen_populations(const experiment *e, const layout *l, text *source,
                                population_program *programs, meso_error *err);
/** The rules of an experiment, and functions that call the one with a number. */
meso_status codegen_rules(const experiment *e, text *source, meso_error *err);
void codegen_programs_free(population_program *programs, uint32_t n);

/** The structs of a descriptor: <model>_parameters, _derived (if there is any), _inputs, _state. */
void codegen_model_structs(const neuron_model *model, text *out);
/** These, declarations of its functions, and its text with line numbers of its own. */
void codegen_model(const neuron_model *m, text *out);

/** First state array of a conductance; a biexponential one has two (g is the first minus the second). */
uint32_t codegen_conductance_field(const population *p, uint32_t conductance);

/** First state array of stimulus number `index`, a current. */
uint32_t codegen_current_field(const experiment *e, uint32_t index);
/** Whether an effect on it comes from a receptor that each cell has for itself, in a grid. */
int codegen_target_is_local(const experiment *e, uint32_t population, const modulated_target *t);
/** First of its two arrays, scale and add, `number` of them being before it. */
uint32_t codegen_local_field(const experiment *e, uint32_t population, uint32_t number);
/** All state arrays of a population. */
uint32_t codegen_fields(const experiment *e, uint32_t population);

/** Upper tail probabilities of a Poisson count that a stimulus of this rate needs (at most 32). */
uint32_t codegen_poisson_thresholds(const experiment *e, const stimulus *s);

#endif
