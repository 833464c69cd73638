#include "config/loader.h"
#include <math.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const walls[] = {"periodic", "closed", NULL};
static const char *const releases[] = {"quantal", "expected", NULL};

#define MOST_SUBSTEPS 64
#define MOST_VOXELS 1073741824.0 /* 2^30: they are numbered with 32 bits */
#define MOST_VARICOSITIES 1073741824.0
#define DIRECTIONS 6 /* in which a voxel has neighbours */
#define SAFETY 0.9   /* of the longest stable step, at which a checkerboard would never decay */

/* clang-format off */
static const field voxel_grid_fields[] = {
    {.key = "voxel_um", .kind = FIELD_NUMBER, .unit = "um", .required = true, FIELD_FROM(0.1, 1000),
     FIELD_IN(voxel_grid, voxel_um), .doc = "side of a voxel"},
    {.key = "size_um", .kind = FIELD_BOX, .unit = "um", FIELD_ABOVE(0, 1000000),
     FIELD_IN(voxel_grid, size_um),
     .doc = "sides of the grid, [x, y, z] or one for all, multiples of voxel_um; default: the "
            "extent_um of the region's first population"},
    {.key = "D_free_um2_per_s", .kind = FIELD_NUMBER, .unit = "um2/s", .required = true,
     FIELD_FROM(0, 100000), FIELD_IN(voxel_grid, D_free_um2_per_s),
     .doc = "diffusion coefficient in water; what counts is D_free / tortuosity^2"},
    {.key = "tortuosity", .kind = FIELD_NUMBER, .required = true, FIELD_FROM(1, 10),
     FIELD_IN(voxel_grid, tortuosity), .doc = "of the way around cells"},
    {.key = "volume_fraction", .kind = FIELD_NUMBER, .required = true, FIELD_ABOVE(0, 1),
     FIELD_IN(voxel_grid, volume_fraction), .doc = "share of space between cells"},
    {.key = "density_per_um3", .kind = FIELD_NUMBER, .unit = "1/um3", .required = true,
     FIELD_ABOVE(0, 1000), FIELD_IN(voxel_grid, density_per_um3),
     .doc = "varicosities, which lie at random and are shared out evenly to the source's neurons"},
    {.key = "quantum_molecules", .kind = FIELD_NUMBER, .required = true, FIELD_ABOVE(0, 1e9),
     FIELD_IN(voxel_grid, quantum_molecules), .doc = "in one vesicle"},
    {.key = "release_probability", .kind = FIELD_NUMBER, FIELD_FROM(0, 1),
     FIELD_IN(voxel_grid, release_probability),
     .doc = "of a vesicle from a varicosity at a spike, without autoreceptors; in place of "
            "release_nM, from which it otherwise follows"},
    {.key = "release", .kind = FIELD_CHOICE, .choices = releases, FIELD_DEFAULT_TEXT("quantal"),
     FIELD_IN(voxel_grid, release),
     .doc = "quantal: whole vesicles by chance; expected: their mean at every spike"},
    {.key = "walls", .kind = FIELD_CHOICE, .choices = walls, FIELD_DEFAULT_TEXT("periodic"),
     FIELD_IN(voxel_grid, walls),
     .doc = "periodic: what leaves on one side enters on the other; closed: nothing leaves"},
    {.key = "step_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_ABOVE(0, 100),
     FIELD_IN(voxel_grid, step_ms),
     .doc = "step of diffusion and uptake, a whole part of field_step_ms; default: the longest "
            "that is stable"},
    {0}};
/* clang-format on */

const object_type voxel_grid_type = {.name = "grid",
                                     .doc = "Diffusion in a box of voxels (Dreyer et al. 2010)",
                                     .fields = voxel_grid_fields};

/* --- size ------------------------------------------------------------------------------------- */

