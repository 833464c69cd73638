/* Contacts of the pathways on each target cell. */
#include "protocol/assays/slice.h"

#include <math.h>
#include <stdlib.h>

enum { MEAN, SD, LEAST, MOST, TOTAL, N_QUANTITIES };
static const slice_quantity quantities[N_QUANTITIES] = {
    [MEAN] = {"mean", "1"}, [SD] = {"sd", "1"},       [LEAST] = {"least", "1"},
    [MOST] = {"most", "1"}, [TOTAL] = {"total", "1"},
};

static void contact_count(void *self, const edge *e)
{
    uint32_t *counts = self;
    counts[e->target]++;
}

static void counts_set(assay_run *r, uint32_t moment, const uint32_t *counts, uint32_t n_cells)
{
    double total = 0, squares = 0, least = INFINITY, most = 0;
    for (uint32_t i = 0; i < n_cells; i++) {
        total += counts[i];
        least = fmin(least, counts[i]);
        most = fmax(most, counts[i]);
    }
    const double mean = total / n_cells;
    for (uint32_t i = 0; i < n_cells; i++)
        squares += (counts[i] - mean) * (counts[i] - mean);
    slice_set(r, moment, MEAN, mean);
    slice_set(r, moment, SD, n_cells > 1 ? sqrt(squares / (n_cells - 1)) : NAN);
    slice_set(r, moment, LEAST, least);
    slice_set(r, moment, MOST, most);
    slice_set(r, moment, TOTAL, total);
}

static meso_status look(assay_run *r, simulation *sim, uint32_t moment, meso_error *err)
{
    const slice *s = &r->assay->slice;
    const uint32_t n_cells = r->e->populations[s->target].n_neurons;
    uint32_t *counts = calloc(n_cells, sizeof *counts);
    meso_status status = MESO_OK;
    if (counts == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < s->n_pathways; i++)
        MESO_GO(simulation_visit_edges(sim, s->pathways[i].projection, contact_count, counts, err));
    counts_set(r, moment, counts, n_cells);
done:
    free(counts);
    return status;
}

static meso_status begin(assay_run *r, meso_error *err)
{
    return slice_begin(r, quantities, N_QUANTITIES, err);
}

const assay_method contacts_method = {
    .begin = begin, .look = look, .end = slice_end, .destroy = slice_destroy};
