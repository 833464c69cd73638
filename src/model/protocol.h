/** The course of an experiment: phases and what happens in them. */
#ifndef MODEL_PROTOCOL_H
#define MODEL_PROTOCOL_H

#include "model/drug.h"

typedef struct dose {
    double time_s; /* from the start of the experiment */
    uint32_t drug;
    drug_route route;
    double dose_mg_per_kg;
} dose;

typedef struct phase {
    const char *name;
    double start_s, duration_s;
} phase;

#endif
