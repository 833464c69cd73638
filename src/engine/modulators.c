#include "base/rng.h"
#include "engine/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t field_add(simulation *sim, const char *unit, const char *name)
{
    modulators *m = &sim->modulators;
    m->series[m->n_field] = (meso_series_info){.name = name, .unit = unit};
    return m->n_field++;
}

uint32_t modulators_concentration(const modulators *m, uint32_t modulator, uint32_t compartment)
{
    return m->concentration[modulator * m->most_compartments + compartment];
}

uint32_t modulators_gate(const modulators *m, const char *name)
{
    if (name == NULL)
        return MESO_NEVER;
    for (uint32_t i = 0; i < m->n_gates; i++)
        if (strcmp(m->gates[i], name) == 0)
            return m->first_gate + i;
    return MESO_NEVER;
}

/* --- what there is ----------------------------------------------------------------------------- */

/* Does anything ask for this receptor in this population: an effect, or a report? */
static int receptor_is_used(const experiment *e, uint32_t index, uint32_t receptor_index)
{
    const population *p = &e->populations[index];
    for (uint32_t i = 0; i < p->n_effects; i++)
        if (p->effects[i].receptor == receptor_index)
            return 1;
    for (uint32_t i = 0; i < e->record.n_reports; i++) {
        const report *r = &e->record.reports[i];
        if (r->source == REPORT_OCCUPANCY && r->population == index && r->index == receptor_index)
            return 1;
    }
    return 0;
}

/* Is this the first stimulus with its gate? */
static int gate_is_first(const experiment *e, uint32_t stimulus_index)
{
    const stimulus *s = &e->stimuli[stimulus_index];
    if (s->kind != STIMULUS_POISSON || s->gate_up_ms == 0)
        return 0;
    for (uint32_t i = 0; i < stimulus_index; i++)
        if (e->stimuli[i].gate_up_ms > 0 && strcmp(e->stimuli[i].gate, s->gate) == 0)
            return 0;
    return 1;
}

typedef struct census {
    uint32_t compartments, receptors, gates, effects, blocks; /* receptors of populations */
} census;

static census census_take(const experiment *e)
{
    census n = {0};
    uint32_t blocks = 0;
    for (uint32_t d = 0; d < e->n_drugs; d++)
        blocks += e->drugs[d].actions.n_blocks;
    for (uint32_t i = 0; i < e->n_modulators; i++)
        n.compartments += e->modulators[i].n_compartments;
    for (uint32_t i = 0; i < e->n_populations; i++) {
        n.effects += e->populations[i].n_effects;
        for (uint32_t r = 0; r < e->n_receptors; r++)
            n.receptors += receptor_is_used(e, i, r);
    }
    for (uint32_t i = 0; i < e->n_stimuli; i++)
        n.gates += gate_is_first(e, i);
    n.blocks = blocks * n.compartments; /* at most */
    return n;
}

uint32_t modulators_n_field(const experiment *e)
{
    const census n = census_take(e);
    return 3 * n.compartments + n.receptors + n.gates;
}

uint64_t modulators_bytes(const experiment *e)
{
    const census n = census_take(e);
    const uint64_t of_target = sizeof(target_entry) + 2 * sizeof(float); /* and its modulation */
    return n.compartments * (sizeof(compartment_entry) + sizeof(receptor_entry)) +
           n.receptors * sizeof(receptor_entry) + n.effects * (sizeof(effect_entry) + of_target) +
           n.gates * sizeof(gate_entry) + n.blocks * sizeof(block_entry) +
           2 * modulators_n_field(e) * sizeof(float);
}

/* Concentration, occupancy and (where there is one) autoreceptor of each compartment, three in a row. */
static void fields_of_compartments(simulation *sim)
{
    const experiment *e = sim->e;
    modulators *m = &sim->modulators;
    for (uint32_t i = 0; i < e->n_modulators; i++)
        for (uint32_t c = 0; c < e->modulators[i].n_compartments; c++) {
            const char *name = e->modulators[i].name;
            const char *region = e->modulators[i].compartments[c].region;
            m->concentration[i * m->most_compartments + c] = field_add(
                sim, "nM", arena_printf(sim->memory, "%s.%s.concentration_nM", name, region));
            field_add(sim, "1",
                      arena_printf(sim->memory, "%s.%s.transporter_occupancy", name, region));
            field_add(sim, "1",
                      arena_printf(sim->memory, "%s.%s.autoreceptor_occupancy", name, region));
            m->n_compartments++;
        }
}

