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

meso_status load_current(loader *l, const cJSON *object, stimulus *s)
{
    experiment *e = l->experiment;
    const population *target = &e->populations[s->target];
    const cJSON *name = get_member(object, "model");
    MESO_TRY(check_name(l, name));
    MESO_TRY(
        loader_find_model(l, name, config_load_current, l->currents, &e->n_currents, &s->current));
    return load_parameters(l, s->current, target, get_member(object, "parameters"), NULL, object,
                           &s->parameters);
}
