#include "config/drug_actions.h"
#include "config/receptors.h"
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const kinds[] = {"binding", "channel", NULL};

#define BINDING VARIANT(RECEPTOR_BINDING)
#define CHANNEL VARIANT(RECEPTOR_CHANNEL)

/* clang-format off */
static const field receptor_fields[] = {
    {.key = "class", .kind = FIELD_NAME, FIELD_IN(receptor, class),
     .doc = "another name by which drugs bind it, and others of its kind"},
    {.key = "kind", .kind = FIELD_CHOICE, .choices = kinds, FIELD_DEFAULT_TEXT("binding"),
     FIELD_IN(receptor, kind),
     .doc = "binding: ligands compete, and act while they are bound; channel: opens and desensitises as "
            "functions of concentration"},
    {.key = "modulator", .kind = FIELD_NAME,
     .doc = "name of what it binds; default: nothing but drugs"},
    {.key = "K_d_nM", .kind = FIELD_NUMBER, .unit = "nM", FIELD_ABOVE(0, 10000000),
     FIELD_IN(receptor, K_d_nM),
     .doc = "concentration of the modulator at which half of it is bound, or half of the channels open"},
    {.key = "k_off_per_s", .kind = FIELD_NUMBER, .unit = "1/s", .variants = BINDING,
     FIELD_ABOVE(0, 100000), FIELD_IN(receptor, k_off_per_s),
     .doc = "rate at which the modulator unbinds"},
    {.key = "density", .kind = FIELD_NUMBER, FIELD_DEFAULT(1), FIELD_FROM(0, 100),
     FIELD_IN(receptor, density), .doc = "share of the normal number; 0: knocked out"},
    {.key = "reserve", .kind = FIELD_NUMBER, .variants = BINDING, FIELD_DEFAULT(0),
     FIELD_FROM(0, 10000), FIELD_IN(receptor, reserve),
     .doc = "rho of the operational model: activation is (1 + rho) a / (1 + rho a), a the sum of bound times "
            "efficacy; 0: a itself"},
    {.key = "high_affinity_share", .kind = FIELD_NUMBER, .variants = BINDING, FIELD_DEFAULT(1),
     FIELD_FROM(0, 1), FIELD_IN(receptor, high_affinity_share),
     .doc = "share of the receptors that have K_d_nM; the others have K_d_low_nM"},
    {.key = "K_d_low_nM", .kind = FIELD_NUMBER, .unit = "nM", .variants = BINDING,
     FIELD_ABOVE(0, 10000000), FIELD_IN(receptor, K_d_low_nM),
     .doc = "of the low-affinity state, to which agonist drugs bind less by K_d / K_d_low to the power of their "
            "efficacy"},
    {.key = "k_desensitisation_per_min", .kind = FIELD_NUMBER, .unit = "1/min", .variants = BINDING,
     FIELD_DEFAULT(0), FIELD_FROM(0, 100000), FIELD_IN(receptor, k_desensitisation_per_min),
     .doc = "rate when all are bound by a full agonist"},
    {.key = "k_resensitisation_per_min", .kind = FIELD_NUMBER, .unit = "1/min", .variants = BINDING,
     FIELD_DEFAULT(0), FIELD_FROM(0, 100000), FIELD_IN(receptor, k_resensitisation_per_min),
     .doc = "rate back to the surface that responds"},
    {.key = "k_internalisation_per_min", .kind = FIELD_NUMBER, .unit = "1/min", .variants = BINDING,
     FIELD_DEFAULT(0), FIELD_FROM(0, 100000), FIELD_IN(receptor, k_internalisation_per_min),
     .doc = "rate of desensitised ones into the cell when all are bound by a full agonist"},
    {.key = "k_recycling_per_min", .kind = FIELD_NUMBER, .unit = "1/min", .variants = BINDING,
     FIELD_DEFAULT(0), FIELD_FROM(0, 100000), FIELD_IN(receptor, k_recycling_per_min),
     .doc = "rate from there to the surface"},
    {.key = "hill", .kind = FIELD_NUMBER, .variants = CHANNEL, FIELD_DEFAULT(1), FIELD_ABOVE(0, 10),
     FIELD_IN(receptor, hill), .doc = "steepness of opening"},
    {.key = "tau_open_ms", .kind = FIELD_NUMBER, .unit = "ms", .variants = CHANNEL, FIELD_DEFAULT(5),
     FIELD_ABOVE(0, 100000), FIELD_IN(receptor, tau_open_ms), .doc = "of opening and closing"},
    {.key = "desensitisation_hill", .kind = FIELD_NUMBER, .variants = CHANNEL, FIELD_DEFAULT(1),
     FIELD_ABOVE(0, 10), FIELD_IN(receptor, desensitisation_hill),
     .doc = "steepness of desensitisation; a drug's desensitises_nM is its half"},
    {.key = "tau_desensitisation_s", .kind = FIELD_NUMBER, .unit = "s", .variants = CHANNEL,
     FIELD_DEFAULT(0.5), FIELD_ABOVE(0, 100000), FIELD_IN(receptor, tau_desensitisation_s),
     .doc = "of desensitisation at high concentration"},
    {.key = "tau_recovery_s", .kind = FIELD_NUMBER, .unit = "s", .variants = CHANNEL,
     FIELD_DEFAULT(600), FIELD_FROM(0, 1000000), FIELD_IN(receptor, tau_recovery_s),
     .doc = "what is added to it at low concentration"},
    {.key = "tau_half_ratio", .kind = FIELD_NUMBER, .variants = CHANNEL, FIELD_DEFAULT(1),
     FIELD_ABOVE(0, 10000), FIELD_IN(receptor, tau_half_ratio),
     .doc = "half of that at this multiple of the drug's desensitises_nM"},
    {.key = "tau_hill", .kind = FIELD_NUMBER, .variants = CHANNEL, FIELD_DEFAULT(1),
     FIELD_ABOVE(0, 10), FIELD_IN(receptor, tau_hill), .doc = "steepness of that"},
    {0}};

