#include "device/device.h"

/* --- kernels ---------------------------------------------------------------------------------- */

enum { MAX_ARGUMENTS = 64 }; /* bits of kernel.arguments_set */

meso_status kernel_create(cl_program program, const char *name, kernel *out, meso_error *err)
{
    *out = (kernel){0};
    cl_int code;
    kernel k = {.name = name};
    k.handle = clCreateKernel(program, name, &code);
    MESO_TRY(opencl_check(NULL, code, "clCreateKernel", name, err));
    cl_uint n = 0;
    code = clGetKernelInfo(k.handle, CL_KERNEL_NUM_ARGS, sizeof n, &n, NULL);
    meso_status status = opencl_check(NULL, code, "clGetKernelInfo", name, err);
    if (status == MESO_OK && n > MAX_ARGUMENTS)
        status = error_set(err, MESO_INTERNAL,
                           "kernel `%s` has %u arguments; at most %d are handled", name, n,
                           MAX_ARGUMENTS);
    if (status != MESO_OK) {
        kernel_release(&k);
        return status;
    }
    k.n_arguments = n;
    *out = k;
    return MESO_OK;
}

void kernel_release(kernel *k)
{
    if (k->handle)
        clReleaseKernel(k->handle);
    *k = (kernel){0};
}

static meso_status set_argument(kernel *k, uint32_t index, size_t bytes, const void *value,
                                meso_error *err)
{
    if (index >= k->n_arguments)
        return error_set(err, MESO_INTERNAL, "kernel `%s` has no argument %u (it has %u)", k->name,
                         index, k->n_arguments);
    cl_int code = clSetKernelArg(k->handle, index, bytes, value);
    if (code != CL_SUCCESS)
        return error_set(err, MESO_DEVICE,
                         "%s (%d) from clSetKernelArg of `%s`, argument %u, %zu bytes",
                         opencl_error_name(code), (int)code, k->name, index, bytes);
    k->arguments_set |= UINT64_C(1) << index;
    return MESO_OK;
}

meso_status kernel_set_buffer(kernel *k, uint32_t index, const buffer *b, meso_error *err)
{
    if (!b->mem)
        return error_set(err, MESO_INTERNAL, "kernel `%s`, argument %u: the buffer was not created",
                         k->name, index);
    return set_argument(k, index, sizeof b->mem, &b->mem, err);
}

meso_status kernel_set_buffers(kernel *k, uint32_t first, const buffer *const *buffers, uint32_t n,
                               meso_error *err)
{
    for (uint32_t i = 0; i < n; i++)
        MESO_TRY(kernel_set_buffer(k, first + i, buffers[i], err));
    return MESO_OK;
}

meso_status kernel_set_u32(kernel *k, uint32_t index, uint32_t value, meso_error *err)
{
    return set_argument(k, index, sizeof value, &value, err);
}

meso_status kernel_set_i32(kernel *k, uint32_t index, int32_t value, meso_error *err)
{
    return set_argument(k, index, sizeof value, &value, err);
}

meso_status kernel_set_f32(kernel *k, uint32_t index, float value, meso_error *err)
{
    return set_argument(k, index, sizeof value, &value, err);
}

meso_status kernel_set_bytes(kernel *k, uint32_t index, size_t bytes, const void *value,
                             meso_error *err)
{
    return set_argument(k, index, bytes, value, err);
}

meso_status kernel_set_local(kernel *k, uint32_t index, size_t bytes, meso_error *err)
{
    return set_argument(k, index, bytes, NULL, err);
}

/* --- the queue -------------------------------------------------------------------------------- */

static meso_status check_arguments(const kernel *k, meso_error *err)
{
    for (uint32_t i = 0; i < k->n_arguments; i++)
        if (!(k->arguments_set >> i & 1))
            return error_set(err, MESO_INTERNAL, "kernel `%s`: argument %u of %u was never set",
                             k->name, i, k->n_arguments);
    return MESO_OK;
}

meso_status device_launch(meso_device *device, kernel *k, size_t n_groups, size_t group_size,
                          meso_error *err)
{
    if (n_groups == 0)
        return MESO_OK;
    MESO_TRY(check_arguments(k, err));
    device->recent[device->n_launches++ % RECENT_LAUNCHES] = k->name;
    size_t n_items = n_groups * group_size;
    cl_event event = NULL;
    cl_int code = clEnqueueNDRangeKernel(device->queue, k->handle, 1, NULL, &n_items, &group_size,
                                         0, NULL, profile_slot(device, &event, NULL));
    if (code != CL_SUCCESS) {
        meso_status status = opencl_check(device, code, "clEnqueueNDRangeKernel", k->name, err);
        return error_prepend(err, status, "%zu groups of %zu", n_groups, group_size);
    }
    return profile_add(device, k->name, event, NULL, err);
}

meso_status device_flush(meso_device *device, meso_error *err)
{
    return opencl_check(device, clFlush(device->queue), "clFlush", NULL, err);
}

meso_status device_wait(meso_device *device, cl_event *event, meso_error *err)
{
    if (!event)
        return opencl_check(device, clFinish(device->queue), "clFinish", NULL, err);
    if (!*event) /* of a transfer of nothing */
        return MESO_OK;
    cl_int code = clWaitForEvents(1, event);
    if (code == CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST) {
        cl_int reason = CL_SUCCESS; /* the event itself knows what happened */
        clGetEventInfo(*event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof reason, &reason, NULL);
        if (reason < 0)
            code = reason;
    }
    clReleaseEvent(*event);
    *event = NULL;
    return opencl_check(device, code, "clWaitForEvents", NULL, err);
}
