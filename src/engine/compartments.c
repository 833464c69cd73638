#include "engine/field_tables.h"

#include <math.h>
#include <string.h>

#define STORE_STATES 6 /* ready, reserve, cytosol: pairs */

/* --- counting and naming ------------------------------------------------------------------------------ */

static uint32_t n_fields(const compartment *c)
{
    if (compartment_is_constant(c))
        return 1;
    return c->terminals != NULL ? MESO_FIELDS_WITH_STORES : MESO_FIELDS_OUTSIDE;
}

void compartments_count(const experiment *e, field_census *n)
{
    uint32_t blocks = 0, inhibitions = 0;
    for (uint32_t d = 0; d < e->n_drugs; d++) {
        blocks += e->drugs[d].actions.n_blocks + e->drugs[d].actions.n_releasers;
        inhibitions += e->drugs[d].actions.n_inhibitions;
    }
    for (uint32_t i = 0; i < e->n_modulators; i++)
        for (uint32_t k = 0; k < e->modulators[i].n_compartments; k++) {
            const compartment *c = &e->modulators[i].compartments[k];
            n->compartments++;
            n->enzymes += c->n_enzymes;
            n->effects += c->n_presynaptic;
            n->blocks += blocks + c->n_enzymes * inhibitions;
            n->terminals += c->terminals != NULL;
            n->states += c->terminals != NULL ? STORE_STATES : 0;
            n->fields += n_fields(c);
        }
}

static void quantity_add(simulation *sim, const modulator *m, const compartment *c,
                         const char *unit, const char *name)
{
    field_add(sim, unit, arena_printf(sim->memory, "%s.%s.%s", m->name, c->region, name));
}

/* In the order of MESO_FIELD_... */
static void compartment_name(simulation *sim, const modulator *m, const compartment *c)
{
    quantity_add(sim, m, c, "nM", "concentration_nM");
    if (compartment_is_constant(c))
        return;
    quantity_add(sim, m, c, "1", "transporter_occupancy");
    quantity_add(sim, m, c, "1", "autoreceptor_occupancy");
    quantity_add(sim, m, c, "1", "autoreceptor_activation");
    quantity_add(sim, m, c, "1", "autoreceptor_surface");
    if (c->terminals == NULL)
        return;
    quantity_add(sim, m, c, "1", "ready_vesicles");
    quantity_add(sim, m, c, "1", "reserve_vesicles");
    quantity_add(sim, m, c, "nM", "cytosol_nM");
    quantity_add(sim, m, c, "nM", "reverse_transport_nM");
}

void compartments_name(simulation *sim)
{
    const experiment *e = sim->e;
    modulators *m = &sim->modulators;
    for (uint32_t i = 0; i < e->n_modulators; i++)
        for (uint32_t c = 0; c < e->modulators[i].n_compartments; c++) {
            m->concentration[i * m->most_compartments + c] = m->n_field;
            compartment_name(sim, &e->modulators[i], &e->modulators[i].compartments[c]);
            m->n_compartments++;
        }
}

/* --- tables ------------------------------------------------------------------------------------------- */

/* Drugs at the transporter. */
static void blocks_add(const experiment *e, const compartment *c, field_tables *t)
{
    for (uint32_t d = 0; c->transporter != NULL && d < e->n_drugs; d++) {
        const drug_actions *a = &e->drugs[d].actions;
        for (uint32_t k = 0; k < a->n_blocks; k++)
            if (strcmp(a->blocks[k].transporter, c->transporter) == 0)
                t->blocks[t->n_blocks++] = (block_entry){
                    .drug = d, .per_nM = (float)(1 / a->blocks[k].K_i_nM)};
        for (uint32_t k = 0; k < a->n_releasers; k++)
            if (strcmp(a->releasers[k].transporter, c->transporter) == 0)
                t->blocks[t->n_blocks++] = (block_entry){
                    .drug = d,
                    .per_nM = (float)(1 / a->releasers[k].K_i_nM),
                    .vesicle_per_nM = (float)(1 / a->releasers[k].K_vesicle_nM),
                    .reverse_per_nM = (float)(1 / a->releasers[k].K_reverse_nM)};
    }
}

