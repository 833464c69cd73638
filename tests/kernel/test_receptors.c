/*
 * Receptors and stores as host C against closed forms: binding of one and two ligands, Gaddum's and Schild's laws, the
 * operational model, desensitisation, nicotinic channels, balance of the stores.
 */
#include "mesocl.clh"
#include "math.clh"
#include "layout.clh"
#include "receptors.clh"
#include "terminals.clh"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#define MIN_MS 60000.0

static ligand_entry ligand(uint drug, double K_nM, double k_off_per_s, double efficacy)
{
    return (ligand_entry){.drug = drug,
                          .k_on_per_nM_ms = (float)(k_off_per_s * 1e-3 / K_nM),
                          .k_on_low_per_nM_ms = (float)(k_off_per_s * 1e-3 / K_nM),
                          .k_off_per_ms = (float)(k_off_per_s * 1e-3),
                          .efficacy = (float)efficacy,
                          .desensitisation = (float)efficacy,
                          .internalisation = (float)efficacy,
                          .binds_per_nM = (float)(1 / K_nM),
                          .opens_per_nM = efficacy > 0 ? (float)(1 / K_nM) : 0,
                          .blocks_per_nM = efficacy > 0 ? 0 : (float)(1 / K_nM)};
}

static receptor_entry receptor_of(uint n_ligands)
{
    return (receptor_entry){.kind = MESO_BINDING_RECEPTOR,
                            .n_ligands = n_ligands,
                            .density = 1,
                            .high_affinity_share = 1};
}

static receptor_result settle(const receptor_entry *r, const ligand_entry *ligands, double c_nM,
                              const float *drug_nM, uint n_steps, float *state)
{
    receptor_result result = {0};
    for (uint i = 0; i < n_steps; i++)
        result = receptor_advance(r, ligands, (float)c_nM, drug_nM, 1.0f, state, 1u);
    return result;
}

static void check(const char *what, double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%s: %.9g, expected %.9g +- %.2g", what, got, expected, tolerance);
}

/* --- binding ------------------------------------------------------------------------------------------ */

/* B = c / (c + K) (1 - exp(-k_off (1 + c / K) t)), from milliseconds to ten minutes: the slow set moves 1e-5 a step. */
static void test_one_ligand_binds_as_its_rates_say(void **unused)
{
    (void)unused;
    const struct {
        double K_nM, k_off_per_s, c_nM;
        uint n_steps;
    } sets[] = {{1000, 19.5, 400, 30},
                {7, 0.2, 24, 2000},
                {25, 0.0083, 60, 600000},
                {1.2, 0.0005, 0.3, 600000},
                {15, 1000, 60, 3}};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const ligand_entry l = ligand(MESO_NEVER, sets[i].K_nM, sets[i].k_off_per_s, 1);
        const receptor_entry r = receptor_of(1);
        float state[8] = {0};
        const double x = sets[i].c_nM / sets[i].K_nM;
        const double t_s = sets[i].n_steps * 1e-3;
        const double expected = x / (1 + x) * -expm1(-sets[i].k_off_per_s * (1 + x) * t_s);
        check("bound", settle(&r, &l, sets[i].c_nM, NULL, sets[i].n_steps, state).occupancy,
              expected, 3e-5 * expected);
    }
}

/* Two that compete: dB/dt = A B + s, whose exponential is closed for a matrix of two rows. */
static void two_ligands(const double on[2], const double off[2], double t, double B[2])
{
    const double a = -on[0] - off[0], b = -on[0], c = -on[1], d = -on[1] - off[1];
    const double det = a * d - b * c;
    const double settled[2] = {-(d * on[0] - b * on[1]) / det, -(a * on[1] - c * on[0]) / det};
    const double m = (a + d) / 2, q = sqrt(m * m - det);
    const double cosh_part = (exp((m + q) * t) + exp((m - q) * t)) / 2;
    const double sinh_part = (exp((m + q) * t) - exp((m - q) * t)) / 2 / q;
    for (int i = 0; i < 2; i++) {
        const double own = i == 0 ? a : d, other = i == 0 ? b : c;
        B[i] = settled[i] - cosh_part * settled[i] -
               sinh_part * ((own - m) * settled[i] + other * settled[1 - i]);
    }
}

