/*
 * Grids of voxels: diffusion against Green's functions, mass against what was released, levels and bursts against those
 * of well-mixed compartments and published numbers.
 *
 * The source cells fire once per input event and never by themselves, as in test_dopamine.c.
 */
#include "capture.h"
#include "device/device.h"
#include "engine/internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL                                                                                       \
    "{\"model\":\"izhikevich\",\"parameters\":{\"C_pF\":1,\"k_nS_per_mV\":1,\"vr_mV\":-60,"        \
    "\"vt_mV\":-40,\"vpeak_mV\":30,\"a_per_ms\":1,\"b_nS\":0,\"c_mV\":-60,\"d_pA\":0,"             \
    "\"I0_pA\":0},\"conductances\":{\"ampa\":{\"kind\":\"exponential\",\"tau_decay_ms\":0.1,"      \
    "\"E_mV\":0}}"
#define RELAY                                                                                      \
    "\"cells\":{\"relay\":" CELL "},\"spiny\":" CELL                                               \
    ",\"effects\":[{\"receptor\":\"D1\",\"on\":\"ampa\",\"scale\":0.5},"                           \
    "{\"receptor\":\"D1\",\"on\":\"vr_mV\",\"add\":3}]}},"

#define BACKGROUND                                                                                 \
    "{\"kind\":\"poisson\",\"target\":\"axons\",\"rate_hz\":4,\"receptors\":{\"ampa\":1},"         \
    "\"weight_nS\":5"

#define D_UM2_PER_MS (763e-3 / (1.54 * 1.54))

/* A region "nac" and the spikes that reach it. */
typedef struct region {
    int n_axons;
    const char *stimuli;
    double V_max_nM_per_s, K_m_nM, k_loss_per_s, alpha, initial_nM;
    double release_nM; /* 0: the grid's probability */
    const char *grid;  /* NULL: well mixed */
    double seconds;
    const char *reports; /* more of them, or NULL */
} region;

static const char *json_of(const region *r)
{
    static char json[4096];
    char release[64] = "", grid[512] = "";
    if (r->release_nM > 0)
        snprintf(release, sizeof release, "\"release_nM\":%.17g,", r->release_nM);
    if (r->grid != NULL)
        snprintf(grid, sizeof grid,
                 ",\"grid\":{\"D_free_um2_per_s\":763,\"tortuosity\":1.54,"
                 "\"volume_fraction\":0.21,\"quantum_molecules\":3000,%s}",
                 r->grid);
    snprintf(json, sizeof json,
             "{\"schema_version\":1,\"seed\":1," RELAY
             "\"populations\":{\"axons\":{\"cell\":\"relay\",\"region\":\"nac\",\"n_neurons\":%d},"
             "\"spiny\":{\"cell\":\"spiny\",\"region\":\"nac\",\"n_neurons\":300}},"
             "\"stimuli\":{%s},\"receptors\":{\"auto\":{\"modulator\":\"dopamine\","
             "\"K_d_nM\":100,\"k_off_per_s\":0.3},\"D1\":{\"modulator\":\"dopamine\","
             "\"K_d_nM\":100,\"k_off_per_s\":20}},"
             "\"modulators\":{\"dopamine\":{\"compartments\":{\"nac\":{\"source\":\"axons\","
             "%s\"axonal_delay_ms\":7,\"V_max_nM_per_s\":%.17g,\"K_m_nM\":%.17g,"
             "\"k_loss_per_s\":%.17g,\"autoreceptor\":\"auto\",\"autoreceptor_alpha\":%.17g,"
             "\"initial_nM\":%.17g%s}}}},"
             "\"protocol\":[{\"phase\":\"all\",\"seconds\":%.17g}],"
             "\"record\":{\"timeline_interval_ms\":1000,\"reports\":{\"c\":{\"modulator\":"
             "\"dopamine\",\"region\":\"nac\",\"variable\":\"concentration_nM\","
             "\"interval_ms\":1}%s}}}",
             r->n_axons, r->stimuli, release, r->V_max_nM_per_s, r->K_m_nM, r->k_loss_per_s,
             r->alpha, r->initial_nM, grid, r->seconds, r->reports != NULL ? r->reports : "");
    return json;
}

