/** kernels/math.clh as host C against double precision: the error bounds in its comments. */
#include "mesocl.clh"
#include "math.clh"
#include "rng.clh"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const float INFINITE = INFINITY;

typedef struct worst_error {
    double ulp;
    float at;
} worst_error;

/* Spacing of floats at a normal value: 2^(exponent - 23). At zero as at the smallest. */
static double spacing(double value)
{
    return ldexp(1.0, ilogb(fmax(fabs(value), FLT_MIN)) - FLT_MANT_DIG + 1);
}

/* Largest error over the floats whose bit patterns are first, first + stride, ... <= last. */
static worst_error scan(float (*f)(float), double (*exact)(double), uint first, uint last,
                        uint stride)
{
    worst_error worst = {0, 0};
    for (ulong bits = first; bits <= last; bits += stride) {
        const float x = as_float((uint)bits);
        const double expected = exact(x);
        const double ulp = fabs(f(x) - expected) / spacing(expected);
        if (!(ulp <= worst.ulp))
            worst = (worst_error){ulp, x};
    }
    return worst;
}

static void assert_error_below(const char *name, worst_error worst, double bound)
{
    print_message("%s: %.4f ulp at %a\n", name, worst.ulp, (double)worst.at);
    if (!(worst.ulp < bound))
        fail_msg("%s: error %.4f ulp at %a exceeds %.2f", name, worst.ulp, (double)worst.at, bound);
}

static double exact_reciprocal(double x)
{
    return 1 / x;
}

/* --- error bounds ----------------------------------------------------------------------------- */

static void test_reciprocal_is_within_0_51_ulp(void **state)
{
    (void)state;
    /* all mantissas once, then all exponents: 2^-126 to 2^126 of both signs */
    assert_error_below("reciprocal, mantissas",
                       scan(meso_reciprocal, exact_reciprocal, 0x3f800000u, 0x3fffffffu, 1), 0.51);
    assert_error_below(
        "reciprocal", scan(meso_reciprocal, exact_reciprocal, 0x00800000u, 0x7e800000u, 997), 0.51);
    assert_error_below("reciprocal, negative",
                       scan(meso_reciprocal, exact_reciprocal, 0x80800000u, 0xfe800000u, 997),
                       0.51);
}

static void test_sqrt_is_within_0_51_ulp(void **state)
{
    (void)state;
    assert_error_below("sqrt, mantissas", scan(meso_sqrt, sqrt, 0x3f800000u, 0x407fffffu, 1), 0.51);
    assert_error_below("sqrt", scan(meso_sqrt, sqrt, 0x00800000u, 0x7f7fffffu, 997), 0.51);
}

static void test_exp_is_within_1_ulp(void **state)
{
    (void)state;
    assert_error_below("exp, positive", scan(meso_exp, exp, 0u, as_uint(88.72283f), 199), 1.0);
    assert_error_below("exp, negative", scan(meso_exp, exp, 0x80000000u, as_uint(-87.33654f), 199),
                       1.0);
}

static void test_log_is_within_1_ulp(void **state)
{
    (void)state;
    assert_error_below("log", scan(meso_log, log, 0x00800000u, 0x7f7fffffu, 199), 1.0);
    assert_error_below("log, around one", scan(meso_log, log, 0x3f7f0000u, 0x3f810000u, 1), 1.0);
}

static double exact_exprel(double x)
{
    return x == 0 ? 1 : expm1(x) / x;
}

static void test_exprel_is_within_4_ulp(void **state)
{
    (void)state;
    assert_error_below("exprel, positive", scan(meso_exprel, exact_exprel, 0u, as_uint(88.0f), 199),
                       4.0);
    assert_error_below("exprel, negative",
                       scan(meso_exprel, exact_exprel, 0x80000000u, as_uint(-87.0f), 199), 4.0);
}

static double exact_exprel_inverse(double x)
{
    return x == 0 ? 1 : x / expm1(x);
}