static void test_two_ligands_compete_as_the_matrix_exponential_says(void **unused)
{
    (void)unused;
    const double K[2] = {7, 1.5}, off_per_s[2] = {0.2, 0.05}, c[2] = {40, 6};
    const ligand_entry l[] = {ligand(MESO_NEVER, K[0], off_per_s[0], 1),
                              ligand(0, K[1], off_per_s[1], 0)};
    const receptor_entry r = receptor_of(2);
    const float drug_nM[] = {(float)c[1]};
    float state[12] = {0};
    const double on[2] = {off_per_s[0] * c[0] / K[0], off_per_s[1] * c[1] / K[1]};
    uint n_steps = 0;
    for (int check_point = 0; check_point < 5; check_point++) {
        const uint n = 1u << (3 * check_point + 2);
        double expected[2];
        settle(&r, l, c[0], drug_nM, n - n_steps, state);
        n_steps = n;
        two_ligands(on, off_per_s, n * 1e-3, expected);
        check("first", state[0], expected[0], 2e-6 + 2e-5 * expected[0]);
        check("second", state[2], expected[1], 2e-6 + 2e-5 * expected[1]);
    }
}

/* Gaddum: B_l = (c_l / K_l) / (1 + sum c / K), whatever the rates, and no step leaves [0, 1]. */
static void test_any_rates_are_stable_and_end_in_gaddums_balance(void **unused)
{
    (void)unused;
    const double off_per_s[] = {1e-1, 1, 1e2, 1e5};
    for (int i = 0; i < 64; i++) {
        const ligand_entry l[] = {ligand(MESO_NEVER, 1000, off_per_s[i % 4], 1),
                                  ligand(0, 0.5, off_per_s[i / 4 % 4], 0.3),
                                  ligand(1, 40, off_per_s[i / 16], 0)};
        const receptor_entry r = receptor_of(3);
        const float drug_nM[] = {2, 1e5f};
        float state[16] = {0};
        for (int step = 0; step < 400000; step++) {
            const receptor_result now = receptor_advance(&r, l, 3000, drug_nM, 1.0f, state, 1u);
            assert_true(now.occupancy >= 0 && now.occupancy <= 1.00001f);
            assert_true(now.activation >= 0 && now.activation <= 1.00001f);
        }
        const double sum = 1 + 3 + 4 + 2500;
        const double of_one = 5e-7; /* what is free is 1 - 0.999 in single precision */
        check("modulator", state[0], 3 / sum, of_one);
        check("partial agonist", state[2], 4 / sum, of_one);
        check("antagonist", state[4], 2500 / sum, 1e-4);
    }
}

/* Receptors side by side take nothing from each other. */
static void test_a_stride_keeps_receptors_apart(void **unused)
{
    (void)unused;
    const ligand_entry l[] = {ligand(MESO_NEVER, 7, 0.2, 1), ligand(0, 1.5, 0.05, 0)};
    const receptor_entry r = receptor_of(2);
    const float drug_nM[] = {3};
    float alone[3][12] = {{0}}, together[3 * 12] = {0};
    for (uint step = 0; step < 500; step++)
        for (uint k = 0; k < 3; k++) {
            const float c = 10.0f * (float)(k + 1);
            const receptor_result a = receptor_advance(&r, l, c, drug_nM, 1.0f, alone[k], 1u);
            const receptor_result b = receptor_advance(&r, l, c, drug_nM, 1.0f, together + k, 3u);
            assert_memory_equal(&a, &b, sizeof a);
        }
}

/* --- what is active ----------------------------------------------------------------------------------- */

