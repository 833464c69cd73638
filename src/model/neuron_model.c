#include "model/neuron_model.h"

#include <stdio.h>

const char *const model_role_names[] = {"model", "current", "rule"};
const char *const rule_event_names[N_RULE_EVENTS] = {"pre", "post", "between"};

bool rule_has(const neuron_model *m, rule_event event)
{
    return event == RULE_BETWEEN ? m->between : m->spikes;
}

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

void rule_signature(const neuron_model *m, rule_event event, char *buffer, size_t size)
{
    const char *arguments = "real trace";
    char derived[96] = "";
    if (event == RULE_BETWEEN)
        arguments = m->random ? "real modulator, real span_ms, meso_words random"
                              : "real modulator, real span_ms";
    if (m->n_derived > 0)
        snprintf(derived, sizeof derived, "%s_derived d, ", m->name);
    snprintf(buffer, size, "%s_state %s_%s(%s_state s, %s_parameters p, %s%s)", m->name, m->name,
             rule_event_names[event], m->name, m->name, derived, arguments);
}

void rule_turnover_signature(const neuron_model *m, char *buffer, size_t size)
{
    char derived[96] = "";
    if (m->n_derived > 0)
        snprintf(derived, sizeof derived, "%s_derived d, ", m->name);
    snprintf(buffer, size,
             "%s_state %s_turnover(%s_state s, %s_parameters p, %sreal signal, meso_words random, "
             "real span_s)",
             m->name, m->name, m->name, m->name, derived);
}