static meso_status default_size(loader *l, const cJSON *object, const compartment *c, voxel_grid *g)
{
    const experiment *e = l->experiment;
    uint32_t i = 0;
    while (i < e->n_populations && strcmp(e->populations[i].region, c->region) != 0)
        i++;
    if (i == e->n_populations)
        return LOADER_ERROR(l, object, "size_um", MESO_CONFIG,
                            "missing: no population lies in '%s' whose extent_um it could be",
                            c->region);
    for (int k = 0; k < 3; k++)
        g->size_um[k] = e->populations[i].extent_um;
    return MESO_OK;
}

static meso_status check_size(loader *l, const cJSON *object, const compartment *c, voxel_grid *g)
{
    if (!get_member(object, "size_um"))
        MESO_TRY(default_size(l, object, c, g));
    double n_voxels = 1;
    for (int k = 0; k < 3; k++) {
        const double n = fmax(1, round(g->size_um[k] / g->voxel_um));
        if (!is_multiple(g->size_um[k], g->voxel_um))
            return LOADER_ERROR(l, object, "size_um", MESO_RANGE,
                                "%.15g um is no multiple of voxel_um, %.15g um; the nearest is "
                                "%.15g um",
                                g->size_um[k], g->voxel_um, n * g->voxel_um);
        n_voxels *= n;
        g->n[k] = n_voxels <= MOST_VOXELS ? (uint32_t)n : 1;
    }
    if (n_voxels > MOST_VOXELS)
        return LOADER_ERROR(l, object, "voxel_um", MESO_RANGE,
                            "%.15g um makes %.3g voxels, at most %.3g are possible: the least here "
                            "is %.3g um",
                            g->voxel_um, n_voxels, MOST_VOXELS,
                            g->voxel_um * cbrt(n_voxels / MOST_VOXELS));
    return MESO_OK;
}

/* --- step ------------------------------------------------------------------------------------- */

/* Beyond it a voxel would give away more than it has by diffusion. */
static double longest_diffusion_ms(const voxel_grid *g)
{
    return SAFETY * 1000 * g->voxel_um * g->voxel_um / (DIRECTIONS * voxel_diffusion(g));
}

/* The same by diffusion, or by uptake. */
static double longest_step_ms(const compartment *c, const voxel_grid *g)
{
    return fmin(longest_diffusion_ms(g), 1000 / compartment_clearance_per_s(c));
}

static meso_status refuse_voxel(loader *l, const cJSON *object, const compartment *c,
                                const voxel_grid *g)
{
    const double field_step_ms = l->experiment->field_step_ms;
    const double longest_ms = longest_diffusion_ms(g);
    const double clearance_per_s = compartment_clearance_per_s(c);
    if (longest_ms * MOST_SUBSTEPS >= field_step_ms)
        return LOADER_ERROR(
            l, object, "step_ms", MESO_RANGE,
            "uptake, loss and enzymes clear %.6g per s: more than the %.6g per s that %d steps in "
            "a field step of %.15g ms can follow",
            clearance_per_s, 1000 * MOST_SUBSTEPS / field_step_ms, MOST_SUBSTEPS, field_step_ms);
    return LOADER_ERROR(
        l, object, "voxel_um", MESO_RANGE,
        "%.15g um: diffusion is stable for steps of at most %.3g ms, and field_step_ms, "
        "%.15g ms, has room for %d; the least that is possible here is %.3g um",
        g->voxel_um, longest_ms, field_step_ms, MOST_SUBSTEPS,
        g->voxel_um * sqrt(field_step_ms / MOST_SUBSTEPS / longest_ms));
}

