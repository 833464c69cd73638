#include "device/device.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* Fills work in words, and an empty buffer can still be a kernel's argument. */
static size_t allocated_bytes(size_t bytes)
{
    return bytes == 0 ? 4 : (bytes + 3) / 4 * 4;
}

static meso_status check_limits(const meso_device *device, const char *name, size_t bytes,
                                meso_error *err)
{
    const meso_device_info *info = &device->info;
    const double MB = 1e6;
    if (bytes > info->max_alloc_bytes)
        return error_set(err, MESO_DEVICE_MEMORY,
                         "buffer `%s` needs %.1f MB; the largest single buffer of %s is %.1f MB "
                         "(%.1f MB of its %.1f MB are in use)",
                         name, (double)bytes / MB, info->name, (double)info->max_alloc_bytes / MB,
                         (double)device->now_bytes / MB, (double)info->global_bytes / MB);
    if (device->now_bytes + bytes > info->global_bytes)
        return error_set(err, MESO_DEVICE_MEMORY,
                         "buffer `%s` needs %.1f MB; %s has %.1f MB, of which %.1f MB are in use",
                         name, (double)bytes / MB, info->name, (double)info->global_bytes / MB,
                         (double)device->now_bytes / MB);
    return MESO_OK;
}

/* A CPU device works on the host's memory: huge pages spare it most of its address look-ups. NULL: leave it to
 * the driver. */