/* --- a grid, step by step ------------------------------------------------------------------------- */

typedef struct space {
    meso_experiment *e;
    simulation *sim;
    double *c; /* [z][y][x] nM */
    uint32_t n[3], n_voxels;
    double voxel_um;
    uint64_t n_steps, n_spikes;
} space;

static space space_open(const region *r)
{
    space s = {.e = capture_load(json_of(r))};
    meso_error err = {0};
    if (simulation_create(s.e, capture_device(), NULL, &s.sim, &err) != MESO_OK)
        fail_msg("%s", err.message);
    const voxel_grid *g = s.e->modulators[0].compartments[0].grid;
    memcpy(s.n, g->n, sizeof s.n);
    s.n_voxels = (uint32_t)voxel_count(g);
    s.voxel_um = g->voxel_um;
    s.c = calloc(s.n_voxels, sizeof *s.c);
    return s;
}

static void space_close(space *s)
{
    simulation_destroy(&s->sim);
    meso_experiment_destroy(&s->e);
    free(s->c);
}

static void space_read(space *s)
{
    const grid_entry *g = &s->sim->voxels.grids[0];
    const uint32_t phase = (uint32_t)(s->n_steps * g->n_substeps % 2);
    const buffer *b = &s->sim->voxels.concentrations[phase];
    float *all = malloc(b->bytes);
    meso_error err = {0};
    if (buffer_read(capture_device(), b, 0, b->bytes, all, &err) != MESO_OK)
        fail_msg("%s", err.message);
    for (uint32_t i = 0; i < s->n_voxels; i++)
        s->c[i] = all[g->first_voxel + i / g->nx * g->row + i % g->nx];
    free(all);
}

static void space_advance(space *s, uint32_t n_steps)
{
    interval results;
    meso_error err = {0};
    for (uint32_t left = n_steps; left > 0;) {
        const uint32_t n = left < 100 ? left : 100;
        if (simulation_enqueue(s->sim, n, NULL, &err) != MESO_OK ||
            simulation_collect(s->sim, &results, &err) != MESO_OK)
            fail_msg("%s", err.message);
        s->n_spikes += results.n_spikes;
        left -= n;
    }
    s->n_steps += n_steps;
    space_read(s);
}

/* Molecules per volume of tissue's fluid, as a mean. */
static double space_mean(const space *s)
{
    double sum = 0;
    for (uint32_t i = 0; i < s->n_voxels; i++)
        sum += s->c[i];
    return sum / s->n_voxels;
}

/* --- diffusion -------------------------------------------------------------------------------------- */

/* One spike of one cell at 20 ms, whose only varicosity lies somewhere in the grid. */
#define ONE_SPIKE                                                                                  \
    "\"once\":{\"kind\":\"pulses\",\"target\":\"axons\",\"amplitude_pA\":300,\"start_ms\":20,"     \
    "\"width_ms\":0.1,\"period_ms\":1000,\"stop_ms\":21}"

static uint32_t first_above_zero(space *s)
{
    for (;;) {
        space_advance(s, 1);
        for (uint32_t i = 0; i < s->n_voxels; i++)
            if (s->c[i] > 0)
                return i;
        assert_true(s->n_steps < 60);
    }
}

/* Of a point source after t on a line of length L, with images: the share per um. */
static double green_1d(double from_um, double to_um, double t_ms, double L_um, int periodic)
{
    double sum = 0;
    const double four_Dt = 4 * D_UM2_PER_MS * t_ms;
    for (int k = -6; k <= 6; k++) {
        const double d = to_um - from_um + k * L_um * (periodic ? 1 : 2);
        sum += exp(-d * d / four_Dt);
        if (!periodic) {
            const double mirrored = to_um + from_um + k * L_um * 2;
            sum += exp(-mirrored * mirrored / four_Dt);
        }
    }
    return sum / sqrt(M_PI * four_Dt);
}

