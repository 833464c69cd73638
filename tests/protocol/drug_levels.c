/*
 * Drug levels of an experiment without its network, for the tests of pharmacokinetics:
 *
 *     drug_levels EXPERIMENT EVERY
 *
 * prints, for every EVERY-th field step, its start in seconds, leaps counted, then for each drug the levels in plasma and brain and all
 * that is in the body.
 */
#include "model/experiment.h"
#include "protocol/pharmacokinetics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void print_levels(const pharmacokinetics *pk, double time_s, uint32_t n_drugs)
{
    printf("%.17g", time_s);
    for (uint32_t d = 0; d < n_drugs; d++)
        printf(" %.17g %.17g %.17g", pk_plasma_nM(pk, d), pk_brain_nM(pk, d), pk_body_nM(pk, d));
    printf("\n");
}

static meso_status walk(const experiment *e, pharmacokinetics *pk, uint64_t every, meso_error *err)
{
    const double step_s = e->field_step_ms * 1e-3;
    const uint64_t n_steps = (uint64_t)llround(e->duration_s / step_s);
    uint32_t next = 0, phase = 0;
    double leapt_s = 0;
    for (uint64_t i = 0; i < n_steps; i++) {
        for (; phase < e->n_phases && (uint64_t)llround(e->phases[phase].start_s / step_s) <= i;
             phase++) {
            MESO_TRY(pk_leap(pk, e->phases[phase].leap_s, err));
            leapt_s += e->phases[phase].leap_s;
        }
        for (; next < e->n_doses && (uint64_t)llround(e->doses[next].time_s / step_s) <= i; next++)
            pk_give(pk, &e->doses[next]);
        if (i % every == 0)
            print_levels(pk, (double)i * step_s + leapt_s, e->n_drugs);
        pk_step(pk);
    }
    return MESO_OK;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: drug_levels EXPERIMENT EVERY\n");
        return 2;
    }
    meso_error err = {0};
    meso_experiment *e = NULL;
    pharmacokinetics *pk = NULL;
    arena *memory = arena_create();
    meso_status status = meso_experiment_load(argv[1], NULL, 0, &e, &err);
    if (status == MESO_OK)
        status = pk_create(e->drugs, e->n_drugs, e->field_step_ms * 1e-3, memory, &pk, &err);
    if (status == MESO_OK)
        status = walk(e, pk, strtoull(argv[2], NULL, 10), &err);
    if (status != MESO_OK)
        fprintf(stderr, "drug_levels: %s\n", err.message);
    meso_experiment_destroy(&e);
    arena_destroy(&memory);
    return meso_status_exit_code(status);
}
