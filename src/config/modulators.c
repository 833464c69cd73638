#include "config/drug_actions.h"
#include "config/receptors.h"
#include <stdio.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

/* clang-format off */
static const field terminals_fields[] = {
    {.key = "release_fraction", .kind = FIELD_NUMBER, .required = true, FIELD_ABOVE(0, 1),
     FIELD_IN(terminals, release_fraction),
     .doc = "share of the vesicles ready for release that a spike empties, without autoreceptors"},
    {.key = "tau_ready_s", .kind = FIELD_NUMBER, .unit = "s", .required = true,
     FIELD_ABOVE(0, 100000), FIELD_IN(terminals, tau_ready_s),
     .doc = "in which reserve vesicles take their place"},
    {.key = "reserve_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true,
     FIELD_ABOVE(0, 1e9), FIELD_IN(terminals, reserve_nM),
     .doc = "content of the reserve vesicles at rest, as concentration outside"},
    {.key = "cytosol_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true,
     FIELD_ABOVE(0, 1e9), FIELD_IN(terminals, cytosol_nM),
     .doc = "content of the cytosol at rest, as concentration outside"},
    {.key = "K_vmat_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true,
     FIELD_ABOVE(0, 1e9), FIELD_IN(terminals, K_vmat_nM),
     .doc = "cytosol of half the fastest uptake into vesicles"},
    {.key = "k_leak_per_s", .kind = FIELD_NUMBER, .unit = "1/s", .required = true,
     FIELD_FROM(0, 1000), FIELD_IN(terminals, k_leak_per_s),
     .doc = "rate from reserve vesicles to the cytosol"},
    {.key = "k_emptying_per_s", .kind = FIELD_NUMBER, .unit = "1/s", FIELD_DEFAULT(0),
     FIELD_FROM(0, 1000), FIELD_IN(terminals, k_emptying_per_s),
     .doc = "what a releaser adds to it at most"},
    {.key = "reverse_share", .kind = FIELD_NUMBER, FIELD_DEFAULT(0), FIELD_FROM(0, 100),
     FIELD_IN(terminals, reverse_share),
     .doc = "share of V_max that the fastest reverse transport has; needs a releaser"},
    {.key = "K_reverse_nM", .kind = FIELD_NUMBER, .unit = "nM", FIELD_DEFAULT(200),
     FIELD_ABOVE(0, 1e9), FIELD_IN(terminals, K_reverse_nM),
     .doc = "cytosol of half the fastest reverse transport"},
    {.key = "mobilisation", .kind = FIELD_NUMBER, FIELD_DEFAULT(0), FIELD_FROM(0, 100),
     FIELD_IN(terminals, mobilisation),
     .doc = "release is multiplied by 1 + mobilisation * occupancy of the transporter by drugs"},
    {0}};

static const object_type terminals_type = {
    .name = "terminals", .doc = "Stores from which release comes and to which uptake brings: they run out",
    .fields = terminals_fields};

static const char *const enzyme_places[] = {"extracellular", "cytosol", NULL};

static const field enzyme_fields[] = {
    {.key = "k_per_s", .kind = FIELD_NUMBER, .unit = "1/s", .required = true, FIELD_FROM(0, 1000),
     FIELD_IN(enzyme, k_per_s), .doc = "rate at which it breaks the modulator down"},
    {.key = "place", .kind = FIELD_CHOICE, .choices = enzyme_places,
     FIELD_DEFAULT_TEXT("extracellular"), FIELD_IN(enzyme, place), .doc = "where it does"},
    {0}};

static const object_type enzyme_type = {
    .name = "enzyme", .doc = "An enzyme that clears the modulator", .fields = enzyme_fields};

