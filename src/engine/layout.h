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
#include "model/experiment.h"
#include <mesocl/simulation.h>

/* Input of a population: all projections that open the same conductances in the same proportion share one. */
typedef struct channel {
    const projection_port *ports;
    uint32_t n_ports;
    double bound; /* largest sum of magnitudes that can arrive in one step */
    double unit;  /* of the ring: a power of two, so that the bound fits 31 bits */
} channel;

typedef struct population_layout {
    uint32_t chunk_size, first_chunk, n_chunks;
    uint32_t rotation; /* chunk c lies in partition (rotation + c) % n_partitions */
    uint32_t n_local;  /* cells per partition, padded; the same in every partition */
    uint32_t n_padded;
    uint32_t first_id;
    uint32_t spike_capacity; /* of a chunk, per batch */
    channel *channels;
    uint32_t n_channels;
    uint32_t ring_base;
    uint64_t ring_words;
} population_layout;

typedef struct projection_layout {
    uint32_t channel;
    uint32_t min_delay_steps, max_delay_steps;
    uint32_t first_group, n_groups;
    uint32_t offset_bits;
    uint32_t weight_levels; /* largest weight word */
    int32_t quantum;        /* ring units per weight word */
    double expected_synapses;
    double max_indegree; /* bound that the ring's scale relies on; the build verifies it */
    uint64_t row_base, n_rows;
} projection_layout;

typedef struct layout {
    arena *memory;
    uint32_t n_partitions;
    uint32_t work_group_size, vector_width;
    uint32_t steps_per_field;
    uint32_t batch_steps; /* divides steps_per_field; at most the shortest delay */
    uint32_t batches_per_field;
    uint32_t batches_per_group; /* a delay group is this many batches long */
    uint32_t n_slots;           /* of the ring, steps */
    uint32_t n_history;         /* batches of spikes kept */
    uint32_t n_chunks;
    uint32_t spikes_per_batch; /* sum of the chunks' capacities */
    uint64_t n_neurons, n_rows, ring_words;
    double expected_synapses;
    population_layout *populations; /* [n_populations] */
    projection_layout *projections; /* [n_projections] */
} layout;

/** Errors: MESO_CONFIG, MESO_DEVICE_MEMORY, MESO_MEMORY. Freed with layout_destroy. */
meso_status layout_create(const experiment *e, const meso_device_info *device,
                          const meso_run_options *options, layout **out, meso_error *err);
void layout_destroy(layout **l);

/** Steps in a time, rounded to nearest. */
uint64_t layout_steps(const experiment *e, double ms);
/** Delay in steps of one value drawn, at least one. */
uint32_t layout_delay_steps(const experiment *e, double delay_ms);
/** Index of the population with most cells. */
uint32_t layout_largest_population(const experiment *e);

#endif