/* What the scheme's own kernel, a random walk on a lattice, lacks at the peak: in each direction an eighth of its excess
 * kurtosis, (1 - 6 r) dx^2 / (2 D t) with r = D dt / dx^2. */
static double truncation(double dx_um, double dt_ms, double t_ms)
{
    const double r = D_UM2_PER_MS * dt_ms / (dx_um * dx_um);
    return 3 * (1 - 6 * r) * dx_um * dx_um / (2 * D_UM2_PER_MS * t_ms) / 8;
}

static void check_point_source(const char *walls, double k_loss_per_s)
{
    char grid[256];
    snprintf(grid, sizeof grid,
             "\"voxel_um\":2,\"size_um\":[64,48,56],\"density_per_um3\":%.17g,"
             "\"release_probability\":1,\"walls\":\"%s\"",
             1.0 / (64 * 48 * 56), walls);
    const region r = {1, ONE_SPIKE, 0, 200, k_loss_per_s, 0, 0, 0, grid, 1, NULL};
    space s = space_open(&r);
    const uint32_t source = first_above_zero(&s);
    const double quantum_nM_um3 = 3000 / (0.602214076 * 0.21);
    assert_true(fabs(s.c[source] * 8 / quantum_nM_um3 * exp(1e-3 * k_loss_per_s / 2) - 1) < 1e-5);
    double t_ms = 0;
    for (int turn = 0; turn < 5; turn++) {
        space_advance(&s, 60);
        t_ms += 60;
        double peak = 0, difference = 0;
        for (uint32_t i = 0; i < s.n_voxels; i++) {
            const uint32_t at[3] = {i % s.n[0], i / s.n[0] % s.n[1], i / s.n[0] / s.n[1]};
            const uint32_t from[3] = {source % s.n[0], source / s.n[0] % s.n[1],
                                      source / s.n[0] / s.n[1]};
            double expected = quantum_nM_um3 * exp(-1e-3 * k_loss_per_s * (t_ms + 0.5));
            for (int k = 0; k < 3; k++)
                expected *= green_1d(2 * from[k] + 1, 2 * at[k] + 1, t_ms, 2 * s.n[k],
                                     walls[0] == 'p');
            peak = fmax(peak, expected);
            difference = fmax(difference, fabs(s.c[i] - expected));
        }
        const double allowed = 1.2 * truncation(2, 1, t_ms);
        if (difference / peak > allowed)
            fail_msg("%s walls, loss %g /s, %g ms: off by %.2f %% of the peak, %.2f %% expected",
                     walls, k_loss_per_s, t_ms, 100 * difference / peak, 100 * allowed);
    }
    space_close(&s);
}

static void test_a_point_source_spreads_as_greens_function(void **state)
{
    (void)state;
    check_point_source("periodic", 0);
    check_point_source("periodic", 5);
    check_point_source("closed", 0);
    check_point_source("closed", 5);
}

/* --- mass -------------------------------------------------------------------------------------------- */

#define TWO_SECONDS "\"for_2_s\":" BACKGROUND ",\"stop_ms\":2000}"
#define SMALL_BOX "\"voxel_um\":4,\"size_um\":[52,76,36],\"density_per_um3\":%.17g,"
#define SMALL_BOX_UM3 (52.0 * 76 * 36)

/* Every vesicle is there: 7 s after the last of about 300 spikes that each released 20. */
static void check_released_mass(const char *walls, const char *release)
{
    char grid[256];
    snprintf(grid, sizeof grid,
             SMALL_BOX "\"release_probability\":1,\"walls\":\"%s\",\"release\":\"%s\"",
             800 / SMALL_BOX_UM3, walls, release);
    const region r = {40, TWO_SECONDS, 0, 200, 0, 0, 10, 0, grid, 10, NULL};
    space s = space_open(&r);
    space_advance(&s, 9000);
    assert_true(s.n_spikes > 200);
    const double expected = 10 + s.n_spikes * 20.0 * 3000 / (0.602214076 * 0.21 * SMALL_BOX_UM3);
    if (fabs(space_mean(&s) / expected - 1) > 1e-4)
        fail_msg("%s walls: %.3f nM of %.3f", walls, space_mean(&s), expected);
    space_close(&s);
}

