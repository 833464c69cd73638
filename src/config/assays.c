#include "config/assay_sheet.h"
#include "config/loader.h"
#include <math.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

#define LONGEST_S 864000000.0 /* 10,000 days */

enum {
    DIALYSIS = VARIANT(ASSAY_MICRODIALYSIS),
    FSCV = VARIANT(ASSAY_VOLTAMMETRY),
    PET = VARIANT(ASSAY_PET),
    CURRENT = VARIANT(ASSAY_EVOKED_CURRENT),
    UNITS = VARIANT(ASSAY_UNITS),
    SIGNAL = VARIANT(ASSAY_SIGNAL),
    TRANSIENTS = VARIANT(ASSAY_TRANSIENTS),
    STATES = VARIANT(ASSAY_MEMBRANE_STATES),
    RATIO = VARIANT(ASSAY_AMPA_NMDA_RATIO),
    SILENT = VARIANT(ASSAY_SILENT_SYNAPSES),
    MEPSC = VARIANT(ASSAY_MEPSC),
    PAIRED = VARIANT(ASSAY_PAIRED_PULSE_RATIO),
    WEIGHTS = VARIANT(ASSAY_WEIGHT_DISTRIBUTION),
    CONTACTS = VARIANT(ASSAY_CONTACTS),
    CLAMPED = RATIO | SILENT | MEPSC | PAIRED,
    SLICE = CLAMPED | WEIGHTS | CONTACTS,
    OBSERVING = DIALYSIS | PET | UNITS | SIGNAL | TRANSIENTS | STATES,
    PROBING = FSCV | CURRENT,
};

