#include "config/loader.h"
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

/* clang-format off */
static const field compartment_fields[] = {
    {.key = "source", .kind = FIELD_NAME, .required = true,
     .doc = "name of the population whose spikes release the modulator here"},
    {.key = "release_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true,
     FIELD_FROM(0, 1000000), FIELD_IN(compartment, release_nM),
     .doc = "rise of the concentration if every source neuron fires once, without autoreceptors"},
    {.key = "axonal_delay_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(0),
     FIELD_FROM(0, 1000), FIELD_IN(compartment, axonal_delay_ms), .doc = "from spike to release"},
    {.key = "V_max_nM_per_s", .kind = FIELD_NUMBER, .unit = "nM/s", .required = true,
     FIELD_FROM(0, 10000000), FIELD_IN(compartment, V_max_nM_per_s), .doc = "fastest uptake"},
    {.key = "K_m_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true,
     FIELD_ABOVE(0, 1000000), FIELD_IN(compartment, K_m_nM),
     .doc = "concentration of half the fastest uptake"},
    {.key = "k_loss_per_s", .kind = FIELD_NUMBER, .unit = "1/s", FIELD_DEFAULT(0),
     FIELD_FROM(0, 1000), FIELD_IN(compartment, k_loss_per_s),
     .doc = "rate of all other clearance"},
    {.key = "transporter", .kind = FIELD_NAME, FIELD_IN(compartment, transporter),
     .doc = "name by which drugs block the uptake here; default: none does"},
    {.key = "autoreceptor", .kind = FIELD_NAME,
     .doc = "name of the receptor that holds back release; default: none"},
    {.key = "autoreceptor_alpha", .kind = FIELD_NUMBER, FIELD_DEFAULT(0), FIELD_FROM(0, 1000),
     FIELD_IN(compartment, autoreceptor_alpha),
     .doc = "release is divided by 1 + alpha * bound fraction"},
    {.key = "initial_nM", .kind = FIELD_NUMBER, .unit = "nM", FIELD_DEFAULT(0),
     FIELD_FROM(0, 1000000), FIELD_IN(compartment, initial_nM),
     .doc = "concentration at the start"},
    {0}};

static const object_type compartment_type = {
    .name = "compartment", .doc = "Well-mixed extracellular space of one region",
    .fields = compartment_fields};

static const field modulator_fields[] = {
    {.key = "compartments", .kind = FIELD_MAP, .type = &compartment_type, .required = true,
     .doc = "by region"},
    {0}};

const object_type modulator_type = {
    .name = "modulator", .doc = "A neuromodulator", .fields = modulator_fields};

static const field receptor_fields[] = {
    {.key = "class", .kind = FIELD_NAME, FIELD_IN(receptor, class),
     .doc = "another name by which drugs bind it, and others of its kind"},
    {.key = "modulator", .kind = FIELD_NAME, .required = true, .doc = "name of what it binds"},
    {.key = "K_d_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true,
     FIELD_ABOVE(0, 10000000), FIELD_IN(receptor, K_d_nM),
     .doc = "concentration at which half of it is bound"},
    {.key = "k_off_per_s", .kind = FIELD_NUMBER, .unit = "1/s", .required = true,
     FIELD_ABOVE(0, 100000), FIELD_IN(receptor, k_off_per_s), .doc = "rate of unbinding"},
    {0}};
/* clang-format on */

const object_type receptor_type = {
    .name = "receptor", .doc = "A receptor of a modulator", .fields = receptor_fields};

/* --- building --------------------------------------------------------------------------------- */

static meso_status read_receptors(loader *l)
{
    const cJSON *map = loader_section(l, "receptors");
    experiment *e = l->experiment;
    e->n_receptors = (uint32_t)count_members(map);
    receptor *r = loader_alloc(l, e->n_receptors, sizeof *r);
    if (!r)
        return MESO_MEMORY;
    e->receptors = r;
    for (const cJSON *object = first_member(map); object; object = next_member(object), r++) {
        r->name = arena_strdup(e->memory, object->string);
        if (!r->name)
            return error_set(l->err, MESO_MEMORY, "out of memory");
        MESO_TRY(loader_read(l, &receptor_type, object, r));
        MESO_TRY(loader_resolve(l, get_member(object, "modulator"), "modulators", &r->modulator));
    }
    return MESO_OK;
}

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

static meso_status read_compartment(loader *l, const cJSON *object, uint32_t modulator_index,
                                    compartment *c)
{
    c->region = arena_strdup(l->experiment->memory, object->string);
    if (!c->region)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_TRY(loader_read(l, &compartment_type, object, c));
    MESO_TRY(loader_resolve(l, get_member(object, "source"), "populations", &c->source));
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
        MESO_TRY(read_compartment(l, o, index, c++));
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
    MESO_TRY(read_receptors(l));
    uint32_t index = 0;
    for (const cJSON *object = first_member(map); object; object = next_member(object), index++)
        MESO_TRY(read_modulator(l, object, index, m++));
    return MESO_OK;
}
