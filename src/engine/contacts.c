/*
 * Structure: contacts that come and go (kernels/contacts.cl), and the slow signals that they may depend on
 * (kernels/signals.clh).
 */
#include "base/rng.h"
#include "engine/field_tables.h"
#include "engine/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define S_PER_H 3600.0
#define COUNTS_MOST 0xffff /* updates that a contact counts */

/* --- layout ------------------------------------------------------------------------------------------- */

/* Every delay group has had its update when the longest delay has passed; in whole field steps, and one for what is
 * published at the start of one. */
static structure_layout layout_of(const experiment *e, const layout *l, uint32_t learning)
{
    const uint32_t i = l->learnings[learning].projection;
    const uint32_t fields = l->projections[i].max_delay_steps / l->steps_per_field + 1;
    return (structure_layout){
        .projection = i,
        .learning = learning,
        .update_steps = (uint32_t)layout_steps(e, e->projections[i].structure->update_s * 1e3),
        .reach_steps = fields * l->steps_per_field,
        .first_indegree = l->n_indegrees,
        .first_outdegree = l->n_outdegrees,
        .first_tally = 2 * l->n_structures * l->n_partitions,
    };
}

meso_status contacts_lay_out(const experiment *e, layout *l, meso_error *err)
{
    l->structures = arena_alloc(l->memory, (l->n_learnings + 1) * sizeof *l->structures);
    if (l->structures == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < l->n_learnings; i++) {
        const projection *p = &e->projections[l->learnings[i].projection];
        if (p->structure == NULL)
            continue;
        l->structures[l->n_structures] = layout_of(e, l, i);
        l->learnings[i].structure = l->n_structures++;
        l->n_indegrees += l->populations[p->target].n_padded;
        l->n_outdegrees += e->populations[p->source].n_neurons;
    }
    return MESO_OK;
}

uint64_t contacts_bytes(const layout *l)
{
    const uint64_t of_one = sizeof(structure_entry) + sizeof(signal_entry) + sizeof(signal_state) +
                            MESO_QUANTILES * (sizeof(uint16_t) + sizeof(float)) +
                            4 * sizeof(uint32_t) + 2 * l->n_partitions * sizeof(uint32_t);
    return l->n_structures * of_one +
           ((uint64_t)l->n_indegrees + l->n_outdegrees) * sizeof(uint32_t);
}

/* --- field quantities --------------------------------------------------------------------------------- */

static int has_signal(const projection *p)
{
    return p->structure != NULL && p->structure->signal.follows != MODULATED_BY_NOTHING;
}

uint32_t contacts_n_fields(const experiment *e)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n_projections; i++)
        if (e->projections[i].structure != NULL)
            n += 3 + (has_signal(&e->projections[i]) ? 1 : 0);
    return n;
}

/* In the order of MESO_CONTACTS and its fellows; the signal follows. */
meso_status contacts_name(simulation *sim, meso_error *err)
{
    const experiment *e = sim->e;
    contacts *c = &sim->contacts;
    MESO_TRY(
        simulation_alloc(sim, e->n_projections + 1, sizeof *c->first_field, &c->first_field, err));
    for (uint32_t i = 0; i < e->n_projections; i++) {
        const projection *p = &e->projections[i];
        if (p->structure == NULL)
            continue;
        c->first_field[i] = field_add(sim, "1", arena_printf(sim->memory, "%s.contacts", p->name));
        field_add(sim, "1", arena_printf(sim->memory, "%s.formed", p->name));
        field_add(sim, "1", arena_printf(sim->memory, "%s.pruned", p->name));
        if (has_signal(p))
            field_add(sim, p->structure->signal.follows == MODULATED_BY_RECEPTOR ? "1" : "nM",
                      arena_printf(sim->memory, "%s.signal", p->name));
    }
    return MESO_OK;
}

static uint32_t signal_field(const simulation *sim, uint32_t projection)
{
    return has_signal(&sim->e->projections[projection])
               ? sim->contacts.first_field[projection] + MESO_PRUNED + 1
               : MESO_NEVER;
}