/* clang-format off */
static const field assay_fields[] = {
    {.key = "assay", .kind = FIELD_CHOICE, .choices = assay_kind_names, .required = true,
     FIELD_IN(assay, kind), .doc = "what is measured, and how"},
    {.key = "phase", .kind = FIELD_TEXT, .variants = OBSERVING | SLICE,
     .doc = "the window is this phase, and start_s, stop_s and a list at_s count from its start"},
    {.key = "start_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(0), FIELD_FROM(0, LONGEST_S),
     .variants = OBSERVING, FIELD_IN(assay, start_s),
     .doc = "start of the window in simulated time, without leaps"},
    {.key = "stop_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_ABOVE(0, LONGEST_S),
     .variants = OBSERVING, FIELD_IN(assay, stop_s),
     .doc = "end of the window; default: end of the phase or of the experiment"},
    {.key = "at_s", .kind = FIELD_NUMBERS, .unit = "s", FIELD_FROM(0, LONGEST_S), .variants = SLICE,
     .doc = "when synapses are looked at, or a list, in simulated time, rounded to field steps; default: the "
            "end of the phase or of the experiment"},
    {.key = "every_h", .kind = FIELD_NUMBER, .unit = "h", FIELD_ABOVE(0, LONGEST_S / 3600), .variants = SLICE,
     FIELD_IN(assay, slice.every_h),
     .doc = "from the start of the phase or of the experiment again and again after so many hours, with leaps; after "
            "one that leaps over several, once"},
    {.key = "projection", .kind = FIELD_NAMES, .required = true, .variants = SLICE,
     .doc = "name of the pathway, or a list of pathways to the same cells"},
    {.key = "cells", .kind = FIELD_INTEGER, FIELD_DEFAULT(50), FIELD_FROM(1, 1e9), .variants = CLAMPED,
     FIELD_IN(assay, slice.n_cells), .doc = "so many of the target's cells, drawn once; those without a contact do not count"},
    {.key = "ampa", .kind = FIELD_NAMES, .variants = CLAMPED,
     .doc = "conductances of the target through AMPA receptors; default: those without a magnesium block that reverse above -40 mV"},
    {.key = "nmda", .kind = FIELD_NAMES, .variants = CLAMPED,
     .doc = "conductances of the target through NMDA receptors; default: those with a magnesium block"},
    {.key = "cp", .kind = FIELD_NAME, .variants = CLAMPED,
     .doc = "content of the rule, or conductance, of AMPA receptors without GluA2; default: the content cp, if there is one"},
    {.key = "cp_blocked", .kind = FIELD_BOOLEAN, FIELD_DEFAULT(0), .variants = CLAMPED,
     FIELD_IN(assay, slice.cp_blocked), .doc = "they count zero, as with naspm in the bath"},
    {.key = "ampa_mV", .kind = FIELD_NUMBER, .unit = "mV", FIELD_DEFAULT(40), FIELD_FROM(-200, 200),
     .variants = RATIO, FIELD_IN(assay, slice.ampa_mV),
     .doc = "potential at which the peak through AMPA receptors is measured"},
    {.key = "nmda_mV", .kind = FIELD_NUMBER, .unit = "mV", FIELD_DEFAULT(40), FIELD_FROM(-200, 200),
     .variants = RATIO, FIELD_IN(assay, slice.nmda_mV),
     .doc = "and that through NMDA receptors"},
    {.key = "nmda_at_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_FROM(0, 10000), .variants = RATIO,
     FIELD_IN(assay, slice.nmda_at_ms),
     .doc = "the current so long after its onset counts as that through NMDA receptors, with what is left of "
            "the other; default: their own peak"},
    {.key = "contacts", .kind = FIELD_INTEGER, FIELD_DEFAULT(1), FIELD_FROM(1, 100), .variants = SILENT,
     FIELD_IN(assay, slice.n_contacts), .doc = "of a cell that minimal stimulation reaches, drawn for each cell"},
    {.key = "trials", .kind = FIELD_INTEGER, FIELD_DEFAULT(100), FIELD_FROM(1, 1e6), .variants = SILENT,
     FIELD_IN(assay, slice.n_trials), .doc = "at each potential"},
    {.key = "low_mV", .kind = FIELD_NUMBER, .unit = "mV", FIELD_DEFAULT(-70), FIELD_FROM(-200, 200),
     .variants = SILENT, FIELD_IN(assay, slice.low_mV), .doc = "where AMPA receptors are seen alone"},
    {.key = "high_mV", .kind = FIELD_NUMBER, .unit = "mV", FIELD_DEFAULT(50), FIELD_FROM(-200, 200),
     .variants = SILENT, FIELD_IN(assay, slice.high_mV), .doc = "where NMDA receptors are seen too"},
    {.key = "release_probability", .kind = FIELD_NUMBER, FIELD_ABOVE(0, 1), .variants = SILENT,
     FIELD_IN(assay, slice.release_probability),
     .doc = "of a contact at a spike; default: U of the pathway's short_term_plasticity"},
    {.key = "rate_hz", .kind = FIELD_NUMBER, .unit = "Hz", FIELD_DEFAULT(0.01), FIELD_ABOVE(0, 1000),
     .variants = MEPSC, FIELD_IN(assay, slice.rate_hz), .doc = "of spontaneous release of a contact"},
    {.key = "record_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(300), FIELD_ABOVE(0, 1e6),
     .variants = MEPSC, FIELD_IN(assay, slice.record_s), .doc = "so long each cell is recorded, in the slice"},
    {.key = "quantal_cv", .kind = FIELD_NUMBER, FIELD_DEFAULT(0), FIELD_FROM(0, 2), .variants = MEPSC,
     FIELD_IN(assay, slice.quantal_cv), .doc = "variation of a contact's amplitude from event to event"},
    {.key = "noise_pA", .kind = FIELD_NUMBER, .unit = "pA", FIELD_DEFAULT(1), FIELD_FROM(0, 1000),
     .variants = SILENT | MEPSC, FIELD_IN(assay, slice.noise_pA), .doc = "standard deviation of the amplitude's measurement"},
    {.key = "threshold_pA", .kind = FIELD_NUMBER, .unit = "pA", FIELD_DEFAULT(4), FIELD_FROM(0, 1000),
     .variants = SILENT | MEPSC, FIELD_IN(assay, slice.threshold_pA), .doc = "below it there was no response"},
    {.key = "holding_mV", .kind = FIELD_NUMBER, .unit = "mV", FIELD_DEFAULT(-70), FIELD_FROM(-200, 200),
     .variants = MEPSC | PAIRED, FIELD_IN(assay, holding_mV),
     .doc = "potential at which the target's cells are clamped"},
    {.key = "interval_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(50), FIELD_ABOVE(0, 1e6),
     .variants = PAIRED, FIELD_IN(assay, slice.interval_ms), .doc = "between the two spikes"},
    {.key = "variable", .kind = FIELD_NAME, FIELD_DEFAULT_TEXT("weight"), .variants = WEIGHTS,
     .doc = "weight, or a state variable of the rule"},
    {.key = "zero_below", .kind = FIELD_NUMBER, FIELD_DEFAULT(0), FIELD_FROM(0, 1e6), .variants = WEIGHTS,
     FIELD_IN(assay, slice.zero_below), .doc = "values up to it, by size, count as zero, in the variable's unit"},
    {.key = "bins", .kind = FIELD_INTEGER, FIELD_DEFAULT(50), FIELD_FROM(1, 10000), .variants = WEIGHTS,
     FIELD_IN(assay, slice.n_bins), .doc = "of the histogram, from weight_min to weight_max (a content: from 0), else from the least to the largest value at the first moment"},
    {.key = "at_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_FROM(0, LONGEST_S),
     .variants = PROBING, FIELD_IN(assay, at_s),
     .doc = "simulated time whose drug levels the probe has; default: end of the experiment"},
    {.key = "every_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(0), FIELD_FROM(0, LONGEST_S),
     .variants = PROBING, FIELD_IN(assay, every_s),
     .doc = "again and again after at_s, to the end; 0: once"},
    {.key = "modulator", .kind = FIELD_NAME, .required = true,
     .variants = DIALYSIS | FSCV | TRANSIENTS, .doc = "name of a modulator"},
    {.key = "region", .kind = FIELD_NAME, .required = true,
     .variants = DIALYSIS | FSCV | TRANSIENTS, .doc = "a compartment of the modulator"},
    {.key = "modulator", .kind = FIELD_NAME, .variants = PET,
     .doc = "name of a modulator whose transporter is looked at; with region"},
    {.key = "region", .kind = FIELD_NAME, .variants = PET, .doc = "a compartment of the modulator"},
    {.key = "population", .kind = FIELD_NAME, .required = true, .variants = UNITS,
     .doc = "name of a population"},
    {.key = "population", .kind = FIELD_NAME, .variants = PET,
     .doc = "name of the population whose receptors are looked at"},
    {.key = "receptor", .kind = FIELD_NAME, .variants = PET,
     .doc = "name of a receptor that acts on the population"},
    {.key = "projection", .kind = FIELD_NAME, .required = true, .variants = CURRENT,
     .doc = "name of the pathway that is stimulated"},
    {.key = "report", .kind = FIELD_NAME, .required = true, .variants = STATES,
     .doc = "name of a report of potentials"},
    {.key = "series", .kind = FIELD_TEXT, .required = true, .variants = SIGNAL,
     FIELD_IN(assay, series), .doc = "a series of the time line, as drug.cocaine.brain_nM"},
    {.key = "baseline_stop_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_ABOVE(0, LONGEST_S),
     .variants = DIALYSIS | PET | SIGNAL, FIELD_IN(assay, baseline_stop_s),
     .doc = "until here lies the baseline, in simulated time; default: the first dose or bath, and none "
            "for a signal"},
    {.key = "settle_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(0), FIELD_FROM(0, LONGEST_S),
     .variants = DIALYSIS | PET | UNITS | SIGNAL | TRANSIENTS, FIELD_IN(assay, settle_s),
     .doc = "nothing is measured so long after each leap"},
    {.key = "bin_min", .kind = FIELD_NUMBER, .unit = "min", FIELD_DEFAULT(10), FIELD_ABOVE(0, 1440),
     .variants = DIALYSIS, FIELD_IN(assay, bin_min), .doc = "time of a sample, leaps included"},
    {.key = "lag_min", .kind = FIELD_NUMBER, .unit = "min", FIELD_DEFAULT(3), FIELD_FROM(0, 1440),
     .variants = DIALYSIS, FIELD_IN(assay, lag_min),
     .doc = "time constant of the probe's recovery, a low-pass"},
    {.key = "baseline_bins", .kind = FIELD_INTEGER, FIELD_DEFAULT(3), FIELD_FROM(1, 1000),
     .variants = DIALYSIS, FIELD_IN(assay, baseline_bins),
     .doc = "the last so many drug-free samples are 100 %"},
    {.key = "pulses", .kind = FIELD_INTEGER, FIELD_DEFAULT(60), FIELD_FROM(1, 10000),
     .variants = FSCV, FIELD_IN(assay, pulses), .doc = "of the train"},
    {.key = "frequency_hz", .kind = FIELD_NUMBER, .unit = "Hz", FIELD_DEFAULT(60),
     FIELD_ABOVE(0, 1000), .variants = FSCV, FIELD_IN(assay, frequency_hz), .doc = "of the train"},
    {.key = "share", .kind = FIELD_NUMBER, FIELD_DEFAULT(1), FIELD_ABOVE(0, 1),
     .variants = PROBING | RATIO | PAIRED, FIELD_IN(assay, share), .doc = "of the axons that a pulse fires"},
    {.key = "wash_in_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(20), FIELD_FROM(1, 36000),
     .variants = PROBING, FIELD_IN(assay, wash_in_s),
     .doc = "the probe has its drug levels this long before it is stimulated"},
    {.key = "after_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(10), FIELD_FROM(1, 3600),
     .variants = FSCV, FIELD_IN(assay, after_s), .doc = "how long the answer is followed"},
    {.key = "k_loss_per_s", .kind = FIELD_NUMBER, .unit = "1/s",
     FIELD_FROM(0, 1000), .variants = FSCV, FIELD_IN(assay, k_loss_per_s),
     .doc = "clearance beside uptake that the fit takes as known; default: the compartment's, with its enzymes"},
    {.key = "electrode_tau_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(0.3),
     FIELD_FROM(0, 60), .variants = FSCV | TRANSIENTS, FIELD_IN(assay, electrode_tau_s),
     .doc = "time constant of the electrode, a low-pass"},
    {.key = "sample_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(100),
     FIELD_ABOVE(0, 10000), .variants = FSCV | TRANSIENTS, FIELD_IN(assay, sample_ms),
     .doc = "from one measurement to the next"},
    {.key = "threshold_nM", .kind = FIELD_NUMBER, .unit = "nM", FIELD_DEFAULT(20),
     FIELD_ABOVE(0, 1e6), .variants = TRANSIENTS, FIELD_IN(assay, threshold_nM),
     .doc = "a transient rises this much above the mean of the 10 s before"},
    {.key = "holding_mV", .kind = FIELD_NUMBER, .unit = "mV", FIELD_DEFAULT(-50),
     FIELD_FROM(-200, 200), .variants = CURRENT, FIELD_IN(assay, holding_mV),
     .doc = "potential at which the target's cells are clamped"},
    {.key = "burst_start_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(80),
     FIELD_ABOVE(0, 10000), .variants = UNITS, FIELD_IN(assay, burst_start_ms),
     .doc = "a burst begins at an interval below this (Grace & Bunney 1984)"},
    {.key = "burst_end_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(160),
     FIELD_ABOVE(0, 10000), .variants = UNITS, FIELD_IN(assay, burst_end_ms),
     .doc = "and ends before an interval above this"},
    {.key = "split_mV", .kind = FIELD_NUMBER, .unit = "mV", FIELD_DEFAULT(-70), FIELD_FROM(-200, 200),
     .variants = STATES, FIELD_IN(assay, split_mV), .doc = "between the down and the up state"},
    {.key = "ceiling_mV", .kind = FIELD_NUMBER, .unit = "mV", FIELD_DEFAULT(-45),
     FIELD_FROM(-200, 200), .variants = STATES, FIELD_IN(assay, ceiling_mV),
     .doc = "potentials above belong to spikes and do not count"},
    {0}};
