/**
 * OpenCL devices: what is there, and opening one.
 */
#ifndef MESOCL_DEVICE_H
#define MESOCL_DEVICE_H

#include <mesocl/status.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct meso_device meso_device;

/** One device of the list. Strings are copies inside the struct. */
typedef struct meso_device_info {
    char name[128];
    char vendor[128];
    char driver[128];   /* driver version */
    char platform[128]; /* platform name */
    char opencl_c[64];  /* highest OpenCL C version, as the driver words it */
    bool is_gpu;
    bool is_cpu;
    uint32_t compute_units;
    uint32_t clock_mhz;
    uint32_t vector_width; /* native vector width for float */
    uint64_t max_work_group;
    uint64_t global_bytes;    /* device memory */
    uint64_t max_alloc_bytes; /* largest single buffer */
    uint64_t local_bytes;
    bool fp64;
} meso_device_info;

/**
 * List the OpenCL devices of this machine, platforms in the loader's order.
 * Outputs   devices  array of n_devices, freed with free(); NULL and 0 when there is none (not an error)
 */
MESO_API meso_status meso_device_list(meso_device_info **devices, uint32_t *n_devices,
                                      meso_error *err);

/** How a device is opened. Zero means default everywhere. */
typedef struct meso_device_options {
    const char
        *selector; /* index in the list, part of a name, "cpu", "gpu"; NULL: $MESOCL_DEVICE, else
                               the first GPU, else the first device */
    bool no_program_cache; /* build every program from source */
    bool profile;          /* collect named events */
    const char
        *dump_directory; /* write the text of every program there as it is compiled; NULL: no */
} meso_device_options;

MESO_API meso_status meso_device_open(const meso_device_options *options, meso_device **device,
                                      meso_error *err);
MESO_API void meso_device_close(meso_device **device);
MESO_API const meso_device_info *meso_device_describe(const meso_device *device);

/** One row of the profile: all launches of one name. */
typedef struct meso_profile_row {
    char name[64];
    uint64_t n;
    double total_s;
} meso_profile_row;

/** Rows sorted by time, longest first; empty without `profile`. Freed with free(). */
MESO_API meso_status meso_device_profile(meso_device *device, meso_profile_row **rows,
                                         uint32_t *n_rows, meso_error *err);
/** What the device was asked to do since it was opened. */
typedef struct meso_device_work {
    double compile_s;    /* in which programs were compiled, or loaded from the cache */
    uint64_t n_launches; /* of kernels */
} meso_device_work;
MESO_API meso_device_work meso_device_work_done(const meso_device *device);
/** Bytes in device buffers now and at most. */
MESO_API void meso_device_memory(const meso_device *device, uint64_t *now_bytes,
                                 uint64_t *peak_bytes);

#ifdef __cplusplus
}
#endif
#endif
