#include "model/modulator.h"

double compartment_loss_per_s(const compartment *c)
{
    double rate_per_s = c->k_loss_per_s;
    for (uint32_t i = 0; i < c->n_enzymes; i++)
        rate_per_s += c->enzymes[i].place == ENZYME_EXTRACELLULAR ? c->enzymes[i].k_per_s : 0;
    return rate_per_s;
}

double compartment_clearance_per_s(const compartment *c)
{
    const double uptake_per_s = c->V_max_nM_per_s * c->transporter_density;
    return (uptake_per_s > 0 ? uptake_per_s / c->K_m_nM : 0) + compartment_loss_per_s(c);
}
