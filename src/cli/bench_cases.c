#include "cli/bench_cases.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- writing changes -------------------------------------------------------------------------- */

/* Seven digits: what is computed here shall not depend on the last bits of a C library. */
static double significant(double x)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.7g", x);
    return strtod(digits, NULL);
}

static double ordinary_mean(const distribution *d)
{
    return d->kind == DISTRIBUTION_UNIFORM ? (d->min + d->max) / 2 : d->mean;
}

/* A distribution of the file, each value times `factor`, which is positive. */
static void write_scaled(json_text *json, const char *key, const distribution *d, double factor)
{
    static const char *const kinds[] = {"constant", "normal", "lognormal", "uniform"};
    if (d->kind == DISTRIBUTION_CONSTANT) {
        json_number(json, key, significant(d->mean * factor));
        return;
    }
    json_open(json, key, '{');
    json_string(json, "distribution", kinds[d->kind]);
    if (d->kind != DISTRIBUTION_UNIFORM) {
        json_number(json, "mean", significant(d->mean * factor));
        json_number(json, "sd", significant(d->sd * factor));
    }
    if (isfinite(d->min))
        json_number(json, "min", significant(d->min * factor));
    if (isfinite(d->max))
        json_number(json, "max", significant(d->max * factor));
    json_close(json, '}');
}

/* Key of the weights of what reaches `target` at `port`. */
static const char *weight_key(const experiment *e, uint32_t target, const projection_port *port)
{
    return population_weight_key(&e->populations[target], port->port);
}

/* Value of a parameter that is one number in the cases' files. */
static double parameter(const population *p, const char *name)
{
    for (uint32_t i = 0; i < p->model->n_parameters; i++)
        if (strcmp(p->model->parameters[i].name, name) == 0)
            return p->parameters[i].mean;
    return NAN;
}

