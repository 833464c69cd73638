/**
 * How a network lies on a device: time batches, partitions, chunks, input rings, synapse format.
 *
 * Pure arithmetic on the experiment; no device is touched. `mesocl check` prints it, the rest of the
 * engine builds it. Nothing in a layout changes a result.
 */
#ifndef ENGINE_LAYOUT_H
#define ENGINE_LAYOUT_H

#include "base/arena.h"
#include "base/status.h"
#include "engine/tables.h"
#include "model/experiment.h"
#include <mesocl/simulation.h>

#define RING_ROOM 1.02 /* of a ring's bound, for weights that are rounded up */
#define RING_SMALLEST_BOUND 1e-6

/* Input of a population: all projections that open the same conductances in the same proportion share one; a
 * playback has its own, whose ring counts events. */
typedef struct channel {
    const projection_port *ports;
    uint32_t n_ports;
    double bound; /* largest sum of weights that can arrive in one step, by size */
    double
        unit; /* of the ring: a power of two, so that the bound fits 31 bits; or the weight of an event */
    int counts; /* events of a playback, at most `bound` */
} channel;

typedef struct population_layout {
    uint32_t chunk_size, chunk_shift; /* chunk_size is 2^chunk_shift */
    uint32_t first_chunk, n_chunks;
    uint32_t rotation; /* chunk c lies in partition (rotation + c) % n_partitions */
    uint32_t n_local;  /* cells per partition, padded; the same in every partition */
    uint32_t n_padded; /* places of its arrays: n_local for each partition */
    uint32_t first_id;
    uint32_t n_listed;       /* cells that a spike list numbers */
    uint32_t spike_capacity; /* of one of its lists, per batch */
    uint32_t spike_base;     /* of its lists within a batch */
    channel *channels;
    uint32_t n_channels;
    uint32_t ring_word; /* first of its words in a slot of a partition */
    uint32_t first_plastic, n_plastic; /* projections from it with short-term plasticity, in layout.plastic */
} population_layout;

/* A content (model/projection.h) among the target's channels, and its initial values among the weights of the bundle: none
 * where it is a share of the weight. */
typedef struct content_layout {
    uint32_t channel;
    uint32_t first_level, n_levels;
} content_layout;

typedef struct projection_layout {
    uint32_t channel;
    content_layout contents[RULE_STATES_MAX];
    uint32_t min_delay_steps, max_delay_steps;
    uint32_t first_bundle, n_bundles; /* its synapses are in these: one, or the parts of one */
    synapse_storage storage;
    uint32_t synapse_bytes;
    uint32_t first_level, n_levels; /* of its weights among those of its bundle */
    double expected_synapses;
    double expected_places; /* of their arrays: more where contacts are formed */
    uint32_t most_contacts; /* of a target, if contacts are formed; else 0 */
    double max_indegree; /* bound that the ring's scale relies on; the build proves the sums */
    uint32_t first_plastic_state, amplitude_base; /* kernels/layout.clh; with short-term plasticity */
} projection_layout;

/* Projections of one source population that share rows (kernels/layout.clh); one whose synapses are too many for a
 * buffer is cut into parts by sources. */
typedef struct bundle_layout {
    uint32_t source;
    synapse_storage storage;
    uint32_t synapse_bytes;
    uint32_t first_cell, n_cells; /* in the numbering of the source's spike lists */
    uint32_t first_group, n_groups;
    uint32_t level_base, n_levels; /* its weights in the table of all levels */
    uint32_t *projections;
    uint32_t n_projections;
    double expected_synapses, expected_places;
    uint64_t row_base, n_rows;
    uint32_t learning;        /* in layout.learnings, or MESO_NEVER */
    uint32_t first_row_state; /* of its rows, if they learn */
} bundle_layout;

/* What a projection with long-term plasticity remembers of its targets' spikes and of its modulator. */
typedef struct learning_layout {
    uint32_t projection;
    uint32_t update_steps, window_steps; /* kernels/layout.clh */
    uint32_t first_content, first_constant, first_target, first_event, event_bits, first_level,
        level_bits;
    uint32_t pre_delay_steps, first_pending, pending_bits, first_row;
    uint32_t structure; /* in layout.structures, or MESO_NEVER */
} learning_layout;

/* A projection whose contacts come and go. All have done so reach_steps after a multiple of update_steps. */
typedef struct structure_layout {
    uint32_t projection, learning;
    uint32_t update_steps, reach_steps;
    uint32_t first_indegree, first_outdegree, first_tally; /* kernels/layout.clh */
} structure_layout;