static void fields_of_receptors(simulation *sim)
{
    const experiment *e = sim->e;
    modulators *m = &sim->modulators;
    for (uint32_t i = 0; i < e->n_populations; i++)
        for (uint32_t r = 0; r < e->n_receptors; r++) {
            m->bound[i * e->n_receptors + r] = MESO_NEVER;
            if (!receptor_is_used(e, i, r))
                continue;
            m->bound[i * e->n_receptors + r] = field_add(
                sim, "1",
                arena_printf(sim->memory, "%s.%s.occupancy", e->populations[i].name,
                             e->receptors[r].name));
            m->n_receptors++;
        }
}

static void fields_of_gates(simulation *sim)
{
    modulators *m = &sim->modulators;
    m->first_gate = m->n_field;
    for (uint32_t i = 0; i < sim->e->n_stimuli; i++) {
        const stimulus *s = &sim->e->stimuli[i];
        if (!gate_is_first(sim->e, i))
            continue;
        m->gates[m->n_gates++] = s->gate;
        field_add(sim, "1", arena_printf(sim->memory, "gate.%s", s->gate));
    }
}

static meso_status fields_name(simulation *sim, meso_error *err)
{
    const experiment *e = sim->e;
    modulators *m = &sim->modulators;
    m->most_compartments = 1;
    for (uint32_t i = 0; i < e->n_modulators; i++) {
        const uint32_t c = e->modulators[i].n_compartments;
        m->most_compartments = c > m->most_compartments ? c : m->most_compartments;
    }
    MESO_TRY(simulation_alloc(sim, modulators_n_field(e) + 1, sizeof *m->series, &m->series, err));
    MESO_TRY(simulation_alloc(sim, e->n_stimuli + 1, sizeof *m->gates, &m->gates, err));
    MESO_TRY(simulation_alloc(sim, e->n_modulators * m->most_compartments + 1, sizeof(uint32_t),
                              &m->concentration, err));
    MESO_TRY(simulation_alloc(sim, e->n_populations * e->n_receptors + 1, sizeof(uint32_t),
                              &m->bound, err));
    fields_of_compartments(sim);
    fields_of_receptors(sim);
    fields_of_gates(sim);
    for (uint32_t i = 0; i < m->n_field; i++)
        if (m->series[i].name == NULL)
            return error_set(err, MESO_MEMORY, "out of memory");
    return MESO_OK;
}

/* --- tables ------------------------------------------------------------------------------------- */

typedef struct tables {
    compartment_entry *compartments;
    block_entry *blocks;
    receptor_entry *receptors; /* autoreceptors, then those of populations */
    target_entry *targets;
    effect_entry *effects;
    gate_entry *gates;
    float *field;
    uint32_t n_compartments, n_blocks, n_receptors, n_targets, n_effects;
} tables;

static void receptor_add(const simulation *sim, tables *t, uint32_t receptor_index, uint32_t bound,
                         uint32_t concentration)
{
    const receptor *r = &sim->e->receptors[receptor_index];
    const float c = t->field[concentration];
    t->receptors[t->n_receptors++] = (receptor_entry){
        .bound = bound,
        .concentration = concentration,
        .K_d_nM = (float)r->K_d_nM,
        .k_off_per_ms = (float)(r->k_off_per_s * 1e-3),
    };
    t->field[bound] = (float)(c / (c + r->K_d_nM));
}

static void blocks_add(const experiment *e, const compartment *c, tables *t)
{
    for (uint32_t d = 0; d < e->n_drugs; d++)
        for (uint32_t k = 0; k < e->drugs[d].actions.n_blocks; k++) {
            const drug_block *block = &e->drugs[d].actions.blocks[k];
            if (c->transporter != NULL && strcmp(block->transporter, c->transporter) == 0)
                t->blocks[t->n_blocks++] = (block_entry){.drug = d,
                                                         .per_nM = (float)(1 / block->K_i_nM)};
        }
}

