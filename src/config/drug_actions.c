#include "config/drug_actions.h"
#include <stdio.h>
#include <string.h>

#define LARGEST_NM 1e10 /* 10 M: nothing dissolves so well */

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const kinds[] = {"receptor", "transporter", "enzyme", NULL};

/* clang-format off */
static const field target_fields[] = {
    {.key = "kind", .kind = FIELD_CHOICE, .choices = kinds, .required = true,
     .doc = "what it is: drugs bind receptors, block transporters or release through them, inhibit enzymes"},
    {.key = "title", .kind = FIELD_TEXT, FIELD_DEFAULT_TEXT(""), .doc = "its full name"},
    {.key = "density", .kind = FIELD_NUMBER, FIELD_DEFAULT(1), FIELD_FROM(0, 100),
     .doc = "share of the normal number, everywhere; 0: knocked out"},
    {0}};

const object_type drug_target_type = {
    .name = "drug_target",
    .doc = "A known name on which drugs act. The experiment need not have it: then such an action does nothing",
    .fields = target_fields};

static const field block_fields[] = {
    {.key = "K_i_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true,
     FIELD_ABOVE(0, LARGEST_NM), FIELD_IN(drug_block, K_i_nM),
     .doc = "inhibition constant: K_m becomes K_m (1 + C / K_i)"},
    {0}};

const object_type drug_block_type = {
    .name = "block", .doc = "Competitive block of a transporter", .fields = block_fields};

static const field binding_fields[] = {
    {.key = "K_i_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true,
     FIELD_ABOVE(0, LARGEST_NM), FIELD_IN(drug_binding, K_i_nM),
     .doc = "concentration that occupies half of the receptors when nothing competes"},
    {.key = "efficacy", .kind = FIELD_NUMBER, .required = true, FIELD_FROM(0, 1),
     FIELD_IN(drug_binding, efficacy),
     .doc = "1: full agonist, like the modulator; between: partial agonist; 0: antagonist"},
    {.key = "k_off_per_s", .kind = FIELD_NUMBER, .unit = "1/s", FIELD_ABOVE(0, 100000),
     FIELD_IN(drug_binding, k_off_per_s),
     .doc = "rate of unbinding, where the receptor is no channel; default: 1"},
    {.key = "EC50_nM", .kind = FIELD_NUMBER, .unit = "nM", FIELD_DEFAULT(0),
     FIELD_FROM(0, LARGEST_NM), FIELD_IN(drug_binding, EC50_nM),
     .doc = "concentration that opens half of what the drug can, of a receptor that is a channel; 0: K_i_nM"},
    {.key = "desensitises_nM", .kind = FIELD_NUMBER, .unit = "nM", FIELD_DEFAULT(0),
     FIELD_FROM(0, LARGEST_NM), FIELD_IN(drug_binding, desensitises_nM),
     .doc = "concentration that in the end desensitises half of the channels, of a receptor that is one; "
            "0: it does not"},
    {.key = "desensitisation", .kind = FIELD_NUMBER, FIELD_FROM(0, 10),
     FIELD_IN(drug_binding, desensitisation),
     .doc = "share of the receptor's k_desensitisation_per_min when all are bound; default: the efficacy"},
    {.key = "internalisation", .kind = FIELD_NUMBER, FIELD_FROM(0, 10),
     FIELD_IN(drug_binding, internalisation),
     .doc = "share of the receptor's k_internalisation_per_min when all are bound; default: the efficacy"},
    {0}};

const object_type drug_binding_type = {
    .name = "binding", .doc = "A ligand of a receptor: agonist, partial agonist or antagonist",
    .fields = binding_fields};

static const field releaser_fields[] = {
    {.key = "K_i_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true,
     FIELD_ABOVE(0, LARGEST_NM), FIELD_IN(drug_releaser, K_i_nM),
     .doc = "competes for uptake: K_m becomes K_m (1 + C / K_i)"},
    {.key = "K_vesicle_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true,
     FIELD_ABOVE(0, LARGEST_NM), FIELD_IN(drug_releaser, K_vesicle_nM),
     .doc = "concentration of half the fastest loss from vesicles"},
    {.key = "K_reverse_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true,
     FIELD_ABOVE(0, LARGEST_NM), FIELD_IN(drug_releaser, K_reverse_nM),
     .doc = "concentration of half the fastest reverse transport"},
    {0}};

