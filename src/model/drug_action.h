/** What a drug does where it is: the numbers by which it acts on transporters, receptors and enzymes. C is its free
 *  concentration there. */
#ifndef MODEL_DRUG_ACTION_H
#define MODEL_DRUG_ACTION_H

#include <stdint.h>

/* Competitive block of a transporter: K_m becomes K_m (1 + C / K_i). */
typedef struct drug_block {
    const char *transporter;
    double K_i_nM;
} drug_block;

/* Competes with the other ligands of a receptor (modulator.h). A full agonist has efficacy 1, an antagonist 0. */
typedef struct drug_binding {
    const char *receptor; /* name or class */
    double K_i_nM, efficacy, k_off_per_s;
    double EC50_nM;         /* of opening a channel; 0: K_i_nM */
    double desensitises_nM; /* half desensitises a channel; 0: does not */
    double desensitisation,
        internalisation; /* shares of the receptor's rates when all are bound; < 0: the efficacy */
} drug_binding;

/* Taken up by a transporter in the modulator's place (K_i_nM), empties vesicles with C / (C + K_vesicle_nM), and
 * brings the modulator out through the transporter with C / (C + K_reverse_nM). */
typedef struct drug_releaser {
    const char *transporter;
    double K_i_nM, K_vesicle_nM, K_reverse_nM;
} drug_releaser;

/* The rate of an enzyme is divided by 1 + C / K_i. */
typedef struct drug_inhibition {
    const char *enzyme;
    double K_i_nM;
} drug_inhibition;

typedef struct drug_actions {
    const drug_block *blocks;
    const drug_binding *bindings;
    const drug_releaser *releasers;
    const drug_inhibition *inhibitions;
    uint32_t n_blocks, n_bindings, n_releasers, n_inhibitions;
} drug_actions;

#endif
