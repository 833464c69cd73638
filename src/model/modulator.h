/** Neuromodulators in compartments, well mixed or as grids, and the receptors that bind them. */
#ifndef MODEL_MODULATOR_H
#define MODEL_MODULATOR_H

#include "model/voxels.h"

#include <stdbool.h>
#include <stdint.h>

#define MODEL_NONE UINT32_MAX

/* An active receptor on terminals: release, or what a spike releases, times 1 + scale * activation. Several multiply. */
typedef struct presynaptic_effect {
    uint32_t receptor;
    double scale;
} presynaptic_effect;

typedef enum enzyme_place { ENZYME_EXTRACELLULAR, ENZYME_CYTOSOL } enzyme_place;

/* Breaks the modulator down with a rate that drugs inhibit. */
typedef struct enzyme {
    const char *name;
    enzyme_place place;
    double k_per_s; /* with the density of `targets` */
} enzyme;

/* Where the modulator is between uptake and release: cytosol, reserve vesicles, vesicles ready for release. Amounts are
 * in nM of the extracellular space. Equations: kernels/terminals.clh. At rest (initial_nM outside) all is in balance:
 * VMAT's speed and the synthesis follow from that. */
typedef struct terminals {
    double release_fraction;       /* of the ready vesicles, per spike */
    double tau_ready_s;            /* in which reserve vesicles replace them */
    double reserve_nM, cytosol_nM; /* at rest */
    double K_vmat_nM;              /* of uptake into vesicles, from the cytosol */
    double k_leak_per_s;           /* from reserve vesicles, at rest */
    double k_emptying_per_s;       /* the same at most, by a releaser */
    double reverse_share;          /* of V_max: fastest reverse transport */
    double K_reverse_nM;           /* in the cytosol, of half the fastest */
    double mobilisation; /* release times 1 + mobilisation * occupancy of the transporter */
} terminals;

/* dc/dt = release - V_max c / (K_m (1 + sum_d [drug d] / K_i,d) + c) - k_loss c - sum_e k_e c / (1 + sum_d [drug d] / K_i,e)
 * release: every spike of `source` adds release_nM * release_gain / n_neurons(source) after axonal_delay;
 * release_gain = 1 / (1 + autoreceptor_alpha * A) * presynaptic effects, A the activation of `autoreceptor` here.
 * Form and constants: Dreyer & Hounsgaard 2013. */
typedef struct compartment {
    const char *region;
    uint32_t
        source; /* population, or MODEL_NONE: the concentration is constant, initial_nM, or returns to it */
    double release_nM; /* rise of c if every source neuron fires once, without autoreceptors */
    double axonal_delay_ms;
    double V_max_nM_per_s, K_m_nM, k_loss_per_s;
    const char *transporter;    /* what drugs may block here: "dat" */
    double transporter_density; /* 1 as it should be, 0 knocked out */
    const enzyme *enzymes;
    uint32_t n_enzymes;
    uint32_t autoreceptor; /* receptor index or MODEL_NONE */
    double autoreceptor_alpha;
    const presynaptic_effect *presynaptic;
    uint32_t n_presynaptic;
    const terminals *terminals; /* NULL: release comes from an unlimited store */
    double initial_nM;
    const voxel_grid *grid; /* NULL: well mixed */
    uint32_t pulse; /* number among the compartments that contingencies pulse, or MODEL_NONE */
} compartment;

/** Nothing changes its concentration. */
static inline bool compartment_is_constant(const compartment *c)
{
    return c->source == MODEL_NONE && c->pulse == MODEL_NONE;
}

/** Of small concentrations, 1/s: uptake by all transporters, loss, enzymes outside. */
double compartment_clearance_per_s(const compartment *c);
/** The part of it that is not the transporter. */
double compartment_loss_per_s(const compartment *c);

typedef struct modulator {
    const char *name;
    const compartment *compartments; /* one a region */
    uint32_t n_compartments;
} modulator;

typedef enum receptor_kind {
    RECEPTOR_BINDING, /* ligands bind and leave; what is active follows from what is bound */
    RECEPTOR_CHANNEL, /* opens and desensitises as Hill functions of concentration say */
} receptor_kind;

/* Equations: kernels/receptors.clh. */
typedef struct receptor {
    const char *name, *class; /* class: NULL when it has none */
    receptor_kind kind;
    uint32_t modulator;         /* or MODEL_NONE: only drugs bind it */
    double K_d_nM, k_off_per_s; /* of the modulator; K_d of a channel: opens half */
    double density;             /* 1 as it should be, 0 knocked out */
    /* binding */
    double reserve;                         /* rho of the operational model */
    double high_affinity_share, K_d_low_nM; /* the rest has K_d_low */
    double k_desensitisation_per_min, k_resensitisation_per_min;
    double k_internalisation_per_min, k_recycling_per_min;
    /* channel */
    double hill, tau_open_ms;
    double desensitisation_hill, tau_desensitisation_s, tau_recovery_s, tau_half_ratio, tau_hill;
} receptor;

#endif
