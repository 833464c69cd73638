#include "device/device.h"
#include "device/cache.h"

#include "base/log.h"
#include "base/text.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- the list --------------------------------------------------------------------------------- */

typedef struct entry {
    cl_platform_id platform;
    cl_device_id id;
    meso_device_info info;
} entry;

typedef struct entry_list {
    entry *entries;
    uint32_t n;
} entry_list;

/* Drivers pad names with blanks; keep what a person would type. */
static void copy_trimmed(char *to, size_t size, const char *from)
{
    while (isspace((unsigned char)*from))
        from++;
    size_t length = strlen(from);
    while (length > 0 && isspace((unsigned char)from[length - 1]))
        length--;
    if (length >= size)
        length = size - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

static void device_string(cl_device_id id, cl_device_info key, char *to, size_t size)
{
    char value[1024] = "";
    if (clGetDeviceInfo(id, key, sizeof value - 1, value, NULL) != CL_SUCCESS)
        value[0] = '\0';
    copy_trimmed(to, size, value);
}

static void platform_string(cl_platform_id id, cl_platform_info key, char *to, size_t size)
{
    char value[1024] = "";
    if (clGetPlatformInfo(id, key, sizeof value - 1, value, NULL) != CL_SUCCESS)
        value[0] = '\0';
    copy_trimmed(to, size, value);
}

/* Integers come as 32 or 64 bits; zero when the driver does not know. */
static uint64_t device_integer(cl_device_id id, cl_device_info key)
{
    uint64_t wide = 0;
    uint32_t narrow = 0;
    size_t size = 0;
    if (clGetDeviceInfo(id, key, 0, NULL, &size) != CL_SUCCESS)
        return 0;
    if (size == sizeof wide && clGetDeviceInfo(id, key, size, &wide, NULL) == CL_SUCCESS)
        return wide;
    if (size == sizeof narrow && clGetDeviceInfo(id, key, size, &narrow, NULL) == CL_SUCCESS)
        return narrow;
    return 0;
}

static void describe(cl_platform_id platform, cl_device_id id, meso_device_info *info)
{
    uint64_t type = device_integer(id, CL_DEVICE_TYPE);
    *info = (meso_device_info){
        .is_gpu = (type & CL_DEVICE_TYPE_GPU) != 0,
        .is_cpu = (type & CL_DEVICE_TYPE_CPU) != 0,
        .compute_units = (uint32_t)device_integer(id, CL_DEVICE_MAX_COMPUTE_UNITS),
        .clock_mhz = (uint32_t)device_integer(id, CL_DEVICE_MAX_CLOCK_FREQUENCY),
        .vector_width = (uint32_t)device_integer(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT),
        .max_work_group = device_integer(id, CL_DEVICE_MAX_WORK_GROUP_SIZE),
        .global_bytes = device_integer(id, CL_DEVICE_GLOBAL_MEM_SIZE),
        .max_alloc_bytes = device_integer(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE),
        .local_bytes = device_integer(id, CL_DEVICE_LOCAL_MEM_SIZE),
        .fp64 = device_integer(id, CL_DEVICE_DOUBLE_FP_CONFIG) != 0,
    };
    device_string(id, CL_DEVICE_NAME, info->name, sizeof info->name);
    device_string(id, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    device_string(id, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    device_string(id, CL_DEVICE_OPENCL_C_VERSION, info->opencl_c, sizeof info->opencl_c);
    platform_string(platform, CL_PLATFORM_NAME, info->platform, sizeof info->platform);
}

/* A platform that cannot say what it has is passed over, so that it does not hide the others. */
static meso_status add_platform(entry_list *list, cl_platform_id platform, meso_error *err)
{
    cl_uint n = 0;
    cl_int code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &n);
    if (code != CL_SUCCESS || n == 0) {
        char name[128];
        platform_string(platform, CL_PLATFORM_NAME, name, sizeof name);
        log_message(LOG_DEBUG, "platform %s has no device (%s)", name, opencl_error_name(code));
        return MESO_OK;
    }
    cl_device_id *ids = calloc(n, sizeof *ids);
    entry *grown = realloc(list->entries, (list->n + n) * sizeof *grown);
    if (grown)
        list->entries = grown;
    if (!ids || !grown) {
        free(ids);
        return error_set(err, MESO_MEMORY, "no memory for a list of %u devices", list->n + n);
    }
    code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, n, ids, NULL);
    for (cl_uint i = 0; code == CL_SUCCESS && i < n; i++) {
        entry *e = &list->entries[list->n++];
        e->platform = platform;
        e->id = ids[i];
        describe(platform, ids[i], &e->info);
    }
    free(ids);
    return opencl_check(NULL, code, "clGetDeviceIDs", NULL, err);
}

/* Caller frees list->entries, also after an error. */
static meso_status list_entries(entry_list *list, meso_error *err)
{
    *list = (entry_list){0};
    cl_uint n = 0;
    /* The loader answers "no platform" with an error of an extension, or with zero. */
    if (clGetPlatformIDs(0, NULL, &n) != CL_SUCCESS || n == 0)
        return MESO_OK;
    cl_platform_id *platforms = calloc(n, sizeof *platforms);
    if (!platforms)
        return error_set(err, MESO_MEMORY, "no memory for a list of %u platforms", n);
    cl_int code = clGetPlatformIDs(n, platforms, NULL);
    meso_status status = opencl_check(NULL, code, "clGetPlatformIDs", NULL, err);
    for (cl_uint i = 0; status == MESO_OK && i < n; i++)
        status = add_platform(list, platforms[i], err);
    free(platforms);
    return status;
}

meso_status meso_device_list(meso_device_info **devices, uint32_t *n_devices, meso_error *err)
{
    *devices = NULL;
    *n_devices = 0;
    entry_list list;
    meso_status status;
    MESO_GO(list_entries(&list, err));
    if (list.n == 0)
        goto done;
    *devices = calloc(list.n, sizeof **devices);
    if (!*devices) {
        status = error_set(err, MESO_MEMORY, "no memory for a list of %u devices", list.n);
        goto done;
    }
    for (uint32_t i = 0; i < list.n; i++)
        (*devices)[i] = list.entries[i].info;
    *n_devices = list.n;
done:
    free(list.entries);
    return status;
}

/* --- choosing one ----------------------------------------------------------------------------- */

static bool contains(const char *whole, const char *part)
{
    size_t length = strlen(part);
    for (; *whole; whole++)
        if (strncasecmp(whole, part, length) == 0)
            return true;
    return false;
}

static bool matches(const meso_device_info *info, const char *selector)
{
    if (strcasecmp(selector, "gpu") == 0)
        return info->is_gpu;
    if (strcasecmp(selector, "cpu") == 0)
        return info->is_cpu;
    return contains(info->name, selector) || contains(info->platform, selector);
}

static meso_status no_choice(const entry_list *list, meso_status status, const char *selector,
                             const char *problem, meso_error *err)
{
    text names = {0};
    for (uint32_t i = 0; i < list->n; i++)
        text_appendf(&names, "\n  %u: %s (%s)", i, list->entries[i].info.name,
                     list->entries[i].info.platform);
    error_set(err, status, "%s \"%s\"; the devices are:%s", problem, selector,
              names.failed || !names.data ? "" : names.data);
    text_free(&names);
    return status;
}

/* The index of the device, by number, kind, or part of its name or its platform's. */
static meso_status choose(const entry_list *list, const char *selector, uint32_t *chosen,
                          meso_error *err)
{
    char *end;
    unsigned long index = strtoul(selector, &end, 10);
    if (isdigit((unsigned char)*selector) && *end == '\0' && index < list->n) {
        *chosen = (uint32_t)index;
        return MESO_OK;
    }
    uint32_t n_matches = 0;
    for (uint32_t i = list->n; i-- > 0;)
        if (matches(&list->entries[i].info, selector)) {
            *chosen = i;
            n_matches++;
        }
    if (n_matches == 0)
        return no_choice(list, MESO_NOT_FOUND, selector, "no device matches", err);
    if (n_matches > 1)
        return no_choice(list, MESO_ARGUMENT, selector, "several devices match", err);
    return MESO_OK;
}

static uint32_t first_gpu(const entry_list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (list->entries[i].info.is_gpu)
            return i;
    return 0;
}

static meso_status select_entry(const entry_list *list, const char *selector, entry *chosen,
                                meso_error *err)
{
    if (list->n == 0)
        return error_set(
            err, MESO_DEVICE,
            "no OpenCL device on this machine; install pocl-opencl-icd to compute on the "
            "CPU, or the vendor's OpenCL driver for a GPU");
    if (!selector || !*selector)
        selector = getenv("MESOCL_DEVICE");
    uint32_t index = first_gpu(list);
    if (selector && *selector)
        MESO_TRY(choose(list, selector, &index, err));
    *chosen = list->entries[index];
    return MESO_OK;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static meso_status check_usable(const entry *e, meso_error *err)
{
    const char *name = e->info.name;
    char version[128];
    int major = 0, minor = 0;
    device_string(e->id, CL_DEVICE_VERSION, version, sizeof version);
    if (sscanf(version, "OpenCL %d.%d", &major, &minor) != 2 || major * 10 + minor < 12)
        return error_set(err, MESO_UNSUPPORTED, "%s has \"%s\"; OpenCL 1.2 or later is needed",
                         name, version);
    if (!device_integer(e->id, CL_DEVICE_AVAILABLE))
        return error_set(err, MESO_DEVICE, "%s is not available", name);
    if (!device_integer(e->id, CL_DEVICE_COMPILER_AVAILABLE))
        return error_set(err, MESO_UNSUPPORTED, "%s has no OpenCL compiler", name);
    if (!device_integer(e->id, CL_DEVICE_ENDIAN_LITTLE))
        return error_set(err, MESO_UNSUPPORTED, "%s is not little-endian", name);
    return MESO_OK;
}

static meso_status open_queue(meso_device *d, meso_error *err)
{
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                                (cl_context_properties)d->platform, 0};
    cl_int code;
    d->context = clCreateContext(properties, 1, &d->id, NULL, NULL, &code);
    MESO_TRY(opencl_check(d, code, "clCreateContext", d->info.name, err));
    cl_command_queue_properties flags = d->profile.enabled ? CL_QUEUE_PROFILING_ENABLE : 0;
    d->queue = clCreateCommandQueue(d->context, d->id, flags, &code);
    return opencl_check(d, code, "clCreateCommandQueue", d->info.name, err);
}

meso_status meso_device_open(const meso_device_options *options, meso_device **device,
                             meso_error *err)
{
    *device = NULL;
    meso_device_options o = options ? *options : (meso_device_options){0};
    meso_device *d = NULL;
    entry chosen;
    entry_list list;
    meso_status status;
    MESO_GO(list_entries(&list, err));
    MESO_GO(select_entry(&list, o.selector, &chosen, err));
    MESO_GO(check_usable(&chosen, err));
    d = calloc(1, sizeof *d);
    if (!d) {
        status = error_set(err, MESO_MEMORY, "no memory for a device");
        goto done;
    }
    d->info = chosen.info;
    d->platform = chosen.platform;
    d->id = chosen.id;
    d->profile.enabled = o.profile;
    platform_string(d->platform, CL_PLATFORM_VERSION, d->platform_version,
                    sizeof d->platform_version);
    const char *no_cache = getenv("MESOCL_NO_CACHE");
    if (!o.no_program_cache && !(no_cache && *no_cache && strcmp(no_cache, "0") != 0))
        d->cache_directory = cache_directory();
    if (o.dump_directory && !(d->dump_directory = strdup(o.dump_directory))) {
        status = error_set(err, MESO_MEMORY, "no memory for a device");
        goto done;
    }
    MESO_GO(open_queue(d, err));
    *device = d;
    d = NULL;
done:
    meso_device_close(&d);
    free(list.entries);
    return status;
}

void meso_device_close(meso_device **device)
{
    meso_device *d = *device;
    if (!d)
        return;
    *device = NULL;
    if (d->queue) {
        clFinish(d->queue);
        profile_free(&d->profile);
        clReleaseCommandQueue(d->queue);
    }
    if (d->context)
        clReleaseContext(d->context);
    free(d->cache_directory);
    free(d->dump_directory);
    free(d->buffers);
    free(d);
}

const meso_device_info *meso_device_describe(const meso_device *device)
{
    return &device->info;
}

meso_device_work meso_device_work_done(const meso_device *device)
{
    return (meso_device_work){device->compile_s, device->n_launches};
}

void meso_device_memory(const meso_device *device, uint64_t *now_bytes, uint64_t *peak_bytes)
{
    *now_bytes = device->now_bytes;
    *peak_bytes = device->peak_bytes;
}