void signals_begin(const simulation *sim, float *field)
{
    for (uint32_t i = 0; i < sim->e->n_projections; i++)
        if (has_signal(&sim->e->projections[i]))
            field[signal_field(sim, i)] = (float)sim->e->projections[i].structure->signal.initial;
}

static signal_entry signal_of(const simulation *sim, const structure_layout *s)
{
    const projection *p = &sim->e->projections[s->projection];
    const slow_signal *x = &p->structure->signal;
    const double hours = p->structure->update_s * p->structure->rate_scale / S_PER_H;
    const uint32_t fields = s->update_steps / sim->l->steps_per_field;
    return (signal_entry){
        .follows = modulator_field(sim, p->target, x->follows, x->modulator),
        .signal = signal_field(sim, s->projection),
        .update_fields = fields,
        .per_update = (float)(1.0 / fields),
        .share = x->tau_h > 0 ? (float)-expm1(-hours / x->tau_h) : 1,
    };
}

meso_status signals_create(simulation *sim, meso_error *err)
{
    const layout *l = sim->l;
    contacts *c = &sim->contacts;
    signal_entry *table = calloc(l->n_structures + 1, sizeof *table);
    if (table == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < l->n_structures; i++)
        if (has_signal(&sim->e->projections[l->structures[i].projection]))
            table[c->n_signals++] = signal_of(sim, &l->structures[i]);
    const buffer_spec all[] = {
        {BUFFER_CONSTANT, "signals", c->n_signals * sizeof *table, table, &c->signals},
        {BUFFER_STATE, "signal states", c->n_signals * sizeof(signal_state), NULL,
         &c->signal_states},
    };
    const meso_status status = buffers_create(sim->device, all, 2, err);
    free(table);
    return status;
}

/* --- tables ------------------------------------------------------------------------------------------- */

static uint32_t updates_in(double seconds, const structure *s)
{
    const double n = ceil(seconds / s->rate_scale / s->update_s * (1 - 1e-9));
    return (uint32_t)fmin(n, COUNTS_MOST);
}

static void pruning_fill(const structure *s, double hours, structure_entry *x)
{
    const pruning *p = s->prune;
    x->prunes = p != NULL;
    if (p == NULL)
        return;
    x->below = isnan(p->below) ? INFINITY : (float)p->below;
    x->after = updates_in(p->after_s, s);
    x->older = updates_in(p->older_than_s, s);
    x->prunes_at_once = isnan(p->rate_per_h);
    x->hazard = x->prunes_at_once ? 0 : (float)(p->rate_per_h * hours);
    x->hazard_gain = (float)(p->gain_per_h * hours);
}

static void formation_fill(const structure *s, double hours, structure_entry *x)
{
    x->forms = s->form != NULL;
    if (s->form == NULL)
        return;
    x->births = (float)(s->form->per_target_per_h * hours);
    x->births_gain = (float)(s->form->gain_per_target_per_h * hours);
}

static void keys_fill(const simulation *sim, const projection *p, structure_entry *x)
{
    const rng_words fate = rng_stream_key(sim->e->seed, "projection/%s/fates", p->name);
    const rng_words birth = rng_stream_key(sim->e->seed, "projection/%s/births", p->name);
    x->fate0 = fate.x;
    x->fate1 = fate.y;
    x->birth0 = birth.x;
    x->birth1 = birth.y;
}

static structure_entry entry_of(const simulation *sim, uint32_t i)
{
    const structure_layout *q = &sim->l->structures[i];
    const projection *p = &sim->e->projections[q->projection];
    const structure *s = p->structure;
    const double hours = s->update_s * s->rate_scale / S_PER_H;
    const uint64_t group_steps = layout_group_steps(sim->l, STORAGE_PLASTIC);
    structure_entry x = {
        .projection = q->projection,
        .learning = q->learning,
        .source = p->source,
        .update_steps = q->update_steps,
        .signal = signal_field(sim, q->projection),
        .first_field = sim->contacts.first_field[q->projection],
        .first_indegree = q->first_indegree,
        .first_outdegree = q->first_outdegree,
        .first_tally = q->first_tally,
        .first_quantile = i * MESO_QUANTILES,
        .timed = contacts_are_timed(p),
        .span_s = (float)(s->update_s * s->rate_scale),
        .n_sources = sim->e->populations[p->source].n_neurons,
        .same = p->source == p->target && !p->autapses,
        .multapses = p->multapses,
        .group_steps = (uint32_t)group_steps,
        .first_content = contents_first(sim->e, q->projection),
        .n_contents = contents_count(sim->e, q->projection),
        .per_group = (UINT64_C(0x100000000) + group_steps - 1) / group_steps,
        .most_contacts = sim->l->projections[q->projection].most_contacts,
    };
    pruning_fill(s, hours, &x);
    formation_fill(s, hours, &x);
    keys_fill(sim, p, &x);
    return x;
}

