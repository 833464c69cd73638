/**
 * A network on a device, and the loop that advances it.
 *
 * Work is enqueued in intervals; results of an interval are collected while the next one runs. Nothing is
 * allocated between simulation_create and simulation_destroy.
 */
#ifndef ENGINE_SIMULATION_H
#define ENGINE_SIMULATION_H

#include "base/status.h"
#include "engine/layout.h"
#include "model/experiment.h"
#include <mesocl/sink.h>
#include <mesocl/state.h>

/** Field steps of the longest interval. */
#define SIMULATION_INTERVAL 100u

typedef struct simulation simulation;

/** Results of one interval; pointers are valid until the interval after the next is enqueued. */
typedef struct interval {
    uint64_t first_step, n_steps;
    const meso_spike *spikes; /* sorted by (step, population, neuron) */
    uint64_t n_spikes;
    const float *const *frames; /* [n_reports][n_frames x n_elements] */
    const uint32_t *n_frames;   /* [n_reports] */
    const float *timeline;      /* [n_rows x n_field], means since the row before */
    const uint64_t *row_steps;  /* [n_rows] step at which the row ends */
    uint32_t n_rows;
} interval;

/** An edge of the built network. */
typedef struct edge {
    uint32_t source, target;
    double weight;
    uint32_t delay_steps;
    uint32_t n_states;   /* of the rule by which it learns; 0: it does not, or has nothing but its weight */
    const float *states; /* [n_states] in the order of the descriptor; freed with the edges */
} edge;

/** Whether the compiler of the device takes the models; MESO_CONFIG names the user's file and line. Nothing is allocated. */
meso_status simulation_compile(const experiment *e, meso_device *device, const layout *l,
                               meso_error *err);

/** Build the network and everything else on the device. The experiment must outlive the simulation. */
meso_status simulation_create(const experiment *e, meso_device *device,
                              const meso_run_options *options, simulation **out, meso_error *err);
void simulation_destroy(simulation **sim);

/**
 * Enqueue the next n_field_steps (at most SIMULATION_INTERVAL) and return at once.
 * Inputs    levels_nM [n_field_steps x experiment_n_levels]  for each field step, copied: free brain concentration of each
 *           drug, then what is added to each compartment that contingencies pulse
 * At most two intervals may be uncollected.
 */
meso_status simulation_enqueue(simulation *sim, uint32_t n_field_steps, const float *levels_nM,
                               meso_error *err);
/** Wait for the oldest uncollected interval. Errors: MESO_NUMERICS names population and neuron. */
meso_status simulation_collect(simulation *sim, interval *out, meso_error *err);

/**
 * Show all that a simulation carries on to a visitor, when every interval was collected. Filled, a new simulation of
 * the same experiment goes on where the other one stood, bit for bit.
 * Errors    MESO_VERSION: the network is laid out in another way
 */
meso_status simulation_state(simulation *sim, const meso_state_visitor *v, meso_error *err);

const layout *simulation_layout(const simulation *sim);
/** Whether many batches go to the device in one launch (schedule.c). */
bool simulation_is_side_by_side(const simulation *sim);
uint64_t simulation_synapses(const simulation *sim);
/** Synaptic events set off by the spikes collected so far: the sum of their cells' out-degrees. */
uint64_t simulation_events(const simulation *sim);

/** Field quantities, in the order of interval.timeline: "dopamine.nac_core.concentration_nM". */
uint32_t simulation_n_field(const simulation *sim);
meso_series_info simulation_field(const simulation *sim, uint32_t i);

/** A synapse as it is now, for the time of the call. */
typedef void edge_visitor(void *self, const edge *e);
/**
 * Read a projection back. Synapses of one source, target and delay come in the order in which they were made, whatever the
 * layout. Nothing may be uncollected.
 * Errors    MESO_UNSUPPORTED: its synapses are not stored
 */
meso_status simulation_visit_edges(simulation *sim, uint32_t projection, edge_visitor *visit,
                                   void *self, meso_error *err);
/** The same, sorted by target, then source, delay, weight and states; freed with free(). */
meso_status simulation_edges(simulation *sim, uint32_t projection, edge **edges, uint64_t *n,
                             meso_error *err);

/** Contacts of a projection with structure: as of the latest update that all of them have had, and so far. */
typedef struct contact_counts {
    uint64_t contacts, formed, pruned;
} contact_counts;
meso_status simulation_contacts(simulation *sim, uint32_t projection, contact_counts *out,
                                meso_error *err);
/** Contacts of each target of a projection with structure: out [n_neurons of the target]. */
meso_status simulation_indegrees(simulation *sim, uint32_t projection, uint32_t *out,
                                 meso_error *err);

/** Device memory, called with what it is for, before anything is allocated. */
typedef struct memory_row {
    const char *name;
    uint64_t count; /* neurons or expected synapses */
    uint64_t bytes;
    const char *storage; /* of synapses, or NULL */
} memory_row;
typedef void memory_visitor(void *self, const memory_row *row);
void simulation_memory(const experiment *e, const layout *l, memory_visitor *visit, void *self);
/** Errors: MESO_RANGE names the largest population and what would fit. */
meso_status memory_check(const experiment *e, const layout *l, const meso_device_info *device,
                         meso_error *err);

#endif
