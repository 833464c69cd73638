/**
 * Status codes and errors.
 *
 * Every function that can fail returns a `meso_status` (0 is success) and takes, last, a nullable
 * `meso_error *` that the caller owns. The library never prints, never exits, and keeps no global
 * error state, so it can be called from any thread.
 */
#ifndef MESOCL_STATUS_H
#define MESOCL_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MESO_API __attribute__((visibility("default")))
#define MESO_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define MESO_API
#define MESO_PRINTF(text, first)
#endif

/* name, exit code of the program, meaning */
#define MESO_STATUS_MAP(X)                                                                         \
    X(OK, 0, "success")                                                                            \
    X(ARGUMENT, 2, "invalid argument")                                                             \
    X(CONFIG, 2, "invalid experiment")                                                             \
    X(UNIT, 2, "wrong unit")                                                                       \
    X(RANGE, 2, "value out of range")                                                              \
    X(NOT_FOUND, 2, "not found")                                                                   \
    X(MEMORY, 3, "out of host memory")                                                             \
    X(DEVICE, 3, "device error")                                                                   \
    X(DEVICE_MEMORY, 3, "out of device memory")                                                    \
    X(KERNEL_BUILD, 3, "kernel does not compile")                                                  \
    X(UNSUPPORTED, 3, "not supported by this device")                                              \
    X(IO, 4, "file error")                                                                         \
    X(FORMAT, 4, "file has the wrong format")                                                      \
    X(VERSION, 4, "file of another version")                                                       \
    X(NUMERICS, 5, "numerical error")                                                              \
    X(STOPPED, 6, "stopped on request")                                                            \
    X(INTERNAL, 70, "internal error")

typedef enum meso_status {
#define X(name, exit_code, meaning) MESO_##name,
    MESO_STATUS_MAP(X)
#undef X
} meso_status;

/** What went wrong. Filled by the function that failed; upper layers prepend the place. */
typedef struct meso_error {
    meso_status status;
    char message[1024]; /* one fact, one line or a few; ends without newline */
    char place[512];    /* file:line or JSON path that the user can look up; may be empty */
} meso_error;

/** Name of a status ("MESO_RANGE"), its meaning, and the exit code of a program that ends with it. */
MESO_API const char *meso_status_name(meso_status status);
MESO_API const char *meso_status_meaning(meso_status status);
MESO_API int meso_status_exit_code(meso_status status);

#ifdef __cplusplus
}
#endif
#endif