static void test_all_that_was_released_is_there(void **state)
{
    (void)state;
    check_released_mass("periodic", "quantal");
    check_released_mass("closed", "quantal");
    check_released_mass("closed", "expected");
}

static double clearance_nM_per_ms(const space *s, const region *r)
{
    double sum = 0;
    for (uint32_t i = 0; i < s->n_voxels; i++)
        sum += r->V_max_nM_per_s * s->c[i] / (r->K_m_nM + s->c[i]) + r->k_loss_per_s * s->c[i];
    return sum / s->n_voxels * 1e-3;
}

/* What is gone was taken up: clearance of the field that was read, integrated by Simpson's rule over 400 ms in which
 * nothing is released. */
static void check_uptake_mass(const char *walls)
{
    char grid[256];
    snprintf(grid, sizeof grid, SMALL_BOX "\"release_probability\":0.3,\"walls\":\"%s\"", 0.036,
             walls);
    const region r = {40, TWO_SECONDS, 2000, 210, 0.5, 0, 100, 0, grid, 4, NULL};
    space s = space_open(&r);
    space_advance(&s, 2020);
    const double before = space_mean(&s);
    double cleared = clearance_nM_per_ms(&s, &r);
    for (int i = 1; i <= 400; i++) {
        space_advance(&s, 1);
        cleared += clearance_nM_per_ms(&s, &r) * (i == 400 ? 1 : i % 2 ? 4 : 2);
    }
    cleared /= 3;
    const double after = space_mean(&s);
    assert_true(cleared > 0.5 * before);
    if (fabs((before - after) / cleared - 1) > 1e-4)
        fail_msg("%s walls: %.4f nM gone, %.4f nM cleared", walls, before - after, cleared);
    space_close(&s);
}

static void test_what_is_gone_was_taken_up(void **state)
{
    (void)state;
    check_uptake_mass("periodic");
    check_uptake_mass("closed");
}

/* --- limits ----------------------------------------------------------------------------------------- */

/* 2^30 voxels are possible in a grid, but not one along x, where rows have 16 at least. */
static void test_grids_too_thin_to_number_are_refused(void **state)
{
    (void)state;
    const region r = {1,
                      ONE_SPIKE,
                      0,
                      200,
                      0,
                      0,
                      0,
                      0,
                      "\"voxel_um\":4,\"size_um\":[4,131072,131072],\"density_per_um3\":1e-9,"
                      "\"release_probability\":1",
                      1,
                      NULL};
    meso_experiment *e = capture_load(json_of(&r));
    simulation *sim = NULL;
    meso_error err = {0};
    assert_int_equal(simulation_create(e, capture_device(), NULL, &sim, &err), MESO_RANGE);
    assert_string_equal(err.message, "all grids have 1.718e+10 voxels, rows along x filled up to "
                                     "multiples of 16: at most 4.295e+09 are possible");
    meso_experiment_destroy(&e);
}

/* --- cells ------------------------------------------------------------------------------------------- */

static void buffer_get(const buffer *b, void *to, size_t offset, size_t bytes)
{
    meso_error err = {0};
    if (buffer_read(capture_device(), b, offset, bytes, to, &err) != MESO_OK)
        fail_msg("%s", err.message);
}

/* Each of 300 cells binds what is in its own voxel when a step begins, exactly while that holds, and has its own gain and
 * resting potential from it; the population's values are their means. */
