/**
 * A neuron model: a descriptor (JSON) and one pure function (OpenCL C, in a .clh).
 *
 * The function advances one step:
 *
 *     <model>_state <model>(<model>_state state, <model>_parameters parameters,
 *                           <model>_derived derived, <model>_inputs inputs, float dt_ms);
 *
 * A model that derives nothing has no third argument; one that does has a second function,
 *
 *     <model>_derived <model>_derive(<model>_parameters parameters, float dt_ms);
 *
 * The structs are generated from the descriptor: one `real` per quantity, in descriptor order. The state
 * has a last member `truth spiked`. The inputs are `real current_pA`, the sum of all currents during the
 * step; those of the descriptor, what spikes added up to for this step; `ulong step`; and, where the
 * descriptor asks, `meso_words random`, which depends on seed, population, cell and step alone.
 *
 * A current that stimuli inject is described by the same struct and declared in the same way. Its state
 * begins with `real I_pA`, which is what the function is for and is not remembered; it has no `spiked`.
 * Its inputs are `ulong step`; `ulong since`, steps since the stimulus began; the time at which the step
 * begins, `ulong whole_s` and `float rest_s`, which do not drift; and `meso_words random` as above.
 *
 * A rule of long-term plasticity too. Its state begins with `real weight`; its parameters end with
 * `real weight_min` and `real weight_max`. It has a function for each spike of the source and one for each spike of the
 * target unless the descriptor says that spikes change nothing, and one for the time between them if the descriptor says
 * so, each of which gives the new state:
 *
 *     <rule>_pre(<rule>_state s, <rule>_parameters p, [<rule>_derived d,] real trace);
 *     <rule>_post(<rule>_state s, <rule>_parameters p, [<rule>_derived d,] real trace);
 *     <rule>_between(<rule>_state s, <rule>_parameters p, [<rule>_derived d,] real modulator, real span_ms);
 *
 * and, if the descriptor says so, one for slow transitions, which is called at each update of a projection's structure:
 *
 *     <rule>_turnover(<rule>_state s, <rule>_parameters p, [<rule>_derived d,] real signal, meso_words random,
 *                     real span_s);
 *
 * A content is a state variable of a rule that is a strength of its own, in the unit of the weight: it stays in
 * [0, weight_max] and may feed ports of the target that the weight does not.
 */
#ifndef MODEL_NEURON_MODEL_H
#define MODEL_NEURON_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_STATES_MAX 8 /* state variables of a rule of plasticity, beside the weight */

typedef struct parameter_spec {
    const char *name, *unit, *doc, *source;
    double default_value; /* NAN: the experiment must give it */
    double min, max;      /* inclusive */
    const char *below;    /* parameter that must be larger; NULL: none */
} parameter_spec;

typedef struct state_spec {
    const char *name, *unit, *doc;
    double initial;            /* used when initial_parameter is -1 */
    int32_t initial_parameter; /* start at the value of this parameter */
    bool content;              /* of a rule: a strength in the unit of the weight */
} state_spec;

/* A number that follows from parameters and step, or an input that spikes add to. */
typedef struct quantity_spec {
    const char *name, *unit, *doc;
} quantity_spec;

typedef enum model_role { MODEL_CELL, MODEL_CURRENT, MODEL_RULE } model_role;
extern const char *const model_role_names[]; /* "model", "current", "rule" */

typedef struct neuron_model {
    model_role role;
    const char *name, *title, *source;
    const char *text;      /* content of the .clh */
    const char *text_path; /* for messages and #line */
    bool built_in;         /* else a user's files */
    const parameter_spec *parameters;
    uint32_t n_parameters;
    const state_spec *state; /* state[0] is the membrane potential in mV, if there is one */
    uint32_t n_state;
    const quantity_spec *derived;
    uint32_t n_derived;
    const quantity_spec *inputs; /* beside the current */
    uint32_t n_inputs;
    bool potential; /* without one a cell has no conductances */
    bool random;    /* wants random words; of a rule: as time passes */
    bool spikes;    /* of a rule: they change its synapses */
    bool between;   /* of a rule: time passes for its synapses */
    bool modulated; /* of a rule: what passes depends on a modulator */
    bool traces;    /* of a rule: it has the time constants of both */
    int32_t pre_delay; /* of a rule: parameter in ms by which it sees spikes of the source later, or -1 */
    int32_t modulator_decay; /* of a rule: time constant in ms by which the modulator counts less, or -1 */
    bool turnover;  /* of a rule: has slow transitions */
} neuron_model;

/** What a rule has a function for. */
typedef enum rule_event { RULE_PRE, RULE_POST, RULE_BETWEEN, N_RULE_EVENTS } rule_event;
extern const char *const rule_event_names[N_RULE_EVENTS];
bool rule_has(const neuron_model *m, rule_event event);

/** How the function must be declared: "m_state m(m_state s, ...)". */
void neuron_model_signature(const neuron_model *m, char *buffer, size_t size);
/** And that of derived numbers. */
void neuron_model_derive_signature(const neuron_model *m, char *buffer, size_t size);
/** And those of a rule. */
void rule_signature(const neuron_model *m, rule_event event, char *buffer, size_t size);
void rule_turnover_signature(const neuron_model *m, char *buffer, size_t size);

#endif
