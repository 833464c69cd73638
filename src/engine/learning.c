#include "base/rng.h"
#include "engine/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FASTEST_HZ 1000.0 /* of a cell, for as long as its spikes may be asked for */
#define EVENT_BITS_MIN 4u
#define PENDING_BITS_MIN 3u
#define NO_TRACE 1e3f     /* per step: gone in the next */
#define MOST_STEPS 0x1p31 /* that times of 32 bits can tell apart */

/* --- layout ------------------------------------------------------------------------------------------- */

static uint32_t bits_for(double n_places, uint32_t least)
{
    uint32_t bits = least;
    while (ldexp(1, (int)bits) < n_places)
        bits++;
    return bits;
}

static meso_status duration_check(const experiment *e, const projection *p, meso_error *err)
{
    const double hours = MOST_STEPS * e->dt_ms / 3.6e6;
    if (e->duration_s * 1e3 / e->dt_ms < MOST_STEPS)
        return MESO_OK;
    return error_set(
        err, MESO_RANGE,
        "%s: projections.%s.long_term_plasticity: the protocol is longer than %.3g h, the "
        "steps that its synapses can count",
        p->place, p->name, hours);
}

static double parameter_of(const long_term_plasticity *x, const char *name)
{
    uint32_t i = 0;
    while (strcmp(x->rule->parameters[i].name, name) != 0)
        i++;
    return x->parameters[i].mean;
}

/* 0 if the rule sees spikes of the source at once. */
static double pre_delay_ms(const long_term_plasticity *x)
{
    return x->rule->pre_delay >= 0 ? x->parameters[x->rule->pre_delay].mean : 0;
}

/* How fast a modulator counts less for a rule, a step. */
static double level_decay(const experiment *e, const long_term_plasticity *x)
{
    return x->rule->modulator_decay >= 0
               ? e->dt_ms / x->parameters[x->rule->modulator_decay].mean
               : 0;
}

/* Integrals that begin at a multiple of it are floats: a difference of two is right to 1e-6 of the largest while what
 * they count has not decayed further than this. */
#define MOST_DECAY 2.0

static uint32_t update_steps(const experiment *e, const layout *l, const long_term_plasticity *x)
{
    const uint64_t given = layout_steps(e, x->update_ms);
    const double most = MOST_DECAY / level_decay(e, x) / l->steps_per_field;
    const double n_fields = given / l->steps_per_field;
    return l->steps_per_field * (uint32_t)fmax(1, fmin(n_fields, floor(most)));
}

/*
 * A row is behind by update_steps and by what its spikes take to their delivery; that, and a spike of a target is at
 * the synapse only after the delay again: together less than three of the longest delay.
 */
static learning_layout learning_of(const experiment *e, const layout *l, uint32_t i)
{
    const long_term_plasticity *x = e->projections[i].learning;
    const uint32_t update = update_steps(e, l, x);
    const uint32_t window = update + 3 * l->projections[i].max_delay_steps;
    const double spikes = window * e->dt_ms * 1e-3 * FASTEST_HZ + 2;
    return (learning_layout){
        .projection = i,
        .update_steps = update,
        .window_steps = window,
        .event_bits = x->rule->spikes ? bits_for(spikes, EVENT_BITS_MIN) : 0,
        .level_bits = bits_for(window + l->steps_per_field + 1.0, 0),
        .pre_delay_steps = x->rule->pre_delay >= 0 ? (uint32_t)layout_steps(e, pre_delay_ms(x))
                                                   : MESO_NEVER,
        .pending_bits = bits_for(pre_delay_ms(x) * 1e-3 * FASTEST_HZ + 2, PENDING_BITS_MIN),
        .structure = MESO_NEVER,
    };
}

/* Of the rings of so many rows. */
static uint64_t pending_words(const learning_layout *x, uint32_t n_rows)
{
    if (x->pre_delay_steps == MESO_NEVER)
        return 0;
    return n_rows * (MESO_PENDING_TIMES + (UINT64_C(1) << x->pending_bits));
}

/* What grows with neurons and rows may take more than 32 bits. */
typedef struct learning_words {
    uint64_t events, pending;
} learning_words;