static void test_exprel_inverse_is_within_4_ulp(void **state)
{
    (void)state;
    assert_error_below("exprel inverse, positive",
                       scan(meso_exprel_inverse, exact_exprel_inverse, 0u, as_uint(66.0f), 199),
                       4.0);
    assert_error_below(
        "exprel inverse, negative",
        scan(meso_exprel_inverse, exact_exprel_inverse, 0x80000000u, as_uint(-66.0f), 199), 4.0);
}

/* --- angles ----------------------------------------------------------------------------------- */

static void test_sine_of_a_turn(void **state)
{
    (void)state;
    double worst = 0;
    for (int i = -500000; i <= 500000; i++) {
        const float turn = (float)i * 1e-6f;
        worst = fmax(worst, fabs(meso_sine_of_turn(turn) - sin(2 * acos(-1) * (double)turn)));
    }
    print_message("sine: %.3g\n", worst);
    assert_true(worst < 2e-7);
}

/* Held against whole numbers of 2^-25 turns. */
static void test_turn_does_not_drift(void **state)
{
    (void)state;
    double worst = 0;
    for (uint i = 0; i < 100000; i++) {
        const meso_words w = meso_threefry(1u, 2u, i, 0u);
        const float per_step = ldexpf((float)(w.x >> 8 | 1u << 23), -25); /* [1/4, 1/2) */
        const ulong step = ((ulong)w.y << 32 | w.x) >> 17;                /* below 2^47 */
        const ulong turned = (ulong)ldexp((double)per_step, 25) * step;   /* times 2^-25, wraps */
        const double exact = ldexp((double)(turned & 0x1ffffffu), -25);
        const double error = fabs(meso_turn(per_step, step) - exact);
        worst = fmax(worst, fmin(error, fabs(error - 1)));
    }
    print_message("turn: %.3g\n", worst);
    assert_true(worst < 2e-7);
}

/* --- special values --------------------------------------------------------------------------- */

/* Equal as bits, so that the sign of zero counts. */
#define assert_float(actual, expected) assert_int_equal(as_uint(actual), as_uint((float)(expected)))
#define assert_nan(x) assert_true(isnan(x))

static void test_reciprocal_of_special_values(void **state)
{
    (void)state;
    assert_float(meso_reciprocal(0.0f), INFINITE);
    assert_float(meso_reciprocal(-0.0f), -INFINITE);
    assert_float(meso_reciprocal(0x1p-130f), INFINITE);
    assert_float(meso_reciprocal(0x1p126f), 0x1p-126f);
    assert_float(meso_reciprocal(0x1.000002p126f), 0.0f);
    assert_float(meso_reciprocal(INFINITE), 0.0f);
    assert_float(meso_reciprocal(-INFINITE), 0.0f);
    assert_nan(meso_reciprocal(NAN));
    for (int e = -126; e <= 126; e++) /* powers of two are exact */
        assert_float(meso_reciprocal(ldexpf(1.0f, e)), ldexpf(1.0f, -e));
}

static void test_sqrt_of_special_values(void **state)
{
    (void)state;
    assert_float(meso_sqrt(0.0f), 0.0f);
    assert_float(meso_sqrt(-0.0f), 0.0f);
    assert_float(meso_sqrt(0x1p-140f), 0.0f);
    assert_float(meso_sqrt(INFINITE), INFINITE);
    assert_nan(meso_sqrt(-1.0f));
    assert_nan(meso_sqrt(-INFINITE));
    assert_nan(meso_sqrt(NAN));
    for (int n = 0; n <= 4095; n++) /* squares are exact */
        assert_float(meso_sqrt((float)(n * n)), n);
}

