/*
 * What a run takes on the device, said before anything is allocated. A buffer that is made elsewhere has its bytes
 * here, or beside its maker.
 */
#include "engine/internal.h"

#include <math.h>
#include <stdio.h>

/* Arrays of a population: state, and parameters that vary between cells. */
static uint64_t population_arrays(const experiment *e, uint32_t i)
{
    const population *p = &e->populations[i];
    uint64_t arrays = codegen_fields(e, i);
    for (uint32_t k = 0; k < p->model->n_parameters; k++)
        arrays += p->parameters[k].kind != DISTRIBUTION_CONSTANT;
    for (uint32_t s = 0; s < e->n_stimuli; s++)
        for (uint32_t k = 0; e->stimuli[s].kind == STIMULUS_CURRENT && e->stimuli[s].target == i &&
                             k < e->stimuli[s].current->n_parameters;
             k++)
            arrays += e->stimuli[s].parameters[k].kind != DISTRIBUTION_CONSTANT;
    return arrays;
}

static uint64_t state_bytes(const experiment *e, const layout *l, uint32_t i)
{
    return population_arrays(e, i) * l->populations[i].n_padded * sizeof(float);
}

/* Numbers that all cells share: about as many as the model and the inputs have. */
static uint64_t constants_bytes(const experiment *e, uint32_t i)
{
    const population *p = &e->populations[i];
    uint64_t n = p->model->n_parameters + p->model->n_derived + 4 * p->n_conductances;
    for (uint32_t s = 0; s < e->n_stimuli; s++)
        n += e->stimuli[s].target == i ? 4 : 0;
    return n * sizeof(float);
}

/* State, parameters, input ring and chunks. */
static uint64_t population_bytes(const experiment *e, const layout *l, uint32_t i)
{
    const population_layout *p = &l->populations[i];
    const uint64_t ring = (uint64_t)l->n_partitions * l->n_slots * p->n_channels * p->n_local;
    return state_bytes(e, l, i) + constants_bytes(e, i) + ring * sizeof(int32_t) +
           sizeof(population_entry) + p->n_chunks * (sizeof(chunk_entry) + sizeof(uint32_t));
}

/* Its synapses, and its share of the rows of its bundle. */
static uint64_t projection_bytes(const layout *l, uint32_t i)
{
    const projection_layout *q = &l->projections[i];
    double rows = 0;
    for (uint32_t b = q->first_bundle; b < q->first_bundle + q->n_bundles; b++)
        if (q->storage != STORAGE_PROCEDURAL)
            rows += (double)(l->bundles[b].n_rows + 1) / l->bundles[b].n_projections;
    return (uint64_t)(q->expected_places * q->synapse_bytes + rows * sizeof(uint32_t));
}

/* Tables from which edges are made: they stay only if edges are made anew at every spike. */
static uint64_t rules_bytes(const experiment *e)
{
    uint64_t bytes = e->n_projections * (sizeof(edge_rule) + MESO_QUANTILES * sizeof(uint16_t)) +
                     contents_first(e, e->n_projections) * sizeof(content_entry);
    for (uint32_t i = 0; i < e->n_projections; i++)
        if (e->projections[i].rule == RULE_FIXED_TOTAL)
            bytes += e->populations[e->projections[i].source].n_neurons * sizeof(uint32_t);
    return bytes;
}

static uint64_t amplitudes_bytes(const layout *l)
{
    return (uint64_t)l->n_history * l->amplitudes_per_batch * sizeof(uint32_t);
}

static uint64_t plasticity_bytes(const layout *l)
{
    return l->n_plastic * sizeof(plasticity_entry) +
           (uint64_t)l->n_plastic_states * sizeof(plastic_state) + amplitudes_bytes(l);
}

static uint64_t history_bytes(const layout *l)
{
    return (uint64_t)l->n_history * l->spikes_per_batch * sizeof(uint32_t);
}

static uint64_t list_counts_bytes(const experiment *e, const layout *l)
{
    return (uint64_t)l->n_history * e->n_populations * l->list_partitions * sizeof(uint32_t);
}