static void compartment_add(const simulation *sim, const compartment *c, uint32_t concentration,
                            tables *t)
{
    const experiment *e = sim->e;
    const uint32_t first_block = t->n_blocks;
    const int has_autoreceptor = c->autoreceptor != MODEL_NONE;
    blocks_add(e, c, t);
    t->field[concentration] = (float)c->initial_nM;
    t->compartments[t->n_compartments++] = (compartment_entry){
        .concentration = concentration,
        .occupancy = concentration + 1,
        .autoreceptor = has_autoreceptor ? concentration + 2 : MESO_NEVER,
        .first_list = c->source * sim->l->list_partitions,
        .n_lists = sim->l->list_partitions,
        .delay_batches = (uint32_t)llround(c->axonal_delay_ms / e->field_step_ms) *
                         sim->l->batches_per_field,
        .first_block = first_block,
        .n_blocks = t->n_blocks - first_block,
        .release_nM = (float)(c->release_nM / e->populations[c->source].n_neurons),
        .autoreceptor_alpha = (float)c->autoreceptor_alpha,
        .V_max_nM_per_ms = (float)(c->V_max_nM_per_s * 1e-3),
        .K_m_nM = (float)c->K_m_nM,
        .k_loss_per_ms = (float)(c->k_loss_per_s * 1e-3),
    };
    if (has_autoreceptor)
        receptor_add(sim, t, c->autoreceptor, concentration + 2, concentration);
}

static void population_receptors_add(const simulation *sim, uint32_t i, tables *t)
{
    const experiment *e = sim->e;
    const modulators *m = &sim->modulators;
    for (uint32_t r = 0; r < e->n_receptors; r++) {
        const uint32_t bound = m->bound[i * e->n_receptors + r];
        if (bound == MESO_NEVER)
            continue;
        const uint32_t modulator = e->receptors[r].modulator;
        const uint32_t c = modulator_compartment(&e->modulators[modulator],
                                                 e->populations[i].region);
        receptor_add(sim, t, r, bound, modulators_concentration(m, modulator, c));
    }
}

/* The order of targets is that of the populations' programs: modulation_base counts on it. */
static void population_effects_add(const simulation *sim, uint32_t i, tables *t)
{
    const population *p = &sim->e->populations[i];
    const population_program *g = &sim->neurons.programs[i];
    for (uint32_t k = 0; k < g->n_targets; k++) {
        target_entry *target = &t->targets[t->n_targets++];
        target->first_effect = t->n_effects;
        for (uint32_t f = 0; f < p->n_effects; f++) {
            const effect *x = &p->effects[f];
            if (x->target != g->targets[k].target || x->index != g->targets[k].index)
                continue;
            t->effects[t->n_effects++] = (effect_entry){
                .bound = sim->modulators.bound[i * sim->e->n_receptors + x->receptor],
                .scale = (float)x->scale,
                .add = (float)x->add,
            };
        }
        target->n_effects = t->n_effects - target->first_effect;
    }
}

/* Probability to leave a state of mean dwell time tau within one field step, times 2^32. */
static uint32_t leaving(const experiment *e, double tau_ms)
{
    const double p = tau_ms > 0 ? -expm1(-e->field_step_ms / tau_ms) : 1;
    return (uint32_t)fmin(p * 0x1p32, UINT32_MAX);
}

static void gates_add(const simulation *sim, tables *t)
{
    const modulators *m = &sim->modulators;
    for (uint32_t g = 0; g < m->n_gates; g++) {
        const stimulus *s = sim->e->stimuli;
        while (s->gate == NULL || strcmp(s->gate, m->gates[g]) != 0)
            s++;
        char stream[256];
        uint32_t key[2];
        snprintf(stream, sizeof stream, "gate/%s", s->gate);
        rng_stream_key(sim->e->seed, stream, key);
        t->field[m->first_gate + g] = 1;
        t->gates[g] = (gate_entry){
            .index = m->first_gate + g,
            .key0 = key[0],
            .key1 = key[1],
            .leave_up = leaving(sim->e, s->gate_up_ms),
            .leave_down = leaving(sim->e, s->gate_down_ms),
        };
    }
}

