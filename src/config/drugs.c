#include "config/drug_actions.h"

#include "base/embedded.h"
#include "config/loader.h"
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

const char *const route_names[] = {"iv", "ip", "sc", "oral", "inhaled", NULL};

/* clang-format off */
#define BIOAVAILABILITY_ROW                                                                        \
    {.key = "bioavailability", .kind = FIELD_NUMBER, FIELD_DEFAULT(1), FIELD_ABOVE(0, 1),          \
     FIELD_IN(drug_route_spec, bioavailability), .doc = "share of the dose that reaches the plasma"}

static const field iv_fields[] = {BIOAVAILABILITY_ROW, {0}};

static const field depot_fields[] = {
    BIOAVAILABILITY_ROW,
    {.key = "k_absorption_per_min", .kind = FIELD_NUMBER, .unit = "1/min", .required = true,
     FIELD_ABOVE(0, 1000), FIELD_IN(drug_route_spec, k_absorption_per_min),
     .doc = "rate from the depot to the plasma"},
    {0}};

static const object_type iv_type = {
    .name = "route_iv", .doc = "Into a vein: the dose is in the plasma at once",
    .fields = iv_fields};
static const object_type depot_type = {
    .name = "route_depot", .doc = "The dose is absorbed from a depot", .fields = depot_fields};

static const field route_fields[] = {
    {.key = "iv", .kind = FIELD_OBJECT, .type = &iv_type, .doc = "intravenous"},
    {.key = "ip", .kind = FIELD_OBJECT, .type = &depot_type, .doc = "intraperitoneal"},
    {.key = "sc", .kind = FIELD_OBJECT, .type = &depot_type, .doc = "subcutaneous"},
    {.key = "oral", .kind = FIELD_OBJECT, .type = &depot_type, .doc = "swallowed"},
    {.key = "inhaled", .kind = FIELD_OBJECT, .type = &depot_type, .doc = "smoked, or as vapour"},
    {0}};

static const object_type routes_type = {
    .name = "routes", .doc = "How the drug may be given", .fields = route_fields};

static const field metabolite_fields[] = {
    {.key = "k_per_min", .kind = FIELD_NUMBER, .unit = "1/min", .required = true,
     FIELD_ABOVE(0, 1000), FIELD_IN(drug_metabolite, k_per_min),
     .doc = "rate at which the parent leaves its plasma for this, besides its own elimination"},
    {.key = "yield", .kind = FIELD_NUMBER, FIELD_DEFAULT(1), FIELD_ABOVE(0, 10),
     FIELD_IN(drug_metabolite, yield), .doc = "molecules of it for one of the parent"},
    {0}};

static const object_type metabolite_type = {
    .name = "metabolite", .doc = "A drug into which another turns", .fields = metabolite_fields};

