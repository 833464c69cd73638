/* Arithmetic on named numbers, and what is made of its result. */
#include "base/expression.h"
#include "model/target.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static meso_status look_up(void *self, const char *name, double *value, meso_error *err)
{
    (void)self;
    if (strcmp(name, "run.a.x") == 0)
        *value = 6;
    else if (strcmp(name, "run.b_2.y") == 0)
        *value = 1.5;
    else if (strcmp(name, "run.nothing") == 0)
        *value = NAN;
    else
        return error_set(err, MESO_NOT_FOUND, "no %s", name);
    return MESO_OK;
}

static double value_of(const char *text)
{
    double value;
    meso_error err = {0};
    if (expression_evaluate(text, look_up, NULL, &value, &err) != MESO_OK)
        fail_msg("%s: %s", text, err.message);
    return value;
}

static void test_arithmetic(void **state)
{
    (void)state;
    const struct {
        const char *text;
        double value;
    } cases[] = {
        {"2 + 3 * 4", 14},
        {"(2 + 3) * 4", 20},
        {"8 / 2 / 2", 2},
        {"7 - 2 - 1", 4},
        {"-2 * -3", 6},
        {"100 * (run.a.x / run.b_2.y - 1)", 300},
        {"run.a.x*run.b_2.y", 9},
        {"sqrt(run.a.x + 3)", 3},
        {"log(1)", 0},
        {"abs(run.b_2.y - run.a.x)", 4.5},
        {"max(min(3, 5), 2)", 3},
        {"1e3", 1000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (fabs(value_of(cases[i].text) - cases[i].value) > 1e-12)
            fail_msg("%s = %g", cases[i].text, value_of(cases[i].text));
}

static void test_statements_are_1_or_0(void **state)
{
    (void)state;
    assert_true(value_of("run.a.x > run.b_2.y") == 1);
    assert_true(value_of("run.a.x < run.b_2.y") == 0);
    assert_true(value_of("6 <= run.a.x & run.a.x >= 6") == 1);
    assert_true(value_of("(1 < 2) & (2 < 1)") == 0);
}

static void test_what_is_missing_spreads(void **state)
{
    (void)state;
    assert_true(isnan(value_of("run.nothing + 1")));
    assert_true(isnan(value_of("run.nothing < 1")));
    assert_true(isnan(value_of("max(run.nothing, 1)")));
    assert_true(isnan(value_of("(1 < 2) & (run.nothing < 1)")));
}

static void test_mistakes_are_refused(void **state)
{
    (void)state;
    const char *const texts[] = {"",       "1 +",     "(1",      "1 2",      "foo(1)",  "run.a.z",
                                 "max(1)", "1 + * 2", "1 < 2 <", "run.a.x)", "abs(1,2)"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double value;
        meso_error err = {0};
        if (expression_evaluate(texts[i], look_up, NULL, &value, &err) == MESO_OK)
            fail_msg("'%s' = %g", texts[i], value);
        assert_true(err.message[0] != '\0');
    }
}

static void test_verdicts(void **state)
{
    (void)state;
    target t = {.min = 2, .max = 3, .status = TARGET_VERIFIED};
    assert_int_equal(target_judge(&t, 2), VERDICT_PASS);
    assert_int_equal(target_judge(&t, 3), VERDICT_PASS);
    assert_int_equal(target_judge(&t, 1.999), VERDICT_MISS);
    assert_int_equal(target_judge(&t, 3.001), VERDICT_MISS);
    assert_int_equal(target_judge(&t, NAN), VERDICT_MISS);
    t.status = TARGET_DIRECTION;
    assert_int_equal(target_judge(&t, 4), VERDICT_MISS);
    t.status = TARGET_RECALLED;
    assert_int_equal(target_judge(&t, 4), VERDICT_WARN);
    assert_int_equal(target_judge(&t, NAN), VERDICT_WARN);
    assert_int_equal(target_judge(&t, 2.5), VERDICT_PASS);
    t = (target){.min = -INFINITY, .max = 3};
    assert_int_equal(target_judge(&t, -1e9), VERDICT_PASS);
    assert_int_equal(target_judge(&t, 3.5), VERDICT_MISS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_statements_are_1_or_0),
        cmocka_unit_test(test_what_is_missing_spreads),
        cmocka_unit_test(test_mistakes_are_refused),
        cmocka_unit_test(test_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