static const field compartment_fields[] = {
    {.key = "tone_nM", .kind = FIELD_NUMBER, .unit = "nM", FIELD_FROM(0, 1e9),
     FIELD_IN(compartment, initial_nM),
     .doc = "the concentration, when no spikes release the modulator; else source. It is constant, or "
            "returns to it after pulses of a contingency"},
    {.key = "source", .kind = FIELD_NAME,
     .doc = "name of the population whose spikes release the modulator here; else tone_nM"},
    {.key = "release_nM", .kind = FIELD_NUMBER, .unit = "nM",
     FIELD_FROM(0, 1000000), FIELD_IN(compartment, release_nM),
     .doc = "rise of the concentration if every source neuron fires once, without autoreceptors; "
            "required unless a grid has a release_probability"},
    {.key = "axonal_delay_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(0),
     FIELD_FROM(0, 1000), FIELD_IN(compartment, axonal_delay_ms), .doc = "from spike to release"},
    {.key = "V_max_nM_per_s", .kind = FIELD_NUMBER, .unit = "nM/s",
     FIELD_FROM(0, 10000000), FIELD_IN(compartment, V_max_nM_per_s), .doc = "fastest uptake"},
    {.key = "K_m_nM", .kind = FIELD_NUMBER, .unit = "nM",
     FIELD_ABOVE(0, 1000000), FIELD_IN(compartment, K_m_nM),
     .doc = "concentration of half the fastest uptake"},
    {.key = "k_loss_per_s", .kind = FIELD_NUMBER, .unit = "1/s", FIELD_DEFAULT(0),
     FIELD_FROM(0, 1000), FIELD_IN(compartment, k_loss_per_s),
     .doc = "rate of all other clearance"},
    {.key = "transporter", .kind = FIELD_NAME, FIELD_IN(compartment, transporter),
     .doc = "name by which drugs block the uptake here; default: none does"},
    {.key = "enzymes", .kind = FIELD_MAP, .type = &enzyme_type,
     .doc = "by the name by which drugs inhibit them"},
    {.key = "terminals", .kind = FIELD_OBJECT, .type = &terminals_type,
     .doc = "stores that release empties; default: release without limit"},
    PRESYNAPTIC_ROW("receptors on the terminals beside the autoreceptor"),
    {.key = "autoreceptor", .kind = FIELD_NAME,
     .doc = "name of the receptor that holds back release; default: none"},
    {.key = "autoreceptor_alpha", .kind = FIELD_NUMBER, FIELD_DEFAULT(0), FIELD_FROM(0, 1000),
     FIELD_IN(compartment, autoreceptor_alpha),
     .doc = "release is divided by 1 + alpha * activation"},
    {.key = "initial_nM", .kind = FIELD_NUMBER, .unit = "nM", FIELD_DEFAULT(0),
     FIELD_FROM(0, 1000000), FIELD_IN(compartment, initial_nM),
     .doc = "concentration at the start"},
    {.key = "grid", .kind = FIELD_OBJECT, .type = &voxel_grid_type,
     .doc = "the region in space, in place of a well-mixed compartment; what is reported of the "
            "compartment is then the mean over the grid"},
    {0}};

static const object_type compartment_type = {
    .name = "compartment", .doc = "Extracellular space of one region, well mixed unless it has a grid",
    .fields = compartment_fields};

static const field modulator_fields[] = {
    {.key = "compartments", .kind = FIELD_MAP, .type = &compartment_type, .required = true,
     .doc = "by region"},
    {0}};

const object_type modulator_type = {
    .name = "modulator", .doc = "A neuromodulator", .fields = modulator_fields};
/* clang-format on */

/* --- building --------------------------------------------------------------------------------- */

static meso_status read_autoreceptor(loader *l, const cJSON *object, uint32_t modulator_index,
                                     compartment *c)
{
    const cJSON *name = get_member(object, "autoreceptor");
    c->autoreceptor = MODEL_NONE;
    if (!name && c->autoreceptor_alpha > 0)
        return LOADER_ERROR(l, object, "autoreceptor", MESO_CONFIG,
                            "missing: autoreceptor_alpha is %.15g, expected a name",
                            c->autoreceptor_alpha);
    if (!name)
        return MESO_OK;
    MESO_TRY(loader_resolve(l, name, "receptors", &c->autoreceptor));
    const receptor *r = &l->experiment->receptors[c->autoreceptor];
    if (r->modulator == modulator_index)
        return MESO_OK;
    return LOADER_ERROR(l, name, NULL, MESO_CONFIG,
                        "'%s' binds '%s', not the modulator of this compartment", r->name,
                        loader_member(l, "modulators", r->modulator)->string);
}

