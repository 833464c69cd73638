#include "config/drug_actions.h"

/* --- tables ----------------------------------------------------------------------------------- */

/* clang-format off */
static const field iv_fields[] = {
    {.key = "bioavailability", .kind = FIELD_NUMBER, FIELD_DEFAULT(1), FIELD_ABOVE(0, 1),
     FIELD_IN(drug_route_spec, bioavailability),
     .doc = "share of the dose that reaches the plasma"},
    {0}};

static const field ip_fields[] = {
    {.key = "bioavailability", .kind = FIELD_NUMBER, FIELD_DEFAULT(1), FIELD_ABOVE(0, 1),
     FIELD_IN(drug_route_spec, bioavailability),
     .doc = "share of the dose that reaches the plasma"},
    {.key = "k_absorption_per_min", .kind = FIELD_NUMBER, .unit = "1/min", .required = true,
     FIELD_ABOVE(0, 1000), FIELD_IN(drug_route_spec, k_absorption_per_min),
     .doc = "rate from the depot to the plasma"},
    {0}};

static const object_type iv_type = {
    .name = "route_iv", .doc = "Into a vein: the dose is in the plasma at once",
    .fields = iv_fields};
static const object_type ip_type = {
    .name = "route_ip", .doc = "Into the peritoneum: the dose is absorbed from a depot",
    .fields = ip_fields};

static const field route_fields[] = {
    {.key = "iv", .kind = FIELD_OBJECT, .type = &iv_type, .doc = "intravenous"},
    {.key = "ip", .kind = FIELD_OBJECT, .type = &ip_type, .doc = "intraperitoneal"},
    {0}};

static const object_type routes_type = {
    .name = "routes", .doc = "How the drug may be given", .fields = route_fields};

static const field drug_fields[] = {
    {.key = "title", .kind = FIELD_TEXT, FIELD_DEFAULT_TEXT(""), FIELD_IN(drug, title),
     .doc = "one line for people"},
    {.key = "molar_mass_g_per_mol", .kind = FIELD_NUMBER, .unit = "g/mol", .required = true,
     FIELD_ABOVE(0, 100000), FIELD_IN(drug, molar_mass_g_per_mol),
     .doc = "of the form in which doses are stated"},
    {.key = "V_d_L_per_kg", .kind = FIELD_NUMBER, .unit = "L/kg", .required = true,
     FIELD_ABOVE(0, 1000), FIELD_IN(drug, V_d_L_per_kg), .doc = "volume of distribution"},
    {.key = "k_elimination_per_min", .kind = FIELD_NUMBER, .unit = "1/min", .required = true,
     FIELD_FROM(0, 1000), FIELD_IN(drug, k_elimination_per_min), .doc = "rate out of the plasma"},
    {.key = "k_to_brain_per_min", .kind = FIELD_NUMBER, .unit = "1/min", .required = true,
     FIELD_FROM(0, 1000), FIELD_IN(drug, k_to_brain_per_min), .doc = "rate from plasma to brain"},
    {.key = "k_from_brain_per_min", .kind = FIELD_NUMBER, .unit = "1/min", .required = true,
     FIELD_FROM(0, 1000), FIELD_IN(drug, k_from_brain_per_min), .doc = "rate from brain to plasma"},
    {.key = "unbound_fraction", .kind = FIELD_NUMBER, FIELD_DEFAULT(1), FIELD_ABOVE(0, 1),
     FIELD_IN(drug, unbound_fraction), .doc = "share of the brain concentration that acts"},
    {.key = "routes", .kind = FIELD_OBJECT, .type = &routes_type, .required = true,
     .doc = "how the drug may be given"},
    DRUG_ACTION_ROWS,
    {0}};
/* clang-format on */

const object_type drug_type = {.name = "drug",
                               .doc = "A drug: how it reaches the brain, and what it does there",
                               .fields = drug_fields};

/* --- building --------------------------------------------------------------------------------- */

static meso_status read_routes(loader *l, const cJSON *object, drug *d)
{
    const cJSON *routes = get_member(object, "routes");
    const struct {
        const char *key;
        const object_type *type;
    } known[N_ROUTES] = {[ROUTE_IV] = {"iv", &iv_type}, [ROUTE_IP] = {"ip", &ip_type}};
    for (int i = 0; i < N_ROUTES; i++) {
        const cJSON *route = get_member(routes, known[i].key);
        d->routes[i].given = route != NULL;
        if (route)
            MESO_TRY(loader_read(l, known[i].type, route, &d->routes[i]));
    }
    return MESO_OK;
}

static meso_status read_drug(loader *l, const cJSON *object, drug *d)
{
    d->name = arena_strdup(l->experiment->memory, object->string);
    if (!d->name)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_TRY(loader_read(l, &drug_type, object, d));
    MESO_TRY(read_routes(l, object, d));
    return load_drug_actions(l, object, &d->actions);
}

meso_status load_drugs(loader *l)
{
    const cJSON *map = loader_section(l, "drugs");
    experiment *e = l->experiment;
    e->n_drugs = (uint32_t)count_members(map);
    drug *d = loader_alloc(l, e->n_drugs, sizeof *d);
    if (!d)
        return MESO_MEMORY;
    e->drugs = d;
    for (const cJSON *object = first_member(map); object; object = next_member(object))
        MESO_TRY(read_drug(l, object, d++));
    return MESO_OK;
}