static meso_status check_step(loader *l, const cJSON *object, const compartment *c, voxel_grid *g)
{
    const double field_step_ms = l->experiment->field_step_ms;
    const double longest_ms = longest_step_ms(c, g) * (1 + 1e-12);
    const cJSON *given = get_member(object, "step_ms");
    if (!given) {
        const double n = ceil(field_step_ms / longest_ms);
        if (n > MOST_SUBSTEPS)
            return refuse_voxel(l, object, c, g);
        g->n_substeps = (uint32_t)fmax(1, n);
        g->step_ms = field_step_ms / g->n_substeps;
        return MESO_OK;
    }
    if (g->step_ms > longest_ms)
        return LOADER_ERROR(l, given, NULL, MESO_RANGE,
                            "%.15g ms is unstable: with voxel_um %.15g um, D %.4g um2/s and this "
                            "uptake the longest step is %.4g ms",
                            g->step_ms, g->voxel_um, voxel_diffusion(g), longest_ms);
    const double n = round(field_step_ms / g->step_ms);
    if (!is_multiple(field_step_ms, g->step_ms) || n > MOST_SUBSTEPS)
        return LOADER_ERROR(
            l, given, NULL, MESO_RANGE,
            "%.15g ms is no whole part of field_step_ms, %.15g ms, down to 1/%d of it", g->step_ms,
            field_step_ms, MOST_SUBSTEPS);
    g->n_substeps = (uint32_t)n;
    return MESO_OK;
}

/* --- release ---------------------------------------------------------------------------------- */

/* What all varicosities bring if each releases one vesicle. */
static double most_release_nM(const voxel_grid *g)
{
    return g->n_varicosities * voxel_quantum_nM(g) / voxel_count(g);
}

static meso_status check_varicosities(loader *l, const cJSON *object, voxel_grid *g)
{
    const double n = round(g->density_per_um3 * g->size_um[0] * g->size_um[1] * g->size_um[2]);
    const double volume_um3 = g->size_um[0] * g->size_um[1] * g->size_um[2];
    if (n < 1 || n > MOST_VARICOSITIES)
        return LOADER_ERROR(l, object, "density_per_um3", MESO_RANGE,
                            "%.15g 1/um3 makes %.3g varicosities in %.3g um3, expected 1 to %.3g",
                            g->density_per_um3, n, volume_um3, MOST_VARICOSITIES);
    g->n_varicosities = (uint32_t)n;
    return MESO_OK;
}

/* release_nM and release_probability say the same: one follows from the other. */
static meso_status check_release(loader *l, const cJSON *object, const cJSON *grid, compartment *c,
                                 voxel_grid *g)
{
    const cJSON *release = get_member(object, "release_nM");
    const cJSON *probability = get_member(grid, "release_probability");
    const double most_nM = most_release_nM(g);
    if (release && probability)
        return LOADER_ERROR(l, probability, NULL, MESO_CONFIG,
                            "release_nM is given too, from which it follows: %.4g; null removes an "
                            "inherited one",
                            c->release_nM / most_nM);
    if (!release && !probability)
        return LOADER_ERROR(l, grid, "release_probability", MESO_CONFIG,
                            "missing: expected a number, or release_nM in the compartment");
    if (probability) {
        c->release_nM = g->release_probability * most_nM;
        return MESO_OK;
    }
    g->release_probability = c->release_nM / most_nM;
    if (g->release_probability > 1)
        return LOADER_ERROR(l, release, NULL, MESO_RANGE,
                            "%.15g nM is more than a vesicle from every varicosity of the grid, "
                            "%.4g nM",
                            c->release_nM, most_nM);
    return MESO_OK;
}

/* --- building --------------------------------------------------------------------------------- */

meso_status load_voxels(loader *l, const cJSON *object, compartment *c)
{
    const cJSON *grid = get_member(object, "grid");
    if (!grid && !get_member(object, "release_nM"))
        return LOADER_ERROR(l, object, "release_nM", MESO_CONFIG,
                            "missing: expected a number in nM");
    if (!grid)
        return MESO_OK;
    voxel_grid *g = loader_alloc(l, 1, sizeof *g);
    if (!g)
        return MESO_MEMORY;
    c->grid = g;
    MESO_TRY(loader_read(l, &voxel_grid_type, grid, g));
    MESO_TRY(check_size(l, grid, c, g));
    MESO_TRY(check_step(l, grid, c, g));
    MESO_TRY(check_varicosities(l, grid, g));
    return check_release(l, object, grid, c, g);
}
