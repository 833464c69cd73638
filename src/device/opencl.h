/** The inside of the device layer: what engine uses. CL/cl.h is included here and nowhere else. */
#ifndef DEVICE_OPENCL_H
#define DEVICE_OPENCL_H

#define CL_TARGET_OPENCL_VERSION 120
#include "base/status.h"
#include <CL/cl.h>
#include <mesocl/device.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Name of an OpenCL error code ("CL_OUT_OF_RESOURCES"). */
const char *opencl_error_name(cl_int code);

/* --- buffers: counted, named, zero-filled when `content` is NULL ---------------------------------- */

/** What a buffer is to a run that goes on after a restart. There is no default. */
typedef enum buffer_role {
    BUFFER_CONSTANT = 1, /* follows from the experiment, and no step of the loop changes it */
    BUFFER_STATE,        /* goes from one field step to the next: a checkpoint has it */
    BUFFER_PASSING,      /* filled and read again within an interval; a new one is as good */
    BUFFER_PARTS,        /* in parts state: its owner says which (engine/state.c) */
} buffer_role;

typedef struct buffer {
    cl_mem mem;
    size_t bytes;
    const char *name; /* borrowed: a literal */
    buffer_role role;
    uint64_t number; /* counts all buffers that the device made */
    void *host;      /* memory that backs it, if not the driver's own */
} buffer;

/**
 * Errors    MESO_DEVICE_MEMORY with name, bytes asked, bytes in use and the device's limits; MESO_INTERNAL without a role
 */
meso_status buffer_create(meso_device *device, buffer_role role, const char *name, size_t bytes,
                          const void *content, buffer *out, meso_error *err);
/** The same, with undefined content: for what kernels fill. */
meso_status buffer_reserve(meso_device *device, buffer_role role, const char *name, size_t bytes,
                           buffer *out, meso_error *err);
/** Several tables, one after the other. */
typedef struct buffer_spec {
    buffer_role role;
    const char *name;
    size_t bytes;
    const void *content;
    buffer *out;
} buffer_spec;
meso_status buffers_create(meso_device *device, const buffer_spec *specs, size_t n,
                           meso_error *err);
void buffer_destroy(meso_device *device, buffer *b);
/** How many were made so far: the number of the next. */
uint64_t buffers_made(const meso_device *device);
/** Those that there are with a number in [first, end), in order, until `visit` fails. */
typedef meso_status buffer_visitor(void *self, const buffer *b, meso_error *err);
meso_status buffers_visit(const meso_device *device, uint64_t first, uint64_t end,
                          buffer_visitor *visit, void *self, meso_error *err);
/** Blocking transfers. */
meso_status buffer_read(meso_device *device, const buffer *b, size_t offset, size_t bytes, void *to,
                        meso_error *err);
meso_status buffer_write(meso_device *device, const buffer *b, size_t offset, size_t bytes,
                         const void *from, meso_error *err);
/** Start a read and go on; `to` is valid after device_wait(event), which also releases the event. `event` may
 * be NULL when a later one is waited for: the queue is in order. */
meso_status buffer_read_begin(meso_device *device, const buffer *b, size_t offset, size_t bytes,
                              void *to, cl_event *event, meso_error *err);
/** Start to read the first row_bytes of each of n_rows that lie `pitch` bytes apart, in `to` too. */
meso_status buffer_read_rows_begin(meso_device *device, const buffer *b, size_t n_rows,
                                   size_t row_bytes, size_t pitch, void *to, meso_error *err);
/** Start a write and go on; `from` must stay as it is until the event or a later one was waited for. */
meso_status buffer_write_begin(meso_device *device, const buffer *b, size_t offset, size_t bytes,
                               const void *from, cl_event *event, meso_error *err);
/** Set to zero, in queue order, without waiting. */
meso_status buffer_clear(meso_device *device, const buffer *b, size_t offset, size_t bytes,
                         meso_error *err);

/* --- programs and kernels ------------------------------------------------------------------------- */

/**
 * Build a program from source, or take it from the cache ($XDG_CACHE_HOME/mesocl, else ~/.cache/mesocl).
 * The cache key is a hash of source, options, platform, device, driver and mesocl's version; an entry
 * carries a checksum, is written atomically and is rebuilt when it does not load. MESOCL_NO_CACHE=1 or
 * no_program_cache switches it off.
 * Errors    MESO_KERNEL_BUILD with the compiler's log
 */
meso_status program_build(meso_device *device, const char *name, const char *source,
                          const char *options, cl_program *program, meso_error *err);
void program_release(cl_program *program);

/** A kernel with its arguments by position. Launching checks that every argument was set. */
typedef struct kernel {
    cl_kernel handle;
    const char *name;       /* borrowed: a literal; also the name in the profile */
    uint64_t arguments_set; /* bit mask */
    uint32_t n_arguments;
} kernel;

meso_status kernel_create(cl_program program, const char *name, kernel *out, meso_error *err);
void kernel_release(kernel *k);
meso_status kernel_set_buffer(kernel *k, uint32_t index, const buffer *b, meso_error *err);
/** Several, one after the other. */
meso_status kernel_set_buffers(kernel *k, uint32_t first, const buffer *const *buffers, uint32_t n,
                               meso_error *err);
meso_status kernel_set_u32(kernel *k, uint32_t index, uint32_t value, meso_error *err);
meso_status kernel_set_i32(kernel *k, uint32_t index, int32_t value, meso_error *err);
meso_status kernel_set_f32(kernel *k, uint32_t index, float value, meso_error *err);
/** Any other value, by bytes. */
meso_status kernel_set_bytes(kernel *k, uint32_t index, size_t bytes, const void *value,
                             meso_error *err);
meso_status kernel_set_local(kernel *k, uint32_t index, size_t bytes, meso_error *err);

/* --- the queue (one, in order) -------------------------------------------------------------------- */

/** Enqueue n_groups groups of group_size work-items. n_groups 0 is nothing. */
meso_status device_launch(meso_device *device, kernel *k, size_t n_groups, size_t group_size,
                          meso_error *err);
/** Send what is queued to the device without waiting. */
meso_status device_flush(meso_device *device, meso_error *err);
/** Wait for one event and release it (NULL: for all that is queued). Late errors name the last launches. */
meso_status device_wait(meso_device *device, cl_event *event, meso_error *err);

#endif