static void enzyme_add(const experiment *e, const enzyme *of, field_tables *t)
{
    const uint32_t first = t->n_blocks;
    for (uint32_t d = 0; d < e->n_drugs; d++) {
        const drug_actions *a = &e->drugs[d].actions;
        for (uint32_t k = 0; k < a->n_inhibitions; k++)
            if (strcmp(a->inhibitions[k].enzyme, of->name) == 0)
                t->blocks[t->n_blocks++] = (block_entry){
                    .drug = d, .per_nM = (float)(1 / a->inhibitions[k].K_i_nM)};
    }
    t->enzymes[t->n_enzymes++] = (enzyme_entry){
        .place = of->place == ENZYME_CYTOSOL ? MESO_CYTOSOL : MESO_EXTRACELLULAR,
        .first_block = first,
        .n_blocks = t->n_blocks - first,
        .k_per_ms = (float)(of->k_per_s * 1e-3),
    };
}

static double enzymes_at(const compartment *c, enzyme_place place)
{
    double k_per_s = 0;
    for (uint32_t i = 0; i < c->n_enzymes; i++)
        k_per_s += c->enzymes[i].place == place ? c->enzymes[i].k_per_s : 0;
    return k_per_s;
}

static void slow_set(float *state, double value)
{
    state[0] = (float)value;
    state[1] = (float)(value - state[0]);
}

/* In balance at rest: release replaces what uptake and loss take, VMAT what release and leak take, synthesis what is
 * lost. At rest as it is with transporters: a knock-out starts from there. */
static void terminal_add(const simulation *sim, const compartment *c, field_tables *t)
{
    const terminals *s = c->terminals;
    const double rest = c->initial_nM;
    const double lost = (c->k_loss_per_s + enzymes_at(c, ENZYME_EXTRACELLULAR)) * rest;
    const double released = c->V_max_nM_per_s * rest / (c->K_m_nM + rest) + lost; /* nM/s */
    const double ready_share = 1 / (1 + s->release_fraction * s->tau_ready_s * released /
                                            c->release_nM);
    const double full = c->release_nM / (s->release_fraction * ready_share);
    const double V_vmat = (s->k_leak_per_s * s->reserve_nM + released) *
                          (s->K_vmat_nM + s->cytosol_nM) / s->cytosol_nM;
    const double synthesis = lost + enzymes_at(c, ENZYME_CYTOSOL) * s->cytosol_nM;
    const double V_reverse = s->reverse_share * c->V_max_nM_per_s * c->transporter_density;
    t->terminals[t->n_terminals++] = (terminal_entry){
        .state = t->n_states,
        .per_ready_nM = (float)(1 / (ready_share * full)),
        .per_reserve_nM = (float)(1 / s->reserve_nM),
        .ready_full_nM = (float)full,
        .share_ready = (float)-expm1(-sim->e->field_step_ms * 1e-3 / s->tau_ready_s),
        .V_vmat_per_ms = (float)(V_vmat * 1e-3),
        .K_vmat_nM = (float)s->K_vmat_nM,
        .V_reverse_per_ms = (float)(V_reverse * 1e-3),
        .K_reverse_nM = (float)s->K_reverse_nM,
        .k_leak_per_ms = (float)(s->k_leak_per_s * 1e-3),
        .k_emptying_per_ms = (float)(s->k_emptying_per_s * 1e-3),
        .synthesis_per_ms = (float)(synthesis * 1e-3),
        .mobilisation = (float)(s->mobilisation * fmin(c->transporter_density, 1)),
    };
    slow_set(&t->states[t->n_states], ready_share * full);
    slow_set(&t->states[t->n_states + 2], s->reserve_nM);
    slow_set(&t->states[t->n_states + 4], s->cytosol_nM);
    t->n_states += STORE_STATES;
}

