/*
 * Dopamine, released by spikes of the network, against steady states and transients of the same equations solved
 * elsewhere: in a well-mixed compartment, and as the mean over a grid of voxels.
 *
 * The source cells fire once per input event and never by themselves, so that release is known: each Poisson
 * event is a spike (4 Hz background), and a current pulse fires all cells at once.
 */
#include "capture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define RELAY                                                                                      \
    "\"cells\":{\"relay\":{\"model\":\"izhikevich\",\"parameters\":{\"C_pF\":1,\"k_nS_per_mV\":1," \
    "\"vr_mV\":-60,\"vt_mV\":-40,\"vpeak_mV\":30,\"a_per_ms\":1,\"b_nS\":0,\"c_mV\":-60,"          \
    "\"d_pA\":0,\"I0_pA\":0},\"conductances\":{\"ampa\":{\"kind\":\"exponential\","                \
    "\"tau_decay_ms\":0.1,\"E_mV\":0}}}},"                                                         \
    "\"populations\":{\"axons\":{\"cell\":\"relay\",\"region\":\"nac\",\"n_neurons\":4000},"       \
    "\"spiny\":{\"cell\":\"relay\",\"region\":\"nac\",\"n_neurons\":500}},"

#define BACKGROUND                                                                                 \
    "{\"kind\":\"poisson\",\"target\":\"axons\",\"rate_hz\":4,\"receptors\":{\"ampa\":1},"         \
    "\"weight_nS\":5"

typedef struct uptake {
    double release_nM, V_max_nM_per_s, K_m_nM, k_loss_per_s, alpha;
    double burst_hz; /* 0: none */
    int burst_n;
    int seconds;
    double density_per_um3; /* of varicosities in a grid of 128 um; 0: well mixed */
    double voxel_um;
    const char *rates_hz; /* of the background, in place of 4 Hz */
} uptake;

static const char *grid_of(const uptake *u)
{
    static char grid[512];
    if (u->density_per_um3 == 0)
        return "";
    snprintf(
        grid, sizeof grid,
        ",\"grid\":{\"voxel_um\":%g,\"size_um\":%g,\"D_free_um2_per_s\":763,\"tortuosity\":1.54,"
        "\"volume_fraction\":0.21,\"density_per_um3\":%g,\"quantum_molecules\":3000}",
        u->voxel_um, 128 - fmod(128, u->voxel_um), u->density_per_um3);
    return grid;
}

static capture run(const uptake *u)
{
    char json[8192], stimuli[4096] = "\"background\":" BACKGROUND "}";
    const double burst_ms = u->burst_n > 0 ? u->burst_n * 1000 / u->burst_hz : 0;
    if (u->burst_n > 0) /* in place of the background */
        snprintf(stimuli, sizeof stimuli,
                 "\"before\":" BACKGROUND ",\"stop_ms\":2000},\"after\":" BACKGROUND
                 ",\"start_ms\":%g},\"burst\":{\"kind\":\"pulses\",\"target\":\"axons\","
                 "\"amplitude_pA\":300,\"start_ms\":2000,\"width_ms\":0.1,\"period_ms\":%g,"
                 "\"stop_ms\":%g}",
                 2000 + burst_ms, 1000 / u->burst_hz, 1999 + burst_ms);
    if (u->rates_hz != NULL)
        snprintf(stimuli, sizeof stimuli,
                 "\"background\":{\"kind\":\"poisson\",\"target\":\"axons\",\"rates_hz\":[%s],"
                 "\"receptors\":{\"ampa\":1},\"weight_nS\":5}",
                 u->rates_hz);
    snprintf(
        json, sizeof json,
        "{\"schema_version\":1,\"seed\":1," RELAY "\"stimuli\":{%s},"
        "\"receptors\":{\"auto\":{\"modulator\":\"dopamine\",\"K_d_nM\":100,\"k_off_per_s\":0.3},"
        "\"D1\":{\"modulator\":\"dopamine\",\"K_d_nM\":1000,\"k_off_per_s\":10000},"
        "\"D2\":{\"modulator\":\"dopamine\",\"K_d_nM\":10,\"k_off_per_s\":10000}},"
        "\"modulators\":{\"dopamine\":{\"compartments\":{\"nac\":{\"source\":\"axons\","
        "\"release_nM\":%g,\"axonal_delay_ms\":7,\"V_max_nM_per_s\":%g,\"K_m_nM\":%g,"
        "\"k_loss_per_s\":%g,\"autoreceptor\":\"auto\",\"autoreceptor_alpha\":%g,"
        "\"initial_nM\":40%s}}}},"
        "\"protocol\":[{\"phase\":\"all\",\"seconds\":%d}],"
        "\"record\":{\"timeline_interval_ms\":1000,\"reports\":{\"c\":{\"modulator\":\"dopamine\","
        "\"region\":\"nac\",\"variable\":\"concentration_nM\",\"interval_ms\":1},"
        "\"d1\":{\"population\":\"spiny\",\"receptor\":\"D1\",\"variable\":\"occupancy\"},"
        "\"d2\":{\"population\":\"spiny\",\"receptor\":\"D2\",\"variable\":\"occupancy\"}}}}",
        stimuli, u->release_nM, u->V_max_nM_per_s, u->K_m_nM, u->k_loss_per_s, u->alpha, grid_of(u),
        u->seconds);
    return capture_run(json, NULL);
}

