/**
 * A neuron model: a descriptor (JSON) and one pure function (OpenCL C, in a .clh).
 *
 * The function advances one step:
 *
 *     <model>_state <model>(<model>_state state, <model>_parameters parameters,
 *                           real current_pA, float dt_ms);
 *
 * The two structs are generated from the descriptor: one `real` per state variable or parameter, in
 * descriptor order, and in the state a last member `truth spiked`.
 */
#ifndef MODEL_NEURON_MODEL_H
#define MODEL_NEURON_MODEL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct parameter_spec {
    const char *name, *unit, *doc, *source;
    double default_value; /* NAN: the experiment must give it */
    double min, max;      /* inclusive */
} parameter_spec;

typedef struct state_spec {
    const char *name, *unit, *doc;
    double initial;            /* used when initial_parameter is -1 */
    int32_t initial_parameter; /* start at the value of this parameter */
} state_spec;

typedef struct neuron_model {
    const char *name, *title, *source;
    const char *text;      /* content of the .clh */
    const char *text_path; /* for messages and #line */
    const parameter_spec *parameters;
    uint32_t n_parameters;
    const state_spec *state; /* state[0] is the membrane potential in mV */
    uint32_t n_state;
} neuron_model;

#endif
