/** The extracellular space of a region as a grid of voxels, in place of a well-mixed compartment. */
#ifndef MODEL_VOXELS_H
#define MODEL_VOXELS_H

#include <stdint.h>

typedef enum voxel_walls { WALLS_PERIODIC, WALLS_CLOSED } voxel_walls;

typedef enum voxel_release {
    RELEASE_QUANTAL,  /* every varicosity, at every spike of its neuron: a vesicle or none */
    RELEASE_EXPECTED, /* the mean of that */
} voxel_release;

/* dc/dt = D lap(c) + release - V_max c / (K_m (1 + sum_d [drug d] / K_i,d) + c) - k_loss c
 * with D = D_free / tortuosity^2, and quantum_molecules of a vesicle in volume_fraction of a voxel.
 * Varicosities lie at random; each source neuron has the same number of them, or one more.
 * Form and constants: Dreyer et al. 2010. */
typedef struct voxel_grid {
    double voxel_um;
    double size_um[3];
    uint32_t n[3]; /* voxels along x, y, z */
    double D_free_um2_per_s, tortuosity, volume_fraction;
    double density_per_um3;
    uint32_t n_varicosities;
    double release_probability;
    double quantum_molecules;
    voxel_walls walls;
    voxel_release release;
    double step_ms;
    uint32_t n_substeps; /* of a field step */
} voxel_grid;

/** um^2/s, of what diffuses around cells. */
double voxel_diffusion(const voxel_grid *g);
/** Rise of the concentration in a voxel by one vesicle, nM. */
double voxel_quantum_nM(const voxel_grid *g);
double voxel_count(const voxel_grid *g);

#endif
