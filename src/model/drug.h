/** A drug: how it reaches the brain, and what it does there. */
#ifndef MODEL_DRUG_H
#define MODEL_DRUG_H

#include "model/drug_action.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum drug_route { ROUTE_IV, ROUTE_IP, N_ROUTES } drug_route;

typedef struct drug_route_spec {
    bool given; /* the drug may be taken this way */
    double bioavailability;
    double k_absorption_per_min; /* not for i.v. */
} drug_route_spec;

/* Depot A, plasma P and brain B (concentrations referred to V_d):
 * dA/dt = -ka A;  dP/dt = ka A - (ke + k12) P + k21 B;  dB/dt = k12 P - k21 B;
 * effect concentration = unbound_fraction * B. */
typedef struct drug {
    const char *name, *title;
    double molar_mass_g_per_mol; /* of the form in which the dose is stated */
    double V_d_L_per_kg;
    double k_elimination_per_min, k_to_brain_per_min, k_from_brain_per_min;
    double unbound_fraction;
    drug_route_spec routes[N_ROUTES];
    drug_actions actions;
} drug;

#endif