/* Delays in steps beyond a batch, and weights, of new contacts. */
static void quantiles_fill(const simulation *sim, uint32_t i, uint16_t *delays, float *weights)
{
    const projection *p = &sim->e->projections[sim->l->structures[i].projection];
    for (uint32_t k = 0; k < MESO_QUANTILES; k++) {
        const double part = (k + 0.5) / MESO_QUANTILES;
        const double delay_ms = distribution_quantile(&p->delay_ms, part);
        delays[k] = (uint16_t)(layout_delay_steps(sim->e, delay_ms) - sim->l->batch_steps);
        if (p->structure->form != NULL)
            weights[k] = (float)distribution_quantile(&p->structure->form->weight, part);
    }
}

static meso_status tables_upload(simulation *sim, meso_error *err)
{
    const layout *l = sim->l;
    const size_t n = l->n_structures, n_quantiles = n * MESO_QUANTILES;
    contacts *c = &sim->contacts;
    meso_status status = MESO_OK;
    structure_entry *table = calloc(n, sizeof *table);
    uint16_t *delays = calloc(n_quantiles, sizeof *delays);
    float *weights = calloc(n_quantiles, sizeof *weights);
    if (table == NULL || delays == NULL || weights == NULL)
        MESO_GO(error_set(err, MESO_MEMORY, "out of memory"));
    for (uint32_t i = 0; i < n; i++) {
        table[i] = entry_of(sim, i);
        quantiles_fill(sim, i, delays + i * MESO_QUANTILES, weights + i * MESO_QUANTILES);
    }
    const buffer_spec all[] = {
        {BUFFER_CONSTANT, "structure", n * sizeof *table, table, &c->table},
        {BUFFER_CONSTANT, "delays of new contacts", n_quantiles * sizeof *delays, delays,
         &c->delays},
        {BUFFER_CONSTANT, "weights of new contacts", n_quantiles * sizeof *weights, weights,
         &c->weights},
        {BUFFER_STATE, "in-degrees", l->n_indegrees * sizeof(uint32_t), NULL, &c->indegrees},
        {BUFFER_STATE, "out-degrees", l->n_outdegrees * sizeof(uint32_t), NULL, &c->outdegrees},
        {BUFFER_STATE, "tallies", 2 * n * l->n_partitions * sizeof(uint32_t), NULL, &c->tallies},
        {BUFFER_STATE, "numbers of contacts", 4 * n * sizeof(uint32_t), NULL, &c->totals},
    };
    status = buffers_create(sim->device, all, sizeof all / sizeof *all, err);
done:
    free(table);
    free(delays);
    free(weights);
    return status;
}

/* --- kernels ------------------------------------------------------------------------------------------ */

/* Arguments of contacts_begin and contacts_update (contacts.cl) by position. */
enum { STATUS = 26, BATCH };

static meso_status update_arguments_set(simulation *sim, kernel *k, meso_error *err)
{
    const synapses *s = &sim->synapses;
    const learning *x = &sim->learning;
    const contacts *c = &sim->contacts;
    const buffer *const tables[] = {&sim->network,
                                    &sim->neurons.populations,
                                    &s->table,
                                    &x->table,
                                    &x->constants,
                                    &s->row_offsets,
                                    &s->buffers[0],
                                    &s->buffers[1],
                                    &s->buffers[2],
                                    &s->buffers[3],
                                    &sim->ring,
                                    &sim->modulators.field,
                                    &x->events,
                                    &x->latest,
                                    &x->levels,
                                    &x->rows,
                                    &x->pending,
                                    &c->table,
                                    &sim->neurons.chunks,
                                    &c->delays,
                                    &c->weights,
                                    &s->contents,
                                    &s->level_table,
                                    &c->indegrees,
                                    &c->tallies};
    MESO_TRY(kernel_set_f32(k, 0, (float)sim->e->dt_ms, err));
    return kernel_set_buffers(k, 1, tables, sizeof tables / sizeof *tables, err);
}

