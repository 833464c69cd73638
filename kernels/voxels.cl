/*
 * Diffusion, uptake and loss in all grids: one substep.
 *
 * Launch    any number of groups of any size; nothing is shared within a group.
 * Memory    per voxel and substep: one concentration in and one out; its neighbours come from the caches.
 * Order     vesicles_release, voxels_step for each substep, field_step (both modulators.cl), which takes the means.
 */

/* What comes in a step, uptake and loss, to second order by Taylor's series about the middle of what comes: as exact as
 * Heun's method with half the reciprocals. A step is short enough (config/voxels.c) that no more goes than is there. */
MESO_FUNCTION real voxel_react(real c_nM, real come_nM, float dt_ms, const grid_now *now)
{
    const real middle = fma((real)(0.5f), come_nM, c_nM);
    const real per = meso_reciprocal_normal((real)(now->K_m_nM) + middle);
    const real speed = (real)(now->V_max_nM_per_ms) * per;
    const real rate = speed + (real)(now->k_loss_per_ms); /* over the concentration */
    const real slope = fma(speed * (real)(now->K_m_nM), per, (real)(now->k_loss_per_ms));
    const real gone = (real)(dt_ms) * rate * middle;
    return c_nM + fma(gone, fma((real)(0.5f * dt_ms), slope, (real)(-1.0f)), come_nM);
}

/* The voxel before or behind `i` of n: beyond the walls. */
MESO_FUNCTION uint voxel_before(uint i, uint n, uint periodic)
{
    return i > 0u ? i - 1u : periodic ? n - 1u : 0u;
}

MESO_FUNCTION uint voxel_behind(uint i, uint n, uint periodic)
{
    return i + 1u < n ? i + 1u : periodic ? 0u : i;
}

/* Neighbours along x of the voxels at x, x + 1, ... of a row, added. */
MESO_FUNCTION real row_neighbours(const grid_entry *g, __global const float *row, uint x)
{
    const word at = meso_lanes() + (word)(x);
    real west = meso_load(row - 1, x), east = meso_load(row + 1, x);
    if (x == 0u)
        west = select(west, (real)(row[voxel_before(0u, g->nx, g->periodic)]), at == (word)(0u));
    if (x + MESO_WIDTH >= g->nx)
        east = select(east, (real)(row[voxel_behind(g->nx - 1u, g->nx, g->periodic)]),
                      at == (word)(g->nx - 1u));
    return west + east;
}

/* Vesicles of the voxels at `voxel`, which are forgotten. */
MESO_FUNCTION real vesicles_take(__global uint *counts, uint voxel)
{
    const word n = meso_load_word(counts, voxel);
    if (meso_any(n != (word)(0u)))
        meso_store_word((word)(0u), counts, voxel);
    return meso_to_real(n);
}

/* The column whose sum is number `place` of the grid. */
MESO_FUNCTION void column_step(const grid_entry *g, const grid_now *now, uint place, int releases,
                               __global const float *from, __global float *to,
                               __global uint *counts, __global float *sums)
{
    const uint of_rows = place / g->row, x = place - of_rows * g->row;
    const uint z = of_rows / g->n_slabs, slab = of_rows - z * g->n_slabs, plane = g->ny * g->row;
    const uint first_y = slab * MESO_SLAB, end_y = min(first_y + MESO_SLAB, g->ny);
    const uint here = g->first_voxel + z * plane;
    __global const float *below = from + g->first_voxel + voxel_before(z, g->nz, g->periodic) * plane;
    __global const float *above = from + g->first_voxel + voxel_behind(z, g->nz, g->periodic) * plane;
    const truth outside = meso_lanes() + (word)(x) >= (word)(g->nx);

    real south = meso_load(from + here, voxel_before(first_y, g->ny, g->periodic) * g->row + x);
    real centre = meso_load(from + here, first_y * g->row + x), sum = (real)(0.0f);
    for (uint y = first_y; y < end_y; y++) {
        const uint at = y * g->row;
        const real north = meso_load(from + here, voxel_behind(y, g->ny, g->periodic) * g->row + x);
        const real around = (row_neighbours(g, from + here + at, x) + (south + north)) +
                            (meso_load(below, at + x) + meso_load(above, at + x));
        const real c = fma((real)(g->exchange), fma((real)(-6.0f), centre, around), centre);
        real come = (real)(now->reverse_nM);
        if (releases)
            come = fma(vesicles_take(counts, here + at + x), (real)(now->vesicle_nM), come);
        const real reacted = voxel_react(c, come, g->substep_ms, now);
        const real next = select(reacted, (real)(0.0f), (reacted < (real)(0x1p-96f)) | outside);
        meso_store_global(next, to + here, at + x);
        sum += next;
        south = centre;
        centre = north;
    }
    meso_store_global(sum, sums, g->first_sum + place);
}

__kernel void voxels_step(uint n_grids, ulong number, uint substep,
                          __global const grid_entry *grids, __global const grid_now *grids_now,
                          __global float *even, __global float *odd, __global uint *counts,
                          __global const uint *stamps, __global float *sums)
{
    for (uint i = 0; i < n_grids; i++) {
        const grid_entry g = grids[i];
        if (substep >= g.n_substeps)
            continue;
        const grid_now now = grids_now[i];
        const int is_odd = grid_phase(&g, number, substep) != 0u;
        __global const float *from = is_odd ? odd : even;
        __global float *to = is_odd ? even : odd;
        const ulong n = g.n_sums / MESO_WIDTH, n_groups = get_num_groups(0);
        const uint first = (uint)(n * get_group_id(0) / n_groups);
        const uint end = (uint)(n * (get_group_id(0) + 1u) / n_groups);
        for (uint k = first + (uint)get_local_id(0); k < end; k += (uint)get_local_size(0)) {
            const uint place = k * MESO_WIDTH;
            const int releases = substep == 0u &&
                                 stamps[(g.first_sum + place) / MESO_ROW] == (uint)number + 1u;
            column_step(&g, &now, place, releases, from, to, counts, sums);
        }
    }
}