static void constant_add(const compartment *c, uint32_t field, field_tables *t)
{
    t->field[field] = (float)c->initial_nM;
    t->compartments[t->n_compartments++] = (compartment_entry){.concentration = field,
                                                               .autoreceptor = MESO_NEVER,
                                                               .terminal = MESO_NEVER,
                                                               .grid = MESO_NEVER,
                                                               .pulse = MESO_NEVER};
}

/* Spikes that release it, or a constant release that keeps its tone: as much as is cleared with transporters. */
static void release_set(const simulation *sim, const compartment *c, compartment_entry *entry)
{
    const experiment *e = sim->e;
    if (c->source == MODEL_NONE) {
        const double uptake = c->V_max_nM_per_s > 0
                                  ? c->V_max_nM_per_s * c->initial_nM / (c->K_m_nM + c->initial_nM)
                                  : 0;
        entry->tone_nM_per_ms = (float)((uptake + c->k_loss_per_s * c->initial_nM) * 1e-3);
        return;
    }
    entry->first_list = c->source * sim->l->list_partitions;
    entry->n_lists = sim->l->list_partitions;
    entry->delay_batches = (uint32_t)llround(c->axonal_delay_ms / e->field_step_ms) *
                           sim->l->batches_per_field;
    entry->release_nM = (float)(c->release_nM / e->populations[c->source].n_neurons);
}

static void compartment_add(const simulation *sim, const compartment *c, uint32_t field,
                            field_tables *t)
{
    const experiment *e = sim->e;
    if (compartment_is_constant(c)) {
        constant_add(c, field, t);
        return;
    }
    compartment_entry entry = {
        .concentration = field,
        .autoreceptor = c->autoreceptor != MODEL_NONE ? field + MESO_FIELD_AUTORECEPTOR + 1
                                                      : MESO_NEVER,
        .first_block = t->n_blocks,
        .terminal = c->terminals != NULL ? t->n_terminals : MESO_NEVER,
        .pulse = c->pulse != MODEL_NONE ? e->n_drugs + c->pulse : MESO_NEVER,
        .autoreceptor_alpha = (float)c->autoreceptor_alpha,
        .V_max_nM_per_ms = (float)(c->V_max_nM_per_s * c->transporter_density * 1e-3),
        .K_m_nM = (float)(c->V_max_nM_per_s > 0 ? c->K_m_nM : 1),
        .k_loss_per_ms = (float)(c->k_loss_per_s * 1e-3),
        .grid = c->grid != NULL ? t->n_grids++ : MESO_NEVER,
    };
    release_set(sim, c, &entry);
    blocks_add(e, c, t);
    entry.n_blocks = t->n_blocks - entry.first_block;
    entry.first_enzyme = t->n_enzymes;
    for (uint32_t i = 0; i < c->n_enzymes; i++)
        enzyme_add(e, &c->enzymes[i], t);
    entry.n_enzymes = t->n_enzymes - entry.first_enzyme;
    t->field[field] = (float)c->initial_nM;
    if (c->terminals != NULL) {
        terminal_add(sim, c, t);
        t->field[field + MESO_FIELD_READY] = t->field[field + MESO_FIELD_RESERVE] = 1;
        t->field[field + MESO_FIELD_CYTOSOL] = (float)c->terminals->cytosol_nM;
    }
    t->compartments[t->n_compartments++] = entry;
}

void compartments_fill(simulation *sim, field_tables *t)
{
    for (uint32_t i = 0; i < sim->e->n_modulators; i++)
        for (uint32_t c = 0; c < sim->e->modulators[i].n_compartments; c++)
            compartment_add(sim, &sim->e->modulators[i].compartments[c],
                            modulators_concentration(&sim->modulators, i, c), t);
}
