#include "engine/field_tables.h"

#include <math.h>
#include <string.h>

#define PER_MIN_TO_PER_MS (1 / 60000.0)

/* --- where receptors are ------------------------------------------------------------------------------ */

static uint32_t n_compartments(const experiment *e)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n_modulators; i++)
        n += e->modulators[i].n_compartments;
    return n;
}

uint32_t terminals_n_owners(const experiment *e)
{
    return n_compartments(e) + e->n_projections;
}

uint32_t terminals_of_compartment(const experiment *e, uint32_t modulator, uint32_t compartment)
{
    uint32_t owner = compartment;
    for (uint32_t i = 0; i < modulator; i++)
        owner += e->modulators[i].n_compartments;
    return owner;
}

uint32_t terminals_of_projection(const experiment *e, uint32_t projection)
{
    return n_compartments(e) + projection;
}

static const compartment *owner_compartment(const experiment *e, uint32_t owner)
{
    for (uint32_t i = 0; i < e->n_modulators; i++) {
        if (owner < e->modulators[i].n_compartments)
            return &e->modulators[i].compartments[owner];
        owner -= e->modulators[i].n_compartments;
    }
    return NULL;
}

static const projection *owner_projection(const experiment *e, uint32_t owner)
{
    return &e->projections[owner - n_compartments(e)];
}

static const char *owner_region(const experiment *e, uint32_t owner)
{
    const compartment *c = owner_compartment(e, owner);
    return c != NULL ? c->region : e->populations[owner_projection(e, owner)->target].region;
}

static uint32_t owner_effects(const experiment *e, uint32_t owner, const presynaptic_effect **out)
{
    const compartment *c = owner_compartment(e, owner);
    const projection *p = c == NULL ? owner_projection(e, owner) : NULL;
    *out = c != NULL ? c->presynaptic : p->presynaptic;
    return c != NULL ? c->n_presynaptic : p->n_presynaptic;
}

static int owner_has(const experiment *e, uint32_t owner, uint32_t receptor_index)
{
    const presynaptic_effect *effects;
    const uint32_t n = owner_effects(e, owner, &effects);
    for (uint32_t i = 0; i < n; i++)
        if (effects[i].receptor == receptor_index)
            return 1;
    return 0;
}

/* The first owner of terminals in the same region that has the receptor: they share one. */
static uint32_t first_owner(const experiment *e, uint32_t owner, uint32_t receptor_index)
{
    for (uint32_t i = 0; i < owner; i++)
        if (owner_has(e, i, receptor_index) &&
            strcmp(owner_region(e, i), owner_region(e, owner)) == 0)
            return i;
    return owner;
}

static int follows(modulator_source source, uint32_t followed, uint32_t receptor_index)
{
    return source == MODULATED_BY_RECEPTOR && followed == receptor_index;
}

static int learns_by(const projection *p, uint32_t receptor_index)
{
    const long_term_plasticity *x = p->learning;
    const structure *s = p->structure;
    return (x != NULL && follows(x->modulated_by, x->modulator, receptor_index)) ||
           (s != NULL && follows(s->signal.follows, s->signal.modulator, receptor_index));
}

/* Does anything ask for this receptor in this population: an effect, plasticity, structure, or a report? */
int receptors_has(const experiment *e, uint32_t index, uint32_t receptor_index)
{
    const population *p = &e->populations[index];
    for (uint32_t i = 0; i < p->n_effects; i++)
        if (p->effects[i].receptor == receptor_index)
            return 1;
    for (uint32_t i = 0; i < e->n_projections; i++)
        if (e->projections[i].target == index && learns_by(&e->projections[i], receptor_index))
            return 1;
    for (uint32_t i = 0; i < e->record.n_reports; i++) {
        const report *r = &e->record.reports[i];
        if (r->source == REPORT_OCCUPANCY && r->population == index && r->index == receptor_index)
            return 1;
    }
    return 0;
}

/* --- ligands ------------------------------------------------------------------------------------------ */

/* What the drug does at the receptor: by its name, else by its class; NULL: nothing. */
static const drug_binding *drug_at(const drug *d, const receptor *r)
{
    const drug_binding *found = NULL;
    for (uint32_t i = 0; i < d->actions.n_bindings; i++) {
        const drug_binding *b = &d->actions.bindings[i];
        if (strcmp(b->receptor, r->name) == 0)
            return b;
        if (r->class != NULL && strcmp(b->receptor, r->class) == 0)
            found = b;
    }
    return found;
}