static void *huge_pages(const meso_device *device, size_t bytes)
{
    void *memory = NULL;
    if (!device->info.is_cpu || bytes < 2 * HUGE_PAGE)
        return NULL;
    if (posix_memalign(&memory, HUGE_PAGE, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    madvise(memory, bytes, MADV_HUGEPAGE); /* a wish: without them it is slower, not wrong */
#endif
    return memory;
}

/* --- the list of those that there are ------------------------------------------------------------ */

/* Room for one more. */
static meso_status list_grow(meso_device *device, meso_error *err)
{
    if (device->n_buffers < device->buffer_capacity)
        return MESO_OK;
    const size_t capacity = device->buffer_capacity > 0 ? 2 * device->buffer_capacity : 128;
    buffer *longer = realloc(device->buffers, capacity * sizeof *longer);
    if (longer == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    device->buffers = longer;
    device->buffer_capacity = capacity;
    return MESO_OK;
}

static void list_remove(meso_device *device, uint64_t number)
{
    size_t i = 0;
    while (i < device->n_buffers && device->buffers[i].number != number)
        i++;
    if (i == device->n_buffers)
        return;
    device->n_buffers--;
    memmove(&device->buffers[i], &device->buffers[i + 1],
            (device->n_buffers - i) * sizeof *device->buffers);
}

uint64_t buffers_made(const meso_device *device)
{
    return device->n_made;
}

meso_status buffers_visit(const meso_device *device, uint64_t first, uint64_t end,
                          buffer_visitor *visit, void *self, meso_error *err)
{
    for (size_t i = 0; i < device->n_buffers; i++)
        if (device->buffers[i].number >= first && device->buffers[i].number < end)
            MESO_TRY(visit(self, &device->buffers[i], err));
    return MESO_OK;
}

/* --- making and freeing ---------------------------------------------------------------------------- */

meso_status buffer_reserve(meso_device *device, buffer_role role, const char *name, size_t bytes,
                           buffer *out, meso_error *err)
{
    *out = (buffer){0};
    size_t allocated = allocated_bytes(bytes);
    if (role < BUFFER_CONSTANT || role > BUFFER_PARTS)
        return error_set(err, MESO_INTERNAL,
                         "buffer `%s` does not say whether it is constant or state", name);
    MESO_TRY(check_limits(device, name, allocated, err));
    MESO_TRY(list_grow(device, err));
    cl_int code;
    buffer b = {.bytes = bytes,
                .name = name,
                .role = role,
                .number = device->n_made,
                .host = huge_pages(device, allocated)};
    const cl_mem_flags flags = CL_MEM_READ_WRITE | (b.host ? CL_MEM_USE_HOST_PTR : 0);
    b.mem = clCreateBuffer(device->context, flags, allocated, b.host, &code);
    meso_status status = opencl_check(device, code, "clCreateBuffer", name, err);
    if (status != MESO_OK) {
        free(b.host);
        return status;
    }
    device->now_bytes += allocated;
    if (device->now_bytes > device->peak_bytes)
        device->peak_bytes = device->now_bytes;
    device->n_made++;
    device->buffers[device->n_buffers++] = b;
    *out = b;
    return MESO_OK;
}

meso_status buffer_create(meso_device *device, buffer_role role, const char *name, size_t bytes,
                          const void *content, buffer *out, meso_error *err)
{
    buffer b;
    *out = (buffer){0};
    MESO_TRY(buffer_reserve(device, role, name, bytes, &b, err));
    meso_status status;
    if (content && bytes > 0) {
        status = buffer_write(device, &b, 0, bytes, content, err);
    } else {
        buffer whole = b;
        whole.bytes = allocated_bytes(bytes);
        status = buffer_clear(device, &whole, 0, whole.bytes, err);
    }
    if (status == MESO_OK)
        *out = b;
    else
        buffer_destroy(device, &b);
    return status;
}

meso_status buffers_create(meso_device *device, const buffer_spec *specs, size_t n, meso_error *err)
{
    for (size_t i = 0; i < n; i++)
        MESO_TRY(buffer_create(device, specs[i].role, specs[i].name, specs[i].bytes,
                               specs[i].content, specs[i].out, err));
    return MESO_OK;
}

void buffer_destroy(meso_device *device, buffer *b)
{
    if (b->mem) {
        if (b->host)
            clFinish(device->queue); /* nothing may still work on memory that is freed */
        clReleaseMemObject(b->mem);
        free(b->host);
        list_remove(device, b->number);
        device->now_bytes -= allocated_bytes(b->bytes);
    }
    *b = (buffer){0};
}

static meso_status check_span(const buffer *b, size_t offset, size_t bytes, const char *verb,
                              meso_error *err)
{
    if (!b->mem)
        return error_set(err, MESO_INTERNAL, "%s of a buffer that was not created", verb);
    if (offset > b->bytes || bytes > b->bytes - offset)
        return error_set(err, MESO_INTERNAL,
                         "%s of %zu bytes at %zu passes the end of `%s` (%zu bytes)", verb, bytes,
                         offset, b->name, b->bytes);
    return MESO_OK;
}

static meso_status enqueue_read(meso_device *device, const buffer *b, size_t offset, size_t bytes,
                                void *to, cl_bool blocking, cl_event *wanted, meso_error *err)
{
    MESO_TRY(check_span(b, offset, bytes, "read", err));
    if (bytes == 0)
        return MESO_OK;
    cl_event event = NULL;
    cl_int code = clEnqueueReadBuffer(device->queue, b->mem, blocking, offset, bytes, to, 0, NULL,
                                      profile_slot(device, &event, wanted));
    MESO_TRY(opencl_check(device, code, "clEnqueueReadBuffer", b->name, err));
    return profile_add(device, "read", event, wanted, err);
}

static meso_status enqueue_write(meso_device *device, const buffer *b, size_t offset, size_t bytes,
                                 const void *from, cl_bool blocking, cl_event *wanted,
                                 meso_error *err)
{
    MESO_TRY(check_span(b, offset, bytes, "write", err));
    if (bytes == 0)
        return MESO_OK;
    cl_event event = NULL;
    cl_int code = clEnqueueWriteBuffer(device->queue, b->mem, blocking, offset, bytes, from, 0,
                                       NULL, profile_slot(device, &event, wanted));
    MESO_TRY(opencl_check(device, code, "clEnqueueWriteBuffer", b->name, err));
    return profile_add(device, "write", event, wanted, err);
}

meso_status buffer_read(meso_device *device, const buffer *b, size_t offset, size_t bytes, void *to,
                        meso_error *err)
{
    return enqueue_read(device, b, offset, bytes, to, CL_TRUE, NULL, err);
}

meso_status buffer_write(meso_device *device, const buffer *b, size_t offset, size_t bytes,
                         const void *from, meso_error *err)
{
    return enqueue_write(device, b, offset, bytes, from, CL_TRUE, NULL, err);
}

meso_status buffer_read_begin(meso_device *device, const buffer *b, size_t offset, size_t bytes,
                              void *to, cl_event *event, meso_error *err)
{
    if (event)
        *event = NULL;
    return enqueue_read(device, b, offset, bytes, to, CL_FALSE, event, err);
}

meso_status buffer_read_rows_begin(meso_device *device, const buffer *b, size_t n_rows, size_t row_bytes,
                                   size_t pitch, void *to, meso_error *err)
{
    const size_t origin[3] = {0}, region[3] = {row_bytes, n_rows, 1};
    cl_event event = NULL;
    if (n_rows == 0 || row_bytes == 0)
        return MESO_OK;
    MESO_TRY(check_span(b, 0, (n_rows - 1) * pitch + row_bytes, "read", err));
    cl_int code = clEnqueueReadBufferRect(device->queue, b->mem, CL_FALSE, origin, origin, region, pitch, 0,
                                          pitch, 0, to, 0, NULL, profile_slot(device, &event, NULL));
    MESO_TRY(opencl_check(device, code, "clEnqueueReadBufferRect", b->name, err));
    return profile_add(device, "read", event, NULL, err);
}

meso_status buffer_write_begin(meso_device *device, const buffer *b, size_t offset, size_t bytes,
                               const void *from, cl_event *event, meso_error *err)
{
    if (event)
        *event = NULL;
    return enqueue_write(device, b, offset, bytes, from, CL_FALSE, event, err);
}

/* Small spans are written: a fill is a kernel of its own in most drivers, and tools that look for
 * uninitialised memory do not take it as a write. */
meso_status buffer_clear(meso_device *device, const buffer *b, size_t offset, size_t bytes,
                         meso_error *err)
{
    static const unsigned char zeros[1048576];
    static const cl_uint zero;
    if (bytes <= sizeof zeros) {
        meso_status status = MESO_OK;
        for (size_t done = 0; status == MESO_OK && done < bytes; done += sizeof zeros) {
            const size_t left = bytes - done;
            status = enqueue_write(device, b, offset + done,
                                   left < sizeof zeros ? left : sizeof zeros, zeros, CL_FALSE, NULL,
                                   err);
        }
        return status;
    }
    MESO_TRY(check_span(b, offset, bytes, "clear", err));
    cl_event event = NULL;
    cl_int code = clEnqueueFillBuffer(device->queue, b->mem, &zero, sizeof zero, offset, bytes, 0,
                                      NULL, profile_slot(device, &event, NULL));
    MESO_TRY(opencl_check(device, code, "clEnqueueFillBuffer", b->name, err));
    return profile_add(device, "clear", event, NULL, err);
}