/* --- rows ------------------------------------------------------------------------------------------- */

typedef struct listing {
    memory_visitor *visit;
    void *self;
} listing;

/* A row that has nothing to say is left out. */
static void list_add(const listing *to, const char *name, uint64_t bytes)
{
    if (bytes > 0)
        to->visit(to->self, &(memory_row){.name = name, .bytes = bytes});
}

static void network_list(const experiment *e, const layout *l, const listing *to)
{
    char name[96];
    for (uint32_t i = 0; i < e->n_populations; i++) {
        snprintf(name, sizeof name, "population %s", e->populations[i].name);
        to->visit(to->self, &(memory_row){.name = name,
                                          .count = e->populations[i].n_neurons,
                                          .bytes = population_bytes(e, l, i)});
    }
    for (uint32_t i = 0; i < e->n_projections; i++) {
        const projection_layout *q = &l->projections[i];
        snprintf(name, sizeof name, "projection %s", e->projections[i].name);
        to->visit(to->self, &(memory_row){.name = name,
                                          .count = (uint64_t)q->expected_synapses,
                                          .bytes = projection_bytes(l, i),
                                          .storage = storage_name(q->storage)});
    }
}

/* All that is there while synapses are made, but what is needed for that alone. */
static void early_list(const experiment *e, const layout *l, const listing *to)
{
    network_list(e, l, to);
    list_add(to, "weight levels", l->n_levels * sizeof(int32_t));
    list_add(to, "edge rules", l->makes_edges ? rules_bytes(e) : 0);
    list_add(to, "stimuli", stimuli_bytes(e));
    list_add(to, "played spikes", 2 * playback_bytes(e, l));
    list_add(to, "modulators and receptors", modulators_bytes(e));
    list_add(to, "voxel grids", voxels_bytes(e, l));
    list_add(to, "receptors in grids", cells_bytes(e, l));
    list_add(to, "spike history", history_bytes(l) + list_counts_bytes(e, l));
    list_add(to, "short-term plasticity", plasticity_bytes(l));
    list_add(to, "long-term plasticity", learning_bytes(l));
    list_add(to, "structure", contacts_bytes(l));
}

static void late_list(const experiment *e, const layout *l, const listing *to)
{
    list_add(to, "spike records", 2 * recorder_record_bytes(e, l));
    list_add(to, "reports and time line", recorder_report_bytes(e));
    list_add(to, "launches",
             sizeof(network_entry) + l->n_bundles * sizeof(bundle_entry) + schedule_bytes(l));
}

static void total_add(void *self, const memory_row *row)
{
    *(uint64_t *)self += row->bytes;
}

/* Most of what making synapses takes at a time beside `early_list`: first counts of rows and no synapses, then next
 * places in rows. */
static uint64_t making_bytes(const experiment *e, const layout *l)
{
    uint64_t kept = 0;
    for (uint32_t i = 0; i < e->n_projections; i++)
        kept += projection_bytes(l, i);
    const uint64_t counts = l->n_counted_rows * sizeof(uint32_t);
    const uint64_t next = l->n_rows * sizeof(uint32_t);
    const uint64_t more = counts > kept + next ? counts - kept : next;
    return more + sizeof(bundle_entry) + (l->makes_edges ? 0 : rules_bytes(e));
}

void simulation_memory(const experiment *e, const layout *l, memory_visitor *visit, void *self)
{
    uint64_t late = 0;
    const uint64_t making = making_bytes(e, l);
    early_list(e, l, &(listing){visit, self});
    late_list(e, l, &(listing){visit, self});
    late_list(e, l, &(listing){total_add, &late});
    list_add(&(listing){visit, self}, "more, while building", making > late ? making - late : 0);
}

/* --- does it fit? ----------------------------------------------------------------------------------- */

static double total_bytes(const experiment *e, const layout *l)
{
    uint64_t total = 0;
    simulation_memory(e, l, total_add, &total);
    return (double)total;
}

