#include "base/state.h"

meso_status state_block(const meso_state_visitor *v, const char *name, void *data, size_t bytes,
                        meso_error *err)
{
    return bytes > 0 ? v->block(v->self, name, data, bytes, err) : MESO_OK;
}

meso_status state_same(const meso_state_visitor *v, const char *name, uint64_t value,
                       const char *what, meso_error *err)
{
    uint64_t found = value;
    MESO_TRY(STATE_VALUE(v, name, found, err));
    if (found != value)
        return error_set(err, MESO_VERSION, "%s is not that of the checkpoint", what);
    return MESO_OK;
}