static uint32_t n_ligands(const experiment *e, const receptor *r)
{
    uint32_t n = r->modulator != MODEL_NONE;
    for (uint32_t d = 0; d < e->n_drugs; d++)
        n += drug_at(&e->drugs[d], r) != NULL;
    return n;
}

/* Pairs for each ligand in both states of affinity, desensitised and internal; of a channel open and desensitised. */
static uint32_t n_states(const receptor *r, uint32_t ligands)
{
    return r->kind == RECEPTOR_BINDING ? 4 * ligands + 4 : 4;
}

static ligand_entry modulator_ligand(const receptor *r)
{
    const double low = r->high_affinity_share < 1 ? r->K_d_low_nM : r->K_d_nM;
    return (ligand_entry){
        .drug = MESO_NEVER,
        .k_on_per_nM_ms = (float)(r->k_off_per_s * 1e-3 / r->K_d_nM),
        .k_on_low_per_nM_ms = (float)(r->k_off_per_s * 1e-3 / low),
        .k_off_per_ms = (float)(r->k_off_per_s * 1e-3),
        .efficacy = 1,
        .desensitisation = 1,
        .internalisation = 1,
        .binds_per_nM = (float)(1 / r->K_d_nM),
        .opens_per_nM = (float)(1 / r->K_d_nM),
    };
}

static ligand_entry drug_ligand(const receptor *r, uint32_t drug_index, const drug_binding *b)
{
    const double k_on = b->k_off_per_s * 1e-3 / b->K_i_nM;
    const double lower = r->high_affinity_share < 1 ? pow(r->K_d_nM / r->K_d_low_nM, b->efficacy)
                                                    : 1;
    const double EC50_nM = b->EC50_nM > 0 ? b->EC50_nM : b->K_i_nM;
    return (ligand_entry){
        .drug = drug_index,
        .k_on_per_nM_ms = (float)k_on,
        .k_on_low_per_nM_ms = (float)(k_on * lower),
        .k_off_per_ms = (float)(b->k_off_per_s * 1e-3),
        .efficacy = (float)b->efficacy,
        .desensitisation = (float)(b->desensitisation < 0 ? b->efficacy : b->desensitisation),
        .internalisation = (float)(b->internalisation < 0 ? b->efficacy : b->internalisation),
        .binds_per_nM = (float)(1 / b->K_i_nM),
        .opens_per_nM = b->efficacy > 0 ? (float)(1 / EC50_nM) : 0,
        .blocks_per_nM = b->efficacy == 0 ? (float)(1 / b->K_i_nM) : 0,
        .desensitises_per_nM = b->desensitises_nM > 0 ? (float)(1 / b->desensitises_nM) : 0,
    };
}

uint32_t receptors_n_states(const experiment *e, uint32_t receptor_index)
{
    const receptor *r = &e->receptors[receptor_index];
    return n_states(r, n_ligands(e, r));
}

/* --- counting and naming ------------------------------------------------------------------------------ */

static void receptor_count(const experiment *e, uint32_t receptor_index, field_census *n)
{
    const receptor *r = &e->receptors[receptor_index];
    n->receptors++;
    n->ligands += n_ligands(e, r);
    n->states += n_states(r, n_ligands(e, r));
}

void receptors_count(const experiment *e, field_census *n)
{
    for (uint32_t i = 0; i < e->n_modulators; i++)
        for (uint32_t c = 0; c < e->modulators[i].n_compartments; c++)
            if (e->modulators[i].compartments[c].autoreceptor != MODEL_NONE)
                receptor_count(e, e->modulators[i].compartments[c].autoreceptor, n);
    for (uint32_t i = 0; i < e->n_populations; i++) {
        n->effects += e->populations[i].n_effects;
        n->targets += e->populations[i].n_effects; /* at most */
    }
    for (uint32_t i = 0; i < e->n_projections; i++) {
        n->effects += e->projections[i].n_presynaptic;
        n->targets += e->projections[i].n_presynaptic > 0;
    }
    for (uint32_t r = 0; r < e->n_receptors; r++) {
        for (uint32_t i = 0; i < e->n_populations; i++)
            if (receptors_has(e, i, r)) {
                receptor_count(e, r, n);
                n->fields += 3;
            }
        for (uint32_t i = 0; i < terminals_n_owners(e); i++)
            if (owner_has(e, i, r) && first_owner(e, i, r) == i) {
                receptor_count(e, r, n);
                n->fields += 3;
            }
    }
}

static uint32_t receptor_name(simulation *sim, const char *place, const char *name)
{
    const uint32_t first = field_add(sim, "1",
                                     arena_printf(sim->memory, "%s.%s.occupancy", place, name));
    field_add(sim, "1", arena_printf(sim->memory, "%s.%s.activation", place, name));
    field_add(sim, "1", arena_printf(sim->memory, "%s.%s.surface", place, name));
    return first;
}