static double synapses_bytes(const layout *l)
{
    double bytes = 0;
    for (uint32_t i = 0; i < l->n_bundles; i++)
        bytes += l->bundles[i].expected_places * l->bundles[i].synapse_bytes;
    return bytes;
}

static double all_state_bytes(const experiment *e, const layout *l)
{
    double bytes = 0;
    for (uint32_t i = 0; i < e->n_populations; i++)
        bytes += (double)state_bytes(e, l, i);
    return bytes;
}

/* The largest single buffer, synapses apart. */
static double buffer_largest(const experiment *e, const layout *l)
{
    const double buffers[] = {all_state_bytes(e, l),
                              (double)l->ring_words * sizeof(int32_t),
                              (double)l->n_counted_rows * sizeof(uint32_t),
                              (double)history_bytes(l),
                              (double)amplitudes_bytes(l),
                              (double)l->n_plastic_states * sizeof(plastic_state),
                              (double)l->n_events * sizeof(post_event),
                              (double)l->n_row_states * sizeof(row_state),
                              (double)recorder_record_bytes(e, l),
                              (double)playback_bytes(e, l),
                              (double)voxels_largest_bytes(e)};
    double largest = 0;
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        largest = fmax(largest, buffers[i]);
    for (uint32_t i = 0; i < e->record.n_reports; i++)
        largest = fmax(largest, (double)recorder_frame_bytes(e, &e->record.reports[i]));
    return largest;
}

/* Share of the network that would fit: 1, or less. */
static double share_that_fits(const experiment *e, const layout *l, const meso_device_info *device)
{
    const double share = fmin((double)device->global_bytes / total_bytes(e, l),
                              (double)device->max_alloc_bytes / buffer_largest(e, l));
    return fmin(1, share);
}

int memory_fits(const experiment *e, const layout *l, const meso_device_info *device)
{
    return share_that_fits(e, l, device) == 1 && synapses_fit(l);
}

static uint32_t largest_kept(const experiment *e, const layout *l)
{
    uint32_t largest = 0;
    for (uint32_t i = 1; i < e->n_projections; i++)
        if (projection_bytes(l, i) > projection_bytes(l, largest))
            largest = i;
    return largest;
}

#define GB 1e9

static meso_status buffers_refuse(const experiment *e, const layout *l, meso_error *err)
{
    const uint32_t i = largest_kept(e, l);
    return error_set(
        err, MESO_RANGE,
        "projections.%s: with its %.3g synapses all synapses take %.3g GB: more than %u "
        "buffers of %.3g GB, the largest here%s",
        e->projections[i].name, l->projections[i].expected_synapses, synapses_bytes(l) / GB,
        MESO_SYNAPSE_BUFFERS, (double)l->buffer_bytes / GB,
        e->projections[i].learning != NULL ? "" : "; \"storage\": \"procedural\" keeps none");
}

meso_status memory_check(const experiment *e, const layout *l, const meso_device_info *device,
                         meso_error *err)
{
    MESO_TRY(voxels_check(e, err));
    const double values = all_state_bytes(e, l) / sizeof(float);
    if (values > UINT32_MAX)
        return too_large(e, "the cells' state", values, err);
    const double share = share_that_fits(e, l, device);
    if (share == 1)
        return synapses_fit(l) ? MESO_OK : buffers_refuse(e, l, err);
    const population *p = &e->populations[layout_largest_population(e)];
    return error_set(
        err, MESO_RANGE,
        "%s: populations.%s.n_neurons: with its %u cells the network is too large for %s: it "
        "needs %.3g GB, %.3g GB of it in one buffer (%.3g synapses: %.3g GB); the device has "
        "%.3g GB, and at most %.3g GB for one buffer; about %.2g cells would fit",
        p->place, p->name, p->n_neurons, device->name, total_bytes(e, l) / GB,
        buffer_largest(e, l) / GB, l->expected_synapses, synapses_bytes(l) / GB,
        (double)device->global_bytes / GB, (double)device->max_alloc_bytes / GB,
        floor(p->n_neurons * share));
}
