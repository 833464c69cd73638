/*
 * Cocaine in the brain of the rat after an i.v. bolus, with the rates of Pan, Menacherry & Justice (1991):
 * peak at 2.76 min, terminal half-life 6.42 min (independent solution of the same equations), and the closed
 * form of the two-compartment model at every step. Then what holds for any drug: nothing is lost, doses add, long
 * steps end where short ones do. tests/protocol compares whole schedules with SciPy.
 */
#include "protocol/pharmacokinetics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const drug cocaine = {
    .name = "cocaine",
    .molar_mass_g_per_mol = 339.8,
    .V_d_L_per_kg = 2,
    .k_elimination_per_min = 0.468,
    .k_to_brain_per_min = 0.3,
    .k_from_brain_per_min = 0.198,
    .unbound_fraction = 1,
    .routes = {[ROUTE_IV] = {true, 1, 0}, [ROUTE_IP] = {true, 0.8, 0.15}},
};

/* A parent with a periphery, a metabolite in a volume of its own, and one that leaves by a saturable path. */
static const drug_metabolite of_parent[] = {{.drug = 1, .k_per_min = 0.2, .yield = 0.7}};
static const drug_metabolite of_middle[] = {{.drug = 2, .k_per_min = 0.05, .yield = 2}};
static const drug chain[] = {
    {.name = "parent",
     .molar_mass_g_per_mol = 300,
     .V_d_L_per_kg = 2,
     .k_to_peripheral_per_min = 0.1,
     .k_from_peripheral_per_min = 0.02,
     .brain_to_plasma = 3,
     .unbound_fraction = 0.5,
     .routes = {[ROUTE_SC] = {true, 0.9, 0.05}},
     .metabolites = of_parent,
     .n_metabolites = 1},
    {.name = "middle",
     .molar_mass_g_per_mol = 250,
     .V_d_L_per_kg = 5,
     .k_elimination_per_min = 0.01,
     .brain_to_plasma = 1,
     .k_brain_equilibration_per_min = 0.3,
     .unbound_fraction = 1,
     .metabolites = of_middle,
     .n_metabolites = 1},
    {.name = "last",
     .molar_mass_g_per_mol = 200,
     .V_d_L_per_kg = 1,
     .V_max_elimination_mg_per_kg_per_h = 2,
     .K_m_elimination_nM = 500,
     .k_to_brain_per_min = 0.1,
     .k_from_brain_per_min = 0.1,
     .unbound_fraction = 1},
};

static const double step_s = 0.01;
static arena *memory;

static int begin(void **state)
{
    (void)state;
    memory = arena_create();
    return memory == NULL;
}

static int end(void **state)
{
    (void)state;
    arena_destroy(&memory);
    return 0;
}

static pharmacokinetics *create(const drug *drugs, uint32_t n_drugs, double with_step_s)
{
    pharmacokinetics *pk = NULL;
    meso_error err;
    assert_int_equal(pk_create(drugs, n_drugs, with_step_s, memory, &pk, &err), MESO_OK);
    return pk;
}

static void steps(pharmacokinetics *pk, int n)
{
    for (int i = 0; i < n; i++)
        pk_step(pk);
}

static void assert_close(double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * fabs(expected)))
        fail_msg("%.17g is not %.17g, relative %g", value, expected, value / expected - 1);
}

/* --- cocaine ---------------------------------------------------------------------------------- */

/* Eigenvalues of the plasma-brain pair, per minute. */
static void eigenvalues(double *fast, double *slow)
{
    const double leaves = cocaine.k_elimination_per_min + cocaine.k_to_brain_per_min;
    const double back = cocaine.k_from_brain_per_min;
    const double middle = (leaves + back) / 2;
    const double root = sqrt(middle * middle - cocaine.k_elimination_per_min * back);
    *fast = middle + root;
    *slow = middle - root;
}

static double brain_closed_form_nM(double dose_mg_per_kg, double t_min)
{
    double fast, slow;
    eigenvalues(&fast, &slow);
    const double plasma_nM = dose_mg_per_kg / 339.8 / 2 * 1e6;
    return plasma_nM * 0.3 / (fast - slow) * (exp(-slow * t_min) - exp(-fast * t_min));
}