/* E = (1 + rho) a / (1 + rho a): none without reserve; morphine-like efficacy 0.4 and rho 5 give 0.8. */
static void test_reserve_makes_a_partial_agonist_nearly_full(void **unused)
{
    (void)unused;
    const ligand_entry l = ligand(0, 1.2, 1, 0.4);
    receptor_entry r = receptor_of(1);
    const float drug_nM[] = {1.2e5f};
    float state[8] = {0};
    check("without", settle(&r, &l, 0, drug_nM, 30, state).activation, 0.4, 1e-4);
    r.reserve = 5;
    check("with", settle(&r, &l, 0, drug_nM, 30, state).activation, 0.8, 1e-4);
    r.density = 0;
    check("knocked out", settle(&r, &l, 0, drug_nM, 30, state).activation, 0, 0);
}

/* Schild: with an antagonist the same effect takes 1 + [antagonist] / K times the agonist, with reserve or not. */
static void test_antagonist_shifts_the_dose_response(void **unused)
{
    (void)unused;
    const ligand_entry l[] = {ligand(0, 1.2, 1, 0.4), ligand(1, 2, 0.5, 0)};
    receptor_entry r = receptor_of(2);
    r.reserve = 5;
    const float without[] = {1.5f, 0}, with[] = {1.5f * (1 + 9), 18};
    float first[12] = {0}, second[12] = {0};
    const double expected = settle(&r, l, 0, without, 60000, first).activation;
    assert_true(expected > 0.3 && expected < 0.8);
    check("shifted", settle(&r, l, 0, with, 60000, second).activation, expected, 1e-5);
}

/* Half has K 7 nM, half 700: an antagonist sees no difference, a full agonist a hundredfold. */
static void test_low_affinity_state(void **unused)
{
    (void)unused;
    ligand_entry l[] = {ligand(MESO_NEVER, 7, 20, 1), ligand(0, 1, 20, 0)};
    receptor_entry r = receptor_of(2);
    l[0].k_on_low_per_nM_ms = l[0].k_on_per_nM_ms / 100;
    r.high_affinity_share = 0.5f;
    const float none[] = {0}, antagonist[] = {1};
    float state[16] = {0}, other[16] = {0};
    check("agonist", settle(&r, l, 70, none, 5000, state).occupancy,
          0.5 * 10 / 11 + 0.5 * 0.1 / 1.1, 1e-5);
    check("antagonist", settle(&r, l, 0, antagonist, 5000, other).occupancy, 0.5, 1e-5);
}

/* Surface <-> desensitised with all bound: D = k_d / (k_d + k_r) (1 - exp(-(k_d + k_r) t)); then recovery alone. */
static void test_desensitisation_and_recovery(void **unused)
{
    (void)unused;
    const ligand_entry l = ligand(MESO_NEVER, 1, 1000, 1);
    receptor_entry r = receptor_of(1);
    r.k_desensitisation_per_ms = (float)(0.4 / MIN_MS);
    r.k_resensitisation_per_ms = (float)(0.04 / MIN_MS);
    float state[8] = {0};
    const double gone = 0.4 / 0.44 * -expm1(-0.44 * 3);
    check("after 3 min", settle(&r, &l, 1e6, NULL, 180000, state).surface, 1 - gone, 2e-4);
    check("after 20 min more", settle(&r, &l, 0, NULL, 1200000, state).surface,
          1 - gone * exp(-0.04 * 20), 3e-4);
}

/* S -> D -> I -> S in a circle: shares in the steady state are as the times spent there, 1 / k. */
static void test_internalisation_goes_round(void **unused)
{
    (void)unused;
    const ligand_entry l = ligand(MESO_NEVER, 1, 1000, 1);
    receptor_entry r = receptor_of(1);
    r.k_desensitisation_per_ms = (float)(40 / MIN_MS);
    r.k_internalisation_per_ms = (float)(20 / MIN_MS);
    r.k_recycling_per_ms = (float)(10 / MIN_MS);
    float state[8] = {0};
    const double S = 1.0 / 40, D = 1.0 / 20, I = 1.0 / 10, sum = S + D + I;
    check("surface", settle(&r, &l, 1e7, NULL, 120000, state).surface, S / sum, 1e-4);
    check("desensitised", state[4], D / sum, 1e-4);
    check("internal", state[6], I / sum, 1e-4);
}

