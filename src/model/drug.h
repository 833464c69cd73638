/** A drug: how it reaches the brain, and what it does there. */
#ifndef MODEL_DRUG_H
#define MODEL_DRUG_H

#include "model/drug_action.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum drug_route {
    ROUTE_IV,
    ROUTE_IP,
    ROUTE_SC,
    ROUTE_ORAL,
    ROUTE_INHALED,
    N_ROUTES
} drug_route;

typedef struct drug_route_spec {
    bool given; /* the drug may be taken this way */
    double bioavailability;
    double k_absorption_per_min; /* not for i.v. */
} drug_route_spec;

/* What becomes of a drug in the plasma, besides its elimination. */
typedef struct drug_metabolite {
    uint32_t drug;
    double k_per_min;
    double yield; /* molecules of the metabolite for one of the parent */
} drug_metabolite;

/* Depots A, plasma P, periphery T and brain B; amounts in kg body mass divided by V_d:
 *   dA/dt = -ka A                                         one depot a route but i.v.
 *   dP/dt = sum ka A + u - (ke + sum km + k_to_T + k_to_B) P - V P / (K + P) + k_from_T T + k_from_B B
 *   dT/dt = k_to_T P - k_from_T T
 *   dB/dt = k_to_B P - k_from_B B       if the brain exchanges drug with the plasma, else
 *   dB/dt = k_eq (K_p P - B)            or B = K_p P, if it takes none away that counts
 * u: infusion, and what parents turn into this drug, yield * km * P * V_d of the parent / V_d.
 * Effect concentration = unbound_fraction * B. */
typedef struct drug {
    const char *name, *title;
    double molar_mass_g_per_mol; /* of the form in which the dose is stated */
    double V_d_L_per_kg;
    double k_elimination_per_min;
    double V_max_elimination_mg_per_kg_per_h, K_m_elimination_nM; /* V_max 0: not saturable */
    double k_to_peripheral_per_min, k_from_peripheral_per_min;
    double k_to_brain_per_min, k_from_brain_per_min;
    double brain_to_plasma;               /* K_p; 0: the brain exchanges drug with the plasma */
    double k_brain_equilibration_per_min; /* 0: at once */
    double unbound_fraction;
    drug_route_spec routes[N_ROUTES];
    const drug_metabolite *metabolites;
    uint32_t n_metabolites;
    drug_actions actions;
} drug;

#endif
