/** Tables of the field step while they are put together on the host: modulators.c, compartments.c, receptors.c. */
#ifndef ENGINE_FIELD_TABLES_H
#define ENGINE_FIELD_TABLES_H

#include "engine/internal.h"

typedef struct field_tables {
    compartment_entry *compartments;
    terminal_entry *terminals;
    enzyme_entry *enzymes;
    block_entry *blocks;
    receptor_entry *receptors;
    ligand_entry *ligands;
    target_entry *targets;
    effect_entry *effects;
    gate_entry *gates;
    float *field, *states;
    uint32_t n_compartments, n_terminals, n_enzymes, n_blocks, n_receptors, n_ligands, n_targets,
        n_effects, n_states, n_grids;
} field_tables;

/** How much of each there is at most. */
typedef struct field_census {
    uint32_t compartments, terminals, enzymes, blocks, receptors, ligands, targets, effects, gates,
        fields, states;
} field_census;

field_census field_census_take(const experiment *e);
/** What the parts add to it. */
void compartments_count(const experiment *e, field_census *n);
void receptors_count(const experiment *e, field_census *n);

/** Entry of a quantity with a name (of the simulation's memory), its index. */
uint32_t field_add(simulation *sim, const char *unit, const char *name);

/** Name the quantities of all compartments, and then of all receptors. */
void compartments_name(simulation *sim);
void receptors_name(simulation *sim);

/** Fill the tables, in this order. */
void compartments_fill(simulation *sim, field_tables *t);
void receptors_fill(simulation *sim, field_tables *t);
void effects_fill(simulation *sim, field_tables *t);

/** cells.c: make the receptors of cells in grids, whose entries are in the tables. */
meso_status cells_create(simulation *sim, field_tables *t, meso_error *err);
/** Whether something asks for a receptor in a population. */
int receptors_has(const experiment *e, uint32_t population, uint32_t receptor);
/** Floats of its state. */
uint32_t receptors_n_states(const experiment *e, uint32_t receptor);

/** Owners of terminals: all compartments, one modulator after the other, then all projections. */
uint32_t terminals_n_owners(const experiment *e);
uint32_t terminals_of_compartment(const experiment *e, uint32_t modulator, uint32_t compartment);
uint32_t terminals_of_projection(const experiment *e, uint32_t projection);

#endif