/* What may differ between species; there it is neither required nor has defaults. */
#define KINETIC_ROWS(of_drug)                                                                      \
    {.key = "V_d_L_per_kg", .kind = FIELD_NUMBER, .unit = "L/kg", .required = of_drug,             \
     FIELD_ABOVE(0, 1000), FIELD_IN(drug, V_d_L_per_kg), .doc = "volume of distribution"},         \
    {.key = "k_elimination_per_min", .kind = FIELD_NUMBER, .unit = "1/min",                        \
     FIELD_FROM(0, 1000), FIELD_IN(drug, k_elimination_per_min),                                   \
     .doc = "rate out of the plasma"},                                                             \
    {.key = "V_max_elimination_mg_per_kg_per_h", .kind = FIELD_NUMBER, .unit = "mg/kg/h",          \
     FIELD_FROM(0, 100000), FIELD_IN(drug, V_max_elimination_mg_per_kg_per_h),                     \
     .doc = "fastest saturable elimination"},                                                      \
    {.key = "K_m_elimination_nM", .kind = FIELD_NUMBER, .unit = "nM", FIELD_ABOVE(0, 1e10),        \
     FIELD_IN(drug, K_m_elimination_nM),                                                           \
     .doc = "level in the plasma of half the fastest saturable elimination"},                      \
    {.key = "k_to_peripheral_per_min", .kind = FIELD_NUMBER, .unit = "1/min",                      \
     FIELD_FROM(0, 1000), FIELD_IN(drug, k_to_peripheral_per_min),                                 \
     .doc = "rate from the plasma to a second, peripheral compartment; default: there is none"},   \
    {.key = "k_from_peripheral_per_min", .kind = FIELD_NUMBER, .unit = "1/min",                    \
     FIELD_ABOVE(0, 1000), FIELD_IN(drug, k_from_peripheral_per_min), .doc = "rate back"},         \
    {.key = "k_to_brain_per_min", .kind = FIELD_NUMBER, .unit = "1/min", FIELD_FROM(0, 1000),      \
     FIELD_IN(drug, k_to_brain_per_min),                                                           \
     .doc = "rate from plasma to brain, of a brain that exchanges drug with the plasma"},          \
    {.key = "k_from_brain_per_min", .kind = FIELD_NUMBER, .unit = "1/min", FIELD_FROM(0, 1000),    \
     FIELD_IN(drug, k_from_brain_per_min), .doc = "rate from brain to plasma"},                    \
    {.key = "brain_to_plasma", .kind = FIELD_NUMBER, FIELD_ABOVE(0, 1000),                         \
     FIELD_IN(drug, brain_to_plasma),                                                              \
     .doc = "K_p: brain over plasma in equilibrium, of a brain that takes away too little to count"}, \
    {.key = "k_brain_equilibration_per_min", .kind = FIELD_NUMBER, .unit = "1/min",                \
     FIELD_ABOVE(0, 1000), FIELD_IN(drug, k_brain_equilibration_per_min),                          \
     .doc = "rate at which such a brain follows; default: at once"},                               \
    {.key = "unbound_fraction", .kind = FIELD_NUMBER, .has_default = of_drug, .number = 1,         \
     FIELD_ABOVE(0, 1), FIELD_IN(drug, unbound_fraction),                                          \
     .doc = "share of the brain concentration that acts"},                                         \
    {.key = "routes", .kind = FIELD_OBJECT, .type = &routes_type, .has_default = of_drug,          \
     .doc = "how the drug may be given"},                                                          \
    {.key = "metabolites", .kind = FIELD_MAP, .type = &metabolite_type,                            \
     .doc = "drugs into which it turns, by name"}

static const field kinetics_fields[] = {KINETIC_ROWS(false), {0}};

static const object_type kinetics_type = {
    .name = "kinetics", .doc = "How the drug reaches the brain in another species",
    .fields = kinetics_fields};

static const field drug_fields[] = {
    {.key = "title", .kind = FIELD_TEXT, FIELD_DEFAULT_TEXT(""), FIELD_IN(drug, title),
     .doc = "one line for people"},
    {.key = "molar_mass_g_per_mol", .kind = FIELD_NUMBER, .unit = "g/mol", .required = true,
     FIELD_ABOVE(0, 100000), FIELD_IN(drug, molar_mass_g_per_mol),
     .doc = "of the form in which doses are stated"},
    KINETIC_ROWS(true),
    {.key = "species", .kind = FIELD_MAP, .type = &kinetics_type,
     .doc = "what is different in other species, by the name that the experiment's species has"},
    DRUG_ACTION_ROWS,
    {0}};

static const char *const brains[] = {"k_to_brain_per_min", "brain_to_plasma", NULL};

const object_type drug_type = {.name = "drug",
                               .doc = "A drug: how it reaches the brain, and what it does there",
                               .fields = drug_fields, .one_of = brains};

typedef struct species {
    const char *name;
    double rate_scale;
} species;

static const field species_fields[] = {
    {.key = "name", .kind = FIELD_NAME, .required = true, FIELD_IN(species, name),
     .doc = "by which drugs have numbers of their own"},
    {.key = "rate_scale", .kind = FIELD_NUMBER, FIELD_DEFAULT(1), FIELD_ABOVE(0, 100),
     FIELD_IN(species, rate_scale),
     .doc = "factor of the rates of drugs, where they have no numbers of their own for the species"},
    {0}};
/* clang-format on */

const object_type species_type = {.name = "species",
                                  .doc = "The animal whose body the drugs go through",
                                  .fields = species_fields};

/* --- kinetics --------------------------------------------------------------------------------- */

static meso_status read_routes(loader *l, const cJSON *routes, drug *d)
{
    for (int i = 0; i < N_ROUTES; i++) {
        const cJSON *route = get_member(routes, route_names[i]);
        if (!route)
            continue;
        d->routes[i].given = true;
        MESO_TRY(loader_read(l, i == ROUTE_IV ? &iv_type : &depot_type, route, &d->routes[i]));
    }
    return MESO_OK;
}

