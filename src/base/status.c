#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int exit_code;
    const char *meaning;
} statuses[] = {
#define X(name, exit_code, meaning) {"MESO_" #name, exit_code, meaning},
    MESO_STATUS_MAP(X)
#undef X
};

static int known(meso_status status)
{
    return (unsigned)status < sizeof statuses / sizeof statuses[0];
}

const char *meso_status_name(meso_status status)
{
    return known(status) ? statuses[status].name : "unknown status";
}

const char *meso_status_meaning(meso_status status)
{
    return known(status) ? statuses[status].meaning : "unknown status";
}

int meso_status_exit_code(meso_status status)
{
    return known(status) ? statuses[status].exit_code : statuses[MESO_INTERNAL].exit_code;
}

meso_status error_set(meso_error *err, meso_status status, const char *format, ...)
{
    if (err) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(err->message, sizeof err->message, format, arguments);
        va_end(arguments);
        err->status = status;
        err->place[0] = '\0';
    }
    return status;
}

meso_status error_prepend(meso_error *err, meso_status status, const char *format, ...)
{
    if (err) {
        char place[sizeof err->message - 2];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(place, sizeof place, format, arguments);
        va_end(arguments);
        const size_t n_place = strlen(place), room = sizeof err->message - 1 - n_place - 2;
        const size_t n_message = strlen(err->message), kept = n_message < room ? n_message : room;
        memmove(err->message + n_place + 2, err->message, kept);
        memcpy(err->message, place, n_place);
        memcpy(err->message + n_place, ": ", 2);
        err->message[n_place + 2 + kept] = '\0';
        err->status = status;
    }
    return status;
}