static void test_exp_of_special_values(void **state)
{
    (void)state;
    assert_float(meso_exp(0.0f), 1.0f);
    assert_float(meso_exp(-0.0f), 1.0f);
    assert_float(meso_exp(0x1p-140f), 1.0f);
    assert_true(meso_exp(-87.33654f) >= FLT_MIN);
    assert_float(meso_exp(nextafterf(-87.33654f, -100.0f)), 0.0f);
    assert_float(meso_exp(-1000.0f), 0.0f);
    assert_float(meso_exp(-FLT_MAX), 0.0f);
    assert_float(meso_exp(-INFINITE), 0.0f);
    assert_true(meso_exp(88.72283f) <= FLT_MAX);
    assert_float(meso_exp(nextafterf(88.72283f, 100.0f)), INFINITE);
    assert_float(meso_exp(FLT_MAX), INFINITE);
    assert_float(meso_exp(INFINITE), INFINITE);
    assert_nan(meso_exp(NAN));
}

static void test_log_of_special_values(void **state)
{
    (void)state;
    assert_float(meso_log(1.0f), 0.0f);
    assert_float(meso_log(0.0f), -INFINITE);
    assert_float(meso_log(-0.0f), -INFINITE);
    assert_float(meso_log(0x1p-140f), -INFINITE);
    assert_float(meso_log(INFINITE), INFINITE);
    assert_nan(meso_log(-1.0f));
    assert_nan(meso_log(-INFINITE));
    assert_nan(meso_log(NAN));
}

static void test_flush_clears_what_is_negligible_and_nothing_else(void **state)
{
    (void)state;
    const float largest_below = nextafterf(0x1p-96f, 0.0f);
    assert_float(meso_flush(0x1p-96f), 0x1p-96f);
    assert_float(meso_flush(-0x1p-96f), -0x1p-96f);
    assert_float(meso_flush(largest_below), 0.0f);
    assert_float(meso_flush(-largest_below), 0.0f);
    assert_float(meso_flush(0x1p-149f), 0.0f);
    assert_float(meso_flush(-0.0f), 0.0f);
    assert_float(meso_flush(-70.0f), -70.0f);
    assert_float(meso_flush(INFINITE), INFINITE);
    assert_nan(meso_flush(NAN));
}

/* --- the dialect ------------------------------------------------------------------------------ */

static void test_dialect_means_on_the_host_what_it_means_on_a_device(void **state)
{
    (void)state;
    assert_float(select(1.0f, 2.0f, 1 > 0), 2.0f);
    assert_float(select(1.0f, 2.0f, 1 < 0), 1.0f);
    assert_int_equal(meso_as_word(-0.0f), 0x80000000u);
    assert_int_equal(meso_as_truth(-0.0f), (int)0x80000000u);
    assert_float(meso_as_real(0x3f800000u), 1.0f);
    assert_float(meso_as_real(0x3f800000), 1.0f);
    assert_float(meso_to_real(0xffffffffu), 0x1p32f);
    assert_float(meso_to_real(0x01000001u), 0x1p24f); /* a tie, to even */
    assert_float(meso_int_to_real(-3), -3.0f);
    assert_true(meso_below(6u, 7u));
    assert_false(meso_below(7u, 7u));
    assert_false(meso_any(meso_below(7u, 7u)));
    assert_int_equal(meso_lanes(), 0);
    /* one rounding: in double precision the product and sum would round to 1 */
    assert_float(fma(0x1.000002p0f, 0x1.fffffcp-1f, -1.0f), -0x1p-46f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reciprocal_is_within_0_51_ulp),
        cmocka_unit_test(test_sqrt_is_within_0_51_ulp),
        cmocka_unit_test(test_exp_is_within_1_ulp),
        cmocka_unit_test(test_log_is_within_1_ulp),
        cmocka_unit_test(test_exprel_is_within_4_ulp),
        cmocka_unit_test(test_exprel_inverse_is_within_4_ulp),
        cmocka_unit_test(test_sine_of_a_turn),
        cmocka_unit_test(test_turn_does_not_drift),
        cmocka_unit_test(test_reciprocal_of_special_values),
        cmocka_unit_test(test_sqrt_of_special_values),
        cmocka_unit_test(test_exp_of_special_values),
        cmocka_unit_test(test_log_of_special_values),
        cmocka_unit_test(test_flush_clears_what_is_negligible_and_nothing_else),
        cmocka_unit_test(test_dialect_means_on_the_host_what_it_means_on_a_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
