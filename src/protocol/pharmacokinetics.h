/**
 * Drug levels in one animal: the linear compartments of model/drug.h, advanced exactly.
 */
#ifndef PROTOCOL_PHARMACOKINETICS_H
#define PROTOCOL_PHARMACOKINETICS_H

#include "model/drug.h"

#define PK_PLASMA N_ROUTES
#define PK_BRAIN (N_ROUTES + 1)
#define PK_STATES (N_ROUTES + 2)

typedef struct pharmacokinetics {
    const drug *drug;
    double level_nM[PK_STATES];              /* a depot per route, plasma, brain; referred to V_d */
    double transition[PK_STATES][PK_STATES]; /* over one step */
} pharmacokinetics;

void pk_begin(pharmacokinetics *pk, const drug *d, double step_s);
void pk_dose(pharmacokinetics *pk, drug_route route, double dose_mg_per_kg);
/** Advance one step: levels times the exponential of the rate matrix. */
void pk_step(pharmacokinetics *pk);
double pk_plasma_nM(const pharmacokinetics *pk);
/** Free concentration in the brain: what receptors and transporters see. */
double pk_brain_nM(const pharmacokinetics *pk);

#endif
