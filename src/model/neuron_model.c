#include "model/neuron_model.h"

#include <stdio.h>

void neuron_model_signature(const neuron_model *m, char *buffer, size_t size)
{
    char derived[96] = "";
    if (m->n_derived > 0)
        snprintf(derived, sizeof derived, "%s_derived d, ", m->name);
    snprintf(buffer, size, "%s_state %s(%s_state s, %s_parameters p, %s%s_inputs in, float dt_ms)",
             m->name, m->name, m->name, m->name, derived, m->name);
}

void neuron_model_derive_signature(const neuron_model *m, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s_derived %s_derive(%s_parameters p, float dt_ms)", m->name, m->name,
             m->name);
}
