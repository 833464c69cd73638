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
    double start_s, duration_s; /* of simulated time, which leaps take no part in */
    double leap_s;              /* the drugs' time that passes before the phase, unsimulated */
    const double
        *bath_nM; /* [n_drugs] free level during the phase, NAN: as doses make it; or NULL */
} phase;

/* Biological time, leaps included, at `time_s` of simulated time. A phase owns its start, not its end. */
double protocol_model_time_s(const phase *phases, uint32_t n_phases, double time_s);
/** The phase that `time_s` of simulated time falls into, the last one also after its end. */
uint32_t protocol_phase_at(const phase *phases, uint32_t n_phases, double time_s);

#endif
