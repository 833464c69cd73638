#include "config/loader.h"

#include <math.h>
#include <string.h>

void *loader_alloc(loader *l, size_t n, size_t bytes)
{
    void *memory = NULL;
    if (n < SIZE_MAX / bytes)
        memory = arena_alloc(l->experiment->memory, (n ? n : 1) * bytes);
    if (!memory)
        error_set(l->err, MESO_MEMORY, "out of memory");
    return memory;
}

const cJSON *loader_section(const loader *l, const char *name)
{
    return get_member(l->document.root, name);
}

const cJSON *loader_member(const loader *l, const char *section, uint32_t index)
{
    const cJSON *member = first_member(loader_section(l, section));
    while (index-- > 0)
        member = next_member(member);
    return member;
}

meso_status loader_read(loader *l, const object_type *type, const cJSON *object, void *out)
{
    return type_read(type, object, l->experiment->memory, out, l->err);
}

meso_status loader_resolve(loader *l, const cJSON *value, const char *section, uint32_t *index)
{
    const cJSON *members = loader_section(l, section);
    uint32_t i = 0;
    for (const cJSON *m = first_member(members); m; m = next_member(m), i++) {
        if (strcmp(m->string, value->valuestring) == 0) {
            *index = i;
            return MESO_OK;
        }
    }
    name_list names = {0};
    names_add_members(&names, members);
    meso_status status = names_error_value(&l->document, value, value->valuestring, section, &names,
                                           l->err);
    names_free(&names);
    return status;
}

meso_status loader_resolve_compartment(loader *l, const cJSON *object, uint32_t *modulator_index,
                                       uint32_t *compartment_index)
{
    const cJSON *region = get_member(object, "region");
    MESO_TRY(loader_resolve(l, get_member(object, "modulator"), "modulators", modulator_index));
    const modulator *m = &l->experiment->modulators[*modulator_index];
    *compartment_index = modulator_compartment(m, region->valuestring);
    if (*compartment_index != MODEL_NONE)
        return MESO_OK;
    name_list names = {0};
    for (uint32_t i = 0; i < m->n_compartments; i++)
        names_add(&names, m->compartments[i].region, NULL);
    meso_status status = names_error_value(&l->document, region, region->valuestring,
                                           "compartments of the modulator", &names, l->err);
    names_free(&names);
    return status;
}

const cJSON *first_item(const cJSON *value)
{
    return cJSON_IsArray(value) ? value->child : value;
}

const cJSON *next_item(const cJSON *value, const cJSON *item)
{
    return cJSON_IsArray(value) ? item->next : NULL;
}

uint32_t count_items(const cJSON *value)
{
    return cJSON_IsArray(value) ? (uint32_t)cJSON_GetArraySize(value) : 1;
}

meso_status check_moments(loader *l, const cJSON *at_s, double end_s, const char *what)
{
    const cJSON *before = NULL;
    if (at_s && count_items(at_s) == 0)
        return LOADER_ERROR(l, at_s, NULL, MESO_CONFIG, "expected at least one moment");
    for (const cJSON *at = at_s ? first_item(at_s) : NULL; at; at = next_item(at_s, at)) {
        if (at->valuedouble > end_s)
            return LOADER_ERROR(l, at, NULL, MESO_RANGE,
                                "%.15g s is outside [0, %.15g] s: the %s ends there",
                                at->valuedouble, end_s, what);
        if (before && at->valuedouble <= before->valuedouble)
            return LOADER_ERROR(l, at, NULL, MESO_CONFIG, "%.15g after %.15g: moments must ascend",
                                at->valuedouble, before->valuedouble);
        before = at;
    }
    return MESO_OK;
}

bool is_multiple(double value, double unit)
{
    const double n = value / unit;
    if (value != 0 && round(n) == 0)
        return false;
    return fabs(n - round(n)) <= 1e-6 * fmax(1, fabs(n) * 1e-6);
}

meso_status loader_check_multiple(loader *l, const cJSON *node, double step, const char *step_name)
{
    if (is_multiple(node->valuedouble, step))
        return MESO_OK;
    return LOADER_ERROR(l, node, NULL, MESO_RANGE, "%.15g ms is not a multiple of %s, %.15g ms",
                        node->valuedouble, step_name, step);
}

/* --- what spikes add to ----------------------------------------------------------------------- */

const char *const weight_keys[] = {"weight_nS", "weight_pA", "weight_mV", "weight", NULL};

static bool takes_spikes(const population *target, uint32_t port)
{
    return port >= target->n_conductances || target->conductances[port].kind != CONDUCTANCE_TONIC;
}

