/** What the parts of the engine share: the state of a simulation on its device. */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "base/arena.h"
#include "device/opencl.h"
#include "engine/codegen.h"
#include "engine/layout.h"
#include "engine/simulation.h"
#include "engine/tables.h"

/* neurons.c: cells, their parameters and state */
typedef struct neurons {
    population_program *programs; /* [n_populations] */
    population_entry *entries;    /* [n_populations] */
    buffer chunks, populations, partition_chunks, constants, parameters, state, modulation;
    uint64_t n_state, n_parameters, n_constants;
    uint32_t n_targets;
} neurons;

/* connect.c: synapses */
typedef struct bundle_synapses {
    uint64_t n_synapses; /* places */
    uint32_t buffer;
    uint64_t first_word; /* there */
} bundle_synapses;

typedef struct synapses {
    buffer table, row_offsets;
    buffer buffers[MESO_SYNAPSE_BUFFERS];
    buffer level_table;                      /* [layout.n_levels] weights in ring units */
    buffer rules, delays, source_outdegrees, contents; /* how edges are made */
    int32_t *levels;                         /* the table once more */
    uint32_t *first_outdegree;               /* [n_projections] in source_outdegrees */
    bundle_synapses *bundles;                /* [n_bundles] */
    uint32_t *outdegrees;                    /* [n_neurons] over all populations */
    uint64_t n_synapses;
} synapses;

/* modulators.c: everything that changes once a field step */
typedef struct modulators {
    meso_series_info *series; /* [n_field] */
    uint32_t n_field, n_compartments, n_receptors, n_gates;
    uint32_t *concentration; /* [n_modulators x most compartments], by modulators_concentration */
    uint32_t most_compartments;
    uint32_t n_kinds_of_receptors; /* of the experiment */
    /* Fields of receptors, three for each; MESO_NEVER where the receptor is not: [n_populations x n_kinds] and
     * [terminals_n_owners x n_kinds], where owners in one region share a receptor */
    uint32_t *on_cells, *on_terminals;
    const char **gates; /* [n_gates] */
    uint32_t first_gate;
    buffer compartments, terminals, enzymes, blocks, receptors, ligands, targets, effects;
    buffer gate_table, field, field_sum, states;
} modulators;

/* voxels.c: compartments in space */
typedef struct voxels {
    grid_entry *grids; /* [n_grids] as on the device */
    uint32_t n_grids, most_substeps, n_columns;
    uint32_t n_groups; /* of a launch */
    buffer table, now, neurons, counts, stamps, n_released, sums, strands;
    buffer concentrations[2]; /* of all voxels, before and after a substep */
    cl_program program;
    kernel prepare, step;
} voxels;

/* cells.c: receptors of cells in grids */
typedef struct cells {
    uint32_t n_populations;
    buffer populations, locals, targets, effects, places, states, sums;
} cells;

/* stimuli.c */
typedef struct stimuli {
    buffer table, rates, thresholds, volleys;
} stimuli;

/* plasticity.c */
typedef struct plasticity {
    buffer table, states, amplitudes;
} plasticity;

/* learning.c: long-term plasticity */
typedef struct learning {
    buffer table, contents, constants, events, latest, levels, rows, pending;
    uint32_t *row_counts; /* [layout.n_row_states] synapses, until rows is there */
    cl_program program, contacts_program;
    kernel learn;
} learning;

/* outdegrees.c: contacts of a projection's sources, for counting events. A spike has those that the update before it left. */
typedef struct outdegrees {
    uint32_t n_slots;
    uint32_t *now;          /* [n_sources] of the update `applied` */
    uint32_t *since;        /* [n_sources] spikes since update `epoch` that were collected */
    uint32_t **slots;       /* [n_slots][n_sources] of later updates, by their number */
    uint64_t *intervals;    /* [n_slots] in which each is read */
    uint64_t published, applied, epoch;
} outdegrees;

