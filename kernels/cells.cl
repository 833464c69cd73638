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

/* In units, none where there is no cell. */
MESO_FUNCTION word units_of(real x, truth nobody)
{
    const real most = fmin(fmax(x, (real)(0.0f)), (real)(MESO_LOCAL_MOST));
    return meso_to_word(select(most * (real)(MESO_LOCAL_UNITS), (real)(0.0f), nobody));
}

/* One receptor of the cells at places first ... end - 1. */
MESO_FUNCTION void local_step(__global const local_entry *l, __global const receptor_entry *receptors,
                              __global const ligand_entry *ligands, __global const float *drug_nM,
                              __global const uint *places, __global const float *concentration,
                              uint first, uint end, float dt_ms, __global float *states,
                              __global uint *sums)
{
    const receptor_entry r = receptors[l->receptor];
    word total[3] = {(word)(0u), (word)(0u), (word)(0u)};
    for (uint i = first; i < end; i += MESO_WIDTH) {
        __global const uint *voxels = places + l->first_place + i;
        const truth nobody = meso_load_word(voxels, 0) == (word)(MESO_NOWHERE);
        const receptor_result now =
            receptor_advance(&r, ligands, meso_gather(concentration, voxels), drug_nM, dt_ms,
                             states + l->first_state + i, l->stride);
        __global float *results = states + l->first_result + i;
        meso_store(now.occupancy, results, 0);
        meso_store(now.activation, results, l->stride);
        meso_store(now.surface, results, 2u * l->stride);
        total[0] += units_of(now.occupancy, nobody);
        total[1] += units_of(now.activation, nobody);
        total[2] += units_of(now.surface, nobody);
    }
    const uint block = l->first_sum + first / MESO_LOCAL_BLOCK;
    for (uint q = 0; q < 3u; q++)
        atomic_add(&sums[block + q * l->n_blocks], lanes_sum(total[q]));
}

/* What they do to one parameter or gain, as target_step() of a whole population. */
MESO_FUNCTION void local_change(__global const local_target *t, __global const local_effect *effects,
                                __global const float *field, __global const float *states, uint first,
                                uint end, uint stride, __global float *cells)
{
    for (uint i = first; i < end; i += MESO_WIDTH) {
        effect_sum sum = {(real)(1.0f), (real)(0.0f)};
        for (uint k = t->first_effect; k < t->first_effect + t->n_effects; k++) {
            const local_effect e = effects[k];
            const real phi = e.at == MESO_NEVER ? (real)(field[e.activation])
                                                   : meso_load(states, e.at + i);
            effect_add(&sum, e.scale, e.add, phi);
        }
        meso_store(sum.scale, cells, t->scale + i);
        meso_store(sum.add, cells, t->scale + stride + i);
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
                const grid_entry g = grids[locals[i].grid];
                local_step(&locals[i], receptors, ligands, drug_nM, places,
                           grid_phase(&g, number, g.n_substeps) != 0u ? odd : even, at, end, dt_ms,
                           states, sums);
            }
            for (uint t = c.first_target; t < c.first_target + c.n_targets; t++)
                local_change(&targets[t], effects, field, states, at, end, c.stride, cells);
        }
    }
}
