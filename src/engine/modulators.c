#include "base/rng.h"
#include "engine/field_tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t field_add(simulation *sim, const char *unit, const char *name)
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

field_census field_census_take(const experiment *e)
{
    field_census n = {0};
    compartments_count(e, &n);
    receptors_count(e, &n);
    for (uint32_t i = 0; i < e->n_stimuli; i++)
        n.gates += gate_is_first(e, i);
    n.fields += n.gates + contacts_n_fields(e);
    return n;
}

uint32_t modulators_n_field(const experiment *e)
{
    return field_census_take(e).fields;
}

uint64_t modulators_bytes(const experiment *e)
{
    const field_census n = field_census_take(e);
    const uint64_t of_target = sizeof(target_entry) + 2 * sizeof(float); /* and its modulation */
    return n.compartments * sizeof(compartment_entry) + n.terminals * sizeof(terminal_entry) +
           n.enzymes * sizeof(enzyme_entry) + n.blocks * sizeof(block_entry) +
           n.receptors * sizeof(receptor_entry) + n.ligands * sizeof(ligand_entry) +
           n.targets * of_target + n.effects * sizeof(effect_entry) + n.gates * sizeof(gate_entry) +
           (2ull * n.fields + n.states) * sizeof(float);
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
    m->n_kinds_of_receptors = e->n_receptors;
    for (uint32_t i = 0; i < e->n_modulators; i++) {
        const uint32_t c = e->modulators[i].n_compartments;
        m->most_compartments = c > m->most_compartments ? c : m->most_compartments;
    }
    MESO_TRY(simulation_alloc(sim, modulators_n_field(e) + 1, sizeof *m->series, &m->series, err));
    MESO_TRY(simulation_alloc(sim, e->n_stimuli + 1, sizeof *m->gates, &m->gates, err));
    MESO_TRY(simulation_alloc(sim, e->n_modulators * m->most_compartments + 1, sizeof(uint32_t),
                              &m->concentration, err));
    MESO_TRY(simulation_alloc(sim, e->n_populations * e->n_receptors + 1, sizeof(uint32_t),
                              &m->on_cells, err));
    MESO_TRY(simulation_alloc(sim, terminals_n_owners(e) * e->n_receptors + 1, sizeof(uint32_t),
                              &m->on_terminals, err));
    compartments_name(sim);
    receptors_name(sim);
    fields_of_gates(sim);
    MESO_TRY(contacts_name(sim, err));
    for (uint32_t i = 0; i < m->n_field; i++)
        if (m->series[i].name == NULL)
            return error_set(err, MESO_MEMORY, "out of memory");
    return MESO_OK;
}

/* --- tables ------------------------------------------------------------------------------------- */

/* Probability to leave a state of mean dwell time tau within one field step, times 2^32. */
static uint32_t leaving(const experiment *e, double tau_ms)
{
    const double p = tau_ms > 0 ? -expm1(-e->field_step_ms / tau_ms) : 1;
    return (uint32_t)fmin(p * 0x1p32, UINT32_MAX);
}

static void gates_add(const simulation *sim, field_tables *t)
{
    const modulators *m = &sim->modulators;
    for (uint32_t g = 0; g < m->n_gates; g++) {
        const stimulus *s = sim->e->stimuli;
        while (s->gate == NULL || strcmp(s->gate, m->gates[g]) != 0)
            s++;
        const rng_words key = rng_stream_key(sim->e->seed, "gate/%s", s->gate);
        t->field[m->first_gate + g] = 1;
        t->gates[g] = (gate_entry){
            .index = m->first_gate + g,
            .key0 = key.x,
            .key1 = key.y,
            .leave_up = leaving(sim->e, s->gate_up_ms),
            .leave_down = leaving(sim->e, s->gate_down_ms),
        };
    }
}