static void test_a_cell_binds_what_is_in_its_voxel(void **state)
{
    (void)state;
    char grid[256];
    snprintf(grid, sizeof grid, SMALL_BOX "\"release_probability\":0.3", 0.036);
    const region r = {40, TWO_SECONDS, 2000, 210, 0.5, 0, 20, 0, grid, 1, NULL};
    space s = space_open(&r);
    local_entry l;
    buffer_get(&s.sim->cells.locals, &l, 0, sizeof l);
    const grid_entry *g = &s.sim->voxels.grids[0];
    uint32_t *voxels = malloc(l.stride * sizeof *voxels);
    float *result = malloc(l.stride * sizeof *result),
          *cells = malloc(4 * l.stride * sizeof *cells);
    double *bound = malloc(l.stride * sizeof *bound);
    buffer_get(&s.sim->cells.places, voxels, l.first_place * sizeof *voxels,
               l.stride * sizeof *voxels);
    for (uint32_t i = 0; i < l.stride; i++)
        bound[i] = 20.0 / 120;
    const double dt_s = 1e-3;
    space_read(&s);
    for (int step = 0; step < 400; step++) {
        for (uint32_t i = 0; i < l.stride; i++) {
            if (voxels[i] == MESO_NOWHERE)
                continue;
            const uint32_t at = voxels[i] - g->first_voxel;
            const double c = s.c[at / g->row * g->nx + at % g->row];
            bound[i] = c / (c + 100) + (bound[i] - c / (c + 100)) * exp(-20 * (c / 100 + 1) * dt_s);
        }
        space_advance(&s, 1);
    }
    buffer_get(&s.sim->cells.states, result, l.first_result * sizeof *result,
               l.stride * sizeof *result);
    const population_entry *q = &s.sim->neurons.entries[1];
    const uint32_t field = codegen_local_field(s.e, 1, 0);
    buffer_get(&s.sim->neurons.state, cells, (q->state_base + field * q->n_padded) * sizeof *cells,
               4 * l.stride * sizeof *cells);
    uint32_t n = 0;
    double least = 1, most = 0, sum = 0;
    for (uint32_t i = 0; i < l.stride; i++) {
        if (voxels[i] == MESO_NOWHERE)
            continue;
        assert_true(fabs(result[i] - bound[i]) < 1e-5);
        assert_true(fabs(cells[i] - (1 + 0.5 * bound[i])) < 1e-5);
        assert_true(cells[l.stride + i] == 0 && cells[2 * l.stride + i] == 1);
        assert_true(fabs(cells[3 * l.stride + i] - 3 * bound[i]) < 3e-5);
        least = fmin(least, bound[i]);
        most = fmax(most, bound[i]);
        sum += bound[i];
        n++;
    }
    assert_int_equal(n, 300);
    assert_true(most > 1.2 * least);
    float mean;
    buffer_get(&s.sim->modulators.field, &mean,
               receptors_field(&s.sim->modulators, 1, 1) * sizeof mean, sizeof mean);
    assert_true(fabs(mean - sum / n) < 1e-5);
    free(voxels);
    free(result);
    free(cells);
    free(bound);
    space_close(&s);
}

/* --- one scheme ---------------------------------------------------------------------------------------- */

/* Without release a grid is a well-mixed compartment, but for errors of third order in the step. */
static void test_an_even_grid_is_well_mixed(void **state)
{
    (void)state;
    region r = {
        4,   "\"none\":" BACKGROUND ",\"start_ms\":900}", 2000, 210, 0.5, 0, 300, 50, NULL, 0.8,
        NULL};
    capture mixed = capture_run(json_of(&r), NULL);
    r.grid = "\"voxel_um\":4,\"size_um\":[36,68,20],\"density_per_um3\":0.1";
    capture grid = capture_run(json_of(&r), NULL);
    assert_int_equal(grid.n_frames[0], 800);
    assert_true(mixed.frames[0][799] < 20);
    for (uint32_t i = 0; i < 800; i++)
        assert_true(fabs(grid.frames[0][i] / mixed.frames[0][i] - 1) < 1e-4);
    capture_free(&mixed);
    capture_free(&grid);
}