/* Arguments of contacts_count (degrees.cl) by position. */
enum { COUNT_STRUCTURE, COUNT_TABLES, COUNT_STATUS = COUNT_TABLES + 12 };

static meso_status count_arguments_set(simulation *sim, meso_error *err)
{
    const contacts *c = &sim->contacts;
    const buffer *const tables[] = {&sim->network,
                                    &sim->neurons.populations,
                                    &sim->synapses.table,
                                    &sim->learning.table,
                                    &c->table,
                                    &sim->neurons.chunks,
                                    &sim->learning.rows,
                                    &c->indegrees,
                                    &c->tallies,
                                    &c->outdegrees,
                                    &c->totals,
                                    &sim->modulators.field};
    return kernel_set_buffers(&sim->contacts.count, COUNT_TABLES, tables,
                              sizeof tables / sizeof *tables, err);
}

static const buffer *status_now(const simulation *sim)
{
    return &sim->recorder.halves[sim->n_enqueued % 2].status;
}

static meso_status count_launch(simulation *sim, uint32_t structure, meso_error *err)
{
    kernel *k = &sim->contacts.count;
    MESO_TRY(kernel_set_u32(k, COUNT_STRUCTURE, structure, err));
    MESO_TRY(kernel_set_buffer(k, COUNT_STATUS, status_now(sim), err));
    return device_launch(sim->device, k, 1, sim->l->work_group_size, err);
}

static meso_status begin_launch(simulation *sim, meso_error *err)
{
    kernel *k = &sim->contacts.begin;
    MESO_TRY(kernel_set_buffer(k, STATUS, status_now(sim), err));
    MESO_TRY(device_launch(sim->device, k, sim->l->n_partitions, sim->l->work_group_size, err));
    for (uint32_t i = 0; i < sim->l->n_structures; i++)
        MESO_TRY(count_launch(sim, i, err));
    return outdegrees_create(sim, err);
}

meso_status contacts_create(simulation *sim, meso_error *err)
{
    contacts *c = &sim->contacts;
    const cl_program program = sim->learning.contacts_program;
    if (sim->l->n_structures == 0)
        return MESO_OK;
    MESO_TRY(tables_upload(sim, err));
    MESO_TRY(kernel_create(program, "contacts_begin", &c->begin, err));
    MESO_TRY(kernel_create(program, "contacts_update", &c->update, err));
    MESO_TRY(kernel_create(program, "contacts_count", &c->count, err));
    MESO_TRY(update_arguments_set(sim, &c->begin, err));
    MESO_TRY(update_arguments_set(sim, &c->update, err));
    MESO_TRY(count_arguments_set(sim, err));
    return begin_launch(sim, err);
}

/* Has a delay group its update before this batch is delivered? */
static int update_is_due(const layout *l, const structure_layout *s, uint64_t batch)
{
    const bundle_layout *b = &l->bundles[l->projections[s->projection].first_bundle];
    for (uint32_t g = b->first_group; g < b->first_group + b->n_groups; g++) {
        const uint64_t back = 1 + (uint64_t)g * l->batches_per_group;
        if (back < batch && (batch - back) * l->batch_steps % s->update_steps == 0)
            return 1;
    }
    return 0;
}

static meso_status update_launch(simulation *sim, uint64_t batch, meso_error *err)
{
    const cl_ulong number = batch;
    kernel *k = &sim->contacts.update;
    MESO_TRY(kernel_set_bytes(k, BATCH, sizeof number, &number, err));
    MESO_TRY(kernel_set_buffer(k, STATUS, status_now(sim), err));
    return device_launch(sim->device, k, sim->l->n_partitions, sim->l->work_group_size, err);
}