static void terminals_name(simulation *sim, uint32_t owner, uint32_t r)
{
    const experiment *e = sim->e;
    uint32_t *fields = &sim->modulators.on_terminals[owner * e->n_receptors + r];
    *fields = MESO_NEVER;
    if (!owner_has(e, owner, r))
        return;
    const uint32_t first = first_owner(e, owner, r);
    if (first != owner) {
        *fields = sim->modulators.on_terminals[first * e->n_receptors + r];
        return;
    }
    const char *place = arena_printf(sim->memory, "terminals.%s", owner_region(e, owner));
    *fields = receptor_name(sim, place != NULL ? place : "terminals", e->receptors[r].name);
}

void receptors_name(simulation *sim)
{
    const experiment *e = sim->e;
    modulators *m = &sim->modulators;
    for (uint32_t i = 0; i < e->n_populations; i++)
        for (uint32_t r = 0; r < e->n_receptors; r++)
            m->on_cells[i * e->n_receptors + r] = receptors_has(e, i, r)
                                                      ? receptor_name(sim, e->populations[i].name,
                                                                      e->receptors[r].name)
                                                      : MESO_NEVER;
    for (uint32_t i = 0; i < terminals_n_owners(e); i++)
        for (uint32_t r = 0; r < e->n_receptors; r++)
            terminals_name(sim, i, r);
}

uint32_t receptors_field(const modulators *m, uint32_t population_index, uint32_t receptor_index)
{
    return m->on_cells[population_index * m->n_kinds_of_receptors + receptor_index];
}

/* --- tables ------------------------------------------------------------------------------------------- */

static receptor_entry entry_of(const receptor *r, double field_step_ms)
{
    return (receptor_entry){
        .kind = r->kind == RECEPTOR_BINDING ? MESO_BINDING_RECEPTOR : MESO_CHANNEL_RECEPTOR,
        .density = (float)r->density,
        .reserve = (float)r->reserve,
        .high_affinity_share = (float)r->high_affinity_share,
        .k_desensitisation_per_ms = (float)(r->k_desensitisation_per_min * PER_MIN_TO_PER_MS),
        .k_resensitisation_per_ms = (float)(r->k_resensitisation_per_min * PER_MIN_TO_PER_MS),
        .k_internalisation_per_ms = (float)(r->k_internalisation_per_min * PER_MIN_TO_PER_MS),
        .k_recycling_per_ms = (float)(r->k_recycling_per_min * PER_MIN_TO_PER_MS),
        .hill = (float)r->hill,
        .share_opening = r->tau_open_ms > 0 ? (float)-expm1(-field_step_ms / r->tau_open_ms) : 1,
        .desensitisation_hill = (float)r->desensitisation_hill,
        .tau_desensitisation_ms = (float)(r->tau_desensitisation_s * 1e3),
        .tau_recovery_ms = (float)(r->tau_recovery_s * 1e3),
        .per_tau_half = r->tau_half_ratio > 0 ? (float)(1 / r->tau_half_ratio) : 0,
        .tau_hill = (float)r->tau_hill,
    };
}

/* Bound, or open, as the concentration at the start asks for; no drug has come yet. */
static void state_start(const receptor *r, const receptor_entry *entry, double c_nM,
                        field_tables *t)
{
    float *state = &t->states[entry->state];
    double bound = 0, active = 0;
    if (r->modulator != MODEL_NONE && r->kind == RECEPTOR_CHANNEL) {
        const double x = pow(c_nM / r->K_d_nM, r->hill);
        bound = c_nM / (c_nM + r->K_d_nM);
        active = x / (1 + x);
        state[0] = (float)active;
    } else if (r->modulator != MODEL_NONE) {
        const double high = c_nM / (c_nM + r->K_d_nM);
        const double low = r->high_affinity_share < 1 ? c_nM / (c_nM + r->K_d_low_nM) : high;
        state[0] = (float)high;
        state[2 * entry->n_ligands] = (float)low;
        bound = active = r->high_affinity_share * high + (1 - r->high_affinity_share) * low;
    }
    active *= r->density;
    if (r->kind == RECEPTOR_BINDING)
        active = (1 + r->reserve) * active / (1 + r->reserve * active);
    t->field[entry->fields] = (float)bound;
    t->field[entry->fields + 1] = (float)active;
    t->field[entry->fields + 2] = 1;
}

