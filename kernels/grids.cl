/*
 * One field step of all grids and of the receptors of the cells in them: release, then diffusion, uptake and loss.
 *
 * Launch    any number of groups of any size, before field_step (modulators.cl), which takes the means. Substep 0 releases
 *           and binds; the others only diffuse. Each group has rows of columns of its own (voxels.clh), whose vesicles it
 *           counts itself, and cells of its own, which see the concentrations of before.
 * Memory    per voxel and substep: one concentration in and one out; its neighbours come from the caches.
 */
__kernel void grids_step(
    uint n_grids, uint n_populations, uint n_lists, uint n_history, uint batches_per_field,
    uint batch_steps, uint spikes_per_batch, uint cell_bits, uint n_levels, float dt_ms, ulong number,
    uint drug_row, uint substep, __global const float *drug_levels, __global const grid_entry *grids,
    __global const compartment_entry *compartments, __global const grid_now *grids_now,
    __global float *even, __global float *odd, __global uint *counts, __global uint *stamps,
    __global uint *n_released, __global float *sums, __global const uint *spike_counts,
    __global const uint *spikes, __global const uint *neurons,
    __global const local_cells *populations, __global const local_entry *locals,
    __global const local_target *targets, __global const local_effect *effects,
    __global const receptor_entry *receptors, __global const ligand_entry *ligands,
    __global const uint *places, __global const float *field, __global float *states,
    __global float *cells, __global uint *local_sums)
{
    const uint stamp = (uint)number + 1u;
    const spike_lists lists = {n_lists, n_history, batches_per_field, batch_steps, spikes_per_batch,
                               cell_bits, spike_counts, spikes, neurons};
    for (uint i = 0; i < n_grids; i++) {
        const grid_entry g = grids[i];
        const grid_now now = grids_now[i];
        const group_rows rows = group_rows_of(&g);
        const int is_odd = grid_phase(&g, number, substep) != 0u;
        if (substep >= g.n_substeps)
            continue;
        if (substep == 0u) {
            const vesicle_sink sink = {&g, rows, now.release_below, stamp, counts, stamps};
            const uint n = vesicles_release(&sink, &compartments[g.compartment], &lists, number);
            if (n > 0u)
                atomic_add(&n_released[i], n);
            MESO_BARRIER();
        }
        rows_step(&g, &now, rows, substep == 0u ? stamp : MESO_NEVER, is_odd ? odd : even,
                  is_odd ? even : odd, counts, stamps, sums);
    }
    if (substep > 0u)
        return;
    const cell_tables tables = {locals, targets, effects, receptors, ligands, grids, places,
                                field, drug_levels + drug_row * n_levels, states, cells, local_sums};
    for (uint p = 0; p < n_populations; p++) {
        const local_cells c = populations[p];
        population_bind(&tables, &c, number, even, odd, dt_ms);
    }
}