/* --- nicotinic channels --------------------------------------------------------------------------------- */

static receptor_entry a4b2(void)
{
    return (receptor_entry){.kind = MESO_CHANNEL_RECEPTOR,
                            .n_ligands = 2,
                            .density = 1,
                            .hill = 1.05f,
                            .share_opening = (float)-expm1(-1 / 5.0),
                            .desensitisation_hill = 0.5f,
                            .tau_desensitisation_ms = 500,
                            .tau_recovery_ms = 600000,
                            .per_tau_half = 1 / 1.8f,
                            .tau_hill = 3};
}

static void nicotinic_ligands(ligand_entry l[2])
{
    l[0] = ligand(MESO_NEVER, 30000, 1, 1); /* acetylcholine */
    l[1] = ligand(0, 10000, 1, 1);          /* nicotine */
    l[1].desensitises_per_nM = 1 / 61.0f;
}

static void test_alpha4beta2_opens_and_desensitises(void **unused)
{
    (void)unused;
    ligand_entry l[2];
    nicotinic_ligands(l);
    const receptor_entry r = a4b2();
    const float none[] = {0}, puff[] = {500}, low[] = {61};
    float state[8] = {0}, other[8] = {0};
    const double x = pow(0.1, 1.05), y = pow(0.1 + 0.05, 1.05);
    check("acetylcholine", settle(&r, l, 3000, none, 100, state).activation, x / (1 + x), 1e-6);
    /* opening is over in 30 ms, when desensitisation has hardly begun: tau at 500 nM is 6.4 s */
    const double tau_ms = 500 + 600000 / (1 + pow(500 / (61 * 1.8), 3));
    const double desensitised = sqrt(500 / 61.0) / (1 + sqrt(500 / 61.0)) * -expm1(-30 / tau_ms);
    check("nicotine", settle(&r, l, 3000, puff, 30, state).activation,
          y / (1 + y) * (1 - desensitised), 3e-4);
    check("a minute later", settle(&r, l, 3000, puff, 120000, state).surface,
          1 / (1 + sqrt(500 / 61.0)), 1e-4);
    check("half", settle(&r, l, 0, low, 10000000, other).surface, 0.5, 1e-3);
}

/* Without nicotine it takes 600 s, not the 6 s that the published code computes. */
static void test_alpha4beta2_recovers_in_ten_minutes(void **unused)
{
    (void)unused;
    ligand_entry l[2];
    nicotinic_ligands(l);
    const receptor_entry r = a4b2();
    const float none[] = {0};
    float state[8] = {0};
    state[2] = 0.8f;
    check("after 600.5 s", 1 - settle(&r, l, 0, none, 600500, state).surface, 0.8 * exp(-1), 1e-4);
}

/* Nicotine-like ligands of efficacy e beside acetylcholine, none of which desensitises. */
static double open_at(double ach_nM, double drug_nM, double efficacy)
{
    ligand_entry l[] = {ligand(MESO_NEVER, 30000, 1, 1), ligand(0, 10000, 1, efficacy)};
    const receptor_entry r = a4b2();
    const float levels[] = {(float)drug_nM};
    float state[8] = {0};
    return settle(&r, l, ach_nM, levels, 200, state).activation;
}

/* Ligands of the same sites: S = sum c / EC50 of agonists over 1 + c / K_i of antagonists, open = mean efficacy
 * S^n / (1 + S^n). A partial agonist alone opens its share; on top of a full one it takes away. */