static meso_status read_port(loader *l, const cJSON *member, const population *target,
                             projection_port *port)
{
    name_list names = {0};
    for (uint32_t i = 0; i < population_ports(target); i++) {
        const char *name = population_port_name(target, i);
        if (strcmp(name, member->string) == 0) {
            *port = (projection_port){.port = i, .factor = member->valuedouble};
            names_free(&names);
            if (takes_spikes(target, i))
                return MESO_OK;
            return LOADER_ERROR(l, member, NULL, MESO_CONFIG, "'%s' is tonic: it takes no spikes",
                                name);
        }
        if (takes_spikes(target, i))
            names_add(&names, name, NULL);
    }
    text what = {0};
    text_appendf(&what, "conductances%s of '%s'", target->model->n_inputs > 0 ? " and inputs" : "",
                 target->name);
    meso_status status = names_error_value(&l->document, member, member->string,
                                           what.failed ? "conductances" : what.data, &names,
                                           l->err);
    text_free(&what);
    names_free(&names);
    return status;
}

static const char *port_kind(const population *target, uint32_t port)
{
    return port < target->n_conductances ? "a conductance" : "an input of its model";
}

/* Ports of one unit can share a weight. */
static meso_status check_units(loader *l, const cJSON *object, const population *target,
                               const projection_port *ports, uint32_t n_ports)
{
    const uint32_t first = ports[0].port;
    const char *unit = population_port_unit(target, first);
    for (uint32_t i = 1; i < n_ports; i++)
        if (strcmp(population_port_unit(target, ports[i].port), unit) != 0)
            return LOADER_ERROR(l, object, "receptors", MESO_UNIT,
                                "'%s' is in %s and '%s' in %s: one weight cannot have both units",
                                population_port_name(target, first), unit,
                                population_port_name(target, ports[i].port),
                                population_port_unit(target, ports[i].port));
    return MESO_OK;
}

/* The key of a weight names its unit. */
static meso_status check_weight_key(loader *l, const cJSON *object, const population *target,
                                    uint32_t first)
{
    const char *right = population_weight_key(target, first);
    if (get_member(object, right))
        return MESO_OK;
    size_t k = 0;
    while (!get_member(object, weight_keys[k]))
        k++;
    return LOADER_ERROR(
        l, object, weight_keys[k], MESO_UNIT, "'%s' of '%s' is %s in %s: give the weight as %s",
        population_port_name(target, first), target->name, port_kind(target, first),
        population_port_unit(target, first), right);
}

meso_status load_port_list(loader *l, const cJSON *object, const population *target,
                           const projection_port **ports, uint32_t *n_ports)
{
    const cJSON *receptors = get_member(object, "receptors");
    const size_t n = count_members(receptors);
    if (n == 0)
        return LOADER_ERROR(l, receptors, NULL, MESO_CONFIG,
                            "expected at least one conductance of '%s'%s", target->name,
                            target->model->n_inputs > 0 ? ", or an input of its model" : "");
    projection_port *read = loader_alloc(l, n, sizeof *read);
    if (!read)
        return MESO_MEMORY;
    uint32_t i = 0;
    for (const cJSON *m = first_member(receptors); m; m = next_member(m))
        MESO_TRY(read_port(l, m, target, &read[i++]));
    *ports = read;
    *n_ports = (uint32_t)n;
    return check_units(l, object, target, read, *n_ports);
}

meso_status load_ports(loader *l, const cJSON *object, const population *target,
                       const projection_port **ports, uint32_t *n_ports)
{
    MESO_TRY(load_port_list(l, object, target, ports, n_ports));
    return check_weight_key(l, object, target, (*ports)[0].port);
}

meso_status loader_find_model(loader *l, const cJSON *name, model_reader *read, neuron_model *list,
                              uint32_t *n, const neuron_model **model)
{
    meso_error cause = {0};
    for (uint32_t i = 0; i < *n; i++)
        if (strcmp(list[i].name, name->valuestring) == 0) {
            *model = &list[i];
            return MESO_OK;
        }
    const meso_status status = read(name->valuestring, l->directory, l->experiment->memory, model,
                                    &cause);
    if (status == MESO_NOT_FOUND || status == MESO_IO)
        return LOADER_ERROR(l, name, NULL, MESO_NOT_FOUND, "%s", cause.message);
    if (status != MESO_OK) {
        if (l->err)
            *l->err = cause;
        return status;
    }
    list[*n] = **model;
    *model = &list[(*n)++];
    return MESO_OK;
}
