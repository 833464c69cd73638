#include "config/load.h"
#include "config/loader.h"
#include <string.h>

/* Structs and functions of the generated text are named after both. */
static meso_status check_name(loader *l, const cJSON *name)
{
    const experiment *e = l->experiment;
    for (uint32_t i = 0; i < e->n_models; i++)
        if (strcmp(e->models[i].name, name->valuestring) == 0)
            return LOADER_ERROR(l, name, NULL, MESO_CONFIG,
                                "'%s' is the name of a neuron model that a cell uses",
                                name->valuestring);
    return MESO_OK;
}

/* A current is loaded once, when the first stimulus uses it. */
static meso_status find_current(loader *l, const cJSON *name, const neuron_model **current)
{
    experiment *e = l->experiment;
    for (uint32_t i = 0; i < e->n_currents; i++) {
        if (strcmp(l->currents[i].name, name->valuestring) == 0) {
            *current = &l->currents[i];
            return MESO_OK;
        }
    }
    MESO_TRY(check_name(l, name));
    meso_error cause = {0};
    const meso_status status = config_load_current(name->valuestring, l->directory, e->memory,
                                                   current, &cause);
    if (status == MESO_NOT_FOUND || status == MESO_IO)
        return LOADER_ERROR(l, name, NULL, MESO_NOT_FOUND, "%s", cause.message);
    if (status != MESO_OK) {
        if (l->err)
            *l->err = cause;
        return status;
    }
    l->currents[e->n_currents] = **current;
    *current = &l->currents[e->n_currents++];
    return MESO_OK;
}

meso_status load_current(loader *l, const cJSON *object, stimulus *s)
{
    const population *target = &l->experiment->populations[s->target];
    MESO_TRY(find_current(l, get_member(object, "model"), &s->current));
    return load_parameters(l, s->current, target, get_member(object, "parameters"), NULL, object,
                           &s->parameters);
}