/* contacts.c: contacts that come and go */
typedef struct contacts {
    buffer table, delays, weights, indegrees, outdegrees, tallies, totals, signals, signal_states;
    outdegrees *sources; /* [layout.n_structures] */
    uint32_t *first_field;
    uint32_t n_signals;
    kernel begin, update, count;
} contacts;

/* playback.c: spikes of files, twice as in recorder.c */
typedef struct playback_half {
    buffer events, offsets;
    uint32_t *host_events;  /* words of the partitions' rings */
    uint32_t *host_offsets; /* where the events of each batch and partition begin */
} playback_half;

typedef struct playback {
    playback_half halves[2];
    uint64_t *next,
        *end; /* [n_stimuli] first event that is not yet played, and behind the interval's last */
    uint32_t n_due; /* in it */
} playback;

/* recorder.c: what comes back, twice, so that one half is read while the other is written */
typedef struct recording_half {
    buffer records, record_counts, status, timeline, drugs;
    buffer *frames; /* [n_reports] */
    void *host_records;
    uint32_t *host_counts, host_status[4];
    uint32_t n_read; /* records that were read of each partition, before their counts were known */
    float *host_timeline, *host_drugs;
    float **host_frames; /* [n_reports] */
    uint32_t *n_frames;
    uint64_t *row_steps;
    uint32_t n_rows;
    uint64_t first_step, n_steps;
    meso_spike *spikes;
    cl_event done;
} recording_half;

typedef struct recorder {
    recording_half halves[2];
    buffer *elements; /* [n_reports] what each samples */
    uint32_t *n_elements;
    uint32_t capacity;        /* spikes per partition and interval */
    uint32_t expected;        /* of them, by the interval collected last */
    uint32_t timeline_fields; /* field steps per row */
    uint64_t *sort_keys, *sort_spare;
    size_t *places;    /* [65537] of the sort */
    uint64_t n_events; /* synaptic events set off by the spikes collected so far */
} recorder;

/* schedule.c: launches of the network */
typedef struct schedule {
    buffer batches_done, progress, claims, owners;
    uint32_t serial;   /* of the last launch */
    int side_by_side;  /* many batches in one launch */
    uint32_t patience; /* looks at another partition's progress */
    uint32_t pause;    /* batches to be launched one by one after groups lost patience */
    uint32_t pause_left;
    uint64_t batch; /* launched so far */
    uint64_t n_aborts;
} schedule;

struct simulation {
    const experiment *e;
    meso_device *device;
    layout *l;
    arena *memory;
    neurons neurons;
    synapses synapses;
    modulators modulators;
    voxels voxels;
    cells cells;
    stimuli stimuli;
    plasticity plasticity;
    learning learning;
    contacts contacts;
    playback playback;
    recorder recorder;
    schedule schedule;
    buffer network, ring, spikes, spike_counts;
    uint64_t first_buffer, end_buffer; /* its own among those of the device */
    const volatile sig_atomic_t *stop; /* may be NULL */
    cl_program network_program, field_program;
    kernel network_advance, field_step, frame_record, timeline_record;
    int field_moves;                  /* something changes from field step to field step */
    uint64_t step;                    /* enqueued so far */
    uint64_t n_enqueued, n_collected; /* intervals */
};

