/**
 * Building the model from a checked document: one function and one set of field tables per concept.
 */
#ifndef CONFIG_LOADER_H
#define CONFIG_LOADER_H

#include "config/document.h"
#include "config/fields.h"
#include "config/names.h"
#include "model/experiment.h"

typedef struct loader {
    document document;
    experiment *experiment;
    const char *directory;  /* of the experiment file */
    neuron_model *models;   /* [capacity: number of cells] */
    neuron_model *currents; /* [capacity: number of stimuli] */
    neuron_model *rules;    /* [capacity: number of projections] */
    meso_error *err;
} loader;

extern const object_type experiment_type; /* load.c */

/* Tables of what stands at the top level, each beside the code that builds its structs. */
extern const object_type cell_type, population_type; /* populations.c */
extern const object_type projection_type;            /* projections.c */
extern const object_type stimulus_type;              /* stimuli.c */
extern const object_type modulator_type;             /* modulators.c */
extern const object_type receptor_type;              /* receptors.c */
extern const object_type voxel_grid_type;            /* voxels.c */
extern const object_type drug_type, species_type;    /* drugs.c */
extern const object_type drug_target_type;           /* drug_actions.c */
extern const object_type phase_type;                 /* protocol.c */
extern const object_type contingency_type;           /* contingencies.c */
extern const object_type record_type;                /* recording.c */
extern const object_type assay_type;                 /* assays.c */

extern const char *const route_names[]; /* drugs.c; by drug_route, ends with NULL */

meso_status load_populations(loader *l);
meso_status load_projections(loader *l);
meso_status load_stimuli(loader *l);
meso_status load_modulators(loader *l);
meso_status load_drugs(loader *l);
meso_status load_protocol(loader *l);
meso_status load_contingencies(loader *l);
meso_status load_recording(loader *l);
meso_status load_assays(loader *l);

/* --- what they share -------------------------------------------------------------------------- */

/** Zeroed memory of the experiment for n elements; NULL, with the error set, when there is none. */
void *loader_alloc(loader *l, size_t n, size_t bytes);
/** The top-level object of this name, or NULL. */
const cJSON *loader_section(const loader *l, const char *name);
/** Member number `index` of a top-level object. */
const cJSON *loader_member(const loader *l, const char *section, uint32_t index);
/** type_read into the experiment's memory. */
meso_status loader_read(loader *l, const object_type *type, const cJSON *object, void *out);

/**
 * Position of the string `value` among the members of the top-level object `section`.
 * Errors    MESO_NOT_FOUND with the nearest name
 */
meso_status loader_resolve(loader *l, const cJSON *value, const char *section, uint32_t *index);
/** The same for the compartment that `modulator` and `region` of an object name. */
meso_status loader_resolve_compartment(loader *l, const cJSON *object, uint32_t *modulator_index,
                                       uint32_t *compartment_index);
/** Items of a value that is one or a list of them: FIELD_NUMBERS, FIELD_NAMES. */
const cJSON *first_item(const cJSON *value);
const cJSON *next_item(const cJSON *value, const cJSON *item);
uint32_t count_items(const cJSON *value);
/** Moments `at_s`, one or a list or NULL: they must ascend, and none lie behind `end_s`, where the experiment or phase
 *  (`what`) ends. */
meso_status check_moments(loader *l, const cJSON *at_s, double end_s, const char *what);

typedef meso_status model_reader(const char *name, const char *directory, arena *memory,
                                 const neuron_model **model, meso_error *err);
/**
 * The model of this name, which is read once: from `list`, else by `read`, and then it is number *n there. Models, currents and
 * rules of plasticity are found so.
 */
meso_status loader_find_model(loader *l, const cJSON *name, model_reader *read, neuron_model *list,
                              uint32_t *n, const neuron_model **model);
/** Is `value` a whole multiple of `unit`? 0 is one; what merely rounds to 0 is none. */
bool is_multiple(double value, double unit);
/** Error unless the number at `node` is a whole multiple of `step` ms, called `step_name`. */
meso_status loader_check_multiple(loader *l, const cJSON *node, double step, const char *step_name);

/**
 * Synapses' ports: the names in `receptors` of a projection or stimulus, which are conductances of `target`
 * or inputs of its model, with their factors. Checks that they have one unit, and the weight that too.
 */
meso_status load_ports(loader *l, const cJSON *object, const population *target,
                       const projection_port **ports, uint32_t *n_ports);

/** The same without a weight: the ports and that they have one unit. */
meso_status load_port_list(loader *l, const cJSON *object, const population *target,
                           const projection_port **ports, uint32_t *n_ports);

/**
 * Values of a model's parameters for the neurons of `p`: its defaults, then those of the objects `first` and
 * `second` (NULL: none).
 * Inputs    owner  blamed, at its key "parameters", for what is missing
 */
meso_status load_parameters(loader *l, const neuron_model *m, const population *p, cJSON *first,
                            cJSON *second, const cJSON *owner, const distribution **out);

