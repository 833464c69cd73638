#include "model/voxels.h"

#define MOLECULES_PER_UM3 0.602214076 /* at 1 nM: Avogadro's number x 1e-9 mol/L x 1e-15 L */

double voxel_diffusion(const voxel_grid *g)
{
    return g->D_free_um2_per_s / (g->tortuosity * g->tortuosity);
}

double voxel_quantum_nM(const voxel_grid *g)
{
    const double space_um3 = g->voxel_um * g->voxel_um * g->voxel_um * g->volume_fraction;
    return g->quantum_molecules / (MOLECULES_PER_UM3 * space_um3);
}

double voxel_count(const voxel_grid *g)
{
    return (double)g->n[0] * g->n[1] * g->n[2];
}