meso_status neurons_create(simulation *sim, text *network_source, meso_error *err);
/** Fill the constants that the network program itself derives; after it was built. */
meso_status neurons_derive(simulation *sim, meso_error *err);
void neurons_destroy(simulation *sim);
meso_status synapses_create(simulation *sim, meso_error *err);
void synapses_destroy(simulation *sim);
meso_status modulators_create(simulation *sim, meso_error *err);
void modulators_destroy(simulation *sim);
meso_status voxels_create(simulation *sim, meso_error *err);
/** After all buffers were created. */
meso_status voxels_arguments_set(simulation *sim, meso_error *err);
/** Where the concentrations of a grid are after the field step of now. */
const buffer *voxels_now(const simulation *sim, uint32_t grid);
/** Number of a compartment's grid. */
uint32_t voxels_grid(const experiment *e, uint32_t modulator, uint32_t compartment);
void voxels_destroy(simulation *sim);
/** MESO_RANGE if there are more than can be numbered. */
meso_status voxels_check(const experiment *e, meso_error *err);
/** Where kernels find the drug levels of an interval. */
meso_status voxels_drugs_set(simulation *sim, const buffer *drugs, meso_error *err);
/** One field step of all grids and cells in them, before that of the modulators, with the drugs of `row`. */
meso_status voxels_advance(simulation *sim, uint32_t row, meso_error *err);
void cells_destroy(simulation *sim);
/** Index among cells.states of a receptor's occupancy (quantity 0), activation or surface, by place of the cell. */
uint32_t cells_result(const simulation *sim, uint32_t population, uint32_t receptor,
                      uint32_t quantity);
/** Places of the largest population. */
uint32_t cells_most_places(const simulation *sim);
meso_status stimuli_create(simulation *sim, meso_error *err);
void stimuli_destroy(simulation *sim);
/** Whether outside input changes from field step to field step. */
int stimuli_move(const experiment *e);
/** Whether the rate of a stimulus changes at the start of the field step at `step`. */
int stimuli_change(const experiment *e, uint64_t step);
meso_status schedule_create(simulation *sim, const meso_run_options *options, meso_error *err);
void schedule_destroy(simulation *sim);
/** Take the network to sim->step. */
meso_status schedule_advance(simulation *sim, meso_error *err);
meso_status plasticity_create(simulation *sim, meso_error *err);
void plasticity_destroy(simulation *sim);
/** contents.c: how many contents of a projection feed channels, and how many those before it have. */
uint32_t contents_count(const experiment *e, uint32_t projection);
uint32_t contents_first(const experiment *e, uint32_t projection);
/** What each state of the projection's rule feeds. */
void contents_connect(const simulation *sim, uint32_t projection, content_port *ports);
/** Their initial values, in ring units, among the levels of weights of their bundle. */
void contents_levels_fill(const simulation *sim, uint32_t projection, int32_t *levels);
meso_status contents_upload(simulation *sim, meso_error *err);
/** The programs of the rules that projections learn by, and of contacts that come and go; NULL without any. */
meso_status learning_compile(const experiment *e, meso_device *device, const layout *l,
                             cl_program *learn, cl_program *contacts, meso_error *err);
/** After all buffers were created. */
meso_status learning_create(simulation *sim, meso_error *err);
/** What a batch does to synapses that learn, and their share of delivery: before the network's part of it. */
meso_status learning_launch(simulation *sim, uint64_t batch, meso_error *err);
void learning_destroy(simulation *sim);
uint64_t learning_bytes(const layout *l);
/** MESO_NUMERICS: a target, or a source whose spikes its rule sees later, fired more often than there are places. */
meso_status learning_failed(const simulation *sim, uint32_t code, uint32_t projection, meso_error *err);
/** Index in field of a concentration in the target's region or of a receptor's activation on it, or MESO_NEVER. */
uint32_t modulator_field(const simulation *sim, uint32_t target, modulator_source source,
                         uint32_t index);
/** Field quantities of contacts that come and go: how many there are, and their names. */
uint32_t contacts_n_fields(const experiment *e);
meso_status contacts_name(simulation *sim, meso_error *err);
/** Signals at the start. */
void signals_begin(const simulation *sim, float *field);
/** Tables of signals, before field_step gets its arguments; the rest after learning. */
meso_status signals_create(simulation *sim, meso_error *err);
meso_status contacts_create(simulation *sim, meso_error *err);
void contacts_destroy(simulation *sim);
/** Before learning_launch of the same batch. */
meso_status contacts_launch(simulation *sim, uint64_t batch, meso_error *err);
uint64_t contacts_bytes(const layout *l);
/** What a failed update says. */
meso_status contacts_failed(const simulation *sim, const uint32_t status[4], meso_error *err);
meso_status outdegrees_create(simulation *sim, meso_error *err);
/** Begin to read them, of the update of this number. */
meso_status outdegrees_publish(simulation *sim, uint32_t structure, uint64_t update,
                               meso_error *err);