/* Numbers of its tables follow those of the ones before it. */
static meso_status learning_add(const experiment *e, layout *l, uint32_t i, learning_words *n,
                                meso_error *err)
{
    const projection *p = &e->projections[i];
    const uint32_t n_places = l->populations[p->target].n_padded;
    learning_layout *x = &l->learnings[l->n_learnings];
    MESO_TRY(duration_check(e, p, err));
    *x = learning_of(e, l, i);
    x->first_content = l->n_rule_states;
    x->first_constant = l->n_rule_constants;
    x->first_target = l->n_learning_targets;
    x->first_event = (uint32_t)n->events;
    x->first_level = l->n_modulator_levels;
    l->n_rule_states += p->learning->rule->n_state;
    x->first_pending = (uint32_t)n->pending;
    x->first_row = l->n_row_states;
    l->n_rule_constants += p->learning->rule->n_parameters + 2;
    l->n_learning_targets += n_places;
    n->events += (uint64_t)n_places << x->event_bits;
    if (p->learning->modulated_by != MODULATED_BY_NOTHING)
        l->n_modulator_levels += l->n_partitions << x->level_bits;
    const projection_layout *q = &l->projections[i];
    for (uint32_t b = q->first_bundle; b < q->first_bundle + q->n_bundles; b++) {
        l->bundles[b].learning = l->n_learnings;
        l->bundles[b].first_row_state = l->n_row_states;
        l->n_row_states += (uint32_t)l->bundles[b].n_rows;
    }
    n->pending += pending_words(x, l->n_row_states - x->first_row);
    l->n_learnings++;
    return MESO_OK;
}

meso_status learning_lay_out(const experiment *e, layout *l, meso_error *err)
{
    learning_words n = {0};
    l->learnings = arena_alloc(l->memory, (e->n_projections + 1) * sizeof *l->learnings);
    if (l->learnings == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t b = 0; b < l->n_bundles; b++)
        l->bundles[b].learning = MESO_NEVER;
    for (uint32_t i = 0; i < e->n_projections; i++)
        if (e->projections[i].learning != NULL)
            MESO_TRY(learning_add(e, l, i, &n, err));
    if (n.events > UINT32_MAX)
        return too_large(e, "the history of spikes for long-term plasticity", (double)n.events,
                         err);
    if (n.pending > UINT32_MAX)
        return too_large(e, "the spikes on their way to rules of plasticity", (double)n.pending,
                         err);
    l->n_events = (uint32_t)n.events;
    l->n_pending = (uint32_t)n.pending;
    return MESO_OK;
}

uint64_t learning_bytes(const layout *l)
{
    return l->n_learnings * sizeof(learning_entry) + l->n_rule_states * sizeof(content_port) +
           l->n_rule_constants * sizeof(float) + l->n_events * sizeof(post_event) +
           l->n_learning_targets * sizeof(latest_event) +
           l->n_modulator_levels * sizeof(float) + l->n_row_states * sizeof(row_state) +
           l->n_pending * sizeof(uint32_t);
}

/* --- tables ------------------------------------------------------------------------------------------- */

static float trace_rate(const experiment *e, const long_term_plasticity *x, const char *tau)
{
    return x->rule->traces ? (float)(e->dt_ms / parameter_of(x, tau)) : NO_TRACE;
}

uint32_t modulator_field(const simulation *sim, uint32_t target, modulator_source source,
                         uint32_t index)
{
    const char *region = sim->e->populations[target].region;
    if (source == MODULATED_BY_RECEPTOR)
        return receptors_field(&sim->modulators, target, index) + 1;
    if (source == MODULATED_BY_CONCENTRATION)
        return modulators_concentration(
            &sim->modulators, index, modulator_compartment(&sim->e->modulators[index], region));
    return MESO_NEVER;
}

static learning_entry entry_of(const simulation *sim, const learning_layout *q)
{
    const experiment *e = sim->e;
    const projection *p = &e->projections[q->projection];
    const long_term_plasticity *x = p->learning;
    const population_layout *to = &sim->l->populations[p->target];
    const rng_words key = rng_stream_key(e->seed, "projection/%s/learning", p->name);
    return (learning_entry){
        .projection = q->projection,
        .target = p->target,
        .rule = (uint32_t)(x->rule - e->rules),
        .first_constant = q->first_constant,
        .n_states = x->rule->n_state,
        .nearest = x->pairs == PAIRS_NEAREST,
        .update_steps = q->update_steps,
        .window_steps = q->window_steps,
        .first_target = q->first_target,
        .first_event = q->first_event,
        .event_bits = q->event_bits,
        .modulator = modulator_field(sim, p->target, x->modulated_by, x->modulator),
        .first_level = q->first_level,
        .level_bits = q->level_bits,
        .level_decay = (float)level_decay(e, x),
        .local_bits = layout_local_bits(to),
        .ring_word = to->ring_word + sim->l->projections[q->projection].channel * to->n_local,
        .pre_delay_steps = q->pre_delay_steps,
        .first_pending = q->first_pending,
        .pending_bits = q->pending_bits,
        .first_row = q->first_row,
        .key0 = key.x,
        .key1 = key.y,
        .source_rotation = sim->l->populations[p->source].rotation,
        .target_rotation = to->rotation,
        .plus_per_step = trace_rate(e, x, "tau_plus_ms"),
        .minus_per_step = trace_rate(e, x, "tau_minus_ms"),
        .weight_min = (float)x->weight_min,
        .weight_max = (float)x->weight_max,
        .per_unit = (float)(1 / projection_weight_unit(sim, q->projection)),
        .first_content = q->first_content,
        .structure = q->structure,
    };
}

