/** The course of an experiment: phases and what happens in them. */
#ifndef MODEL_PROTOCOL_H
#define MODEL_PROTOCOL_H

#include "model/drug.h"

/* An infusion is two of these: one starts it, one takes its rate back. */
typedef struct dose {
    double time_s; /* from the start of the experiment */
    uint32_t drug;
    drug_route route;
    double dose_mg_per_kg;       /* at once */
    double rate_mg_per_kg_per_h; /* from now on, in addition; below 0: as much less */
} dose;

typedef struct phase {
    const char *name;
    double start_s, duration_s;
} phase;

#endif
