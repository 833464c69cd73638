/*
 * Positron emission tomography, averaged over the window: occupancy of a transporter by drugs, or what a tracer would
 * find free of a receptor, to which the transmitter itself is bound too, and by how much that is less than before
 * the drug.
 */
#include "protocol/assays/method.h"

#include <math.h>

typedef struct pet {
    uint32_t column;
    double sum, before_sum;
    uint64_t n, n_before;
} pet;

static meso_status begin(assay_run *r, meso_error *err)
{
    pet *p;
    MESO_TRY(assay_alloc(r, 1, sizeof *p, &p, err));
    r->state = p;
    if (r->assay->population == MODEL_NONE)
        return assay_compartment_column(r, "transporter_occupancy", &p->column, err);
    const char *series = arena_printf(r->memory, "%s.%s.occupancy",
                                      r->e->populations[r->assay->population].name,
                                      r->e->receptors[r->assay->receptor].name);
    return series != NULL ? assay_column(r, series, &p->column, err)
                          : error_set(err, MESO_MEMORY, "out of memory");
}

static void row(assay_run *r, double middle_s, const double *values)
{
    pet *p = r->state;
    if (assay_is_baseline(r, middle_s)) {
        p->before_sum += values[p->column];
        p->n_before++;
    }
    if (assay_sees(r, middle_s)) {
        p->sum += values[p->column];
        p->n++;
    }
}

static meso_status end(assay_run *r, double ended_s, meso_error *err)
{
    const pet *p = r->state;
    const double time_h = assay_end_h(r, ended_s);
    const double occupied = p->n > 0 ? p->sum / (double)p->n : NAN;
    const double before = p->n_before > 0 ? p->before_sum / (double)p->n_before : NAN;
    MESO_TRY(assay_add(r, "occupancy_percent", "%", time_h, 100 * occupied, err));
    if (r->assay->population == MODEL_NONE)
        return MESO_OK;
    MESO_TRY(assay_add(r, "availability_percent", "%", time_h, 100 * (1 - occupied), err));
    return assay_add(r, "displacement_percent", "%", time_h,
                     100 * (1 - (1 - occupied) / (1 - before)), err);
}

const assay_method pet_method = {.begin = begin, .row = row, .end = end};