/* clang-format on */

const object_type assay_type = {.name = "assay",
                                .doc = "What a laboratory would measure",
                                .fields = assay_fields,
                                .variant = "assay"};

/* --- what it looks at ------------------------------------------------------------------------- */

static meso_status need(loader *l, const cJSON *object, const char *key, const char *why)
{
    if (get_member(object, key))
        return MESO_OK;
    return LOADER_ERROR(l, object, key, MESO_CONFIG, "missing: %s", why);
}

/* A transporter, or a receptor. */
static meso_status read_pet(loader *l, const cJSON *object, assay *a)
{
    static const char either[] =
        "expected modulator and region for a transporter, or population and receptor";
    if (get_member(object, "modulator") || get_member(object, "region")) {
        const char *const other[] = {"population", "receptor"};
        for (int i = 0; i < 2; i++)
            if (get_member(object, other[i]))
                return LOADER_ERROR(l, object, other[i], MESO_CONFIG,
                                    "has no meaning beside modulator and region");
        MESO_TRY(need(l, object, "modulator", either));
        MESO_TRY(need(l, object, "region", either));
        MESO_TRY(loader_resolve_compartment(l, object, &a->modulator, &a->compartment));
        if (l->experiment->modulators[a->modulator].compartments[a->compartment].transporter)
            return MESO_OK;
        return LOADER_ERROR(l, object, "region", MESO_CONFIG, "'%s' has no transporter for '%s'",
                            get_member(object, "region")->valuestring,
                            l->experiment->modulators[a->modulator].name);
    }
    MESO_TRY(need(l, object, "population", either));
    MESO_TRY(need(l, object, "receptor", either));
    MESO_TRY(loader_resolve(l, get_member(object, "population"), "populations", &a->population));
    return loader_resolve(l, get_member(object, "receptor"), "receptors", &a->receptor);
}

