/** What assays of single synapses share: cells, their contacts, a clamp, and the courses of results. */
#ifndef PROTOCOL_ASSAYS_SLICE_H
#define PROTOCOL_ASSAYS_SLICE_H

#include "base/rng.h"
#include "protocol/assays/method.h"

/* A synapse on one of the cells. */
typedef struct contact {
    uint32_t cell;    /* number among the slice's */
    uint32_t pathway; /* number among the assay's */
    uint32_t source, delay, order;
    float weight, states[RULE_STATES_MAX];
} contact;

/* Contacts of each cell together, in order of pathway, source and delay, whatever the layout. */
typedef struct slice_cells {
    uint32_t n; /* cells */
    const uint32_t *neurons; /* [n] of the target, ascending */
    const contact *contacts;
    const uint64_t *first; /* [n + 1] */
} slice_cells;

/* What a method gives; of those that are in the unit of the synapses' variable, `unit` is NULL. */
typedef struct slice_quantity {
    const char *name, *unit;
} slice_quantity;

/** For the method's begin. The table is borrowed. */
meso_status slice_begin(assay_run *r, const slice_quantity *quantities, uint32_t n, meso_error *err);
/** The method's row, end and destroy. */
void slice_row(assay_run *r, double middle_s, const double *values);
meso_status slice_end(assay_run *r, double ended_s, meso_error *err);
void slice_destroy(assay_run *r);

/** What the method keeps for itself, in the run's memory. */
void *slice_own(const assay_run *r);
void slice_keep(assay_run *r, void *own);
/** Room for a number of each cell, one of three. */
double *slice_scratch(const assay_run *r, unsigned which);

/** Does a pulse fire the axon of this contact? The same ones at all moments. */
bool slice_fires(const assay_run *r, const contact *c);
/** Read the contacts of the slice's cells; valid until the next call. */
meso_status slice_look(assay_run *r, simulation *sim, slice_cells *out, meso_error *err);
/** What receptors on the terminals of a pathway make of release, by the row of the time line before; 1 without them. */
double slice_terminals(const assay_run *r, uint32_t pathway);
/** A result of a moment, by the quantity's place in the table. */
void slice_set(assay_run *r, uint32_t moment, uint32_t quantity, double value);
/** Mean over n cells; NAN if there are none. */
void slice_set_mean(assay_run *r, uint32_t moment, uint32_t quantity, const double *values, uint32_t n);
/** That, and its standard error as the next quantity. */
void slice_set_estimate(assay_run *r, uint32_t moment, uint32_t quantity, const double *values,
                        uint32_t n);

/* --- random numbers ------------------------------------------------------------------------------- */

/* A stream of draws for one cell and moment. */
typedef struct slice_draws {
    rng_words key;
    uint32_t neuron, n;
} slice_draws;

slice_draws slice_draws_of(const assay_run *r, uint32_t moment, uint32_t neuron);
double slice_uniform(slice_draws *d);
double slice_normal(slice_draws *d);

/* --- the clamp (clamp.c) -------------------------------------------------------------------------- */

/* Receptors whose current is measured; an antagonist keeps the others closed. */
#define CLAMP_AMPA 1u
#define CLAMP_NMDA 2u

/** Set 0 or 1 of the slice's peak conductances, by conductance of the target: all 0. */
double *clamp_closed(assay_run *r, unsigned set);
/** Add what `share` of a contact opens to g_nS [conductances of the target]. */
void clamp_open(const assay_run *r, const contact *c, double share, double *g_nS);
/** Current a time after the spike; currents are positive outward. */
double clamp_current_pA(const assay_run *r, const double *g_nS, unsigned receptors, double v_mV,
                        double t_ms);
/** Its largest size. */
double clamp_peak_pA(const assay_run *r, const double *g_nS, unsigned receptors, double v_mV);

#endif