static void test_bolus_follows_the_closed_form(void **state)
{
    (void)state;
    pharmacokinetics *pk = create(&cocaine, 1, step_s);
    pk_dose(pk, 0, ROUTE_IV, 2.5);
    for (int i = 1; i <= 60 * 100 * 40; i++) {
        pk_step(pk);
        assert_close(pk_brain_nM(pk, 0), brain_closed_form_nM(2.5, i * step_s / 60), 1e-9);
    }
}

static void test_brain_peaks_at_2_76_minutes(void **state)
{
    (void)state;
    pharmacokinetics *pk = create(&cocaine, 1, step_s);
    pk_dose(pk, 0, ROUTE_IV, 1);
    double peak = 0, peak_min = 0;
    for (int i = 1; i <= 60 * 100 * 10; i++) {
        pk_step(pk);
        if (pk_brain_nM(pk, 0) > peak) {
            peak = pk_brain_nM(pk, 0);
            peak_min = i * step_s / 60;
        }
    }
    assert_true(fabs(peak_min - 2.76) < 0.05);
}

static void test_terminal_half_life_is_6_42_minutes(void **state)
{
    (void)state;
    pharmacokinetics *pk = create(&cocaine, 1, step_s);
    pk_dose(pk, 0, ROUTE_IV, 1);
    steps(pk, 60 * 100 * 50);
    const double early = pk_brain_nM(pk, 0);
    steps(pk, 60 * 100 * 10);
    assert_true(fabs(10 * log(2) / log(early / pk_brain_nM(pk, 0)) - 6.42) < 0.1);
}

static void test_nothing_is_lost_on_the_way_from_the_depot(void **state)
{
    (void)state;
    pharmacokinetics *pk = create(&cocaine, 1, step_s);
    double eliminated = 0;
    pk_dose(pk, 0, ROUTE_IP, 10);
    const double given = 10 * 0.8 / 339.8 / 2 * 1e6;
    for (int i = 0; i < 60 * 100 * 200; i++) {
        const double before = pk_plasma_nM(pk, 0);
        pk_step(pk);
        eliminated += 0.5 * (before + pk_plasma_nM(pk, 0)) * 0.468 * step_s / 60;
    }
    assert_close(eliminated + pk_body_nM(pk, 0), given, 1e-6);
}

static void test_two_doses_add(void **state)
{
    (void)state;
    pharmacokinetics *one = create(&cocaine, 1, step_s), *two = create(&cocaine, 1, step_s);
    pharmacokinetics *other = create(&cocaine, 1, step_s);
    pk_dose(one, 0, ROUTE_IV, 1);
    pk_dose(two, 0, ROUTE_IV, 1);
    pk_dose(two, 0, ROUTE_IP, 5);
    pk_dose(other, 0, ROUTE_IP, 5);
    steps(one, 10000);
    steps(two, 10000);
    steps(other, 10000);
    assert_true(fabs(pk_brain_nM(two, 0) - pk_brain_nM(one, 0) - pk_brain_nM(other, 0)) < 1e-9);
}

static void test_an_infusion_reaches_the_steady_state(void **state)
{
    (void)state;
    pharmacokinetics *pk = create(&cocaine, 1, 0.1);
    pk_infuse(pk, 0, ROUTE_IV, 3);
    steps(pk, 600 * 300);
    const double in_nM_per_min = 3.0 / 60 / 339.8 / 2 * 1e6;
    assert_close(pk_plasma_nM(pk, 0), in_nM_per_min / 0.468, 1e-9);
    assert_close(pk_brain_nM(pk, 0), in_nM_per_min / 0.468 * 0.3 / 0.198, 1e-9);
}

static void test_infusions_that_overlap_end_in_nothing(void **state)
{
    (void)state;
    pharmacokinetics *pk = create(&cocaine, 1, 1);
    pk_infuse(pk, 0, ROUTE_IV, 0.1);
    pk_infuse(pk, 0, ROUTE_IV, 0.7);
    steps(pk, 60);
    pk_infuse(pk, 0, ROUTE_IV, -0.1);
    pk_infuse(pk, 0, ROUTE_IV, -0.7);
    steps(pk, 3600 * 24);
    assert_true(pk_plasma_nM(pk, 0) == 0 && pk_brain_nM(pk, 0) == 0);
}

/* --- chains ----------------------------------------------------------------------------------- */