static void test_partial_agonists_of_a_channel_compete(void **unused)
{
    (void)unused;
    check("alone", open_at(0, 1e9, 0.2), 0.2, 1e-4);
    const double levels[][2] = {{3000, 500}, {30000, 10000}, {1e6, 1e5}, {1e6, 1e8}, {0, 10000}};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        const double a = levels[i][0] / 30000, d = levels[i][1] / 10000, x = pow(a + d, 1.05);
        check("together", open_at(levels[i][0], levels[i][1], 0.2),
              (a + 0.2 * d) / (a + d) * x / (1 + x), 1e-6);
    }
    assert_true(open_at(1e6, 1e6, 0.2) < open_at(1e6, 0, 0.2));
    assert_true(open_at(1000, 1000, 0.2) > open_at(1000, 0, 0.2));
    check("full", open_at(1e5, 1e5, 1), 1 / (1 + pow(1e5 / 30000 + 10, -1.05)), 1e-6);
    check("nothing", open_at(0, 0, 0.2), 0, 0);
}

/* Schild: with an antagonist the same opening takes 1 + [antagonist] / K_i times the acetylcholine. */
static void test_antagonist_of_a_channel_is_overcome(void **unused)
{
    (void)unused;
    const double x = pow(0.5 / 10, 1.05);
    check("blocked", open_at(15000, 90000, 0), x / (1 + x), 1e-6);
    check("overcome", open_at(150000, 90000, 0), open_at(15000, 0, 0), 1e-6);
}

/* --- effects -------------------------------------------------------------------------------------------- */

/* Receptors of a density above 1 may be active above 1: what they take away is never more than all. */
static void test_nothing_is_released_backwards(void **unused)
{
    (void)unused;
    const compartment_entry m = {.autoreceptor = MESO_NEVER,
                                 .pulse = MESO_NEVER,
                                 .terminal = MESO_NEVER,
                                 .n_effects = 2,
                                 .release_nM = 1,
                                 .V_max_nM_per_ms = 2,
                                 .K_m_nM = 210};
    const effect_entry effects[] = {{.bound = 5, .scale = -1}, {.bound = 6, .scale = -0.5f}};
    float field[7] = {10, [5] = 3, [6] = 0.5f};
    const compartment_now now = compartment_look(&m, NULL, NULL, NULL, effects, NULL, field, NULL);
    assert_true(now.gain == 0);
    field[5] = 0.25f;
    check("both", compartment_look(&m, NULL, NULL, NULL, effects, NULL, field, NULL).gain,
          0.75 * 0.75, 0);
    effect_sum sum = {1, 0};
    effect_add(&sum, -1, 2, 3);
    assert_true(sum.scale == 0 && sum.add == 6);
    effect_add(&sum, 0.5f, 1, 1);
    assert_true(sum.scale == 0 && sum.add == 10);
}

/* --- stores --------------------------------------------------------------------------------------------- */

typedef struct stores {
    compartment_entry m;
    terminal_entry t;
    float field[MESO_FIELDS_WITH_STORES], states[6];
} stores;

/* NAc-like, with one spike in every step: V_max 1500 nM/s, K_m 160 nM, at rest 65 nM outside. */
static stores stores_at_rest(void)
{
    const double rest = 65, lost = 0.04 * rest, released = 1500 * rest / (160 + rest) + lost;
    const double ready_share = 1 / (1 + 0.05 * 2 * released / 200);
    const double full = 200 / (0.05 * ready_share);
    return (stores){
        .m = {.concentration = 0,
              .autoreceptor = MESO_NEVER,
              .pulse = MESO_NEVER,
              .n_blocks = 1,
              .n_enzymes = 1,
              .terminal = 0,
              .release_nM = (float)(released * 1e-3),
              .V_max_nM_per_ms = 1.5f,
              .K_m_nM = 160,
              .k_loss_per_ms = 0.04e-3f},
        .t = {.per_ready_nM = (float)(1 / (ready_share * full)),
              .per_reserve_nM = 1e-5f,
              .ready_full_nM = (float)full,
              .share_ready = (float)-expm1(-1e-3 / 2),
              .V_vmat_per_ms = (float)((1e-4 * 1e5 + released) * (200 + 50) / 50 * 1e-3),
              .K_vmat_nM = 200,
              .V_reverse_per_ms = 0.45f,
              .K_reverse_nM = 50,
              .k_leak_per_ms = 1e-7f,
              .k_emptying_per_ms = 6e-6f,
              .synthesis_per_ms = (float)((lost + 0.2 * 50) * 1e-3)},
        .field = {65},
        .states = {(float)(ready_share * full), 0, 1e5f, 0, 50, 0},
    };
}