meso_status contacts_launch(simulation *sim, uint64_t batch, meso_error *err)
{
    const layout *l = sim->l;
    const uint64_t step = batch * l->batch_steps;
    int is_due = 0;
    for (uint32_t i = 0; i < l->n_structures; i++)
        is_due |= update_is_due(l, &l->structures[i], batch);
    if (is_due)
        MESO_TRY(update_launch(sim, batch, err));
    for (uint32_t i = 0; i < l->n_structures; i++) {
        const structure_layout *s = &l->structures[i];
        const uint64_t update = step < s->reach_steps ? 0
                                                      : (step - s->reach_steps) / s->update_steps;
        if (update == 0 || update * s->update_steps + s->reach_steps != step)
            continue;
        MESO_TRY(count_launch(sim, i, err));
        MESO_TRY(outdegrees_publish(sim, i, update, err));
    }
    return MESO_OK;
}

void contacts_destroy(simulation *sim)
{
    contacts *c = &sim->contacts;
    buffer *all[] = {&c->table,   &c->delays, &c->weights, &c->indegrees,    &c->outdegrees,
                     &c->tallies, &c->totals, &c->signals, &c->signal_states};
    kernel *kernels[] = {&c->begin, &c->update, &c->count};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(sim->device, all[i]);
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        kernel_release(kernels[i]);
}

/* --- looking in --------------------------------------------------------------------------------------- */

meso_status simulation_contacts(simulation *sim, uint32_t projection, contact_counts *out,
                                meso_error *err)
{
    uint32_t i = 0, totals[4];
    while (i < sim->l->n_structures && sim->l->structures[i].projection != projection)
        i++;
    if (i == sim->l->n_structures)
        return error_set(err, MESO_ARGUMENT, "projections.%s has no structure",
                         sim->e->projections[projection].name);
    MESO_TRY(buffer_read(sim->device, &sim->contacts.totals, i * sizeof totals, sizeof totals,
                         totals, err));
    *out = (contact_counts){.contacts = totals[0], .formed = totals[2], .pruned = totals[3]};
    return MESO_OK;
}

meso_status simulation_indegrees(simulation *sim, uint32_t projection, uint32_t *out,
                                 meso_error *err)
{
    const uint32_t target = sim->e->projections[projection].target;
    const population_layout *to = &sim->l->populations[target];
    uint32_t i = 0;
    while (sim->l->structures[i].projection != projection)
        i++;
    uint32_t *places = malloc(to->n_padded * sizeof *places);
    if (places == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    const meso_status status = buffer_read(sim->device, &sim->contacts.indegrees,
                                           sim->l->structures[i].first_indegree * sizeof *places,
                                           to->n_padded * sizeof *places, places, err);
    for (uint32_t k = 0; status == MESO_OK && k < sim->e->populations[target].n_neurons; k++)
        out[k] = places[layout_place(sim->l, to, k)];
    free(places);
    return status;
}

meso_status contacts_failed(const simulation *sim, const uint32_t status[4], meso_error *err)
{
    const projection *p = &sim->e->projections[status[MESO_STATUS_POPULATION]];
    const uint32_t most = status[MESO_STATUS_NEURON];
    if (status[MESO_STATUS_CODE] == MESO_FAILED_ROW_FULL)
        return error_set(err, MESO_NUMERICS,
                         "projections.%s: no room for a new contact: a row has %u places for the "
                         "contacts of a cell of '%s' in one part of the network; a structure.spare "
                         "above %.15g gives more",
                         p->name, most, sim->e->populations[p->source].name, p->structure->spare);
    if (status[MESO_STATUS_CODE] == MESO_FAILED_TARGET_FULL)
        return error_set(
            err, MESO_NUMERICS,
            "projections.%s: no room for a new contact: a cell of '%s' has %u, which its "
            "input was scaled for; a structure.spare above %.15g allows more",
            p->name, sim->e->populations[p->target].name, most, p->structure->spare);
    return error_set(err, MESO_INTERNAL,
                     "projections.%s: its sources and its targets count different numbers of "
                     "contacts",
                     p->name);
}
