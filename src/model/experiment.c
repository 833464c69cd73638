#include "model/experiment.h"

#include <string.h>

uint32_t modulator_compartment(const modulator *m, const char *region)
{
    for (uint32_t i = 0; i < m->n_compartments; i++)
        if (strcmp(m->compartments[i].region, region) == 0)
            return i;
    return MODEL_NONE;
}