const object_type receptor_type = {
    .name = "receptor", .doc = "A receptor of a modulator, or of drugs alone", .fields = receptor_fields,
    .variant = "kind"};

static const field presynaptic_fields[] = {
    {.key = "receptor", .kind = FIELD_NAME, .required = true,
     .doc = "name of a receptor; it is on the terminals, in the region where they end"},
    {.key = "scale", .kind = FIELD_NUMBER, .required = true, FIELD_FROM(-1, 1000),
     FIELD_IN(presynaptic_effect, scale),
     .doc = "release is multiplied by 1 + scale * activation of the receptor"},
    {0}};
/* clang-format on */

const object_type presynaptic_type = {.name = "presynaptic",
                                      .doc = "What an active receptor does to release",
                                      .fields = presynaptic_fields};

/* --- where they are --------------------------------------------------------------------------- */

meso_status check_receptor_region(loader *l, uint32_t index, const char *region,
                                  const cJSON *object, const char *key, const char *whose)
{
    const cJSON *binding = loader_member(l, "receptors", index);
    const cJSON *name = get_member(binding, "modulator");
    if (!name)
        return MESO_OK;
    uint32_t modulator_index;
    MESO_TRY(loader_resolve(l, name, "modulators", &modulator_index));
    const cJSON *compartments = get_member(loader_member(l, "modulators", modulator_index),
                                           "compartments");
    if (get_member(compartments, region))
        return MESO_OK;
    name_list names = {0};
    names_add_members(&names, compartments);
    text hint = {0};
    names_append_hint(&names, region, "compartments", &hint);
    LOADER_ERROR(l, object, key, MESO_NOT_FOUND,
                 "'%s' is no compartment of modulator '%s', which receptor '%s' of %s binds%s",
                 region, name->valuestring, binding->string, whose, hint.failed ? "" : hint.data);
    text_free(&hint);
    names_free(&names);
    return MESO_NOT_FOUND;
}