static double mean_from(const capture *c, const char *series, uint32_t first_row)
{
    double sum = 0;
    for (uint32_t row = first_row; row < c->n_rows; row++)
        sum += capture_value(c, series, row);
    return sum / (c->n_rows - first_row);
}

/* A12: c = K_m R / (V_max - R) at the rate R at which the axons did release; at 4 Hz 8.29 (dorsal), 23.98 (NAc),
 * 35.45 nM (Dreyer et al. 2010 density). The mean over a grid is above it, because uptake around a vesicle is closer
 * to its maximum, the more the faster it is: by what is asserted here, which for the dorsal set is more than the 10 % of
 * A12 (12 % with voxels of 1 um). The bands are those of one seed around what voxels of 4 um give. */
static void test_tonic_level_is_the_analytic_one(void **state)
{
    (void)state;
    const struct {
        uptake u;
        double at_4_hz_nM, above, band;
    } sets[] = {
        {{56.93, 6000, 210, 0, 0, 0, 0, 20, 0, 0, NULL}, 8.29, 0, 0.002},
        {{51.24, 2000, 210, 0, 0, 0, 0, 20, 0, 0, NULL}, 23.98, 0, 0.002},
        {{148.03, 4100, 210, 0, 0, 0, 0, 20, 0, 0, NULL}, 35.45, 0, 0.002},
        {{56.93, 6000, 210, 0, 0, 0, 0, 20, 0.04, 4, NULL}, 8.29, 0.107, 0.01},
        {{51.24, 2000, 210, 0, 0, 0, 0, 20, 0.036, 4, NULL}, 23.98, 0.038, 0.01},
        {{148.03, 4100, 210, 0, 0, 0, 0, 20, 0.104, 4, NULL}, 35.45, 0.067, 0.01},
    };
    for (int i = 0; i < 6; i++) {
        const uptake *u = &sets[i].u;
        const double R4 = 4 * u->release_nM;
        assert_true(fabs(u->K_m_nM * R4 / (u->V_max_nM_per_s - R4) / sets[i].at_4_hz_nM - 1) <
                    0.001);
        capture c = run(u);
        const double R = u->release_nM * mean_from(&c, "rate.axons_hz", 5);
        const double expected = u->K_m_nM * R / (u->V_max_nM_per_s - R);
        const double got = mean_from(&c, "dopamine.nac.concentration_nM", 5);
        if (fabs(got / expected - 1 - sets[i].above) > sets[i].band)
            fail_msg("set %d: %.3f nM, %.3f times the analytic %.3f", i, got, got / expected,
                     expected);
        capture_free(&c);
    }
}

/* Root of release = uptake + loss with the terminal autoreceptor, by bisection. */
static double steady_nM(const uptake *u, double rate_hz)
{
    double low = 0, high = 2000;
    for (int i = 0; i < 100; i++) {
        const double c = (low + high) / 2;
        const double gain = 1 / (1 + u->alpha * c / (c + 100));
        const double net = u->release_nM * rate_hz * gain -
                           u->V_max_nM_per_s * c / (u->K_m_nM + c) - u->k_loss_per_s * c;
        *(net > 0 ? &low : &high) = c;
    }
    return low;
}

/* A13: terminal feedback; 55.5 nM at 4 Hz (VTA set), 42.7 (SNc set), 150 and 259 with K_m times 4 and 8. These
 * levels come from a model whose loss beside uptake is a constant 0.04 nM/s: none, to 0.4 %. In a grid the level is
 * above, as in A12, by more than the 2 % of A13 for the VTA and the SNc set; the bands are those of one seed. */
static void test_autoreceptors_hold_the_level(void **state)
{
    (void)state;
    const struct {
        uptake u;
        double at_4_hz_nM, above, band;
    } sets[] = {
        {{200, 1500, 160, 0, 3, 0, 0, 40, 0, 0, NULL}, 55.5, 0, 0.002},
        {{400, 4000, 160, 0, 3, 0, 0, 40, 0, 0, NULL}, 42.7, 0, 0.002},
        {{200, 1500, 160 * 4, 0, 3, 0, 0, 40, 0, 0, NULL}, 150, 0, 0.002},
        {{200, 1500, 160 * 8, 0, 3, 0, 0, 40, 0, 0, NULL}, 259, 0, 0.002},
        {{200, 1500, 160, 0, 3, 0, 0, 40, 0.036, 4, NULL}, 55.5, 0.025, 0.01},
        {{400, 4000, 160, 0, 3, 0, 0, 40, 0.04, 4, NULL}, 42.7, 0.063, 0.01},
        {{200, 1500, 160 * 4, 0, 3, 0, 0, 40, 0.036, 4, NULL}, 150, 0.002, 0.01},
        {{200, 1500, 160 * 8, 0, 3, 0, 0, 40, 0.036, 4, NULL}, 259, 0, 0.01},
    };
    for (int i = 0; i < 8; i++) {
        const uptake *u = &sets[i].u;
        assert_true(fabs(steady_nM(u, 4) / sets[i].at_4_hz_nM - 1) < 0.004);
        capture c = run(u);
        const double expected = steady_nM(u, mean_from(&c, "rate.axons_hz", 20));
        const double got = mean_from(&c, "dopamine.nac.concentration_nM", 20);
        if (fabs(got / expected - 1 - sets[i].above) > sets[i].band)
            fail_msg("set %d: %.2f nM, %.3f times the analytic %.2f", i, got, got / expected,
                     expected);
        capture_free(&c);
    }
}

