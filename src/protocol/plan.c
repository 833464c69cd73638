/*
 * What a run would need, and whether its models compile, without running it.
 */
#include "engine/simulation.h"

#include <mesocl/simulation.h>
#include <stdlib.h>
#include <string.h>

typedef struct rows {
    meso_plan_row *list;
    uint32_t n, capacity;
    int failed;
} rows;

static void row_add(void *self, const memory_row *from)
{
    rows *r = self;
    if (r->n == r->capacity) {
        const uint32_t capacity = r->capacity > 0 ? 2 * r->capacity : 64;
        meso_plan_row *list = realloc(r->list, capacity * sizeof *list);
        if (list == NULL) {
            r->failed = 1;
            return;
        }
        r->list = list;
        r->capacity = capacity;
    }
    meso_plan_row *row = &r->list[r->n++];
    *row = (meso_plan_row){.count = from->count, .bytes = from->bytes, .storage = from->storage};
    strncpy(row->name, from->name, sizeof row->name - 1);
}

meso_status meso_experiment_plan(const meso_experiment *experiment, const meso_device_info *device,
                                 const meso_run_options *options, meso_plan_row **rows_out,
                                 uint32_t *n_rows, meso_error *err)
{
    rows r = {0};
    layout *l = NULL;
    *rows_out = NULL;
    *n_rows = 0;
    meso_status status = MESO_OK;
    MESO_GO(layout_create(experiment, device, options, &l, err));
    MESO_GO(memory_check(experiment, l, device, err));
    simulation_memory(experiment, l, row_add, &r);
    memory_row total = {.name = "total"};
    for (uint32_t i = 0; i < r.n; i++)
        total.bytes += r.list[i].bytes;
    row_add(&r, &total);
    if (r.failed)
        MESO_GO(error_set(err, MESO_MEMORY, "out of memory"));
    *rows_out = r.list;
    *n_rows = r.n;
    r.list = NULL;
done:
    layout_destroy(&l);
    free(r.list);
    return status;
}

static int has_users_models(const experiment *e)
{
    const neuron_model *m;
    for (uint32_t i = 0; (m = experiment_model(e, i)) != NULL; i++)
        if (!m->built_in)
            return 1;
    return 0;
}

meso_status meso_experiment_compile(const meso_experiment *experiment, meso_device *device,
                                    const meso_run_options *options, meso_error *err)
{
    layout *l = NULL;
    if (!has_users_models(experiment))
        return MESO_OK;
    meso_status status = layout_create(experiment, meso_device_describe(device), options, &l, err);
    if (status == MESO_OK)
        status = simulation_compile(experiment, device, l, err);
    layout_destroy(&l);
    return status;
}