static void constants_fill(const long_term_plasticity *x, float *constants)
{
    const uint32_t n = x->rule->n_parameters;
    for (uint32_t k = 0; k < n; k++)
        constants[k] = (float)x->parameters[k].mean;
    constants[n] = (float)x->weight_min;
    constants[n + 1] = (float)x->weight_max;
}

static meso_status tables_upload(simulation *sim, meso_error *err)
{
    const layout *l = sim->l;
    learning *x = &sim->learning;
    meso_status status = MESO_OK;
    learning_entry *table = calloc(l->n_learnings + 1, sizeof *table);
    content_port *contents = calloc(l->n_rule_states + 1, sizeof *contents);
    float *constants = calloc(l->n_rule_constants + 1, sizeof *constants);
    row_state *rows = calloc(l->n_row_states + 1, sizeof *rows);
    if (table == NULL || contents == NULL || constants == NULL || rows == NULL) {
        status = error_set(err, MESO_MEMORY, "out of memory");
        goto done;
    }
    for (uint32_t i = 0; i < l->n_learnings; i++) {
        const learning_layout *q = &l->learnings[i];
        table[i] = entry_of(sim, q);
        contents_connect(sim, q->projection, contents + q->first_content);
        constants_fill(sim->e->projections[q->projection].learning, constants + q->first_constant);
    }
    for (uint32_t i = 0; i < l->n_row_states; i++)
        rows[i].n = x->row_counts[i];
    const buffer_spec all[] = {
        {BUFFER_CONSTANT, "long-term plasticity", l->n_learnings * sizeof *table, table, &x->table},
        {BUFFER_CONSTANT, "contents' channels", l->n_rule_states * sizeof *contents, contents,
         &x->contents},
        {BUFFER_CONSTANT, "rule constants", l->n_rule_constants * sizeof *constants, constants,
         &x->constants},
        {BUFFER_STATE, "spikes of targets", l->n_events * sizeof(post_event), NULL, &x->events},
        {BUFFER_STATE, "latest spikes of targets", l->n_learning_targets * sizeof(latest_event),
         NULL, &x->latest},
        {BUFFER_STATE, "modulator levels", l->n_modulator_levels * sizeof(float), NULL,
         &x->levels},
        {BUFFER_STATE, "row states", l->n_row_states * sizeof *rows, rows, &x->rows},
        {BUFFER_STATE, "spikes on their way to rules", l->n_pending * sizeof(uint32_t), NULL,
         &x->pending},
    };
    status = buffers_create(sim->device, all, sizeof all / sizeof *all, err);
done:
    free(table);
    free(contents);
    free(constants);
    free(rows);
    free(x->row_counts);
    x->row_counts = NULL;
    return status;
}

/* --- the kernel --------------------------------------------------------------------------------------- */

/* Arguments of synapses_learn (learning.cl) by position. */
enum { BATCH, DT, TABLES, STATUS = TABLES + 22 };

/* Rows are taken MESO_WIDTH synapses at once, contacts that come and go one by one. */
static meso_status rules_compile(const experiment *e, meso_device *device, const layout *l,
                                 int with_contacts, cl_program *out, meso_error *err)
{
    static const char *const before[] = {"mesocl.clh", "math.clh",       "rng.clh",   "layout.clh",
                                         "groups.clh", "plasticity.clh", "edges.clh", "synapses.clh",
                                         "pending.clh"};
    static const char *const after[] = {"histories.clh", "passages.clh", "learning.cl",
                                        "contacts.cl", "degrees.cl"};
    char options[96];
    text source = {0};
    meso_status status = MESO_OK;
    snprintf(options, sizeof options, "-w -DMESO_WIDTH=%u%s%s", with_contacts ? 1 : l->vector_width,
             l->work_group_size == 1 ? " -DMESO_SERIAL" : "", l->pocl ? " -DMESO_POCL" : "");
    MESO_GO(kernel_text(&source, before, sizeof before / sizeof *before, err));
    MESO_GO(codegen_rules(e, &source, err));
    MESO_GO(kernel_text(&source, after, with_contacts ? 5 : 3, err));
    MESO_GO(program_build(device, with_contacts ? "contacts" : "learning", source.data, options,
                          out, err));
done:
    text_free(&source);
    return status == MESO_KERNEL_BUILD ? model_errors(e, err) : status;
}