/* A14: six synchronous spikes at 20 Hz take the place of the 4 Hz background for 300 ms. Half-decay is the time
 * from the peak to the middle between peak and tonic level. */
static void check_burst(double K_m_nM, double density_per_um3, double peak_nM, double half_decay_ms)
{
    const uptake u = {51.24, 2000, K_m_nM, 0, 0, 20, 6, 7, density_per_um3, 4, NULL};
    capture c = run(&u);
    const float *level = c.frames[0];
    uint32_t peak = 2000;
    for (uint32_t f = 2000; f < c.n_frames[0]; f++)
        peak = level[f] > level[peak] ? f : peak;
    uint32_t half = peak;
    double tonic_nM = 0; /* of the last two seconds */
    for (uint32_t f = 5000; f < 7000; f++)
        tonic_nM += level[f] / 2000;
    while (half < c.n_frames[0] && level[half] > (level[peak] + tonic_nM) / 2)
        half++;
    if (fabs(level[peak] / peak_nM - 1) > 0.03 || fabs((half - peak) / half_decay_ms - 1) > 0.03)
        fail_msg("peak %.1f nM (expected %.1f), half-decay %u ms (expected %.0f)", level[peak],
                 peak_nM, half - peak, half_decay_ms);
    capture_free(&c);
}

static void test_burst_has_the_published_peak_and_decay(void **state)
{
    (void)state;
    check_burst(210, 0, 169, 114);
    check_burst(630, 0, 271, 299);
    check_burst(210, 0.036, 169, 114);
    check_burst(630, 0.036, 271, 299);
}

/* Bound D1 and D2: mean over 20 s, least and most in the last 2 s. */
typedef struct occupancy {
    double mean[2], least[2], most[2];
} occupancy;

static occupancy occupancy_of(const uptake *u)
{
    occupancy o = {.least = {1, 1}};
    capture c = run(u);
    for (int r = 0; r < 2; r++) {
        const float *bound = c.frames[1 + r];
        for (uint32_t f = 10000; f < 30000; f++)
            o.mean[r] += bound[f] / 20000;
        for (uint32_t f = 28000; f < 30000; f++) {
            o.least[r] = fmin(o.least[r], bound[f]);
            o.most[r] = fmax(o.most[r], bound[f]);
        }
    }
    capture_free(&c);
    return o;
}

/* A15 (Dreyer et al. 2010): bursts of 20 Hz with pauses between them, against as many spikes at 4 Hz, for receptors that
 * bind at once (1000 and 10 nM). Phasic firing raises D1 and lowers D2; bursts move mainly D1, pauses both. */
static void test_bursts_raise_D1_and_pauses_lower_D2(void **state)
{
    (void)state;
    char phasic[4096] = "";
    for (int cycle = 0; cycle < 15; cycle++)
        snprintf(phasic + strlen(phasic), sizeof phasic - strlen(phasic),
                 "%s{\"from_ms\":%d,\"rate_hz\":20},{\"from_ms\":%d,\"rate_hz\":0}",
                 cycle > 0 ? "," : "", 2000 * cycle, 2000 * cycle + 400);
    for (int grid = 0; grid < 2; grid++) {
        uptake u = {51.24, 2000, 210, 0, 0, 0, 0, 30, grid ? 0.036 : 0, 4, NULL};
        const occupancy tonic = occupancy_of(&u);
        u.rates_hz = phasic;
        const occupancy bursts = occupancy_of(&u);
        assert_true(bursts.mean[0] > 1.1 * tonic.mean[0]);
        assert_true(bursts.mean[1] < 0.9 * tonic.mean[1]);
        assert_true(bursts.most[0] > 4 * tonic.mean[0]);
        assert_true(bursts.most[1] < 1.5 * tonic.mean[1]);
        assert_true(bursts.least[0] < 0.5 * tonic.least[0]);
        assert_true(bursts.least[1] < 0.5 * tonic.least[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tonic_level_is_the_analytic_one),
        cmocka_unit_test(test_autoreceptors_hold_the_level),
        cmocka_unit_test(test_bursts_raise_D1_and_pauses_lower_D2),
        cmocka_unit_test(test_burst_has_the_published_peak_and_decay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
