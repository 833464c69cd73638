/** What the parts of the code generator share: codegen.c cells, codegen_stimuli.c their stimuli. */
#ifndef ENGINE_CODEGEN_WRITER_H
#define ENGINE_CODEGEN_WRITER_H

#include "engine/codegen.h"

/* What is being written: the text of one population's function and the constants that it reads. */
typedef struct writer {
    const experiment *e;
    const population *p;
    const population_layout *pl;
    uint32_t population, steps_per_field;
    population_program *program;
    uint32_t dt; /* index of the constant */
    text kept, body, derive; /* before the loop over cells, in it, and once at the start */
    int too_many;
} writer;

/** Index of a new constant. */
uint32_t constant(writer *w, double value);

/** Open a conductance, or add to an input of the model: `amount` (a real expression) times a constant. */
void write_opening(writer *w, const char *amount, const projection_port *port, double unit);

/** Text of the value of a parameter that is one number, or an array. */
void write_parameter(writer *w, const char *lvalue, const parameter_array *a);

/* codegen_stimuli.c */
/** What they keep from one vector of cells to the next. */
void write_kept_words(writer *w);
/** What a population's stimuli need before the steps. */
void write_draws(writer *w);
/** Parameters of its stimuli. */
uint32_t stimulus_parameters(const writer *w);
/** In a step. Conductances are opened before the currents are taken (currents 0); pulses add to the current. */
void write_stimuli(writer *w, int currents);
/** What they remember, after the steps. */
void write_stimuli_store(writer *w);

#endif