static meso_status find_metabolite(loader *l, const cJSON *member, uint32_t *index)
{
    const cJSON *drugs = loader_section(l, "drugs");
    *index = 0;
    for (const cJSON *d = first_member(drugs); d; d = next_member(d), (*index)++)
        if (strcmp(d->string, member->string) == 0)
            return MESO_OK;
    name_list names = {0};
    names_add_members(&names, drugs);
    meso_status status = names_error_value(&l->document, member, member->string, "drugs", &names,
                                           l->err);
    names_free(&names);
    return status;
}

static meso_status read_metabolites(loader *l, const cJSON *map, double rate_scale, drug *d)
{
    if (!map)
        return MESO_OK;
    drug_metabolite *m = loader_alloc(l, count_members(map), sizeof *m);
    if (!m)
        return MESO_MEMORY;
    d->metabolites = m;
    d->n_metabolites = (uint32_t)count_members(map);
    for (const cJSON *member = first_member(map); member; member = next_member(member), m++) {
        MESO_TRY(find_metabolite(l, member, &m->drug));
        MESO_TRY(loader_read(l, &metabolite_type, member, m));
        m->k_per_min *= rate_scale;
    }
    return MESO_OK;
}

static void scale_rates(drug *d, double scale)
{
    double *const rates[] = {
        &d->k_elimination_per_min,        &d->V_max_elimination_mg_per_kg_per_h,
        &d->k_to_peripheral_per_min,      &d->k_from_peripheral_per_min,
        &d->k_to_brain_per_min,           &d->k_from_brain_per_min,
        &d->k_brain_equilibration_per_min};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        *rates[i] *= scale;
    for (int i = 0; i < N_ROUTES; i++)
        d->routes[i].k_absorption_per_min *= scale;
}

/* Numbers of the species over those of the drug. Another form of brain replaces the one that was there. */
static meso_status read_species(loader *l, const cJSON *object, const species *s, drug *d)
{
    const cJSON *own = get_member(get_member(object, "species"), s->name);
    if (!own)
        return MESO_OK;
    if (get_member(own, "brain_to_plasma"))
        d->k_to_brain_per_min = d->k_from_brain_per_min = d->k_brain_equilibration_per_min = 0;
    if (get_member(own, "k_to_brain_per_min"))
        d->brain_to_plasma = d->k_brain_equilibration_per_min = 0;
    MESO_TRY(loader_read(l, &kinetics_type, own, d));
    MESO_TRY(read_routes(l, get_member(own, "routes"), d));
    return read_metabolites(l, get_member(own, "metabolites"), 1, d);
}

static meso_status read_kinetics(loader *l, const cJSON *object, const species *s, drug *d)
{
    MESO_TRY(loader_read(l, &drug_type, object, d));
    MESO_TRY(read_routes(l, get_member(object, "routes"), d));
    MESO_TRY(read_metabolites(l, get_member(object, "metabolites"), s->rate_scale, d));
    scale_rates(d, s->rate_scale);
    return s->name ? read_species(l, object, s, d) : MESO_OK;
}

/* --- what cannot be -------------------------------------------------------------------------- */

/* A rate that needs another one. */
static meso_status check_pair(loader *l, const cJSON *object, double given, const char *key,
                              double needed, const char *needed_key)
{
    if (given == 0 || needed > 0)
        return MESO_OK;
    return LOADER_ERROR(l, object, needed_key, MESO_CONFIG, "missing: %s is given", key);
}

static meso_status check_pairs(loader *l, const cJSON *object, const drug *d)
{
    MESO_TRY(check_pair(l, object, d->V_max_elimination_mg_per_kg_per_h,
                        "V_max_elimination_mg_per_kg_per_h", d->K_m_elimination_nM,
                        "K_m_elimination_nM"));
    MESO_TRY(check_pair(l, object, d->k_to_peripheral_per_min, "k_to_peripheral_per_min",
                        d->k_from_peripheral_per_min, "k_from_peripheral_per_min"));
    MESO_TRY(check_pair(l, object, d->k_to_brain_per_min, "k_to_brain_per_min",
                        d->k_from_brain_per_min, "k_from_brain_per_min"));
    return check_pair(l, object, d->k_brain_equilibration_per_min, "k_brain_equilibration_per_min",
                      d->brain_to_plasma, "brain_to_plasma");
}

