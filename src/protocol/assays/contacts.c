/* Contacts of the pathways on each target cell. */
#include "protocol/assays/slice.h"

#include <math.h>
#include <stdlib.h>

static void contact_count(void *self, const edge *e)
{
    uint32_t *counts = self;
    counts[e->target]++;
}

static meso_status counts_add(assay_run *r, uint32_t moment, const uint32_t *counts,
                              uint32_t n_cells, meso_error *err)
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
    MESO_TRY(slice_add(r, moment, "mean", "1", mean, err));
    MESO_TRY(
        slice_add(r, moment, "sd", "1", n_cells > 1 ? sqrt(squares / (n_cells - 1)) : NAN, err));
    MESO_TRY(slice_add(r, moment, "least", "1", least, err));
    MESO_TRY(slice_add(r, moment, "most", "1", most, err));
    return slice_add(r, moment, "total", "1", total, err);
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
    MESO_GO(counts_add(r, moment, counts, n_cells, err));
done:
    free(counts);
    return status;
}

const assay_method contacts_method = {
    .begin = slice_begin, .look = look, .end = slice_end, .destroy = slice_destroy};
