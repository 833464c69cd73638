/** Uptake from the decay of an evoked signal. */
#ifndef PROTOCOL_ASSAYS_UPTAKE_FIT_H
#define PROTOCOL_ASSAYS_UPTAKE_FIT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * dc/dt = -V_max c / (K_m + c) - k_loss c + what balances this at the base, seen through an electrode: dy/dt = (c - y) / tau.
 */
typedef struct uptake_fit {
    double start_nM; /* c above the base at the first sample */
    double V_max_nM_per_s, K_m_nM;
    double rms_nM;
} uptake_fit;

/**
 * Least squares on samples of y (Levenberg & Marquardt, from several starts).
 * Inputs    y [n]  readings above the base, every interval_s, the first one when the last release is over
 *           base   level at which the signal rests; k_loss: other clearance, taken as known
 * Returns false when no fit was found: fewer than 4 samples, or nothing that decays.
 */
bool uptake_fit_decay(const double *y, uint32_t n, double interval_s, double tau_s, double base_nM,
                      double k_loss_per_s, uptake_fit *fit);

#endif