static meso_status check_elimination(loader *l, const cJSON *object, const drug *d)
{
    if (d->k_elimination_per_min > 0 || d->V_max_elimination_mg_per_kg_per_h > 0 ||
        d->n_metabolites > 0)
        return MESO_OK;
    return LOADER_ERROR(l, object, "k_elimination_per_min", MESO_CONFIG,
                        "'%s' would stay in the body for ever: give k_elimination_per_min, "
                        "V_max_elimination_mg_per_kg_per_h or metabolites",
                        d->name);
}

/* Does the drug `to` come out of `from`, in at most `most` steps? */
static bool becomes(const drug *drugs, uint32_t from, uint32_t to, uint32_t most)
{
    for (uint32_t k = 0; most > 0 && k < drugs[from].n_metabolites; k++) {
        const uint32_t next = drugs[from].metabolites[k].drug;
        if (next == to || becomes(drugs, next, to, most - 1))
            return true;
    }
    return false;
}

static meso_status check_chains(loader *l, const cJSON *map)
{
    const experiment *e = l->experiment;
    const cJSON *object = first_member(map);
    for (uint32_t i = 0; i < e->n_drugs; i++, object = next_member(object))
        if (becomes(e->drugs, i, i, e->n_drugs))
            return LOADER_ERROR(l, object, "metabolites", MESO_CONFIG,
                                "'%s' turns into itself: a chain of metabolites has an end",
                                e->drugs[i].name);
    return MESO_OK;
}

/* --- species ---------------------------------------------------------------------------------- */

/* Those that parts are shipped for. */
static meso_status add_shipped(const loader *l, name_list *names)
{
    static const char folder[] = "configs/parts/species/";
    const char *path;
    for (size_t i = 0; (path = embedded_path(i)) != NULL; i++) {
        if (strncmp(path, folder, strlen(folder)) != 0)
            continue;
        const char *file = path + strlen(folder);
        const char *name = arena_printf(l->experiment->memory, "%.*s",
                                        (int)(strlen(file) - strlen(".json")), file);
        if (!name)
            return error_set(l->err, MESO_MEMORY, "out of memory");
        names_add(names, name, NULL);
    }
    return MESO_OK;
}

/* The experiment's must be shipped or one of a drug's, and a drug's shipped or the experiment's. */
static meso_status check_species(loader *l, const cJSON *drugs, const cJSON *animal)
{
    name_list shipped = {0}, known = {0};
    const cJSON *mine = animal ? get_member(animal, "name") : NULL;
    meso_status status = MESO_OK;
    MESO_GO(add_shipped(l, &shipped));
    MESO_GO(add_shipped(l, &known));
    if (mine)
        names_add(&shipped, mine->valuestring, NULL);
    for (const cJSON *d = first_member(drugs); d; d = next_member(d))
        for (const cJSON *s = first_member(get_member(d, "species")); s; s = next_member(s)) {
            MESO_GO(
                names_check_value(&l->document, s, s->string, "known species", &shipped, l->err));
            names_add(&known, s->string, NULL);
        }
    if (mine && drugs)
        MESO_GO(names_check_value(&l->document, mine, mine->valuestring, "known species", &known,
                                  l->err));
done:
    names_free(&shipped);
    names_free(&known);
    return status;
}

/* --- building --------------------------------------------------------------------------------- */

static meso_status read_drug(loader *l, const cJSON *object, const species *s, drug *d)
{
    d->name = arena_strdup(l->experiment->memory, object->string);
    if (!d->name)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_TRY(read_kinetics(l, object, s, d));
    MESO_TRY(check_pairs(l, object, d));
    MESO_TRY(check_elimination(l, object, d));
    return load_drug_actions(l, object, &d->actions);
}

meso_status load_drugs(loader *l)
{
    const cJSON *map = loader_section(l, "drugs"), *animal = loader_section(l, "species");
    experiment *e = l->experiment;
    species s = {.rate_scale = 1};
    if (animal)
        MESO_TRY(loader_read(l, &species_type, animal, &s));
    MESO_TRY(check_species(l, map, animal));
    e->n_drugs = (uint32_t)count_members(map);
    drug *d = loader_alloc(l, e->n_drugs, sizeof *d);
    if (!d)
        return MESO_MEMORY;
    e->drugs = d;
    for (const cJSON *object = first_member(map); object; object = next_member(object))
        MESO_TRY(read_drug(l, object, &s, d++));
    return check_chains(l, map);
}
