#include "model/target.h"

#include <math.h>
#include <stdio.h>

const char *const target_status_names[] = {
    [TARGET_VERIFIED] = "V",
    [TARGET_DIRECTION] = "V-dir",
    [TARGET_CALCULATED] = "V-run",
    [TARGET_RECALLED] = "R",
    NULL,
};

const char *const target_verdict_names[N_VERDICTS] = {
    [VERDICT_PASS] = "pass",
    [VERDICT_MISS] = "miss",
    [VERDICT_WARN] = "warn",
    [VERDICT_PENDING] = "pending",
    [VERDICT_UNMEASURED] = "not measured",
    [VERDICT_ERROR] = "error",
};

target_verdict target_judge(const target *t, double simulated)
{
    if (simulated >= t->min && simulated <= t->max)
        return VERDICT_PASS;
    return t->status == TARGET_RECALLED ? VERDICT_WARN : VERDICT_MISS;
}

void target_gate(const target *t, char *buffer, size_t size)
{
    if (t->min == 1 && t->max == 1)
        snprintf(buffer, size, "holds");
    else if (isinf(t->min) && isinf(t->max))
        snprintf(buffer, size, "none");
    else if (isinf(t->max))
        snprintf(buffer, size, "at least %g", t->min);
    else if (isinf(t->min))
        snprintf(buffer, size, "at most %g", t->max);
    else
        snprintf(buffer, size, "%g to %g", t->min, t->max);
}