/** What the indices of a key count. */
typedef struct index_range {
    const char *key, *owner, *noun;
    uint32_t n;
} index_range;

/** recording.c: a count, the first so many, or a list, ascending; all when the key is not given. */
meso_status load_indices(loader *l, const cJSON *object, const index_range *of,
                         const uint32_t **indices, uint32_t *n);

/** synapses.c: what is recorded of synapses. */
meso_status load_synapse_recording(loader *l, const cJSON *record);
/** The weight, or a state variable of the rule, by name. Errors: MESO_NOT_FOUND with the nearest, blaming `at`. */
meso_status load_synapse_variable(loader *l, const cJSON *at, const char *name, const projection *p,
                                  synapse_variable *out);
/** MESO_CONFIG unless the synapses of a projection are kept and can be read; blames `at`. */
meso_status check_synapses_kept(loader *l, const cJSON *at, const projection *p);
extern const object_type synapse_set_type, snapshots_type;

/** slice.c: what an assay of single synapses looks at, and when, between its start_s and stop_s. */
meso_status load_slice(loader *l, const cJSON *object, assay *a);
meso_status load_slice_moments(loader *l, const cJSON *object, assay *a);

/** contingencies.c: whether one of them pulses this compartment. */
bool is_pulsed(const loader *l, const char *modulator, const char *region);

/* playback.c, currents.c: what these kinds of stimuli have beside the others */
meso_status load_playback(loader *l, const cJSON *object, stimulus *s);
meso_status load_current(loader *l, const cJSON *object, stimulus *s);

/** learning.c: the long-term plasticity of a projection, if it has any. */
meso_status load_learning(loader *l, const cJSON *object, projection *p);
extern const object_type learning_type;
/** contents.c: what its `contents` say, once rule, limits and weight are read. */
meso_status load_contents(loader *l, const cJSON *learning, const projection *p,
                          long_term_plasticity *read);
extern const object_type content_type;
/** What `object` has as "modulator" or "receptor" of cells in the region, if either. */
meso_status load_modulated_by(loader *l, const cJSON *object, const char *region,
                              modulator_source *by, uint32_t *index);
/** The member `name` in the unit that `weight_key` has: weight_max_nS where the weight is weight_nS; NULL if it is not
 *  given. One in another unit is an error, and so is no weight_max. */
meso_status load_in_weight_unit(loader *l, const cJSON *object, const char *name,
                                const char *weight_key, const cJSON **value);

/** structure.c: how contacts of a projection come and go, if they do; after its learning. */
meso_status load_structure(loader *l, const cJSON *object, projection *p);
extern const object_type structure_type;

/** voxels.c: the grid of a compartment, if it has one, and the release that follows from either. */
meso_status load_voxels(loader *l, const cJSON *object, compartment *c);

/** Rows of a number in the unit of the weight, which is read by load_in_weight_unit(). */
#define LIMIT_ROWS(name, words)                                                                    \
    LIMIT_ROW(name "_nS", "nS", FIELD_FROM(0, 10000), words),                                      \
        LIMIT_ROW(name "_pA", "pA", FIELD_FROM(-1e6, 1e6), words),                                 \
        LIMIT_ROW(name "_mV", "mV", FIELD_FROM(-1000, 1000), words),                               \
        LIMIT_ROW(name, NULL, FIELD_FROM(-1e6, 1e6), words)
#define LIMIT_ROW(name, in_unit, range, words)                                                     \
    {                                                                                              \
        .key = name, .kind = FIELD_NUMBER, .unit = in_unit, range, .doc = words                    \
    }

/** Rows of a weight: four keys, one for each unit that ports have, fill one member. */
#define WEIGHT_ROWS(struct_name, which_variants, per)                                              \
    WEIGHT_ROW(struct_name, which_variants, "weight_nS", "nS", FIELD_FROM(0, 10000),               \
               "peak conductance per " per),                                                       \
        WEIGHT_ROW(struct_name, which_variants, "weight_pA", "pA", FIELD_FROM(-1e6, 1e6),          \
                   "what a model's input in pA gets per " per "; negative inhibits"),              \
        WEIGHT_ROW(struct_name, which_variants, "weight_mV", "mV", FIELD_FROM(-1000, 1000),        \
                   "what a model's input in mV gets per " per "; negative inhibits"),              \
        WEIGHT_ROW(struct_name, which_variants, "weight", NULL, FIELD_FROM(-1e6, 1e6),             \
                   "what a model's input without a unit gets per " per)
#define WEIGHT_ROW(struct_name, which_variants, name, in_unit, range, words)                       \
    {                                                                                              \
        .key = name, .kind = FIELD_DISTRIBUTION, .unit = in_unit, range,                           \
        .variants = which_variants, FIELD_IN(struct_name, weight), .doc = words                    \
    }
extern const char *const weight_keys[];

#define LOADER_ERROR(l, node, key, status, ...)                                                    \
    document_error(&(l)->document, node, key, (l)->err, status, __VA_ARGS__)

#endif