static meso_status read_report(loader *l, const cJSON *object, assay *a)
{
    const cJSON *reports = get_member(loader_section(l, "record"), "reports");
    const cJSON *wanted = get_member(object, "report");
    name_list names = {0};
    uint32_t i = 0;
    for (const cJSON *r = first_member(reports); r; r = next_member(r), i++) {
        names_add(&names, r->string, NULL);
        if (strcmp(r->string, wanted->valuestring) == 0)
            a->report = i;
    }
    meso_status status = MESO_OK;
    if (a->report == MODEL_NONE)
        status = names_error_value(&l->document, wanted, wanted->valuestring, "reports", &names,
                                   l->err);
    names_free(&names);
    MESO_TRY(status);
    const report *r = &l->experiment->record.reports[a->report];
    if (r->source == REPORT_STATE && strcmp(r->unit, "mV") == 0)
        return MESO_OK;
    return LOADER_ERROR(l, wanted, NULL, MESO_CONFIG, "'%s' shows %s, not a potential in mV",
                        r->name, r->variable);
}

/* Something must release it. */
static meso_status read_release(loader *l, const cJSON *object, assay *a)
{
    MESO_TRY(loader_resolve_compartment(l, object, &a->modulator, &a->compartment));
    const modulator *m = &l->experiment->modulators[a->modulator];
    const compartment *c = &m->compartments[a->compartment];
    if (!get_member(object, "k_loss_per_s"))
        a->k_loss_per_s = compartment_loss_per_s(c);
    if (c->source != MODEL_NONE)
        return MESO_OK;
    return LOADER_ERROR(l, object, "region", MESO_CONFIG,
                        "'%s' is constant in '%s': no pulse releases it", m->name,
                        m->compartments[a->compartment].region);
}