/* Keys of a constant compartment, or of one that spikes fill. */
static meso_status check_source(loader *l, const cJSON *object)
{
    static const char *const needed[] = {"V_max_nM_per_s", "K_m_nM"};
    static const char *const without[] = {"terminals", "autoreceptor", "presynaptic", "enzymes",
                                          "grid"};
    const cJSON *source = get_member(object, "source"), *tone = get_member(object, "tone_nM");
    if (!source == !tone)
        return LOADER_ERROR(l, object, source ? "tone_nM" : "source", MESO_CONFIG,
                            source ? "has no meaning beside source, whose spikes make the "
                                     "concentration"
                                   : "missing: expected the population that releases, or tone_nM, "
                                     "a constant concentration");
    for (int i = 0; source && i < 2; i++)
        if (!get_member(object, needed[i]))
            return LOADER_ERROR(l, object, needed[i], MESO_CONFIG, "missing: expected a number%s",
                                i == 0 ? " in nM/s" : " in nM");
    for (int i = 0; tone && i < 5; i++)
        if (get_member(object, without[i]))
            return LOADER_ERROR(l, object, without[i], MESO_CONFIG,
                                "has no meaning beside tone_nM: the concentration is constant");
    return MESO_OK;
}

/* Clearance of small concentrations must not overshoot in a field step; a grid has its own. */
static meso_status check_clearance(loader *l, const cJSON *object, const compartment *c)
{
    if (compartment_is_constant(c))
        return MESO_OK;
    const double rate_per_s = compartment_clearance_per_s(c);
    const double most_per_s = 1000 / l->experiment->field_step_ms;
    char density[48] = "";
    if (c->grid || rate_per_s <= most_per_s)
        return MESO_OK;
    if (c->transporter_density != 1)
        snprintf(density, sizeof density, " at a density of %.6g", c->transporter_density);
    return LOADER_ERROR(l, object, "V_max_nM_per_s", MESO_RANGE,
                        "V_max / K_m%s with loss and enzymes is %.6g per s: more than the %.6g per "
                        "s that a field step of %.15g ms can follow",
                        density, rate_per_s, most_per_s, l->experiment->field_step_ms);
}

/* What pulses brought must go again, and a constant release keeps the tone against it. */
static meso_status check_tone(loader *l, const cJSON *object, const compartment *c)
{
    if (c->pulse == MODEL_NONE || c->source != MODEL_NONE)
        return MESO_OK;
    if (c->V_max_nM_per_s > 0 && c->K_m_nM == 0)
        return LOADER_ERROR(l, object, "K_m_nM", MESO_CONFIG, "missing: expected a number in nM");
    if (c->V_max_nM_per_s > 0 || c->k_loss_per_s > 0)
        return MESO_OK;
    return LOADER_ERROR(l, object, "k_loss_per_s", MESO_CONFIG,
                        "missing: a contingency pulses the compartment, and nothing clears it");
}

static meso_status check_pulse(loader *l, const cJSON *object, const compartment *c)
{
    if (c->pulse == MODEL_NONE || !c->grid)
        return MESO_OK;
    return LOADER_ERROR(l, object, "grid", MESO_CONFIG,
                        "not possible here: a contingency pulses the compartment, which must be "
                        "well mixed");
}

static meso_status read_transporter(loader *l, const cJSON *object, compartment *c)
{
    if (c->transporter)
        MESO_TRY(
            check_declared(l, get_member(object, "transporter"), c->transporter, "transporter"));
    c->transporter_density = target_density(l, c->transporter);
    return MESO_OK;
}