const object_type drug_releaser_type = {
    .name = "releaser", .doc = "A releaser: it empties vesicles and brings out what leaves them",
    .fields = releaser_fields};

static const field inhibition_fields[] = {
    {.key = "K_i_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true,
     FIELD_ABOVE(0, LARGEST_NM), FIELD_IN(drug_inhibition, K_i_nM),
     .doc = "inhibition constant: the enzyme's rate is divided by 1 + C / K_i"},
    {0}};

const object_type drug_inhibition_type = {
    .name = "inhibition", .doc = "Inhibition of an enzyme", .fields = inhibition_fields};
/* clang-format on */

/* --- names that may stand there --------------------------------------------------------------- */

static void add_declared(const loader *l, const char *kind, name_list *names)
{
    for (const cJSON *t = first_member(loader_section(l, "targets")); t; t = next_member(t))
        if (strcmp(get_member(t, "kind")->valuestring, kind) == 0)
            names_add(names, t->string, NULL);
}

static void add_text(const cJSON *object, const char *key, name_list *names)
{
    const cJSON *value = get_member(object, key);
    if (value)
        names_add(names, value->valuestring, NULL);
}

/* What the experiment itself has. */
static void add_present(const loader *l, const char *kind, name_list *names)
{
    if (strcmp(kind, "receptor") == 0) {
        const cJSON *receptors = loader_section(l, "receptors");
        names_add_members(names, receptors);
        for (const cJSON *r = first_member(receptors); r; r = next_member(r))
            add_text(r, "class", names);
        return;
    }
    for (const cJSON *m = first_member(loader_section(l, "modulators")); m; m = next_member(m))
        for (const cJSON *c = first_member(get_member(m, "compartments")); c; c = next_member(c)) {
            if (strcmp(kind, "transporter") == 0)
                add_text(c, "transporter", names);
            else
                names_add_members(names, get_member(c, "enzymes"));
        }
}

static meso_status check_target(loader *l, const cJSON *member, const char *kind)
{
    char what[48];
    name_list names = {0};
    add_declared(l, kind, &names);
    add_present(l, kind, &names);
    snprintf(what, sizeof what, "%ss of the experiment, nor a known one", kind);
    const meso_status status = names_check_value(&l->document, member, member->string, what, &names,
                                                 l->err);
    names_free(&names);
    return status;
}

meso_status check_declared(loader *l, const cJSON *value, const char *name, const char *kind)
{
    char what[48];
    name_list names = {0};
    add_declared(l, kind, &names);
    snprintf(what, sizeof what, "%ss among the targets", kind);
    if (names.n > 0 && strcmp(kind, "receptor") == 0)
        names_add_members(&names, loader_section(l, "receptors"));
    const meso_status status = names.n > 0 ? names_check_value(&l->document, value, name, what,
                                                               &names, l->err)
                                           : MESO_OK;
    names_free(&names);
    return status;
}

/* --- building --------------------------------------------------------------------------------- */

static meso_status read_name(loader *l, const cJSON *member, const char *kind, const char **name)
{
    MESO_TRY(check_target(l, member, kind));
    *name = arena_strdup(l->experiment->memory, member->string);
    return *name ? MESO_OK : error_set(l->err, MESO_MEMORY, "out of memory");
}

/* Room for the entries of a map. */
static meso_status read_map(loader *l, const cJSON *map, size_t bytes, uint32_t *n, void *out)
{
    void *entries = loader_alloc(l, count_members(map), bytes);
    *n = (uint32_t)count_members(map);
    memcpy(out, &entries, sizeof entries);
    return entries ? MESO_OK : MESO_MEMORY;
}