static void test_long_steps_end_where_short_ones_do(void **state)
{
    (void)state;
    pharmacokinetics *with_short = create(chain, 3, 0.1), *with_long = create(chain, 3, 600);
    pk_dose(with_short, 0, ROUTE_SC, 10);
    pk_dose(with_long, 0, ROUTE_SC, 10);
    for (int i = 0; i < 12; i++) {
        steps(with_short, 6000);
        pk_step(with_long);
        for (uint32_t d = 0; d < 3; d++) {
            assert_close(pk_plasma_nM(with_long, d), pk_plasma_nM(with_short, d), 1e-7);
            assert_close(pk_brain_nM(with_long, d), pk_brain_nM(with_short, d), 1e-7);
        }
    }
}

/* In molecules per body mass, of which a molecule of the middle one counts 1 / 0.7 parents, and so on. */
static void test_a_chain_loses_no_molecules(void **state)
{
    (void)state;
    pharmacokinetics *pk = create(chain, 3, 1);
    const double given_nmol = 10 * 0.9 / 300 * 1e6, V_max_nM_per_min = 2.0 / 200 / 1 * 1e6 / 60;
    double gone_nmol = 0;
    pk_dose(pk, 0, ROUTE_SC, 10);
    for (int i = 0; i < 3600 * 6; i++) {
        /* Simpson's rule over two steps */
        static const double weights[] = {1. / 3, 4. / 3, 1. / 3};
        for (int k = 0; k < 3; k++) {
            const double middle = pk_plasma_nM(pk, 1), last = pk_plasma_nM(pk, 2);
            const double left_min = 0.01 * 5 * middle / 0.7;
            const double burnt_min = V_max_nM_per_min * last / (500 + last) * 1 / (0.7 * 2);
            gone_nmol += weights[k] / 60 * (left_min + burnt_min);
            if (k < 2)
                pk_step(pk);
        }
    }
    const double left_nmol = pk_body_nM(pk, 0) * 2 + pk_body_nM(pk, 1) * 5 / 0.7 +
                             pk_body_nM(pk, 2) * 1 / (0.7 * 2);
    assert_close(left_nmol + gone_nmol, given_nmol, 1e-8);
}

static void test_what_is_saturated_falls_along_a_line(void **state)
{
    (void)state;
    const drug ethanol = {.name = "ethanol",
                          .molar_mass_g_per_mol = 46.07,
                          .V_d_L_per_kg = 0.68,
                          .V_max_elimination_mg_per_kg_per_h = 300,
                          .K_m_elimination_nM = 1,
                          .brain_to_plasma = 1,
                          .unbound_fraction = 1,
                          .routes = {[ROUTE_IV] = {true, 1, 0}}};
    pharmacokinetics *pk = create(&ethanol, 1, 60);
    pk_dose(pk, 0, ROUTE_IV, 1000);
    steps(pk, 60);
    assert_close(pk_brain_nM(pk, 0), 700 / 46.07 / 0.68 * 1e6, 1e-6);
    steps(pk, 60 * 3);
    assert_true(pk_brain_nM(pk, 0) < 1e-6); /* 1000 mg last 3 h 20 min */
}

static void test_drugs_of_other_families_do_not_feel_it(void **state)
{
    (void)state;
    const drug three[] = {chain[1], cocaine, chain[2]};
    drug two_and_other[3] = {three[0], three[1], three[2]};
    pharmacokinetics *alone = create(&cocaine, 1, step_s);
    pharmacokinetics *among = create(two_and_other, 3, step_s); /* the metabolite is drug 2 */
    pk_dose(alone, 0, ROUTE_IP, 3);
    pk_dose(among, 1, ROUTE_IP, 3);
    steps(alone, 5000);
    steps(among, 5000);
    assert_true(pk_brain_nM(alone, 0) == pk_brain_nM(among, 1));
    assert_true(pk_brain_nM(among, 0) == 0 && pk_brain_nM(among, 2) == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bolus_follows_the_closed_form),
        TEST(test_brain_peaks_at_2_76_minutes),
        TEST(test_terminal_half_life_is_6_42_minutes),
        TEST(test_nothing_is_lost_on_the_way_from_the_depot),
        TEST(test_two_doses_add),
        TEST(test_an_infusion_reaches_the_steady_state),
        TEST(test_infusions_that_overlap_end_in_nothing),
        TEST(test_long_steps_end_where_short_ones_do),
        TEST(test_a_chain_loses_no_molecules),
        TEST(test_what_is_saturated_falls_along_a_line),
        TEST(test_drugs_of_other_families_do_not_feel_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