/** Events that the spikes of an interval, sorted, set off. */
uint64_t outdegrees_count(simulation *sim, const recording_half *h, uint64_t n_spikes);
/** What they carry from one interval to the next. */
meso_status outdegrees_state(simulation *sim, const meso_state_visitor *v, meso_error *err);
meso_status playback_create(simulation *sim, meso_error *err);
void playback_destroy(simulation *sim);
meso_status recorder_create(simulation *sim, meso_error *err);
void recorder_destroy(simulation *sim);

/** Index in the field array. */
uint32_t modulators_concentration(const modulators *m, uint32_t modulator, uint32_t compartment);
/** Index in the field array of a receptor's occupancy in a population, before activation and surface; or MESO_NEVER. */
uint32_t receptors_field(const modulators *m, uint32_t population_index, uint32_t receptor_index);
/** Number of the modulated target that multiplies U of a projection with receptors on its terminals. */
uint32_t receptors_target(const simulation *sim, uint32_t projection_index);
/** Modulated targets, those of cells included. */
uint32_t receptors_n_targets(const simulation *sim);
/** Index of a gate in the field array, or MESO_NEVER. */
uint32_t modulators_gate(const modulators *m, const char *name);
/** A new array of the simulation's memory. */
meso_status simulation_alloc(simulation *sim, size_t n, size_t size, void *out, meso_error *err);
/** A program that does not compile. With a user's model in it MESO_CONFIG and a message that begins with the place in
 *  the user's file that the compiler names; else MESO_KERNEL_BUILD and the message as it is. */
meso_status model_errors(const experiment *e, meso_error *err);
/** Text of kernel files, one after the other, with #line marks. */
meso_status kernel_text(text *source, const char *const *paths, uint32_t n, meso_error *err);

/** Options of the programs whose kernels the partitions run. */
const char *network_options(const layout *l, char options[96]);
/** Size of one ring unit of a projection. */
double projection_weight_unit(const simulation *sim, uint32_t projection);

/** Spikes of one partition that an interval has room for. */
uint32_t recorder_capacity(const experiment *e, const layout *l);
/** Device bytes of one half's spike records. */
uint64_t recorder_record_bytes(const experiment *e, const layout *l);
/** Device bytes of reports, time line and drug levels. */
uint64_t recorder_report_bytes(const experiment *e);
/** Device bytes of one half's frames of a report. */
uint64_t recorder_frame_bytes(const experiment *e, const report *r);

/** Device bytes of their tables. */
uint64_t modulators_bytes(const experiment *e);
uint64_t cells_bytes(const experiment *e, const layout *l);
uint64_t voxels_bytes(const experiment *e, const layout *l);
/** The largest of their buffers. */
uint64_t voxels_largest_bytes(const experiment *e);
uint64_t stimuli_bytes(const experiment *e);
uint64_t schedule_bytes(const layout *l);
/** Quantities that change once a field step. */
uint32_t modulators_n_field(const experiment *e);

/** Device bytes of one half of what is played. */
uint64_t playback_bytes(const experiment *e, const layout *l);
/** List and send what is due in the next n_field_steps. */
meso_status playback_begin(simulation *sim, uint32_t n_field_steps, meso_error *err);

/* recorder.c, per interval */
meso_status recorder_begin(simulation *sim, uint32_t n_field_steps, const float *levels_nM,
                           meso_error *err);
int recorder_frames_are_due(const simulation *sim);            /* at sim->step */
meso_status recorder_frames(simulation *sim, meso_error *err); /* those due at sim->step */
meso_status recorder_timeline(simulation *sim,
                              meso_error *err); /* if a row ends with this field step */
meso_status recorder_end(simulation *sim, meso_error *err);
meso_status recorder_collect(simulation *sim, interval *out, meso_error *err);

#endif