static meso_status read_blocks(loader *l, const cJSON *map, drug_actions *out)
{
    drug_block *b;
    MESO_TRY(read_map(l, map, sizeof *b, &out->n_blocks, &b));
    out->blocks = b;
    for (const cJSON *m = first_member(map); m; m = next_member(m), b++) {
        MESO_TRY(read_name(l, m, "transporter", &b->transporter));
        MESO_TRY(loader_read(l, &drug_block_type, m, b));
    }
    return MESO_OK;
}

/* Whether all receptors of that name or class are channels, and there is one. */
static bool are_channels(const experiment *e, const char *name)
{
    uint32_t n_channels = 0;
    for (uint32_t i = 0; i < e->n_receptors; i++) {
        const receptor *r = &e->receptors[i];
        if (strcmp(r->name, name) != 0 && (!r->class || strcmp(r->class, name) != 0))
            continue;
        if (r->kind != RECEPTOR_CHANNEL)
            return false;
        n_channels++;
    }
    return n_channels > 0;
}

/* A channel follows concentrations at once: rates of binding mean nothing there. */
static meso_status check_channel(loader *l, const cJSON *binding)
{
    static const char *const keys[] = {"k_off_per_s", "desensitisation", "internalisation"};
    for (int i = 0; i < 3 && are_channels(l->experiment, binding->string); i++)
        if (get_member(binding, keys[i]))
            return LOADER_ERROR(l, binding, keys[i], MESO_CONFIG,
                                "has no meaning at '%s', a channel: EC50_nM opens it and "
                                "desensitises_nM desensitises it",
                                binding->string);
    return MESO_OK;
}

static meso_status read_bindings(loader *l, const cJSON *map, drug_actions *out)
{
    drug_binding *b;
    MESO_TRY(read_map(l, map, sizeof *b, &out->n_bindings, &b));
    out->bindings = b;
    for (const cJSON *m = first_member(map); m; m = next_member(m), b++) {
        b->desensitisation = b->internalisation = -1;
        b->k_off_per_s = 1;
        MESO_TRY(read_name(l, m, "receptor", &b->receptor));
        MESO_TRY(loader_read(l, &drug_binding_type, m, b));
        MESO_TRY(check_channel(l, m));
    }
    return MESO_OK;
}

static meso_status read_releasers(loader *l, const cJSON *map, drug_actions *out)
{
    drug_releaser *r;
    MESO_TRY(read_map(l, map, sizeof *r, &out->n_releasers, &r));
    out->releasers = r;
    for (const cJSON *m = first_member(map); m; m = next_member(m), r++) {
        MESO_TRY(read_name(l, m, "transporter", &r->transporter));
        MESO_TRY(loader_read(l, &drug_releaser_type, m, r));
    }
    return MESO_OK;
}

static meso_status read_inhibitions(loader *l, const cJSON *map, drug_actions *out)
{
    drug_inhibition *i;
    MESO_TRY(read_map(l, map, sizeof *i, &out->n_inhibitions, &i));
    out->inhibitions = i;
    for (const cJSON *m = first_member(map); m; m = next_member(m), i++) {
        MESO_TRY(read_name(l, m, "enzyme", &i->enzyme));
        MESO_TRY(loader_read(l, &drug_inhibition_type, m, i));
    }
    return MESO_OK;
}

/* A releaser competes for uptake already. */
static meso_status check_once(loader *l, const cJSON *blocks, const cJSON *releases)
{
    for (const cJSON *m = first_member(blocks); m; m = next_member(m))
        if (get_member(releases, m->string))
            return LOADER_ERROR(l, m, NULL, MESO_CONFIG,
                                "the drug releases through '%s': its K_i_nM there is the block",
                                m->string);
    return MESO_OK;
}

meso_status load_drug_actions(loader *l, const cJSON *object, drug_actions *out)
{
    MESO_TRY(check_once(l, get_member(object, "blocks"), get_member(object, "releases")));
    MESO_TRY(read_blocks(l, get_member(object, "blocks"), out));
    MESO_TRY(read_bindings(l, get_member(object, "binds"), out));
    MESO_TRY(read_releasers(l, get_member(object, "releases"), out));
    return read_inhibitions(l, get_member(object, "inhibits"), out);
}
