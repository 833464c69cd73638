/** Neuromodulators in well-mixed compartments, and the receptors that bind them. */
#ifndef MODEL_MODULATOR_H
#define MODEL_MODULATOR_H

#include <stdint.h>

#define MODEL_NONE UINT32_MAX

/* dc/dt = release - V_max c / (K_m (1 + sum_d [drug d] / K_i,d) + c) - k_loss c
 * release: every spike of `source` adds release_nM * release_gain / n_neurons(source) after axonal_delay;
 * release_gain = 1 / (1 + autoreceptor_alpha * A), A the bound fraction of `autoreceptor` here.
 * Form and constants: Dreyer & Hounsgaard 2013. */
typedef struct compartment {
    const char *region;
    uint32_t source;   /* population */
    double release_nM; /* rise of c if every source neuron fires once, without autoreceptors */
    double axonal_delay_ms;
    double V_max_nM_per_s, K_m_nM, k_loss_per_s;
    const char *transporter; /* what drugs may block here: "dat" */
    uint32_t autoreceptor;   /* receptor index or MODEL_NONE */
    double autoreceptor_alpha;
    double initial_nM;
} compartment;

typedef struct modulator {
    const char *name;
    const compartment *compartments; /* one a region */
    uint32_t n_compartments;
} modulator;

/* dB/dt = k_off (c / K_d (1 - B) - B) */
typedef struct receptor {
    const char *name, *class; /* class: NULL when it has none */
    uint32_t modulator;
    double K_d_nM, k_off_per_s;
} receptor;

#endif