/* 1 um is unstable in steps of 1 ms and gets two; more change little. */
static void test_substeps_converge(void **state)
{
    (void)state;
    const char fine[] =
        "\"voxel_um\":1,\"size_um\":32,\"density_per_um3\":0.1,\"release_probability\":0.06";
    char finer[256];
    snprintf(finer, sizeof finer, "%s,\"step_ms\":0.25", fine);
    region r = {400, "\"all\":" BACKGROUND "}", 2000, 210, 0, 0, 20, 0, fine, 1, NULL};
    capture two = capture_run(json_of(&r), NULL);
    r.grid = finer;
    capture four = capture_run(json_of(&r), NULL);
    assert_true(two.frames[0][999] > 70);
    assert_true(fabs(two.frames[0][999] / four.frames[0][999] - 1) < 0.01);
    assert_true(two.frames[0][999] != four.frames[0][999]);
    capture_free(&two);
    capture_free(&four);
}

/* Reports of all voxels, of a plane and of three voxels show the field whose mean is reported; of cells, what each has
 * bound. */
static void test_reports_show_the_voxels(void **state)
{
    (void)state;
    static const char of[] = ",\"%s\":{\"modulator\":\"dopamine\",\"region\":\"nac\","
                             "\"variable\":\"concentration_nM\",\"interval_ms\":7,%s}";
    char reports[2048], grid[256];
    int n = snprintf(reports, sizeof reports, of, "all", "\"voxels\":2223");
    n += snprintf(reports + n, sizeof reports - n, of, "plane", "\"plane_um\":10");
    n += snprintf(reports + n, sizeof reports - n, of, "three", "\"voxels\":[0,500,2222]");
    snprintf(reports + n, sizeof reports - n,
             ",\"cells\":{\"population\":\"spiny\",\"receptor\":\"D1\",\"variable\":\"occupancy\","
             "\"neurons\":300},\"bound\":{\"population\":\"spiny\",\"receptor\":\"D1\","
             "\"variable\":\"occupancy\"}");
    snprintf(grid, sizeof grid, SMALL_BOX "\"release_probability\":0.3", 0.036);
    const region r = {40, TWO_SECONDS, 2000, 210, 0.5, 0, 20, 0, grid, 0.5, reports};
    capture c = capture_run(json_of(&r), NULL);
    assert_int_equal(c.n_elements[1], 2223); /* 13 x 19 x 9 */
    assert_int_equal(c.n_elements[2], 247);
    assert_int_equal(c.n_elements[3], 3);
    assert_int_equal(c.n_frames[1], 72);
    for (uint32_t f = 0; f < 72; f++) {
        const float *all = c.frames[1] + f * 2223;
        double mean = 0;
        for (uint32_t i = 0; i < 2223; i++)
            mean += all[i] / 2223.0;
        assert_true(fabs(mean / c.frames[0][7 * f] - 1) < 1e-5);
        assert_memory_equal(all + 2 * 247, c.frames[2] + f * 247, 247 * sizeof *all);
        assert_true(c.frames[3][3 * f] == all[0] && c.frames[3][3 * f + 1] == all[500] &&
                    c.frames[3][3 * f + 2] == all[2222]);
    }
    assert_true(c.frames[1][71 * 2223] != c.frames[1][71 * 2223 + 1]);
    assert_int_equal(c.n_elements[4], 300);
    for (uint32_t f = 0; f < c.n_frames[4]; f++) {
        double mean = 0;
        for (uint32_t i = 0; i < 300; i++)
            mean += c.frames[4][300 * f + i] / 300.0;
        assert_true(fabs(mean - c.frames[5][f]) < 2e-6);
    }
    assert_true(c.frames[4][300 * 499] != c.frames[4][300 * 499 + 1]);
    capture_free(&c);
}

static capture amphetamine_run(const char *part)
{
    char json[1024];
    snprintf(json, sizeof json,
             "{\"schema_version\":1,\"extends\":[\"builtin:configs/circuits/xs.json\",%s"
             "\"builtin:configs/parts/drugs/amphetamine.json\"],\"protocol\":[{\"phase\":\"drug\","
             "\"seconds\":15,\"events\":[{\"at_ms\":1000,\"drug\":\"amphetamine\",\"route\":\"iv\","
             "\"dose_mg_per_kg\":3}]}],\"record\":{\"timeline_interval_ms\":5000}}",
             part);
    return capture_run(json, NULL);
}