static meso_status tables_alloc(const simulation *sim, field_tables *t, meso_error *err)
{
    const field_census n = field_census_take(sim->e);
    t->compartments = calloc(n.compartments + 1, sizeof *t->compartments);
    t->terminals = calloc(n.terminals + 1, sizeof *t->terminals);
    t->enzymes = calloc(n.enzymes + 1, sizeof *t->enzymes);
    t->blocks = calloc(n.blocks + 1, sizeof *t->blocks);
    t->receptors = calloc(n.receptors + 1, sizeof *t->receptors);
    t->ligands = calloc(n.ligands + 1, sizeof *t->ligands);
    t->targets = calloc(n.targets + 1, sizeof *t->targets);
    t->effects = calloc(n.effects + 1, sizeof *t->effects);
    t->gates = calloc(n.gates + 1, sizeof *t->gates);
    t->field = calloc(n.fields + 1, sizeof *t->field);
    t->states = calloc(n.states + 1, sizeof *t->states);
    if (!t->compartments || !t->terminals || !t->enzymes || !t->blocks || !t->receptors ||
        !t->ligands || !t->targets || !t->effects || !t->gates || !t->field || !t->states)
        return error_set(err, MESO_MEMORY, "out of memory");
    return MESO_OK;
}

static void tables_free(field_tables *t)
{
    free(t->compartments);
    free(t->terminals);
    free(t->enzymes);
    free(t->blocks);
    free(t->receptors);
    free(t->ligands);
    free(t->targets);
    free(t->effects);
    free(t->gates);
    free(t->field);
    free(t->states);
}

static meso_status tables_upload(simulation *sim, const field_tables *t, meso_error *err)
{
    modulators *m = &sim->modulators;
    const size_t field_bytes = m->n_field * sizeof(float);
    const buffer_spec all[] = {
        {BUFFER_CONSTANT, "compartments", t->n_compartments * sizeof *t->compartments,
         t->compartments, &m->compartments},
        {BUFFER_CONSTANT, "terminals", t->n_terminals * sizeof *t->terminals, t->terminals,
         &m->terminals},
        {BUFFER_CONSTANT, "enzymes", t->n_enzymes * sizeof *t->enzymes, t->enzymes, &m->enzymes},
        {BUFFER_CONSTANT, "transporter blocks", t->n_blocks * sizeof *t->blocks, t->blocks,
         &m->blocks},
        {BUFFER_CONSTANT, "receptors", t->n_receptors * sizeof *t->receptors, t->receptors,
         &m->receptors},
        {BUFFER_CONSTANT, "ligands", t->n_ligands * sizeof *t->ligands, t->ligands, &m->ligands},
        {BUFFER_CONSTANT, "modulated targets", t->n_targets * sizeof *t->targets, t->targets,
         &m->targets},
        {BUFFER_CONSTANT, "effects", t->n_effects * sizeof *t->effects, t->effects, &m->effects},
        {BUFFER_CONSTANT, "gates", m->n_gates * sizeof *t->gates, t->gates, &m->gate_table},
        {BUFFER_STATE, "field", field_bytes, t->field, &m->field},
        {BUFFER_STATE, "field sums", field_bytes, NULL, &m->field_sum},
        {BUFFER_STATE, "receptor states", t->n_states * sizeof *t->states, t->states, &m->states},
    };
    return buffers_create(sim->device, all, sizeof all / sizeof *all, err);
}

meso_status modulators_create(simulation *sim, meso_error *err)
{
    MESO_TRY(fields_name(sim, err));
    field_tables t = {0};
    meso_status status = tables_alloc(sim, &t, err);
    if (status == MESO_OK) {
        compartments_fill(sim, &t);
        receptors_fill(sim, &t);
        effects_fill(sim, &t);
        gates_add(sim, &t);
        signals_begin(sim, t.field);
        sim->modulators.n_receptors = t.n_receptors;
        status = cells_create(sim, &t, err);
        if (status == MESO_OK)
            status = tables_upload(sim, &t, err);
    }
    tables_free(&t);
    return status;
}

void modulators_destroy(simulation *sim)
{
    modulators *m = &sim->modulators;
    buffer *all[] = {&m->compartments, &m->terminals, &m->enzymes, &m->blocks,
                     &m->receptors,    &m->ligands,   &m->targets, &m->effects,
                     &m->gate_table,   &m->field,     &m->states,  &m->field_sum};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_destroy(sim->device, all[i]);
}