/* "Cortical microcircuit, scale 0.1, ..." */
static void write_title(json_text *json, const char *format, ...) MESO_PRINTF(2, 3);
static void write_title(json_text *json, const char *format, ...)
{
    char title[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(title, sizeof title, format, arguments);
    va_end(arguments);
    json_string(json, "title", title);
}

/* Halves go to the even number, as in the implementations that sizes are compared with. */
static void write_size(json_text *json, double n)
{
    json_integer(json, "n_neurons", n < 1 ? 1 : (uint64_t)rint(n));
}

static void write_current(json_text *json, double current_pA)
{
    json_open(json, "parameters", '{');
    json_number(json, "I_e_pA", significant(current_pA));
    json_close(json, '}');
}

/* --- cortical microcircuit -------------------------------------------------------------------- */

/* Rates at full scale, from which the current of a smaller network is computed: those of NEST's implementation up
 * to release 3.8. With the later ones the network of scale 0.1 that a current drives falls silent. */
static const struct {
    const char *population;
    double hz;
} pd14_rates[] = {{"L23E", 0.971}, {"L23I", 2.868}, {"L4E", 4.746}, {"L4I", 5.396},
                  {"L5E", 8.142},  {"L5I", 9.078},  {"L6E", 0.991}, {"L6I", 7.523}};

static double pd14_rate_hz(const char *population)
{
    for (size_t i = 0; i < sizeof pd14_rates / sizeof *pd14_rates; i++)
        if (strcmp(pd14_rates[i].population, population) == 0)
            return pd14_rates[i].hz;
    return 0;
}

/* Mean input at full scale in pA/s times the time constant of its decay: from outside, and from the network. */
static void pd14_mean_input(const experiment *full, uint32_t target, double *outside_pA,
                            double *inside_pA)
{
    const population *p = &full->populations[target];
    const double tau_s = parameter(p, "tau_syn_ms") * 1e-3;
    *outside_pA = *inside_pA = 0;
    for (uint32_t i = 0; i < full->n_stimuli; i++)
        if (full->stimuli[i].target == target)
            *outside_pA += tau_s * full->stimuli[i].rate_hz * full->stimuli[i].weight.mean;
    for (uint32_t i = 0; i < full->n_projections; i++) {
        const projection *q = &full->projections[i];
        if (q->target == target)
            *inside_pA += tau_s * (double)q->total / p->n_neurons * ordinary_mean(&q->weight) *
                          pd14_rate_hz(full->populations[q->source].name);
    }
}

/* Fewer inputs with larger weights have the variance of the whole network, and a current brings back what their
 * mean has lost: van Albada, Helias & Diesmann 2015, PLoS Computational Biology 11:e1004490. */
static double pd14_current_pA(const experiment *full, uint32_t target, const case_values *v)
{
    double outside_pA, inside_pA;
    const double lost = 1 - sqrt(v->scale);
    pd14_mean_input(full, target, &outside_pA, &inside_pA);
    return parameter(&full->populations[target], "I_e_pA") + lost * inside_pA +
           (v->dc ? outside_pA : lost * outside_pA);
}

static void pd14_stimuli(json_text *json, const experiment *full, const case_values *v)
{
    json_open(json, "stimuli", '{');
    for (uint32_t i = 0; i < full->n_stimuli; i++) {
        const stimulus *s = &full->stimuli[i];
        if (v->dc) {
            json_null(json, s->name);
            continue;
        }
        json_open(json, s->name, '{');
        json_number(json, "rate_hz", significant(s->rate_hz * v->scale));
        write_scaled(json, weight_key(full, s->target, s->ports), &s->weight, 1 / sqrt(v->scale));
        json_close(json, '}');
    }
    json_close(json, '}');
}

static meso_status pd14_change(json_text *json, const experiment *full, const case_values *v,
                               meso_error *err)
{
    (void)err;
    write_title(json, "Cortical microcircuit, scale %g, %s", v->scale,
                v->dc ? "constant drive" : "Poisson drive");
    json_open(json, "populations", '{');
    for (uint32_t i = 0; i < full->n_populations; i++) {
        json_open(json, full->populations[i].name, '{');
        write_size(json, full->populations[i].n_neurons * v->scale);
        write_current(json, pd14_current_pA(full, i, v));
        json_close(json, '}');
    }
    json_close(json, '}');
    json_open(json, "projections", '{');
    for (uint32_t i = 0; i < full->n_projections; i++) {
        const projection *q = &full->projections[i];
        json_open(json, q->name, '{');
        json_integer(json, "total", (uint64_t)llround((double)q->total * v->scale * v->scale));
        write_scaled(json, weight_key(full, q->target, q->ports), &q->weight, 1 / sqrt(v->scale));
        json_close(json, '}');
    }
    json_close(json, '}');
    pd14_stimuli(json, full, v);
    return MESO_OK;
}

/* --- sparse random network -------------------------------------------------------------------- */

/* Size of the excitatory jump: the positive weight of the projections to `target`. */
static double brunel_jump_mV(const experiment *full, uint32_t target)
{
    for (uint32_t i = 0; i < full->n_projections; i++)
        if (full->projections[i].target == target && full->projections[i].weight.mean > 0)
            return full->projections[i].weight.mean;
    return NAN;
}

/* Rate that alone brings a cell's mean potential to its threshold. */
static double brunel_threshold_hz(const experiment *full, const stimulus *s)
{
    const population *p = &full->populations[s->target];
    return (parameter(p, "v_threshold_mV") - parameter(p, "E_L_mV")) /
           (s->weight.mean * parameter(p, "tau_m_ms") * 1e-3);
}

static meso_status brunel_change(json_text *json, const experiment *full, const case_values *v,
                                 meso_error *err)
{
    (void)err;
    write_title(json, "Sparse random network, scale %g, g %g, eta %g", v->scale, v->g, v->eta);
    json_open(json, "populations", '{');
    for (uint32_t i = 0; i < full->n_populations; i++) {
        json_open(json, full->populations[i].name, '{');
        write_size(json, full->populations[i].n_neurons * v->scale);
        json_close(json, '}');
    }
    json_close(json, '}');
    json_open(json, "projections", '{');
    for (uint32_t i = 0; i < full->n_projections; i++) {
        const projection *q = &full->projections[i];
        if (q->weight.mean >= 0)
            continue;
        json_open(json, q->name, '{');
        json_number(json, weight_key(full, q->target, q->ports),
                    significant(-v->g * brunel_jump_mV(full, q->target)));
        json_close(json, '}');
    }
    json_close(json, '}');
    json_open(json, "stimuli", '{');
    for (uint32_t i = 0; i < full->n_stimuli; i++) {
        const stimulus *s = &full->stimuli[i];
        json_open(json, s->name, '{');
        json_number(json, "rate_hz", significant(v->eta * brunel_threshold_hz(full, s)));
        json_close(json, '}');
    }
    json_close(json, '}');
    return MESO_OK;
}

/* --- self-sustained network ------------------------------------------------------------------- */

#define COBA_FEW 80
#define COBA_MANY 1000
#define COBA_CURRENT_PA 500.0 /* keeps the network of many inputs asynchronous */

static void coba_projections(json_text *json, const experiment *full, double n, double in_degree)
{
    json_open(json, "projections", '{');
    for (uint32_t i = 0; i < full->n_projections; i++) {
        const projection *q = &full->projections[i];
        json_open(json, q->name, '{');
        json_number(json, "probability", in_degree / n);
        write_scaled(json, weight_key(full, q->target, q->ports), &q->weight, COBA_FEW / in_degree);
        json_close(json, '}');
    }
    json_close(json, '}');
}

static meso_status coba_change(json_text *json, const experiment *full, const case_values *v,
                               meso_error *err)
{
    double n_full = 0;
    for (uint32_t i = 0; i < full->n_populations; i++)
        n_full += full->populations[i].n_neurons;
    const double n = v->given[CASE_NEURONS] ? v->neurons : round(n_full * v->scale);
    const uint32_t in_degree = v->in_degree;
    if (in_degree != COBA_FEW && in_degree != COBA_MANY)
        return error_set(err, MESO_RANGE, "--in-degree %u: the case is published for %d and %d",
                         in_degree, COBA_FEW, COBA_MANY);
    if (n < in_degree)
        return error_set(err, MESO_RANGE, "%.0f neurons are too few for an in-degree of %u", n,
                         in_degree);
    write_title(json, "Self-sustained network, %.0f x %u", n, in_degree);
    json_open(json, "populations", '{');
    for (uint32_t i = 0; i < full->n_populations; i++) {
        json_open(json, full->populations[i].name, '{');
        write_size(json, full->populations[i].n_neurons / n_full * n);
        if (in_degree == COBA_MANY)
            write_current(json, COBA_CURRENT_PA);
        json_close(json, '}');
    }
    json_close(json, '}');
    coba_projections(json, full, n, in_degree);
    json_open(json, "stimuli", '{'); /* they set it going, unless the current does */
    for (uint32_t i = 0; in_degree == COBA_MANY && i < full->n_stimuli; i++)
        json_null(json, full->stimuli[i].name);
    json_close(json, '}');
    return MESO_OK;
}

/* --- the table -------------------------------------------------------------------------------- */

#define OPTION_BIT(option) (1u << (option))

const bench_case bench_cases[] = {
    {.name = "pd14",
     .summary = "cortical microcircuit of Potjans & Diesmann 2014: 77,169 LIF cells, 299 million "
                "synapses; delivery of spikes",
     .experiment = "builtin:bench/pd14.json",
     .options = OPTION_BIT(CASE_SCALE) | OPTION_BIT(CASE_DRIVE),
     .largest_scale = 1,
     .seconds = 1,
     .warm_up_s = 0.5,
     .change = pd14_change},
    {.name = "brunel",
     .summary =
         "sparse random network of Brunel 2000: 12,500 LIF cells, 16 million synapses, high rates",
     .experiment = "builtin:bench/brunel.json",
     .options = OPTION_BIT(CASE_SCALE) | OPTION_BIT(CASE_G) | OPTION_BIT(CASE_ETA),
     .largest_scale = 1000,
     .seconds = 0.5,
     .warm_up_s = 0.5,
     .change = brunel_change},
    {.name = "coba",
     .summary = "self-sustained network of Vogels & Abbott 2005: 4,000 cells with conductances, or "
                "more; updates and launches",
     .experiment = "builtin:bench/coba.json",
     .options = OPTION_BIT(CASE_SCALE) | OPTION_BIT(CASE_NEURONS) | OPTION_BIT(CASE_IN_DEGREE),
     .largest_scale = 1000,
     .seconds = 1,
     .warm_up_s = 0.5,
     .change = coba_change},
    {.name = "circuit",
     .summary = "our mesocorticolimbic circuit in its sizes xs, s, m and l: everything that an "
                "experiment has",
     .options = OPTION_BIT(CASE_SIZE) | OPTION_BIT(CASE_GRIDS),
     .seconds = 1,
     .warm_up_s = 0.5},
    {0}};

const bench_case *bench_case_find(const char *name)
{
    for (const bench_case *c = bench_cases; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

/* --- the experiment --------------------------------------------------------------------------- */

static void write_phase(json_text *json, const char *name, double seconds)
{
    if (seconds <= 0)
        return;
    json_open(json, NULL, '{');
    json_string(json, "phase", name);
    json_number(json, "seconds", seconds);
    json_close(json, '}');
}

/* Results come in pieces that end where a phase ends: each window is one. */
static void write_protocol(json_text *json, const char *key, const bench_plan *plan)
{
    json_open(json, key, '[');
    write_phase(json, "warm-up", plan->warm_up_s);
    for (uint32_t i = 0; i < plan->n_windows; i++) {
        char name[32];
        snprintf(name, sizeof name, "window %u", i + 1);
        write_phase(json, name, plan->seconds);
    }
    write_phase(json, "tail", plan->tail_s);
    json_close(json, ']');
}

char *bench_protocol_override(const bench_plan *plan)
{
    json_text json = {0};
    text_append(&json.out, "protocol=");
    write_protocol(&json, NULL, plan);
    return text_take(&json.out);
}

static meso_status write_changes(json_text *json, const bench_case *c, const case_values *values,
                                 meso_error *err)
{
    experiment *full;
    MESO_TRY(meso_experiment_load(c->experiment, NULL, 0, &full, err));
    meso_status status = c->change(json, full, values, err);
    meso_experiment_destroy(&full);
    return status;
}

static void write_circuit(json_text *json, const case_values *v)
{
    char circuit[64];
    snprintf(circuit, sizeof circuit, "builtin:configs/circuits/%.16s.json", v->size);
    json_open(json, "extends", '[');
    json_string(json, NULL, circuit);
    if (v->grids)
        json_string(json, NULL, "builtin:configs/parts/dopamine_grid.json");
    json_close(json, ']');
    write_title(json, "The circuit at rest, size %s%s", v->size, v->grids ? ", with grids" : "");
}

meso_status bench_case_text(const bench_case *c, const case_values *values, const bench_plan *plan,
                            char **out, meso_error *err)
{
    json_text json = {0};
    *out = NULL;
    json_open(&json, NULL, '{');
    json_integer(&json, "schema_version", 1);
    if (c->experiment)
        json_string(&json, "extends", c->experiment);
    else
        write_circuit(&json, values);
    meso_status status = c->change ? write_changes(&json, c, values, err) : MESO_OK;
    write_protocol(&json, "protocol", plan);
    json_close(&json, '}');
    if (status != MESO_OK) {
        text_free(&json.out);
        return status;
    }
    *out = text_take(&json.out);
    return *out ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
}
