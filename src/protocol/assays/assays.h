/**
 * Assays of a running experiment.
 *
 * Those that observe are told what the sinks are told, and change nothing. Those that stimulate do so on a probe: a
 * small network made from the same experiment after the run (config/probe.h), with the drug levels that the run had
 * at the moment of the assay.
 */
#ifndef PROTOCOL_ASSAYS_ASSAYS_H
#define PROTOCOL_ASSAYS_ASSAYS_H

#include "base/state.h"
#include "base/status.h"
#include "engine/simulation.h"
#include "model/experiment.h"
#include <mesocl/simulation.h>
#include <mesocl/sink.h>

typedef struct assays assays;

/** `info` as the sinks will hear it; borrowed. Errors: MESO_CONFIG, when a series is not there. */
meso_status assays_create(const experiment *e, const meso_run_info *info, assays **out,
                          meso_error *err);
void assays_destroy(assays **a);

/** Free drug levels [n_drugs] of the next field step, in order. */
void assays_levels(assays *a, const float *free_nM);
void assays_spikes(assays *a, const meso_spike *spikes, uint64_t n);
void assays_frames(assays *a, uint32_t report, const float *data, uint32_t n_frames);
void assays_row(assays *a, double time_s, const double *values);

/** First field step from `field` on before which an assay reads synapses; UINT64_MAX: none. */
uint64_t assays_next(const assays *a, uint64_t field);
/** Let them, before this field step. Everything that was enqueued has been collected. */
meso_status assays_look(assays *a, simulation *sim, uint64_t field, meso_error *err);
/** All that a restart needs. */
meso_status assays_state(assays *a, const meso_state_visitor *v, meso_error *err);
/** Whether there will be probes when the run has ended. */
bool assays_have_probes(const assays *a);

/**
 * Draw up the results of what was simulated up to `ended_s`, run the probes, and put all into the summary.
 * Inputs    device  of the probes; NULL: the run was stopped, and there are none
 */
meso_status assays_finish(assays *a, meso_device *device, const meso_run_options *options,
                          double ended_s, meso_summary *summary, meso_error *err);

#endif
