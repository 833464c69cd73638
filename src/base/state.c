#include "base/state.h"

#include <stdarg.h>
#include <stdio.h>

meso_status state_block(const meso_state_visitor *v, void *data, size_t bytes, meso_error *err,
                        const char *name, ...)
{
    char whole[256];
    va_list arguments;
    va_start(arguments, name);
    vsnprintf(whole, sizeof whole, name, arguments);
    va_end(arguments);
    return bytes > 0 ? v->block(v->self, whole, data, bytes, err) : MESO_OK;
}

meso_status state_same(const meso_state_visitor *v, uint64_t value, meso_error *err,
                       const char *name, const char *what)
{
    uint64_t found = value;
    MESO_TRY(STATE_VALUE(v, found, err, "%s", name));
    if (found != value)
        return error_set(err, MESO_VERSION, "%s is not that of the checkpoint", what);
    return MESO_OK;
}
