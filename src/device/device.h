/** The open device as this folder sees it: context, queue, counters, profile. */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include "device/opencl.h"

enum {
    RECENT_LAUNCHES = 32, /* names kept for errors that surface late */
    PENDING_EVENTS = 512, /* profile events that may wait to be read */
};

typedef struct pending_event {
    cl_event event;
    uint32_t row;
} pending_event;

typedef struct profile {
    bool enabled;
    meso_profile_row *rows;
    uint32_t n_rows, capacity;
    pending_event pending[PENDING_EVENTS]; /* in queue order */
    uint32_t n_pending;
} profile;

struct meso_device {
    meso_device_info info;
    char platform_version[128];
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue; /* in order */
    char *cache_directory;  /* NULL: no program cache */
    char *dump_directory;   /* NULL: texts of programs are not written */
    double compile_s;       /* spent on programs so far */
    uint64_t now_bytes, peak_bytes;
    buffer *buffers; /* [n_buffers] that there are, by number */
    size_t n_buffers, buffer_capacity;
    uint64_t n_made;
    const char *recent[RECENT_LAUNCHES]; /* a ring; literals */
    uint64_t n_launches;
    profile profile;
};

/**
 * MESO_OK when `code` is CL_SUCCESS, else fill `err`: the call, what it was about (a kernel or
 * buffer, or NULL) and the error's name. Errors of work that was queued earlier also name the last
 * launches.
 */
meso_status opencl_check(const meso_device *device, cl_int code, const char *call, const char *what,
                         meso_error *err);

/** Where an enqueue shall put its event: at `event`, or nowhere when neither the profile nor a
 *  caller (`wanted` not NULL) needs one. */
cl_event *profile_slot(const meso_device *device, cl_event *event, const cl_event *wanted);
/** After an enqueue: give the event to the caller who wanted it, and count it as `name`. */
meso_status profile_add(meso_device *device, const char *name, cl_event event, cl_event *wanted,
                        meso_error *err);
/** Read and release all pending events but the newest `keep`, waiting for them. */
meso_status profile_collect(meso_device *device, uint32_t keep, meso_error *err);
void profile_free(profile *p);

#endif