static meso_status read_enzymes(loader *l, const cJSON *object, compartment *c)
{
    const cJSON *map = get_member(object, "enzymes");
    c->n_enzymes = (uint32_t)count_members(map);
    enzyme *e = loader_alloc(l, c->n_enzymes, sizeof *e);
    if (!e)
        return MESO_MEMORY;
    c->enzymes = e;
    for (const cJSON *o = first_member(map); o; o = next_member(o), e++) {
        MESO_TRY(loader_read(l, &enzyme_type, o, e));
        e->name = arena_strdup(l->experiment->memory, o->string);
        if (!e->name)
            return error_set(l->err, MESO_MEMORY, "out of memory");
        MESO_TRY(check_declared(l, o, e->name, "enzyme"));
        e->k_per_s *= target_density(l, e->name);
        if (e->place == ENZYME_CYTOSOL && !get_member(object, "terminals"))
            return LOADER_ERROR(l, o, "place", MESO_CONFIG,
                                "there is no cytosol: the compartment has no terminals");
    }
    return MESO_OK;
}

static meso_status read_terminals(loader *l, const cJSON *object, compartment *c)
{
    const cJSON *given = get_member(object, "terminals");
    if (!given)
        return MESO_OK;
    terminals *t = loader_alloc(l, 1, sizeof *t);
    if (!t)
        return MESO_MEMORY;
    c->terminals = t;
    if (c->initial_nM == 0 || c->release_nM == 0)
        return LOADER_ERROR(l, object, c->initial_nM == 0 ? "initial_nM" : "release_nM",
                            MESO_CONFIG,
                            "terminals need more than 0: their balance at rest follows from it");
    return loader_read(l, &terminals_type, given, t);
}

static meso_status read_compartment(loader *l, const cJSON *object, const char *modulator_name,
                                    uint32_t modulator_index, compartment *c)
{
    c->region = arena_strdup(l->experiment->memory, object->string);
    if (!c->region)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_TRY(check_source(l, object));
    MESO_TRY(loader_read(l, &compartment_type, object, c));
    const cJSON *source = get_member(object, "source");
    c->source = c->autoreceptor = MODEL_NONE;
    c->pulse = is_pulsed(l, modulator_name, c->region) ? l->experiment->n_pulsed++ : MODEL_NONE;
    MESO_TRY(read_transporter(l, object, c));
    if (!source) {
        c->initial_nM = get_member(object, "tone_nM")->valuedouble;
        MESO_TRY(check_tone(l, object, c));
        return check_clearance(l, object, c);
    }
    MESO_TRY(loader_resolve(l, source, "populations", &c->source));
    MESO_TRY(read_enzymes(l, object, c));
    MESO_TRY(load_voxels(l, object, c));
    MESO_TRY(check_pulse(l, object, c));
    MESO_TRY(check_clearance(l, object, c));
    MESO_TRY(read_terminals(l, object, c));
    MESO_TRY(load_presynaptic(l, object, c->region, &c->presynaptic, &c->n_presynaptic));
    return read_autoreceptor(l, object, modulator_index, c);
}

static meso_status read_modulator(loader *l, const cJSON *object, uint32_t index, modulator *m)
{
    const cJSON *map = get_member(object, "compartments");
    m->name = arena_strdup(l->experiment->memory, object->string);
    m->n_compartments = (uint32_t)count_members(map);
    compartment *c = loader_alloc(l, m->n_compartments, sizeof *c);
    if (!m->name || !c)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    m->compartments = c;
    for (const cJSON *o = first_member(map); o; o = next_member(o))
        MESO_TRY(read_compartment(l, o, m->name, index, c++));
    return MESO_OK;
}

meso_status load_modulators(loader *l)
{
    const cJSON *map = loader_section(l, "modulators");
    experiment *e = l->experiment;
    e->n_modulators = (uint32_t)count_members(map);
    modulator *m = loader_alloc(l, e->n_modulators, sizeof *m);
    if (!m)
        return MESO_MEMORY;
    e->modulators = m;
    MESO_TRY(load_receptors(l));
    uint32_t index = 0;
    for (const cJSON *object = first_member(map); object; object = next_member(object), index++)
        MESO_TRY(read_modulator(l, object, index, m++));
    return MESO_OK;
}