/* A clamp sees conductances. */
static meso_status read_pathway(loader *l, const cJSON *object, assay *a)
{
    const cJSON *named = get_member(object, "projection");
    MESO_TRY(loader_resolve(l, named, "projections", &a->projection));
    const projection *p = &l->experiment->projections[a->projection];
    const population *target = &l->experiment->populations[p->target];
    for (uint32_t i = 0; i < p->n_ports; i++)
        if (p->ports[i].port >= target->n_conductances)
            return LOADER_ERROR(
                l, named, NULL, MESO_CONFIG,
                "'%s' adds to '%s', an input of the model of '%s': no clamp sees it", p->name,
                population_port_name(target, p->ports[i].port), target->name);
    return MESO_OK;
}

static meso_status read_subject(loader *l, const cJSON *object, assay *a)
{
    switch (a->kind) {
    case ASSAY_MICRODIALYSIS:
    case ASSAY_TRANSIENTS:
        return loader_resolve_compartment(l, object, &a->modulator, &a->compartment);
    case ASSAY_VOLTAMMETRY:
        return read_release(l, object, a);
    case ASSAY_PET:
        return read_pet(l, object, a);
    case ASSAY_EVOKED_CURRENT:
        return read_pathway(l, object, a);
    case ASSAY_UNITS:
        return loader_resolve(l, get_member(object, "population"), "populations", &a->population);
    case ASSAY_MEMBRANE_STATES:
        return read_report(l, object, a);
    case ASSAY_SIGNAL:
        return MESO_OK; /* the series are known when the network stands */
    default:
        return load_slice(l, object, a);
    }
    return MESO_OK;
}