static void receptor_add(const simulation *sim, field_tables *t, uint32_t receptor_index,
                         uint32_t fields, const char *region)
{
    const experiment *e = sim->e;
    const receptor *r = &e->receptors[receptor_index];
    receptor_entry entry = entry_of(r, e->field_step_ms);
    entry.fields = fields;
    entry.concentration = MESO_NEVER;
    entry.cells = MESO_NEVER;
    entry.first_ligand = t->n_ligands;
    entry.state = t->n_states;
    double c_nM = 0;
    if (r->modulator != MODEL_NONE) {
        const uint32_t c = modulator_compartment(&e->modulators[r->modulator], region);
        entry.concentration = modulators_concentration(&sim->modulators, r->modulator, c);
        c_nM = e->modulators[r->modulator].compartments[c].initial_nM;
        t->ligands[t->n_ligands++] = modulator_ligand(r);
    }
    for (uint32_t d = 0; d < e->n_drugs; d++)
        if (drug_at(&e->drugs[d], r) != NULL)
            t->ligands[t->n_ligands++] = drug_ligand(r, d, drug_at(&e->drugs[d], r));
    entry.n_ligands = t->n_ligands - entry.first_ligand;
    state_start(r, &entry, c_nM, t);
    t->n_states += n_states(r, entry.n_ligands);
    t->receptors[t->n_receptors++] = entry;
}

void receptors_fill(simulation *sim, field_tables *t)
{
    const experiment *e = sim->e;
    const modulators *m = &sim->modulators;
    for (uint32_t i = 0; i < e->n_modulators; i++)
        for (uint32_t k = 0; k < e->modulators[i].n_compartments; k++) {
            const compartment *c = &e->modulators[i].compartments[k];
            if (c->autoreceptor != MODEL_NONE)
                receptor_add(sim, t, c->autoreceptor,
                             modulators_concentration(m, i, k) + MESO_FIELD_AUTORECEPTOR,
                             c->region);
        }
    for (uint32_t i = 0; i < e->n_populations; i++)
        for (uint32_t r = 0; r < e->n_receptors; r++)
            if (receptors_field(m, i, r) != MESO_NEVER)
                receptor_add(sim, t, r, receptors_field(m, i, r), e->populations[i].region);
    for (uint32_t i = 0; i < terminals_n_owners(e); i++)
        for (uint32_t r = 0; r < e->n_receptors; r++)
            if (owner_has(e, i, r) && first_owner(e, i, r) == i)
                receptor_add(sim, t, r, m->on_terminals[i * e->n_receptors + r],
                             owner_region(e, i));
}

/* --- effects ------------------------------------------------------------------------------------------ */

/* The order of targets is that of the populations' programs: modulation_base counts on it. */
static void population_effects_add(const simulation *sim, uint32_t i, field_tables *t)
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
                .bound = receptors_field(&sim->modulators, i, x->receptor) + 1,
                .scale = (float)x->scale,
                .add = (float)x->add,
            };
        }
        target->n_effects = t->n_effects - target->first_effect;
    }
}

/* Of the receptors on one owner's terminals; returns how many. */
static uint32_t terminal_effects_add(const simulation *sim, uint32_t owner, field_tables *t)
{
    const presynaptic_effect *effects;
    const uint32_t n = owner_effects(sim->e, owner, &effects);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = owner * sim->e->n_receptors + effects[i].receptor;
        t->effects[t->n_effects++] = (effect_entry){.bound = sim->modulators.on_terminals[at] + 1,
                                                    .scale = (float)effects[i].scale};
    }
    return n;
}

void effects_fill(simulation *sim, field_tables *t)
{
    const experiment *e = sim->e;
    for (uint32_t i = 0; i < n_compartments(e); i++) {
        t->compartments[i].first_effect = t->n_effects;
        t->compartments[i].n_effects = terminal_effects_add(sim, i, t);
    }
    for (uint32_t i = 0; i < e->n_populations; i++)
        population_effects_add(sim, i, t);
    for (uint32_t i = 0; i < e->n_projections; i++) {
        if (e->projections[i].n_presynaptic == 0)
            continue;
        target_entry *target = &t->targets[t->n_targets++];
        target->first_effect = t->n_effects;
        target->n_effects = terminal_effects_add(sim, terminals_of_projection(e, i), t);
    }
}

uint32_t receptors_target(const simulation *sim, uint32_t projection_index)
{
    uint32_t target = sim->neurons.n_targets;
    for (uint32_t i = 0; i < projection_index; i++)
        target += sim->e->projections[i].n_presynaptic > 0;
    return target;
}

uint32_t receptors_n_targets(const simulation *sim)
{
    return receptors_target(sim, sim->e->n_projections);
}
