#include "protocol/pharmacokinetics.h"

#include "protocol/matrix_exponential.h"
#include "protocol/runge_kutta.h"

#include <math.h>
#include <string.h>

#define NOWHERE UINT32_MAX
#define MINUTES_PER_HOUR 60.0
#define LEAST_NM 1e-30

/* Exact over one length: levels become transition * levels + response * inputs. */
typedef struct propagator {
    double *transition, *response_min; /* [n_states x n_states] */
} propagator;

/* Drugs that turn into one another. Levels are concentrations in the V_d of their drug. */
typedef struct family {
    uint32_t n_states;
    double *level_nM, *input_nM_per_min; /* [n_states] */
    double *next_nM;                     /* [n_states] work */
    double *rates_per_min;               /* [n_states x n_states] by rows */
    propagator step, leap;               /* if it is linear */
    uint32_t n_saturable;
    struct saturable {
        uint32_t state;
        double V_max_nM_per_min, K_m_nM;
    } * saturable;
    runge_kutta solver; /* if it is not */
    bool empty;         /* nothing there, and nothing coming */
} family;

/* Where the compartments of a drug are in its family, or NOWHERE. */
typedef struct places {
    uint32_t family, plasma, peripheral, brain, depots[N_ROUTES];
    uint32_t n_infusions[N_ROUTES]; /* started and not ended */
} places;

struct pharmacokinetics {
    const drug *drugs;
    places *places; /* [n_drugs] */
    family *families;
    uint32_t n_drugs, n_families;
    double step_min;
};

/* --- the compartments ------------------------------------------------------------------------- */

/* Number the families; returns how many there are. */
static uint32_t find_families(pharmacokinetics *pk)
{
    for (uint32_t i = 0; i < pk->n_drugs; i++)
        pk->places[i].family = i;
    for (uint32_t i = 0; i < pk->n_drugs; i++)
        for (uint32_t k = 0; k < pk->drugs[i].n_metabolites; k++) {
            const uint32_t a = pk->places[i].family;
            const uint32_t b = pk->places[pk->drugs[i].metabolites[k].drug].family;
            for (uint32_t j = 0; j < pk->n_drugs; j++)
                if (pk->places[j].family == (a < b ? b : a))
                    pk->places[j].family = a < b ? a : b;
        }
    uint32_t n = 0;
    for (uint32_t i = 0; i < pk->n_drugs; i++)
        pk->places[i].family = pk->places[i].family == i ? n++
                                                         : pk->places[pk->places[i].family].family;
    return n;
}

static void find_places(pharmacokinetics *pk)
{
    for (uint32_t i = 0; i < pk->n_drugs; i++) {
        const drug *d = &pk->drugs[i];
        places *p = &pk->places[i];
        uint32_t *next = &pk->families[p->family].n_states;
        p->plasma = (*next)++;
        p->peripheral = d->k_to_peripheral_per_min > 0 ? (*next)++ : NOWHERE;
        const bool follows = d->brain_to_plasma > 0 && d->k_brain_equilibration_per_min == 0;
        p->brain = follows ? NOWHERE : (*next)++;
        for (int r = 0; r < N_ROUTES; r++)
            p->depots[r] = d->routes[r].given && r != ROUTE_IV ? (*next)++ : NOWHERE;
        pk->families[p->family].n_saturable += d->V_max_elimination_mg_per_kg_per_h > 0;
    }
}

static double nM(const drug *d, double mg_per_kg)
{
    return mg_per_kg / d->molar_mass_g_per_mol / d->V_d_L_per_kg * 1e6;
}

/* `to` gets k * gain * level of `from`, which loses k * its level. */
static void set_flow(family *f, uint32_t from, uint32_t to, double k, double gain)
{
    f->rates_per_min[to * f->n_states + from] += k * gain;
    f->rates_per_min[from * f->n_states + from] -= k;
}

