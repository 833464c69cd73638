#include "device/device.h"

#include "base/text.h"
#include <string.h>

/* clang-format off */
#define OPENCL_ERRORS(X)                            \
    X(CL_SUCCESS)                                   \
    X(CL_DEVICE_NOT_FOUND)                          \
    X(CL_DEVICE_NOT_AVAILABLE)                      \
    X(CL_COMPILER_NOT_AVAILABLE)                    \
    X(CL_MEM_OBJECT_ALLOCATION_FAILURE)             \
    X(CL_OUT_OF_RESOURCES)                          \
    X(CL_OUT_OF_HOST_MEMORY)                        \
    X(CL_PROFILING_INFO_NOT_AVAILABLE)              \
    X(CL_MEM_COPY_OVERLAP)                          \
    X(CL_IMAGE_FORMAT_MISMATCH)                     \
    X(CL_IMAGE_FORMAT_NOT_SUPPORTED)                \
    X(CL_BUILD_PROGRAM_FAILURE)                     \
    X(CL_MAP_FAILURE)                               \
    X(CL_MISALIGNED_SUB_BUFFER_OFFSET)              \
    X(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST) \
    X(CL_COMPILE_PROGRAM_FAILURE)                   \
    X(CL_LINKER_NOT_AVAILABLE)                      \
    X(CL_LINK_PROGRAM_FAILURE)                      \
    X(CL_DEVICE_PARTITION_FAILED)                   \
    X(CL_KERNEL_ARG_INFO_NOT_AVAILABLE)             \
    X(CL_INVALID_VALUE)                             \
    X(CL_INVALID_DEVICE_TYPE)                       \
    X(CL_INVALID_PLATFORM)                          \
    X(CL_INVALID_DEVICE)                            \
    X(CL_INVALID_CONTEXT)                           \
    X(CL_INVALID_QUEUE_PROPERTIES)                  \
    X(CL_INVALID_COMMAND_QUEUE)                     \
    X(CL_INVALID_HOST_PTR)                          \
    X(CL_INVALID_MEM_OBJECT)                        \
    X(CL_INVALID_IMAGE_FORMAT_DESCRIPTOR)           \
    X(CL_INVALID_IMAGE_SIZE)                        \
    X(CL_INVALID_SAMPLER)                           \
    X(CL_INVALID_BINARY)                            \
    X(CL_INVALID_BUILD_OPTIONS)                     \
    X(CL_INVALID_PROGRAM)                           \
    X(CL_INVALID_PROGRAM_EXECUTABLE)                \
    X(CL_INVALID_KERNEL_NAME)                       \
    X(CL_INVALID_KERNEL_DEFINITION)                 \
    X(CL_INVALID_KERNEL)                            \
    X(CL_INVALID_ARG_INDEX)                         \
    X(CL_INVALID_ARG_VALUE)                         \
    X(CL_INVALID_ARG_SIZE)                          \
    X(CL_INVALID_KERNEL_ARGS)                       \
    X(CL_INVALID_WORK_DIMENSION)                    \
    X(CL_INVALID_WORK_GROUP_SIZE)                   \
    X(CL_INVALID_WORK_ITEM_SIZE)                    \
    X(CL_INVALID_GLOBAL_OFFSET)                     \
    X(CL_INVALID_EVENT_WAIT_LIST)                   \
    X(CL_INVALID_EVENT)                             \
    X(CL_INVALID_OPERATION)                         \
    X(CL_INVALID_GL_OBJECT)                         \
    X(CL_INVALID_BUFFER_SIZE)                       \
    X(CL_INVALID_MIP_LEVEL)                         \
    X(CL_INVALID_GLOBAL_WORK_SIZE)                  \
    X(CL_INVALID_PROPERTY)                          \
    X(CL_INVALID_IMAGE_DESCRIPTOR)                  \
    X(CL_INVALID_COMPILER_OPTIONS)                  \
    X(CL_INVALID_LINKER_OPTIONS)                    \
    X(CL_INVALID_DEVICE_PARTITION_COUNT)
/* clang-format on */

const char *opencl_error_name(cl_int code)
{
    switch (code) {
#define X(name)                                                                                    \
    case name:                                                                                     \
        return #name;
        OPENCL_ERRORS(X)
#undef X
    case -1001: /* of cl_khr_icd: the loader found no driver */
        return "CL_PLATFORM_NOT_FOUND_KHR";
    case -9999: /* NVIDIA's driver: a kernel read or wrote outside its buffers */
        return "illegal memory access";
    default:
        return "unknown OpenCL error";
    }
}

static meso_status status_of(cl_int code)
{
    switch (code) {
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
        return MESO_DEVICE_MEMORY;
    case CL_OUT_OF_HOST_MEMORY:
        return MESO_MEMORY;
    default:
        return MESO_DEVICE;
    }
}

/* A failed kernel shows up at a later call, with a code that is not about that call. */
static bool may_be_late(cl_int code)
{
    return code == CL_OUT_OF_RESOURCES || code == CL_OUT_OF_HOST_MEMORY ||
           code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_INVALID_COMMAND_QUEUE ||
           code == CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST || code == -9999;
}

/* "; last launches, newest first: a, b x3, c" */
static void append_recent(text *t, const meso_device *device)
{
    uint64_t n = device->n_launches < RECENT_LAUNCHES ? device->n_launches : RECENT_LAUNCHES;
    const char *separator = "; last launches, newest first: ";
    for (uint64_t i = 0, run; i < n; i += run) {
        const char *name = device->recent[(device->n_launches - 1 - i) % RECENT_LAUNCHES];
        for (run = 1; i + run < n; run++)
            if (strcmp(name, device->recent[(device->n_launches - 1 - i - run) % RECENT_LAUNCHES]))
                break;
        text_appendf(t, "%s%s", separator, name);
        if (run > 1)
            text_appendf(t, " x%u", (unsigned)run);
        separator = ", ";
    }
}

meso_status opencl_check(const meso_device *device, cl_int code, const char *call, const char *what,
                         meso_error *err)
{
    if (code == CL_SUCCESS)
        return MESO_OK;
    text t = {0};
    text_appendf(&t, "%s (%d) from %s", opencl_error_name(code), (int)code, call);
    if (what)
        text_appendf(&t, " of `%s`", what);
    if (device && may_be_late(code))
        append_recent(&t, device);
    meso_status status = error_set(err, status_of(code), "%s",
                                   t.failed ? opencl_error_name(code) : t.data);
    text_free(&t);
    return status;
}