meso_status learning_compile(const experiment *e, meso_device *device, const layout *l,
                             cl_program *learn, cl_program *contacts, meso_error *err)
{
    *learn = *contacts = NULL;
    if (e->n_rules == 0)
        return MESO_OK;
    MESO_TRY(rules_compile(e, device, l, 0, learn, err));
    return l->n_structures > 0 ? rules_compile(e, device, l, 1, contacts, err) : MESO_OK;
}

static meso_status arguments_set(simulation *sim, meso_error *err)
{
    const synapses *s = &sim->synapses;
    const learning *x = &sim->learning;
    const buffer *const tables[] = {&sim->network,
                                    &sim->neurons.populations,
                                    &s->table,
                                    &x->table,
                                    &x->contents,
                                    &x->constants,
                                    &s->row_offsets,
                                    &s->buffers[0],
                                    &s->buffers[1],
                                    &s->buffers[2],
                                    &s->buffers[3],
                                    &sim->ring,
                                    &sim->spikes,
                                    &sim->spike_counts,
                                    &sim->modulators.field,
                                    &x->events,
                                    &x->latest,
                                    &x->levels,
                                    &x->rows,
                                    &x->pending,
                                    &sim->plasticity.amplitudes};
    kernel *k = &sim->learning.learn;
    MESO_TRY(kernel_set_f32(k, DT, (float)sim->e->dt_ms, err));
    MESO_TRY(kernel_set_buffers(k, TABLES, tables, sizeof tables / sizeof *tables, err));
    return kernel_set_u32(k, STATUS - 1, sim->l->n_learnings, err);
}

meso_status learning_create(simulation *sim, meso_error *err)
{
    learning *x = &sim->learning;
    if (sim->l->n_learnings == 0)
        return MESO_OK;
    MESO_TRY(tables_upload(sim, err));
    MESO_TRY(learning_compile(sim->e, sim->device, sim->l, &x->program, &x->contacts_program, err));
    MESO_TRY(kernel_create(x->program, "synapses_learn", &x->learn, err));
    return arguments_set(sim, err);
}

meso_status learning_launch(simulation *sim, uint64_t batch, meso_error *err)
{
    const cl_ulong number = batch;
    kernel *k = &sim->learning.learn;
    if (sim->l->n_learnings == 0)
        return MESO_OK;
    MESO_TRY(kernel_set_bytes(k, BATCH, sizeof number, &number, err));
    MESO_TRY(kernel_set_buffer(k, STATUS, &sim->recorder.halves[sim->n_enqueued % 2].status, err));
    return device_launch(sim->device, k, sim->l->n_partitions, sim->l->work_group_size, err);
}

void learning_destroy(simulation *sim)
{
    learning *x = &sim->learning;
    buffer *all[] = {&x->table,    &x->contents, &x->constants, &x->events,
                     &x->latest,   &x->levels,   &x->rows,      &x->pending};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(sim->device, all[i]);
    free(x->row_counts);
    kernel_release(&x->learn);
    program_release(&x->program);
    program_release(&x->contacts_program);
}

/* A source whose spikes its rule sees later. */
static meso_status pending_failed(const simulation *sim, const projection *p, meso_error *err)
{
    const long_term_plasticity *x = p->learning;
    return error_set(err, MESO_NUMERICS,
                     "projections.%s: a cell of '%s' fires too often for rule '%s' of "
                     "long_term_plasticity, which sees its spikes %.15g ms (%s) later: above %g Hz",
                     p->name, sim->e->populations[p->source].name, x->rule->name, pre_delay_ms(x),
                     x->rule->parameters[x->rule->pre_delay].name, FASTEST_HZ);
}

meso_status learning_failed(const simulation *sim, uint32_t code, uint32_t i, meso_error *err)
{
    const projection *p = &sim->e->projections[i];
    if (code == MESO_FAILED_PENDING_FULL)
        return pending_failed(sim, p, err);
    return error_set(
        err, MESO_NUMERICS,
        "projections.%s: a cell of '%s' fires too often for the history of its spikes that "
        "long_term_plasticity keeps: a shorter update_ms than %.15g needs less of it",
        p->name, sim->e->populations[p->target].name, p->learning->update_ms);
}
