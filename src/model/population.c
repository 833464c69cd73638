#include "model/population.h"

#include <string.h>

uint32_t population_ports(const population *p)
{
    return p->n_conductances + p->model->n_inputs;
}

const char *population_port_name(const population *p, uint32_t port)
{
    return port < p->n_conductances ? p->conductances[port].name
                                    : p->model->inputs[port - p->n_conductances].name;
}

const char *population_port_unit(const population *p, uint32_t port)
{
    return port < p->n_conductances ? "nS" : p->model->inputs[port - p->n_conductances].unit;
}

const char *population_weight_key(const population *p, uint32_t port)
{
    static const char *const keys[] = {"weight_nS", "weight_pA", "weight_mV"};
    for (int i = 0; i < 3; i++)
        if (strcmp(keys[i] + strlen("weight_"), population_port_unit(p, port)) == 0)
            return keys[i];
    return "weight";
}
