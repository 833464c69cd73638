#include "device/device.h"

#include <stdlib.h>
#include <string.h>

cl_event *profile_slot(const meso_device *device, cl_event *event, const cl_event *wanted)
{
    return device->profile.enabled || wanted ? event : NULL;
}

/* The row of `name`, appended at its first use. */
static meso_status find_row(profile *p, const char *name, uint32_t *row, meso_error *err)
{
    for (*row = 0; *row < p->n_rows; (*row)++)
        if (strncmp(p->rows[*row].name, name, sizeof p->rows->name - 1) == 0)
            return MESO_OK;
    if (p->n_rows == p->capacity) {
        uint32_t capacity = p->capacity ? 2 * p->capacity : 32;
        meso_profile_row *grown = realloc(p->rows, capacity * sizeof *grown);
        if (!grown)
            return error_set(err, MESO_MEMORY, "no memory for a profile of %u rows", capacity);
        p->rows = grown;
        p->capacity = capacity;
    }
    meso_profile_row *added = &p->rows[p->n_rows++];
    *added = (meso_profile_row){0};
    strncpy(added->name, name, sizeof added->name - 1);
    return MESO_OK;
}

meso_status profile_add(meso_device *device, const char *name, cl_event event, cl_event *wanted,
                        meso_error *err)
{
    profile *p = &device->profile;
    if (wanted)
        *wanted = event;
    if (!p->enabled)
        return MESO_OK;
    /* Half of them stay, so that the device still has work while the host reads the others. */
    if (p->n_pending == PENDING_EVENTS)
        MESO_TRY(profile_collect(device, PENDING_EVENTS / 2, err));
    uint32_t row;
    MESO_TRY(find_row(p, name, &row, err));
    if (wanted)
        clRetainEvent(event);
    p->pending[p->n_pending++] = (pending_event){event, row};
    return MESO_OK;
}

static double duration_s(cl_event event)
{
    cl_ulong start_ns = 0, end_ns = 0;
    clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start_ns, &start_ns, NULL);
    clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end_ns, &end_ns, NULL);
    return end_ns > start_ns ? (double)(end_ns - start_ns) * 1e-9 : 0;
}

meso_status profile_collect(meso_device *device, uint32_t keep, meso_error *err)
{
    profile *p = &device->profile;
    if (p->n_pending <= keep)
        return MESO_OK;
    uint32_t n = p->n_pending - keep;
    /* The queue is in order: when the last has ended, all have. */
    cl_int code = clWaitForEvents(1, &p->pending[n - 1].event);
    MESO_TRY(opencl_check(device, code, "clWaitForEvents", NULL, err));
    for (uint32_t i = 0; i < n; i++) {
        meso_profile_row *row = &p->rows[p->pending[i].row];
        row->n++;
        row->total_s += duration_s(p->pending[i].event);
        clReleaseEvent(p->pending[i].event);
    }
    memmove(p->pending, p->pending + n, keep * sizeof *p->pending);
    p->n_pending = keep;
    return MESO_OK;
}

void profile_free(profile *p)
{
    for (uint32_t i = 0; i < p->n_pending; i++)
        clReleaseEvent(p->pending[i].event);
    free(p->rows);
    *p = (profile){0};
}

static int longest_first(const void *a, const void *b)
{
    double x = ((const meso_profile_row *)a)->total_s, y = ((const meso_profile_row *)b)->total_s;
    return (x < y) - (x > y);
}

meso_status meso_device_profile(meso_device *device, meso_profile_row **rows, uint32_t *n_rows,
                                meso_error *err)
{
    *rows = NULL;
    *n_rows = 0;
    MESO_TRY(profile_collect(device, 0, err));
    uint32_t n = device->profile.n_rows;
    if (n == 0)
        return MESO_OK;
    *rows = calloc(n, sizeof **rows);
    if (!*rows)
        return error_set(err, MESO_MEMORY, "no memory for a profile of %u rows", n);
    memcpy(*rows, device->profile.rows, n * sizeof **rows);
    qsort(*rows, n, sizeof **rows, longest_first);
    *n_rows = n;
    return MESO_OK;
}