double target_density(const loader *l, const char *name)
{
    const cJSON *target = name ? get_member(loader_section(l, "targets"), name) : NULL;
    const cJSON *density = target ? get_member(target, "density") : NULL;
    return density ? density->valuedouble : 1;
}

/* --- building --------------------------------------------------------------------------------- */

/* What a modulator's binding needs, and the low-affinity state. */
static meso_status check_binding(loader *l, const cJSON *object, const receptor *r)
{
    static const char *const needed[] = {"K_d_nM", "k_off_per_s"};
    for (int i = 0; i < (r->kind == RECEPTOR_BINDING ? 2 : 1); i++)
        if (r->modulator != MODEL_NONE && !get_member(object, needed[i]))
            return LOADER_ERROR(l, object, needed[i], MESO_CONFIG,
                                "missing: the receptor binds modulator '%s'",
                                get_member(object, "modulator")->valuestring);
    if (r->high_affinity_share < 1 && r->kind == RECEPTOR_BINDING && r->K_d_low_nM == 0)
        return LOADER_ERROR(l, object, "K_d_low_nM", MESO_CONFIG,
                            "missing: high_affinity_share is %.15g", r->high_affinity_share);
    if (r->high_affinity_share < 1 && r->K_d_nM == 0)
        return LOADER_ERROR(l, object, "K_d_nM", MESO_CONFIG,
                            "missing: high_affinity_share is %.15g", r->high_affinity_share);
    if (r->K_d_low_nM > 0 && r->K_d_low_nM < r->K_d_nM)
        return LOADER_ERROR(l, object, "K_d_low_nM", MESO_RANGE,
                            "%.15g nM is below K_d_nM, %.15g nM", r->K_d_low_nM, r->K_d_nM);
    return MESO_OK;
}

static meso_status read_receptor(loader *l, const cJSON *object, receptor *r)
{
    r->name = arena_strdup(l->experiment->memory, object->string);
    if (!r->name)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    r->high_affinity_share = 1;
    MESO_TRY(loader_read(l, &receptor_type, object, r));
    if (r->class)
        MESO_TRY(check_declared(l, get_member(object, "class"), r->class, "receptor"));
    r->density *= target_density(l, r->name) *
                  (r->class && strcmp(r->class, r->name) != 0 ? target_density(l, r->class) : 1);
    const cJSON *modulator = get_member(object, "modulator");
    r->modulator = MODEL_NONE;
    if (modulator)
        MESO_TRY(loader_resolve(l, modulator, "modulators", &r->modulator));
    return check_binding(l, object, r);
}

meso_status load_receptors(loader *l)
{
    const cJSON *map = loader_section(l, "receptors");
    experiment *e = l->experiment;
    e->n_receptors = (uint32_t)count_members(map);
    receptor *r = loader_alloc(l, e->n_receptors, sizeof *r);
    if (!r)
        return MESO_MEMORY;
    e->receptors = r;
    for (const cJSON *object = first_member(map); object; object = next_member(object))
        MESO_TRY(read_receptor(l, object, r++));
    return MESO_OK;
}

meso_status load_presynaptic(loader *l, const cJSON *object, const char *region,
                             const presynaptic_effect **out, uint32_t *n)
{
    const cJSON *list = get_member(object, "presynaptic");
    *n = (uint32_t)cJSON_GetArraySize(list);
    presynaptic_effect *read = loader_alloc(l, *n, sizeof *read);
    if (!read)
        return MESO_MEMORY;
    *out = read;
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next, read++) {
        MESO_TRY(loader_read(l, &presynaptic_type, item, read));
        const cJSON *name = get_member(item, "receptor");
        MESO_TRY(loader_resolve(l, name, "receptors", &read->receptor));
        MESO_TRY(check_receptor_region(l, read->receptor, region, name, NULL, "the terminals"));
    }
    return MESO_OK;
}