static const block_entry releaser = {
    .drug = 0, .per_nM = 1 / 600.0f, .vesicle_per_nM = 1 / 1000.0f, .reverse_per_nM = 1 / 500.0f};

static const enzyme_entry mao = {.place = MESO_CYTOSOL, .k_per_ms = 0.2e-3f};

static void stores_run(stores *s, double drug_nM, uint n_steps)
{
    const float levels[] = {(float)drug_nM};
    for (uint i = 0; i < n_steps; i++)
        compartment_step(&s->m, 1, &s->t, &mao, &releaser, NULL, levels, 1.0f, s->field, s->states);
}

static double stores_total(const stores *s)
{
    double total = (double)s->field[0] + s->field[MESO_FIELD_REVERSE];
    for (int i = 0; i < 6; i++)
        total += s->states[i];
    return total;
}

static void test_stores_stay_as_they_are_at_rest(void **unused)
{
    (void)unused;
    stores s = stores_at_rest();
    stores_run(&s, 0, 600000);
    check("outside", s.field[0], 65, 0.1);
    check("ready", s.field[MESO_FIELD_READY], 1, 1e-3);
    check("reserve", s.field[MESO_FIELD_RESERVE], 1, 1e-3);
    check("cytosol", s.field[MESO_FIELD_CYTOSOL], 50, 0.2);
}

/* Without loss, enzymes and synthesis the sum of all places is what it was. */
static void test_nothing_is_lost_between_the_stores(void **unused)
{
    (void)unused;
    stores s = stores_at_rest();
    s.m.k_loss_per_ms = 0;
    s.m.n_enzymes = 0;
    s.t.synthesis_per_ms = 0;
    const double before = stores_total(&s);
    stores_run(&s, 3000, 600000);
    check("total", stores_total(&s) / before, 1, 1e-6);
    assert_true(s.field[0] > 300);
}

/* Efflux builds up while vesicles empty; without transporters they empty all the same, and nothing comes out. */
static void test_a_releaser_needs_the_transporter(void **unused)
{
    (void)unused;
    stores with = stores_at_rest(), without = stores_at_rest(), untreated = stores_at_rest();
    without.m.V_max_nM_per_ms = untreated.m.V_max_nM_per_ms = 0;
    without.t.V_reverse_per_ms = 0;
    stores_run(&with, 3000, 120000);
    assert_true(with.field[0] > 5 * 65);
    assert_true(with.field[MESO_FIELD_REVERSE] > 0.1f);
    stores_run(&without, 3000, 120000);
    stores_run(&untreated, 0, 120000);
    assert_true(without.field[0] <= untreated.field[0]);
    assert_true(without.field[MESO_FIELD_REVERSE] == 0);
    assert_true(without.states[2] < untreated.states[2] - 2000);
}

/* --- firing patterns -------------------------------------------------------------------------------------- */

typedef struct occupancies {
    double D1, D2, D1_in_bursts, D2_in_pauses;
} occupancies;

/* Means over 20 cycles of 2 s in NAc (51.24 nM per spike of all axons): 4 Hz throughout, or 8 spikes at 20 Hz, then
 * none. */