/* Stores, reverse transport and autoreceptors of the circuit under a releaser are as in well-mixed compartments, whose
 * level a grid exceeds by some per cent. */
static void test_stores_and_drugs_act_as_in_a_well_mixed_compartment(void **state)
{
    (void)state;
    capture mixed = amphetamine_run("");
    capture grid = amphetamine_run("\"builtin:configs/parts/dopamine_grid.json\",");
    const struct {
        const char *series;
        double tolerance;
    } cases[] = {
        {"dopamine.nac_core.concentration_nM", 0.1},
        {"dopamine.nac_core.transporter_occupancy", 1e-6},
        {"dopamine.nac_core.autoreceptor_activation", 0.05},
        {"dopamine.nac_core.ready_vesicles", 0.01},
        {"dopamine.nac_core.reserve_vesicles", 0.001},
        {"dopamine.nac_core.cytosol_nM", 0.05},
        {"dopamine.nac_core.reverse_transport_nM", 0.05},
        {"dopamine.nac_shell.reverse_transport_nM", 0.05},
        {"nac_core_d1.D1.activation", 0.1},
    };
    assert_true(capture_value(&mixed, "dopamine.nac_core.reverse_transport_nM", 2) > 0.1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double expected = capture_value(&mixed, cases[i].series, 2);
        const double got = capture_value(&grid, cases[i].series, 2);
        if (fabs(got / expected - 1) > cases[i].tolerance)
            fail_msg("%s: %g in the grid, %g well mixed", cases[i].series, got, expected);
    }
    capture_free(&mixed);
    capture_free(&grid);
}

/* --- one result ---------------------------------------------------------------------------------------- */

static void assert_same(const capture *expected, const meso_run_options *options)
{
    capture c = capture_run_file("tests/support/grid.json", "", options);
    assert_int_equal(c.spike_hash, expected->spike_hash);
    assert_int_equal(c.n_rows, expected->n_rows);
    assert_memory_equal(c.rows, expected->rows, c.n_rows * c.n_series * sizeof(double));
    capture_free(&c);
}

static void test_same_however_the_work_is_laid_out(void **state)
{
    (void)state;
    capture expected = capture_run_file("tests/support/grid.json", "", NULL);
    assert_true(capture_value(&expected, "dopamine.nac.concentration_nM", 20) > 20);
    assert_true(capture_value(&expected, "dopamine.shell.concentration_nM", 20) > 20);
    const meso_run_options layouts[] = {
        {.vector_width = 1},
        {.vector_width = 4, .partitions = 1},
        {.vector_width = 8, .partitions = 3},
        {.vector_width = 16, .partitions = 7},
        {.vector_width = 1, .work_group_size = 64},
        {.vector_width = 1, .work_group_size = 2, .partitions = 5},
        {.vector_width = 4, .work_group_size = 16},
        {.schedule = MESO_SCHEDULE_SIDE_BY_SIDE},
    };
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        assert_same(&expected, &layouts[i]);
    meso_device_info *info = &capture_device()->info; /* one spike list for all partitions */
    const bool is_gpu = info->is_gpu;
    info->is_gpu = true;
    assert_same(&expected, &(meso_run_options){.partitions = 3});
    assert_same(&expected,
                &(meso_run_options){.partitions = 5, .work_group_size = 8, .vector_width = 1});
    info->is_gpu = is_gpu;
    capture_free(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_point_source_spreads_as_greens_function),
        cmocka_unit_test(test_all_that_was_released_is_there),
        cmocka_unit_test(test_what_is_gone_was_taken_up),
        cmocka_unit_test(test_grids_too_thin_to_number_are_refused),
        cmocka_unit_test(test_a_cell_binds_what_is_in_its_voxel),
        cmocka_unit_test(test_reports_show_the_voxels),
        cmocka_unit_test(test_an_even_grid_is_well_mixed),
        cmocka_unit_test(test_substeps_converge),
        cmocka_unit_test(test_stores_and_drugs_act_as_in_a_well_mixed_compartment),
        cmocka_unit_test(test_same_however_the_work_is_laid_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
