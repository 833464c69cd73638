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
    return c->V_max_nM_per_s * c->transporter_density / c->K_m_nM + compartment_loss_per_s(c);
}