static occupancies mean_occupancies(int phasic, const ligand_entry D[2])
{
    const compartment_entry m = {.autoreceptor = MESO_NEVER,
                                 .pulse = MESO_NEVER,
                                 .terminal = MESO_NEVER,
                                 .release_nM = 51.24f / 1000,
                                 .V_max_nM_per_ms = 2,
                                 .K_m_nM = 210};
    const receptor_entry r = receptor_of(1);
    float field[MESO_FIELDS_OUTSIDE] = {24}, state[2][8] = {{0}};
    occupancies mean = {0};
    for (uint step = 0; step < 40000; step++) {
        const uint in_cycle = step % 2000;
        const int volley = in_cycle < 400 && in_cycle % 50 == 0;
        compartment_step(&m, phasic ? 1000u * (uint)volley : 4u, NULL, NULL, NULL, NULL, NULL, 1.0f,
                         field, NULL);
        double B[2];
        for (int i = 0; i < 2; i++)
            B[i] = receptor_advance(&r, &D[i], field[0], NULL, 1.0f, state[i], 1u).occupancy;
        if (step < 10000)
            continue;
        mean.D1 += B[0] / 30000;
        mean.D2 += B[1] / 30000;
        mean.D1_in_bursts += in_cycle < 400 ? B[0] / 6000 : 0;
        mean.D2_in_pauses += in_cycle >= 1000 ? B[1] / 15000 : 0;
    }
    return mean;
}

/* A15 (Dreyer et al. 2010, J Neurosci 30:14273, receptors in balance at every moment: CLASSIC): phasic firing of the same
 * mean rate lowers mean D2 and raises mean D1; bursts mainly move D1, pauses lower D2. Receptors that hold dopamine for
 * seconds (FAST: D2) bind in bursts faster than they let go in pauses, so their mean does not fall. */
static void test_phasic_firing_raises_D1_and_lowers_D2(void **unused)
{
    (void)unused;
    const ligand_entry classic[] = {ligand(MESO_NEVER, 1000, 1000, 1),
                                    ligand(MESO_NEVER, 15, 1000, 1)};
    const ligand_entry fast[] = {ligand(MESO_NEVER, 1000, 19.5, 1), ligand(MESO_NEVER, 7, 0.2, 1)};
    const occupancies tonic = mean_occupancies(0, classic), phasic = mean_occupancies(1, classic);
    assert_true(phasic.D1 > 1.2 * tonic.D1);
    assert_true(phasic.D2 < 0.9 * tonic.D2);
    assert_true(phasic.D1_in_bursts > 3 * tonic.D1);
    assert_true(phasic.D2_in_pauses < 0.7 * tonic.D2);
    const occupancies before = mean_occupancies(0, fast), after = mean_occupancies(1, fast);
    assert_true(after.D1 > 1.2 * before.D1);
    assert_true(after.D1_in_bursts > 3 * before.D1);
    assert_true(after.D2_in_pauses < before.D2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_ligand_binds_as_its_rates_say),
        cmocka_unit_test(test_two_ligands_compete_as_the_matrix_exponential_says),
        cmocka_unit_test(test_any_rates_are_stable_and_end_in_gaddums_balance),
        cmocka_unit_test(test_a_stride_keeps_receptors_apart),
        cmocka_unit_test(test_reserve_makes_a_partial_agonist_nearly_full),
        cmocka_unit_test(test_antagonist_shifts_the_dose_response),
        cmocka_unit_test(test_low_affinity_state),
        cmocka_unit_test(test_desensitisation_and_recovery),
        cmocka_unit_test(test_internalisation_goes_round),
        cmocka_unit_test(test_alpha4beta2_opens_and_desensitises),
        cmocka_unit_test(test_alpha4beta2_recovers_in_ten_minutes),
        cmocka_unit_test(test_partial_agonists_of_a_channel_compete),
        cmocka_unit_test(test_antagonist_of_a_channel_is_overcome),
        cmocka_unit_test(test_nothing_is_released_backwards),
        cmocka_unit_test(test_stores_stay_as_they_are_at_rest),
        cmocka_unit_test(test_nothing_is_lost_between_the_stores),
        cmocka_unit_test(test_a_releaser_needs_the_transporter),
        cmocka_unit_test(test_phasic_firing_raises_D1_and_lowers_D2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