/* --- when ------------------------------------------------------------------------------------- */

static const phase *find_phase(const experiment *e, const char *name)
{
    for (uint32_t i = 0; i < e->n_phases; i++)
        if (strcmp(e->phases[i].name, name) == 0)
            return &e->phases[i];
    return NULL;
}

static meso_status read_phase(loader *l, const cJSON *named, assay *a, double *end_s)
{
    const experiment *e = l->experiment;
    const phase *p = find_phase(e, named->valuestring);
    for (uint32_t i = 0; p && i < e->n_phases; i++)
        if (&e->phases[i] != p && strcmp(e->phases[i].name, p->name) == 0)
            return LOADER_ERROR(l, named, NULL, MESO_CONFIG, "several phases have this name");
    if (!p) {
        name_list names = {0};
        for (uint32_t i = 0; i < e->n_phases; i++)
            names_add(&names, e->phases[i].name, NULL);
        meso_status status = names_error_value(&l->document, named, named->valuestring, "phases",
                                               &names, l->err);
        names_free(&names);
        return status;
    }
    a->start_s += p->start_s;
    a->stop_s += p->start_s;
    *end_s = p->start_s + p->duration_s;
    return MESO_OK;
}

static meso_status read_window(loader *l, const cJSON *object, assay *a)
{
    const cJSON *phase = get_member(object, "phase"), *stop = get_member(object, "stop_s");
    double end_s = l->experiment->duration_s;
    if (phase)
        MESO_TRY(read_phase(l, phase, a, &end_s));
    if (!stop || a->stop_s > end_s)
        a->stop_s = end_s;
    if (a->start_s < a->stop_s)
        return MESO_OK;
    return LOADER_ERROR(l, object, "start_s", MESO_RANGE,
                        "%.15g s is outside [0, %.15g) s: the window ends there",
                        get_member(object, "start_s")->valuedouble,
                        a->stop_s - a->start_s + get_member(object, "start_s")->valuedouble);
}

/* The first dose or bath. */
static double drug_free_until_s(const experiment *e)
{
    double until_s = e->n_doses > 0 ? e->doses[0].time_s : INFINITY;
    for (uint32_t i = 0; i < e->n_phases; i++)
        if (e->phases[i].bath_nM)
            until_s = fmin(until_s, e->phases[i].start_s);
    return until_s;
}

static meso_status read_moment(loader *l, const cJSON *object, assay *a)
{
    const cJSON *at = get_member(object, "at_s");
    const double end_s = l->experiment->duration_s;
    if (!at)
        a->at_s = end_s;
    if (a->at_s <= end_s)
        return MESO_OK;
    return LOADER_ERROR(l, at, NULL, MESO_RANGE,
                        "%.15g s is outside [0, %.15g] s: the experiment ends there", a->at_s,
                        end_s);
}