static void set_brain(family *f, const drug *d, const places *p)
{
    if (p->brain == NOWHERE)
        return;
    if (d->brain_to_plasma == 0) {
        set_flow(f, p->plasma, p->brain, d->k_to_brain_per_min, 1);
        set_flow(f, p->brain, p->plasma, d->k_from_brain_per_min, 1);
        return;
    }
    const double k = d->k_brain_equilibration_per_min;
    f->rates_per_min[p->brain * f->n_states + p->plasma] += k * d->brain_to_plasma;
    f->rates_per_min[p->brain * f->n_states + p->brain] -= k;
}

static void set_rates(pharmacokinetics *pk, uint32_t index)
{
    const drug *d = &pk->drugs[index];
    const places *p = &pk->places[index];
    family *f = &pk->families[p->family];
    f->rates_per_min[p->plasma * f->n_states + p->plasma] -= d->k_elimination_per_min;
    for (int r = 0; r < N_ROUTES; r++)
        if (p->depots[r] != NOWHERE)
            set_flow(f, p->depots[r], p->plasma, d->routes[r].k_absorption_per_min, 1);
    if (p->peripheral != NOWHERE) {
        set_flow(f, p->plasma, p->peripheral, d->k_to_peripheral_per_min, 1);
        set_flow(f, p->peripheral, p->plasma, d->k_from_peripheral_per_min, 1);
    }
    set_brain(f, d, p);
    for (uint32_t k = 0; k < d->n_metabolites; k++) {
        const drug_metabolite *m = &d->metabolites[k];
        const double volumes = d->V_d_L_per_kg / pk->drugs[m->drug].V_d_L_per_kg;
        set_flow(f, p->plasma, pk->places[m->drug].plasma, m->k_per_min, m->yield * volumes);
    }
    if (d->V_max_elimination_mg_per_kg_per_h > 0)
        f->saturable[f->n_saturable++] = (struct saturable){
            .state = p->plasma,
            .V_max_nM_per_min = nM(d, d->V_max_elimination_mg_per_kg_per_h) / MINUTES_PER_HOUR,
            .K_m_nM = d->K_m_elimination_nM};
}

/* --- solving ---------------------------------------------------------------------------------- */

/* sum += matrix x */
static void add_product(double *sum, const double *matrix, const double *x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            sum[i] += matrix[i * n + j] * x[j];
}

static void derivative(const void *self, const double *x, double *dx)
{
    const family *f = self;
    memcpy(dx, f->input_nM_per_min, f->n_states * sizeof *dx);
    add_product(dx, f->rates_per_min, x, f->n_states);
    for (uint32_t i = 0; i < f->n_saturable; i++) {
        const struct saturable *s = &f->saturable[i];
        dx[s->state] -= s->V_max_nM_per_min * x[s->state] / (s->K_m_nM + x[s->state]);
    }
}

static void advance_linear(family *f, const propagator *p)
{
    for (uint32_t i = 0; i < f->n_states; i++)
        f->next_nM[i] = 0;
    add_product(f->next_nM, p->transition, f->level_nM, f->n_states);
    add_product(f->next_nM, p->response_min, f->input_nM_per_min, f->n_states);
    memcpy(f->level_nM, f->next_nM, f->n_states * sizeof *f->level_nM);
}

/* What is left of doses long ago would become denormal. */
static void family_flush(family *f)
{
    for (uint32_t i = 0; i < f->n_states; i++)
        if (f->input_nM_per_min[i] != 0 || fabs(f->level_nM[i]) > LEAST_NM)
            return;
    memset(f->level_nM, 0, f->n_states * sizeof *f->level_nM);
    f->empty = true;
}

void pk_step(pharmacokinetics *pk)
{
    for (uint32_t i = 0; i < pk->n_families; i++) {
        family *f = &pk->families[i];
        if (f->empty)
            continue;
        if (f->n_saturable > 0)
            runge_kutta_step(&f->solver, f->level_nM, pk->step_min);
        else
            advance_linear(f, &f->step);
        family_flush(f);
    }
}

