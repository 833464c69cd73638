#include "device/cache.h"
#include "device/device.h"

#include "base/log.h"
#include <errno.h>
#include <limits.h>
#include <mesocl/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* --- the compiler's log ----------------------------------------------------------------------- */

/* Caller frees; NULL when there is none. */
static char *build_log(const meso_device *device, cl_program program)
{
    size_t size = 0;
    clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *log = size > 1 ? calloc(size + 1, 1) : NULL;
    if (log)
        clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    return log;
}

/* From the first line that speaks of an error: warnings before it would fill the message. */
static const char *first_error(const char *log)
{
    const char *error = strstr(log, "error");
    if (!error)
        return log;
    while (error > log && error[-1] != '\n')
        error--;
    return error;
}

static meso_status build_failed(const meso_device *device, cl_program program, const char *name,
                                meso_error *err)
{
    enum { MAX_LOG = 800 }; /* leaves room in meso_error.message */
    char *log = build_log(device, program);
    const char *excerpt = log ? first_error(log) : "(the compiler says nothing)";
    size_t length = strlen(excerpt);
    while (length > 0 && excerpt[length - 1] == '\n')
        length--;
    bool cut = length > MAX_LOG;
    log_message(LOG_DEBUG, "build of program `%s` on %s:\n%s", name, device->info.name,
                log ? log : excerpt);
    meso_status status = error_set(
        err, MESO_KERNEL_BUILD, "program `%s` does not compile for %s:\n%.*s%s", name,
        device->info.name, cut ? MAX_LOG : (int)length, excerpt, cut ? " ..." : "");
    free(log);
    return status;
}

/* --- source and binary ------------------------------------------------------------------------ */

static meso_status build_source(const meso_device *device, const char *name, const char *source,
                                const char *options, cl_program *program, meso_error *err)
{
    cl_int code;
    cl_program p = clCreateProgramWithSource(device->context, 1, &source, NULL, &code);
    MESO_TRY(opencl_check(device, code, "clCreateProgramWithSource", name, err));
    code = clBuildProgram(p, 1, &device->id, options, NULL, NULL);
    meso_status status = code == CL_BUILD_PROGRAM_FAILURE || code == CL_COMPILE_PROGRAM_FAILURE ||
                                 code == CL_LINK_PROGRAM_FAILURE
                             ? build_failed(device, p, name, err)
                             : opencl_check(device, code, "clBuildProgram", name, err);
    if (status == MESO_OK)
        *program = p;
    else
        clReleaseProgram(p);
    return status;
}

static bool load_binary(const meso_device *device, cache_key key, const char *options,
                        cl_program *program)
{
    unsigned char *binary;
    size_t bytes;
    if (!cache_load(device->cache_directory, key, &binary, &bytes))
        return false;
    cl_int code, binary_status = CL_SUCCESS;
    cl_program p = clCreateProgramWithBinary(device->context, 1, &device->id, &bytes,
                                             (const unsigned char **)&binary, &binary_status,
                                             &code);
    free(binary);
    if (code == CL_SUCCESS && binary_status == CL_SUCCESS &&
        clBuildProgram(p, 1, &device->id, options, NULL, NULL) == CL_SUCCESS) {
        *program = p;
        return true;
    }
    if (p)
        clReleaseProgram(p);
    return false;
}

/* Some drivers have no binary to give; then there is nothing to keep. */
static void store_binary(const meso_device *device, cache_key key, cl_program program)
{
    size_t bytes = 0;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL) !=
            CL_SUCCESS ||
        bytes == 0)
        return;
    unsigned char *binary = malloc(bytes);
    if (binary &&
        clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
        cache_store(device->cache_directory, key, binary, bytes);
    free(binary);
}

static cache_key program_key(const meso_device *device, const char *source, const char *options)
{
    const char *const texts[] = {MESO_VERSION,
                                 device->info.platform,
                                 device->platform_version,
                                 device->info.vendor,
                                 device->info.name,
                                 device->info.driver,
                                 options,
                                 source};
    return cache_hash(texts, sizeof texts / sizeof *texts);
}

static meso_status build(meso_device *device, const char *name, const char *source,
                         const char *options, cl_program *program, meso_error *err)
{
    if (!device->cache_directory)
        return build_source(device, name, source, options, program, err);
    cache_key key = program_key(device, source, options);
    if (load_binary(device, key, options, program)) {
        log_message(LOG_DEBUG, "program `%s` taken from the cache", name);
        return MESO_OK;
    }
    MESO_TRY(build_source(device, name, source, options, program, err));
    log_message(LOG_DEBUG, "program `%s` built from source", name);
    store_binary(device, key, *program);
    return MESO_OK;
}

/* --- for people who want to read it ----------------------------------------------------------- */

/* <directory>/<name>.cl, as compiled, below a line with its options. */
static meso_status dump(const meso_device *device, const char *name, const char *source,
                        const char *options, meso_error *err)
{
    char path[PATH_MAX];
    const char *directory = device->dump_directory;
    if (snprintf(path, sizeof path, "%s/%s.cl", directory, name) >= (int)sizeof path)
        return error_set(err, MESO_IO, "%s: the path is too long", directory);
    FILE *file = mkdir(directory, 0777) == 0 || errno == EEXIST ? fopen(path, "w") : NULL;
    if (!file)
        return error_set(err, MESO_IO, "%s: %s", path, strerror(errno));
    bool written = fprintf(file, "/* options: %s */\n%s", options, source) > 0;
    if (fclose(file) != 0 || !written)
        return error_set(err, MESO_IO, "%s: %s", path, strerror(errno));
    return MESO_OK;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

meso_status program_build(meso_device *device, const char *name, const char *source,
                          const char *options, cl_program *program, meso_error *err)
{
    *program = NULL;
    options = options ? options : "";
    if (device->dump_directory)
        MESO_TRY(dump(device, name, source, options, err));
    double start_s = now_s();
    meso_status status = build(device, name, source, options, program, err);
    device->compile_s += now_s() - start_s;
    return status;
}

void program_release(cl_program *program)
{
    if (*program)
        clReleaseProgram(*program);
    *program = NULL;
}
