/** Error macros for the inside of the library. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <mesocl/status.h>

/* Return from the calling function when `call` fails. */
#define MESO_TRY(call)                                                                             \
    do {                                                                                           \
        meso_status try_status_ = (call);                                                          \
        if (try_status_ != MESO_OK)                                                                \
            return try_status_;                                                                    \
    } while (0)

/* Set `status` and jump to `done:` when `call` fails: for functions that have something to free. */
#define MESO_GO(call)                                                                              \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != MESO_OK)                                                                     \
            goto done;                                                                             \
    } while (0)

/** Fill `err` (may be NULL) and return `status`. */
meso_status error_set(meso_error *err, meso_status status, const char *format, ...)
    MESO_PRINTF(3, 4);
/** Put "text: " before the message; for upper layers that know the place. Returns err's status. */
meso_status error_prepend(meso_error *err, meso_status status, const char *format, ...)
    MESO_PRINTF(3, 4);

#endif
