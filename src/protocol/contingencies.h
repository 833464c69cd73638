/**
 * The closed loop: spikes that meet the conditions of an experiment, and consequences that fall due.
 *
 * Spikes are seen when their interval has been collected, while a second one is on its way. Consequences are kept by
 * the field step in which they fall due, which is the first that begins delay_s after the field step of the spike:
 * intervals must not be longer than contingencies_interval(), and then none comes late, whatever their lengths are.
 */
#ifndef PROTOCOL_CONTINGENCIES_H
#define PROTOCOL_CONTINGENCIES_H

#include "base/arena.h"
#include "base/status.h"
#include "model/experiment.h"
#include "protocol/pharmacokinetics.h"
#include <mesocl/sink.h>

typedef struct contingencies contingencies;

/** Lives in `memory`; the experiment is borrowed. */
meso_status contingencies_create(const experiment *e, arena *memory, contingencies **out,
                                 meso_error *err);

/** Field steps of the longest interval, of which two are on their way. */
uint32_t contingencies_interval(const contingencies *c);

/** Spikes in the order of a sink; `hear` is told of each trigger. */
typedef meso_status trigger_hearer(void *self, const meso_trigger *trigger, meso_error *err);
meso_status contingencies_spikes(contingencies *c, const meso_spike *spikes, uint64_t n,
                                 trigger_hearer *hear, void *self, meso_error *err);

/**
 * What is due in a field step; field steps come in order.
 * Inputs    drugs     which doses are given to
 * Outputs   added_nM  [n_pulsed] of the experiment
 */
void contingencies_give(contingencies *c, uint64_t field_step, pharmacokinetics *drugs,
                        float *added_nM);

/** How often each was met, and its consequences given. */
meso_contingency_count contingencies_count(const contingencies *c, uint32_t index);

/** All that it carries from one moment to the next: one block without pointers. */
void *contingencies_state(contingencies *c, size_t *bytes);

#endif
