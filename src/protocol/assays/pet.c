/*
 * Positron emission tomography, averaged over the window: occupancy of a transporter by drugs, or what a tracer would
 * find free of a receptor, and by how much that is less than before the drug. Free is what is at the surface, of the
 * number that there is, and not bound, by the transmitter itself or by a drug.
 */
#include "protocol/assays/method.h"

#include <math.h>

typedef struct pet {
    uint32_t column, surface;
    double sum, free_sum, free_before_sum;
    uint64_t n, n_before;
} pet;

static meso_status receptor_column(const assay_run *r, const char *quantity, uint32_t *column,
                                   meso_error *err)
{
    const char *series = arena_printf(r->memory, "%s.%s.%s",
                                      r->e->populations[r->assay->population].name,
                                      r->e->receptors[r->assay->receptor].name, quantity);
    return series != NULL ? assay_column(r, series, column, err)
                          : error_set(err, MESO_MEMORY, "out of memory");
}

static meso_status begin(assay_run *r, meso_error *err)
{
    pet *p;
    MESO_TRY(assay_alloc(r, 1, sizeof *p, &p, err));
    r->state = p;
    MESO_TRY(ASSAY_REMEMBER(r, *p, err)); /* columns are the same again */
    if (r->assay->population == MODEL_NONE)
        return assay_compartment_column(r, "transporter_occupancy", &p->column, err);
    MESO_TRY(receptor_column(r, "occupancy", &p->column, err));
    return receptor_column(r, "surface", &p->surface, err);
}

/* Of the normal number of receptors. */
static double free_share(const assay_run *r, const pet *p, const double *values)
{
    if (r->assay->population == MODEL_NONE)
        return 1 - values[p->column];
    return r->e->receptors[r->assay->receptor].density * values[p->surface] *
           (1 - values[p->column]);
}

static void row(assay_run *r, double middle_s, const double *values)
{
    pet *p = r->state;
    if (assay_is_baseline(r, middle_s)) {
        p->free_before_sum += free_share(r, p, values);
        p->n_before++;
    }
    if (assay_sees(r, middle_s)) {
        p->sum += values[p->column];
        p->free_sum += free_share(r, p, values);
        p->n++;
    }
}

static meso_status end(assay_run *r, double ended_s, meso_error *err)
{
    const pet *p = r->state;
    const double time_h = assay_end_h(r, ended_s);
    const double occupied = p->n > 0 ? p->sum / (double)p->n : NAN;
    const double available = p->n > 0 ? p->free_sum / (double)p->n : NAN;
    const double before = p->n_before > 0 ? p->free_before_sum / (double)p->n_before : NAN;
    MESO_TRY(assay_add(r, "occupancy_percent", "%", time_h, 100 * occupied, err));
    if (r->assay->population == MODEL_NONE)
        return MESO_OK;
    MESO_TRY(assay_add(r, "availability_percent", "%", time_h, 100 * available, err));
    return assay_add(r, "displacement_percent", "%", time_h, 100 * (1 - available / before), err);
}

const assay_method pet_method = {.begin = begin, .row = row, .end = end};