static meso_status tables_alloc(const simulation *sim, tables *t, meso_error *err)
{
    const modulators *m = &sim->modulators;
    const census n = census_take(sim->e);
    t->compartments = calloc(m->n_compartments + 1, sizeof *t->compartments);
    t->blocks = calloc(n.blocks + 1, sizeof *t->blocks);
    t->receptors = calloc(m->n_receptors + m->n_compartments + 1, sizeof *t->receptors);
    t->targets = calloc(sim->neurons.n_targets + 1, sizeof *t->targets);
    t->effects = calloc(n.effects + 1, sizeof *t->effects);
    t->gates = calloc(m->n_gates + 1, sizeof *t->gates);
    t->field = calloc(m->n_field + 1, sizeof *t->field);
    if (!t->compartments || !t->blocks || !t->receptors || !t->targets || !t->effects ||
        !t->gates || !t->field)
        return error_set(err, MESO_MEMORY, "out of memory");
    return MESO_OK;
}

static void tables_free(tables *t)
{
    free(t->compartments);
    free(t->blocks);
    free(t->receptors);
    free(t->targets);
    free(t->effects);
    free(t->gates);
    free(t->field);
}

static meso_status tables_upload(simulation *sim, const tables *t, meso_error *err)
{
    modulators *m = &sim->modulators;
    meso_device *d = sim->device;
    const size_t field_bytes = m->n_field * sizeof(float);
    MESO_TRY(buffer_create(d, "compartments", t->n_compartments * sizeof *t->compartments,
                           t->compartments, &m->compartments, err));
    MESO_TRY(buffer_create(d, "transporter blocks", t->n_blocks * sizeof *t->blocks, t->blocks,
                           &m->blocks, err));
    MESO_TRY(buffer_create(d, "receptors", t->n_receptors * sizeof *t->receptors, t->receptors,
                           &m->receptors, err));
    MESO_TRY(buffer_create(d, "modulated targets", t->n_targets * sizeof *t->targets, t->targets,
                           &m->targets, err));
    MESO_TRY(buffer_create(d, "effects", t->n_effects * sizeof *t->effects, t->effects, &m->effects,
                           err));
    MESO_TRY(
        buffer_create(d, "gates", m->n_gates * sizeof *t->gates, t->gates, &m->gate_table, err));
    MESO_TRY(buffer_create(d, "field", field_bytes, t->field, &m->field, err));
    return buffer_create(d, "field sums", field_bytes, NULL, &m->field_sum, err);
}

meso_status modulators_create(simulation *sim, meso_error *err)
{
    const experiment *e = sim->e;
    modulators *m = &sim->modulators;
    MESO_TRY(fields_name(sim, err));
    tables t = {0};
    meso_status status = tables_alloc(sim, &t, err);
    if (status == MESO_OK) {
        for (uint32_t i = 0; i < e->n_modulators; i++)
            for (uint32_t c = 0; c < e->modulators[i].n_compartments; c++)
                compartment_add(sim, &e->modulators[i].compartments[c],
                                modulators_concentration(m, i, c), &t);
        for (uint32_t i = 0; i < e->n_populations; i++)
            population_receptors_add(sim, i, &t);
        for (uint32_t i = 0; i < e->n_populations; i++)
            population_effects_add(sim, i, &t);
        gates_add(sim, &t);
        m->n_receptors = t.n_receptors;
        status = tables_upload(sim, &t, err);
    }
    tables_free(&t);
    return status;
}

void modulators_destroy(simulation *sim)
{
    modulators *m = &sim->modulators;
    buffer *all[] = {&m->compartments, &m->blocks,     &m->receptors, &m->targets,
                     &m->effects,      &m->gate_table, &m->field,     &m->field_sum};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(sim->device, all[i]);
}