meso_status pk_leap(pharmacokinetics *pk, double length_s, meso_error *err)
{
    const double length_min = length_s / 60;
    for (uint32_t i = 0; i < pk->n_families; i++) {
        family *f = &pk->families[i];
        if (f->empty)
            continue;
        if (f->n_saturable > 0) {
            runge_kutta_step(&f->solver, f->level_nM, length_min);
        } else {
            MESO_TRY(linear_step(f->rates_per_min, f->n_states, length_min, f->leap.transition,
                                 f->leap.response_min, err));
            advance_linear(f, &f->leap);
        }
        family_flush(f);
    }
    return MESO_OK;
}

/* --- creation --------------------------------------------------------------------------------- */

static meso_status allocate(arena *memory, size_t n, size_t size, void *out, meso_error *err)
{
    void *block = arena_alloc(memory, (n + 1) * size);
    memcpy(out, &block, sizeof block);
    return block != NULL ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
}

static meso_status propagator_allocate(propagator *p, size_t n, arena *memory, meso_error *err)
{
    MESO_TRY(allocate(memory, n * n, sizeof(double), &p->transition, err));
    return allocate(memory, n * n, sizeof(double), &p->response_min, err);
}

static meso_status family_allocate(family *f, arena *memory, meso_error *err)
{
    const size_t n = f->n_states;
    f->empty = true;
    MESO_TRY(allocate(memory, n, sizeof(double), &f->level_nM, err));
    MESO_TRY(allocate(memory, n, sizeof(double), &f->input_nM_per_min, err));
    MESO_TRY(allocate(memory, n, sizeof(double), &f->next_nM, err));
    MESO_TRY(allocate(memory, n * n, sizeof(double), &f->rates_per_min, err));
    MESO_TRY(propagator_allocate(&f->step, n, memory, err));
    MESO_TRY(propagator_allocate(&f->leap, n, memory, err));
    MESO_TRY(allocate(memory, f->n_saturable, sizeof *f->saturable, &f->saturable, err));
    f->n_saturable = 0; /* those that are filled in */
    return MESO_OK;
}

static meso_status family_prepare(family *f, double step_min, arena *memory, meso_error *err)
{
    if (f->n_saturable == 0)
        return linear_step(f->rates_per_min, f->n_states, step_min, f->step.transition,
                           f->step.response_min, err);
    f->solver = (runge_kutta){.derivative = derivative, .self = f};
    return runge_kutta_begin(&f->solver, f->n_states, step_min, memory, err);
}

meso_status pk_create(const drug *drugs, uint32_t n_drugs, double step_s, arena *memory,
                      pharmacokinetics **out, meso_error *err)
{
    pharmacokinetics *pk;
    MESO_TRY(allocate(memory, 1, sizeof *pk, &pk, err));
    pk->drugs = drugs;
    pk->n_drugs = n_drugs;
    pk->step_min = step_s / 60;
    MESO_TRY(allocate(memory, n_drugs, sizeof *pk->places, &pk->places, err));
    pk->n_families = find_families(pk);
    MESO_TRY(allocate(memory, pk->n_families, sizeof *pk->families, &pk->families, err));
    find_places(pk);
    for (uint32_t i = 0; i < pk->n_families; i++)
        MESO_TRY(family_allocate(&pk->families[i], memory, err));
    for (uint32_t i = 0; i < n_drugs; i++)
        set_rates(pk, i);
    for (uint32_t i = 0; i < pk->n_families; i++)
        MESO_TRY(family_prepare(&pk->families[i], pk->step_min, memory, err));
    *out = pk;
    return MESO_OK;
}

/* --- what goes in and what is there ------------------------------------------------------------ */

/* Where a dose by this route arrives. */
static uint32_t entry(const places *p, drug_route route)
{
    return p->depots[route] != NOWHERE ? p->depots[route] : p->plasma;
}