typedef struct layout {
    arena *memory;
    uint32_t n_partitions;
    uint64_t buffer_bytes; /* of synapses in one buffer */
    uint32_t work_group_size, vector_width;
    int makes_edges; /* a bundle is procedural */
    int pocl; /* its compiler is clang, with its builtins */
    uint32_t steps_per_field;
    uint32_t batch_steps; /* divides steps_per_field; at most the shortest delay */
    uint32_t batches_per_field;
    uint32_t batches_per_group; /* a delay group is this many batches long */
    uint32_t n_slots;           /* of the ring, steps */
    uint32_t n_words;           /* of a ring slot in one partition */
    uint32_t offset_bits;       /* of a compact synapse; the rest is weight */
    uint32_t n_history;         /* batches of spikes kept */
    uint32_t n_chunks;
    uint32_t list_partitions;  /* with spike lists of their own: all, or 1 when they share one */
    uint32_t cell_bits;        /* of a spike list's entry */
    uint32_t spikes_per_batch; /* sum of the lists' capacities */
    uint64_t n_neurons, ring_words;
    uint64_t n_rows, n_counted_rows; /* kept; and with those of procedural bundles, which come last */
    double expected_synapses;
    population_layout *populations; /* [n_populations] */
    projection_layout *projections; /* [n_projections] */
    uint32_t *playback_channels;    /* [n_stimuli] of the target, for those that play */
    uint32_t *plastic;              /* [n_plastic] projections with short-term plasticity, by source */
    uint32_t n_plastic;
    uint32_t n_plastic_states;
    uint32_t amplitudes_per_batch;
    learning_layout *learnings; /* [n_learnings] */
    uint32_t n_learnings;
    uint32_t n_rule_states, n_rule_constants, n_learning_targets, n_events, n_modulator_levels, n_row_states;
    uint32_t n_pending; /* words */
    structure_layout *structures; /* [n_structures] */
    uint32_t n_structures, n_indegrees, n_outdegrees;
    bundle_layout *bundles;         /* [n_bundles] */
    uint32_t n_bundles;
    uint32_t n_levels; /* of weights, over all bundles */
} layout;

/** Where the device's memory is short, projections whose storage is "auto" become procedural, largest first.
 *  Errors: MESO_CONFIG, MESO_DEVICE_MEMORY, MESO_MEMORY. Freed with layout_destroy. */
meso_status layout_create(const experiment *e, const meso_device_info *device,
                          const meso_run_options *options, layout **out, meso_error *err);
void layout_destroy(layout **l);

/** bundles.c: rows and weights. Errors: MESO_RANGE, MESO_CONFIG, MESO_ARGUMENT, MESO_MEMORY. */
meso_status bundles_lay_out(const experiment *e, layout *l, meso_error *err);
/** Add `bytes` to the first buffer with room for them. Returns its number, MESO_SYNAPSE_BUFFERS if there is none. */
uint32_t synapses_place(uint64_t used[MESO_SYNAPSE_BUFFERS], uint64_t bytes, uint64_t most);
/** Whether the buffers have room for all synapses, as far as can be said before they are counted. */
int synapses_fit(const layout *l);
/** plasticity.c: which spikes advance which projections, and where their amplitudes stand. Errors: MESO_RANGE,
 *  MESO_MEMORY. */
meso_status plasticity_lay_out(const experiment *e, layout *l, meso_error *err);
/** learning.c: what projections with long-term plasticity remember; after the bundles. Errors: MESO_RANGE, MESO_MEMORY. */
meso_status learning_lay_out(const experiment *e, layout *l, meso_error *err);
/** contacts.c: projections whose contacts come and go; after their learning. Errors: MESO_RANGE, MESO_MEMORY. */
meso_status contacts_lay_out(const experiment *e, layout *l, meso_error *err);
/** places.c: what a target may have of the contacts of a projection, of which it has at most n at the start; 0: as they are. */
uint32_t contacts_most(const projection *p, double n);
/** Places of all rows of a bundle that has n synapses of this projection. */
double row_places_expect(const experiment *e, const layout *l, const bundle_layout *b,
                     const projection *p, double n);
/** Numbers of contacts of the bundle's rows become numbers of places. */
meso_status row_places_fill(const experiment *e, const layout *l, const bundle_layout *b,
                        uint32_t *rows, meso_error *err);
/** Weight number k of n_levels: the mean over an equal step of probability, so that the mean of all is kept. */
double weight_level(const distribution *d, uint32_t k, uint32_t n_levels);
/** Largest weight of a projection by size, for any number of levels. */
double projection_largest_weight(const projection *p);
/** Bytes of one synapse of a projection that is kept so. */
uint32_t projection_synapse_bytes(const projection *p, synapse_storage storage);
/** As an experiment names it. */
const char *storage_name(synapse_storage storage);
/** How each projection is kept if memory suffices. */
void storage_begin(const experiment *e, synapse_storage *storage);
/** Make the largest projection procedural of those whose storage is left to us; 0 if there is none. */
int storage_shrink(const experiment *e, const layout *l, synapse_storage *storage);
/** memory.c */
int memory_fits(const experiment *e, const layout *l, const meso_device_info *device);

/** Number of a neuron among the cells of its population in its partition. */
uint32_t layout_cell(const layout *l, const population_layout *p, uint32_t neuron,
                     uint32_t *partition);
/** Place of a neuron in the arrays of its population: those of a partition lie together, so that no two cores work on
 * neighbouring lines of the cache. */
uint32_t layout_place(const layout *l, const population_layout *p, uint32_t neuron);

/** First row of a neuron of the bundle's source, counted from the bundle's first; UINT64_MAX when the bundle does not
 * cover it. */
uint64_t layout_row(const layout *l, const bundle_layout *b, uint32_t neuron);

/** Bits of a cell's number in its partition. A delay within a group fits above them in 32 bits, as group steps x words < 2^31. */
uint32_t layout_local_bits(const population_layout *p);
/** Steps of a delay group of synapses that are kept so. */
uint32_t layout_group_steps(const layout *l, synapse_storage storage);
/** Steps in a time, rounded to nearest. */
uint64_t layout_steps(const experiment *e, double ms);
/** Delay in steps of one value drawn, at least one. */
uint32_t layout_delay_steps(const experiment *e, double delay_ms);
/** MESO_RANGE: a table of the network cannot be indexed with 32 bits; blames the population with most cells. */
meso_status too_large(const experiment *e, const char *table, double words, meso_error *err);
/** Index of the population with most cells. */
uint32_t layout_largest_population(const experiment *e);

#endif
