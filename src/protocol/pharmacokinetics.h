/**
 * Levels of all drugs in one animal: the compartments of model/drug.h. Drugs that turn into one another form a
 * family; a family without saturable elimination is advanced exactly, by the exponential of its rates, any other by
 * an adaptive Runge-Kutta method.
 */
#ifndef PROTOCOL_PHARMACOKINETICS_H
#define PROTOCOL_PHARMACOKINETICS_H

#include "base/arena.h"
#include "base/state.h"
#include "base/status.h"
#include "model/protocol.h"

typedef struct pharmacokinetics pharmacokinetics;

/** Lives in `memory`; the drugs are borrowed. A step may have any length. */
meso_status pk_create(const drug *drugs, uint32_t n_drugs, double step_s, arena *memory,
                      pharmacokinetics **out, meso_error *err);
/** `drug` is an index everywhere. */
void pk_dose(pharmacokinetics *pk, uint32_t drug, drug_route route, double dose_mg_per_kg);
/** Infuse so much more from now on; below 0: so much less. When all that was started has ended, the rate is 0. */
void pk_infuse(pharmacokinetics *pk, uint32_t drug, drug_route route, double mg_per_kg_per_h);
/** One or the other, of a protocol. */
void pk_give(pharmacokinetics *pk, const dose *d);
void pk_step(pharmacokinetics *pk);
/** Any time at once, in which what is infused stays the same. */
meso_status pk_leap(pharmacokinetics *pk, double length_s, meso_error *err);
double pk_plasma_nM(const pharmacokinetics *pk, uint32_t drug);
/** Free concentration in the brain: what receptors and transporters see. */
double pk_brain_nM(const pharmacokinetics *pk, uint32_t drug);
/** All that is in the body, depots included, as a concentration in V_d; what a brain with a K_p holds counts as
 *  part of the plasma's volume of distribution. */
double pk_body_nM(const pharmacokinetics *pk, uint32_t drug);
/** All that a restart needs. */
meso_status pk_state(pharmacokinetics *pk, const meso_state_visitor *v, meso_error *err);

#endif
