/*
 * Receptors of cells that lie in grids: each binds what is in its cell's voxel, and changes that cell alone.
 *
 * Launch    any number of groups of any size, after voxels_step and before field_step; a work-item does MESO_WIDTH cells
 *           at a time.
 * Memory    per cell and receptor: its states in and out, and the concentration in its voxel.
 */

/* Places that one work-item does before it adds to the sums. */
#ifdef MESO_SERIAL
#define MESO_SPAN MESO_LOCAL_BLOCK
#else
#define MESO_SPAN ((uint)MESO_WIDTH)
#endif

MESO_FUNCTION uint lanes_sum(word w)
{
    uint lanes[MESO_WIDTH], sum = 0u;
    meso_store_word(w, lanes, 0);
    for (uint lane = 0; lane < MESO_WIDTH; lane++)
        sum += lanes[lane];
    return sum;
}

/* In units, to the nearest, none where there is no cell: the low bits of a sum with 2^23. */
MESO_FUNCTION word units_of(real x, truth nobody)
{
    const real most = fmin(fmax(x, (real)(0.0f)), (real)(MESO_LOCAL_MOST));
    const real shifted = fma(most, (real)(MESO_LOCAL_UNITS), (real)(0x1p23f));
    return select(meso_as_word(shifted) - (word)(0x4b000000u), (word)(0u), nobody);
}

/* To the sums of the block that begins at or before place `first`. */
MESO_FUNCTION void units_add(const local_entry *l, uint first, uint quantity, word units,
                             __global uint *sums)
{
    MESO_ACCUMULATE(&sums[l->first_sum + quantity * l->n_blocks + first / MESO_LOCAL_BLOCK],
                    lanes_sum(units));
}

/* One plain receptor (receptors.clh) of the cells at places first ... end - 1, whose surface stays as it is. */
MESO_FUNCTION void plain_local_step(const local_entry *l, const receptor_entry *r,
                                    const ligand_entry *ligand, __global const float *drug_nM,
                                    __global const uint *places,
                                    __global const float *concentration, uint first, uint end,
                                    float dt_ms, __global float *states, __global uint *sums)
{
    word occupancy = (word)(0u), activation = (word)(0u);
    for (uint i = first; i < end; i += MESO_WIDTH) {
        __global const uint *voxels = places + l->first_place + i;
        __global float *state = states + l->first_state + i, *results = states + l->first_result + i;
        const truth nobody = meso_load_word(voxels, 0) == (word)(MESO_NOWHERE);
        const real c = ligand->drug == MESO_NEVER ? meso_gather(concentration, voxels)
                                                     : (real)(drug_nM[ligand->drug]);
        slow_state bound = slow_load(state, l->stride);
        const receptor_result now = plain_receptor_step(r, ligand, c, dt_ms, &bound);
        slow_store(bound, state, l->stride);
        meso_store_global(now.occupancy, results, 0);
        meso_store_global(now.activation, results, l->stride);
        occupancy += units_of(now.occupancy, nobody);
        activation += units_of(now.activation, nobody);
    }
    units_add(l, first, 0u, occupancy, sums);
    units_add(l, first, 1u, activation, sums);
}

/* One receptor of the cells at places first ... end - 1. */
MESO_FUNCTION void local_step(const local_entry *l, const receptor_entry *r,
                              __global const ligand_entry *ligands, __global const float *drug_nM,
                              __global const uint *places, __global const float *concentration,
                              uint first, uint end, float dt_ms, __global float *states,
                              __global uint *sums)
{
    word total[3] = {(word)(0u), (word)(0u), (word)(0u)};
    for (uint i = first; i < end; i += MESO_WIDTH) {
        __global const uint *voxels = places + l->first_place + i;
        const truth nobody = meso_load_word(voxels, 0) == (word)(MESO_NOWHERE);
        const receptor_result now =
            receptor_advance(r, ligands, meso_gather(concentration, voxels), drug_nM, dt_ms,
                             states + l->first_state + i, l->stride);
        __global float *results = states + l->first_result + i;
        meso_store_global(now.occupancy, results, 0);
        meso_store_global(now.activation, results, l->stride);
        meso_store_global(now.surface, results, 2u * l->stride);
        total[0] += units_of(now.occupancy, nobody);
        total[1] += units_of(now.activation, nobody);
        total[2] += units_of(now.surface, nobody);
    }
    for (uint q = 0; q < 3u; q++)
        units_add(l, first, q, total[q], sums);
}

/* What they do to one parameter or gain, as target_step() of a whole population. What no effect scales or adds to stays
 * as it is at the start. */
MESO_FUNCTION void local_change(__global const local_target *t, __global const local_effect *effects,
                                __global const float *field, __global const float *states, uint first,
                                uint end, uint stride, __global float *cells)
{
    int scales = 0, adds = 0;
    for (uint k = t->first_effect; k < t->first_effect + t->n_effects; k++) {
        scales |= effects[k].scale != 0.0f;
        adds |= effects[k].add != 0.0f;
    }
    for (uint i = first; i < end; i += MESO_WIDTH) {
        effect_sum sum = {(real)(1.0f), (real)(0.0f)};
        for (uint k = t->first_effect; k < t->first_effect + t->n_effects; k++) {
            const local_effect e = effects[k];
            const real phi = e.at == MESO_NEVER ? (real)(field[e.activation])
                                                   : meso_load(states, e.at + i);
            effect_add(&sum, e.scale, e.add, phi);
        }
        if (scales)
            meso_store_global(sum.scale, cells, t->scale + i);
        if (adds)
            meso_store_global(sum.add, cells, t->scale + stride + i);
    }
}

__kernel void cells_bind(uint n_populations, uint n_drugs, float dt_ms, ulong number, uint drug_row,
                         __global const float *drug_levels, __global const local_cells *populations,
                         __global const local_entry *locals, __global const local_target *targets,
                         __global const local_effect *effects,
                         __global const receptor_entry *receptors,
                         __global const ligand_entry *ligands, __global const grid_entry *grids,
                         __global const float *even, __global const float *odd,
                         __global const uint *places, __global const float *field,
                         __global float *states, __global float *cells, __global uint *sums)
{
    __global const float *drug_nM = drug_levels + drug_row * n_drugs;
    for (uint p = 0; p < n_populations; p++) {
        const local_cells c = populations[p];
        for (uint at = (uint)get_global_id(0) * MESO_SPAN; at < c.stride;
             at += (uint)get_global_size(0) * MESO_SPAN) {
            const uint end = min(at + MESO_SPAN, c.stride);
            for (uint i = c.first_local; i < c.first_local + c.n_locals; i++) {
                const local_entry l = locals[i];
                const receptor_entry r = receptors[l.receptor];
                const grid_entry g = grids[l.grid];
                __global const float *now = grid_phase(&g, number, g.n_substeps) != 0u ? odd : even;
                if (receptor_is_plain(&r)) {
                    const ligand_entry ligand = ligands[r.first_ligand];
                    plain_local_step(&l, &r, &ligand, drug_nM, places, now, at, end, dt_ms, states,
                                     sums);
                } else {
                    local_step(&l, &r, ligands, drug_nM, places, now, at, end, dt_ms, states, sums);
                }
            }
            for (uint t = c.first_target; t < c.first_target + c.n_targets; t++)
                local_change(&targets[t], effects, field, states, at, end, c.stride, cells);
        }
    }
}