void pk_dose(pharmacokinetics *pk, uint32_t drug_index, drug_route route, double dose_mg_per_kg)
{
    const drug *d = &pk->drugs[drug_index];
    const places *p = &pk->places[drug_index];
    family *f = &pk->families[p->family];
    f->level_nM[entry(p, route)] += nM(d, dose_mg_per_kg) * d->routes[route].bioavailability;
    f->empty = false;
}

void pk_infuse(pharmacokinetics *pk, uint32_t drug_index, drug_route route, double mg_per_kg_per_h)
{
    const drug *d = &pk->drugs[drug_index];
    places *p = &pk->places[drug_index];
    family *f = &pk->families[p->family];
    double *input = &f->input_nM_per_min[entry(p, route)];
    *input += nM(d, mg_per_kg_per_h) / MINUTES_PER_HOUR * d->routes[route].bioavailability;
    if (mg_per_kg_per_h > 0)
        p->n_infusions[route]++;
    else if (--p->n_infusions[route] == 0)
        *input = 0; /* not what rounding left */
    f->empty = false;
}

void pk_give(pharmacokinetics *pk, const dose *d)
{
    if (d->rate_mg_per_kg_per_h != 0)
        pk_infuse(pk, d->drug, d->route, d->rate_mg_per_kg_per_h);
    else
        pk_dose(pk, d->drug, d->route, d->dose_mg_per_kg);
}

double pk_plasma_nM(const pharmacokinetics *pk, uint32_t drug_index)
{
    const places *p = &pk->places[drug_index];
    return pk->families[p->family].level_nM[p->plasma];
}

double pk_brain_nM(const pharmacokinetics *pk, uint32_t drug_index)
{
    const drug *d = &pk->drugs[drug_index];
    const places *p = &pk->places[drug_index];
    const double *level_nM = pk->families[p->family].level_nM;
    if (p->brain == NOWHERE)
        return level_nM[p->plasma] * d->brain_to_plasma * d->unbound_fraction;
    return level_nM[p->brain] * d->unbound_fraction;
}

double pk_body_nM(const pharmacokinetics *pk, uint32_t drug_index)
{
    const places *p = &pk->places[drug_index];
    const double *level_nM = pk->families[p->family].level_nM;
    double sum = level_nM[p->plasma];
    if (p->peripheral != NOWHERE)
        sum += level_nM[p->peripheral];
    if (p->brain != NOWHERE && pk->drugs[drug_index].brain_to_plasma == 0)
        sum += level_nM[p->brain];
    for (int r = 0; r < N_ROUTES; r++)
        if (p->depots[r] != NOWHERE)
            sum += level_nM[p->depots[r]];
    return sum;
}

/* --- restart ---------------------------------------------------------------------------------- */

static meso_status family_state(family *f, uint32_t i, const meso_state_visitor *v, meso_error *err)
{
    MESO_TRY(state_block(v, f->level_nM, f->n_states * sizeof *f->level_nM, err,
                         "drugs/levels of family %u", i));
    MESO_TRY(state_block(v, f->input_nM_per_min, f->n_states * sizeof *f->input_nM_per_min, err,
                         "drugs/inputs of family %u", i));
    MESO_TRY(STATE_VALUE(v, f->solver.trial, err, "drugs/trial step of family %u", i));
    return STATE_VALUE(v, f->empty, err, "drugs/emptiness of family %u", i);
}

meso_status pk_state(pharmacokinetics *pk, const meso_state_visitor *v, meso_error *err)
{
    for (uint32_t i = 0; i < pk->n_drugs; i++)
        MESO_TRY(STATE_VALUE(v, pk->places[i].n_infusions, err, "drugs/infusions of drug %u", i));
    for (uint32_t i = 0; i < pk->n_families; i++)
        MESO_TRY(family_state(&pk->families[i], i, v, err));
    return MESO_OK;
}