/* The phase or the experiment, in which slices are looked at. */
static meso_status read_looks(loader *l, const cJSON *object, assay *a)
{
    const cJSON *phase = get_member(object, "phase");
    double end_s = l->experiment->duration_s;
    if (phase)
        MESO_TRY(read_phase(l, phase, a, &end_s));
    a->stop_s = end_s;
    return load_slice_moments(l, object, a);
}

/* --- building --------------------------------------------------------------------------------- */

static meso_status read_assay(loader *l, const cJSON *object, assay *a)
{
    *a = (assay){.compartment = MODEL_NONE, .population = MODEL_NONE, .report = MODEL_NONE};
    a->name = arena_strdup(l->experiment->memory, object->string);
    a->place = document_place(&l->document, object, NULL);
    if (!a->name || !a->place)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_TRY(loader_read(l, &assay_type, object, a));
    MESO_TRY(read_subject(l, object, a));
    if (VARIANT(a->kind) & PROBING)
        return read_moment(l, object, a);
    if (VARIANT(a->kind) & SLICE)
        return read_looks(l, object, a);
    const cJSON *until = get_member(object, "baseline_stop_s");
    if (until && a->baseline_stop_s > l->experiment->duration_s)
        return LOADER_ERROR(l, until, NULL, MESO_RANGE,
                            "%.15g s is outside (0, %.15g] s: the experiment ends there",
                            a->baseline_stop_s, l->experiment->duration_s);
    if (!until)
        a->baseline_stop_s = a->kind == ASSAY_SIGNAL ? INFINITY : drug_free_until_s(l->experiment);
    if (a->kind == ASSAY_UNITS && a->burst_end_ms < a->burst_start_ms)
        return LOADER_ERROR(l, object, "burst_end_ms", MESO_RANGE,
                            "%.15g ms is below burst_start_ms, %.15g ms", a->burst_end_ms,
                            a->burst_start_ms);
    return read_window(l, object, a);
}

meso_status load_assays(loader *l)
{
    const cJSON *map = loader_section(l, "assays");
    experiment *e = l->experiment;
    e->n_assays = (uint32_t)count_members(map);
    assay *a = loader_alloc(l, e->n_assays, sizeof *a);
    if (!a)
        return MESO_MEMORY;
    e->assays = a;
    for (const cJSON *object = first_member(map); object; object = next_member(object))
        MESO_TRY(read_assay(l, object, a++));
    return MESO_OK;
}

/* --- for people ------------------------------------------------------------------------------- */

static void append_default(const field *f, text *out)
{
    char value[NUMBER_TEXT] = "";
    if (f->has_default && f->text)
        text_appendf(out, "%-10s", f->text);
    else if (f->has_default && f->kind == FIELD_BOOLEAN)
        text_appendf(out, "%-10s", f->number != 0 ? "true" : "false");
    else if (f->has_default)
        text_appendf(out, "%-10s", number_text(f->number, value));
    else
        text_appendf(out, "%-10s", f->required ? "required" : "");
}

bool assay_sheet(const char *kind, text *out)
{
    unsigned i = 0;
    while (assay_kind_names[i] && strcmp(assay_kind_names[i], kind) != 0)
        i++;
    if (!assay_kind_names[i])
        return false;
    text_appendf(out, "%s: %s\n\n%-19s  %-4s  %-10s%s\n", kind, assay_kind_titles[i], "key", "unit",
                 "default", "meaning");
    for (const field *f = assay_fields; f->key; f++) {
        if (!(f->variants & VARIANT(i)))
            continue;
        text_appendf(out, "%-19s  %-4s  ", f->key, f->unit ? f->unit : "");
        append_default(f, out);
        text_append(out, f->doc);
        if (f->bounded) {
            text_append(out, "; ");
            field_append_range(f, out);
        }
        text_append(out, "\n");
    }
    return true;
}
