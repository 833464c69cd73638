/*
 * Cocaine in the brain of the rat after an i.v. bolus, with the rates of Pan, Menacherry & Justice (1991):
 * peak at 2.76 min, terminal half-life 6.42 min (independent solution of the same equations), and the closed
 * form of the two-compartment model at every step.
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

static const double step_s = 0.01;

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
    pharmacokinetics pk;
    pk_begin(&pk, &cocaine, step_s);
    pk_dose(&pk, ROUTE_IV, 2.5);
    for (int i = 1; i <= 60 * 100 * 40; i++) {
        pk_step(&pk);
        const double expected = brain_closed_form_nM(2.5, i * step_s / 60);
        assert_true(fabs(pk_brain_nM(&pk) - expected) <= 1e-9 * expected);
    }
}

static void test_brain_peaks_at_2_76_minutes(void **state)
{
    (void)state;
    pharmacokinetics pk;
    pk_begin(&pk, &cocaine, step_s);
    pk_dose(&pk, ROUTE_IV, 1);
    double peak = 0, peak_min = 0;
    for (int i = 1; i <= 60 * 100 * 10; i++) {
        pk_step(&pk);
        if (pk_brain_nM(&pk) > peak) {
            peak = pk_brain_nM(&pk);
            peak_min = i * step_s / 60;
        }
    }
    assert_true(fabs(peak_min - 2.76) < 0.05);
}

static void test_terminal_half_life_is_6_42_minutes(void **state)
{
    (void)state;
    pharmacokinetics pk;
    pk_begin(&pk, &cocaine, step_s);
    pk_dose(&pk, ROUTE_IV, 1);
    double early = 0, late = 0;
    for (int i = 1; i <= 60 * 100 * 60; i++) {
        pk_step(&pk);
        if (i == 60 * 100 * 50)
            early = pk_brain_nM(&pk);
        late = pk_brain_nM(&pk);
    }
    assert_true(fabs(10 * log(2) / log(early / late) - 6.42) < 0.1);
}

static void test_nothing_is_lost_on_the_way_from_the_depot(void **state)
{
    (void)state;
    pharmacokinetics pk;
    double eliminated = 0;
    pk_begin(&pk, &cocaine, step_s);
    pk_dose(&pk, ROUTE_IP, 10);
    const double given = 10 * 0.8 / 339.8 / 2 * 1e6;
    for (int i = 0; i < 60 * 100 * 200; i++) {
        const double before = pk_plasma_nM(&pk);
        pk_step(&pk);
        eliminated += 0.5 * (before + pk_plasma_nM(&pk)) * 0.468 * step_s / 60;
    }
    double left = 0;
    for (int i = 0; i < PK_STATES; i++)
        left += pk.level_nM[i];
    assert_true(fabs((eliminated + left) / given - 1) < 1e-6);
}

static void test_two_doses_add(void **state)
{
    (void)state;
    pharmacokinetics one, two;
    pk_begin(&one, &cocaine, step_s);
    pk_begin(&two, &cocaine, step_s);
    pk_dose(&one, ROUTE_IV, 1);
    pk_dose(&two, ROUTE_IV, 1);
    pk_dose(&two, ROUTE_IP, 5);
    pharmacokinetics other;
    pk_begin(&other, &cocaine, step_s);
    pk_dose(&other, ROUTE_IP, 5);
    for (int i = 0; i < 10000; i++) {
        pk_step(&one);
        pk_step(&two);
        pk_step(&other);
    }
    assert_true(fabs(pk_brain_nM(&two) - pk_brain_nM(&one) - pk_brain_nM(&other)) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bolus_follows_the_closed_form),
        cmocka_unit_test(test_brain_peaks_at_2_76_minutes),
        cmocka_unit_test(test_terminal_half_life_is_6_42_minutes),
        cmocka_unit_test(test_nothing_is_lost_on_the_way_from_the_depot),
        cmocka_unit_test(test_two_doses_add),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
