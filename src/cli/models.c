#include "cli/command.h"
#include "cli/drugs.h"

#include "base/arena.h"
#include "base/embedded.h"
#include "base/text.h"
#include "config/assay_sheet.h"
#include "config/drug_sheet.h"
#include "config/load.h"
#include "engine/codegen.h"
#include "model/assay.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { C_HEADER = 1, MAX_MODELS = 256 };

static const option_spec OPTIONS[] = {
    {C_HEADER, "c-header", NULL, "print NAME's C structs"},
    {0},
};

/* --- the list --------------------------------------------------------------------------------- */

typedef meso_status load_function(const char *name, const char *directory, arena *memory,
                                  const neuron_model **model, meso_error *err);

/* Names of the descriptors "<folder>/<name>.json"; strings in `memory`. */
static uint32_t list_models(arena *memory, const char *folder, const char *names[MAX_MODELS])
{
    static const char SUFFIX[] = ".json";
    const size_t n_folder = strlen(folder), rest = n_folder + strlen(SUFFIX);
    uint32_t n = 0;
    const char *path;
    for (size_t i = 0; (path = embedded_path(i)) && n < MAX_MODELS; i++) {
        size_t length = strlen(path);
        if (length <= rest || strncmp(path, folder, n_folder) != 0 ||
            strcmp(path + length - strlen(SUFFIX), SUFFIX) != 0)
            continue;
        names[n++] = arena_printf(memory, "%.*s", (int)(length - rest), path + n_folder);
    }
    return n;
}

static meso_status print_list(arena *memory, const char *folder, load_function *load,
                              meso_error *err)
{
    const char *names[MAX_MODELS];
    uint32_t n = list_models(memory, folder, names);
    for (uint32_t i = 0; i < n; i++) {
        const neuron_model *model;
        meso_status status = load(names[i], NULL, memory, &model, err);
        if (status != MESO_OK)
            return status;
        const char *role = model->role == MODEL_CELL ? "" : model_role_names[model->role];
        printf("%-28s  %s%s%s\n", model->name, role, *role ? ": " : "", model->title);
    }
    return MESO_OK;
}

static meso_status print_lists(arena *memory, meso_error *err)
{
    meso_status status = print_list(memory, "neurons/", config_load_neuron_model, err);
    if (status == MESO_OK)
        status = print_list(memory, "currents/", config_load_current, err);
    if (status == MESO_OK)
        status = print_list(memory, "rules/", config_load_rule, err);
    if (status == MESO_OK)
        status = print_drug_list(memory, err);
    for (uint32_t i = 0; status == MESO_OK && assay_kind_names[i]; i++)
        printf("%-28s  assay: %s\n", assay_kind_names[i], assay_kind_titles[i]);
    return status;
}

/* --- one model -------------------------------------------------------------------------------- */

static int widest(int width, const char *word)
{
    int length = word ? (int)strlen(word) : 0;
    return length > width ? length : width;
}

static const char *or_empty(const char *word)
{
    return word ? word : "";
}

static void print_parameters(const neuron_model *m)
{
    int name = 9, unit = 4; /* of the headings */
    for (uint32_t i = 0; i < m->n_parameters; i++) {
        name = widest(name, m->parameters[i].name);
        unit = widest(unit, m->parameters[i].unit);
    }
    printf("\n%-*s  %-*s  %10s  %10s  %10s  %s\n", name, "parameter", unit, "unit", "default",
           "min", "max", "meaning");
    for (uint32_t i = 0; i < m->n_parameters; i++) {
        const parameter_spec *p = &m->parameters[i];
        char value[24] = "required";
        if (!isnan(p->default_value))
            snprintf(value, sizeof value, "%g", p->default_value);
        printf("%-*s  %-*s  %10s  %10g  %10g  %s", name, p->name, unit, or_empty(p->unit), value,
               p->min, p->max, or_empty(p->doc));
        if (p->source && *p->source)
            printf(" [%s]", p->source);
        printf("\n");
    }
}

static void print_state(const neuron_model *m)
{
    int name = 9, unit = 4;
    for (uint32_t i = 0; i < m->n_state; i++) {
        name = widest(name, m->state[i].name);
        unit = widest(unit, m->state[i].unit);
    }
    printf("\n%-*s  %-*s  %10s  %s\n", name, "state", unit, "unit", "initial", "meaning");
    for (uint32_t i = 0; i < m->n_state; i++) {
        const state_spec *s = &m->state[i];
        char value[24];
        snprintf(value, sizeof value, "%g", s->initial);
        printf("%-*s  %-*s  %10s  %s%s\n", name, s->name, unit, or_empty(s->unit),
               s->initial_parameter >= 0 ? m->parameters[s->initial_parameter].name : value,
               s->content ? "content: " : "", or_empty(s->doc));
    }
}

static void print_quantities(const char *what, const quantity_spec *quantities, uint32_t n)
{
    if (n == 0)
        return;
    int name = (int)strlen(what), unit = 4;
    for (uint32_t i = 0; i < n; i++) {
        name = widest(name, quantities[i].name);
        unit = widest(unit, quantities[i].unit);
    }
    printf("\n%-*s  %-*s  %s\n", name, what, unit, "unit", "meaning");
    for (uint32_t i = 0; i < n; i++)
        printf("%-*s  %-*s  %s\n", name, quantities[i].name, unit, quantities[i].unit,
               quantities[i].doc);
}

static void print_model(const neuron_model *m)
{
    printf("%s: %s\n", m->name, m->title);
    if (m->source && *m->source)
        printf("source: %s\n", m->source);
    if (m->n_parameters > 0)
        print_parameters(m);
    if (m->n_state > 0)
        print_state(m);
    print_quantities("input of spikes", m->inputs, m->n_inputs);
    print_quantities("derived", m->derived, m->n_derived);
}

static meso_status print_c_header(const neuron_model *m, meso_error *err)
{
    text t = {0};
    codegen_model_structs(m, &t);
    if (t.failed || !t.data) {
        text_free(&t);
        err->status = MESO_MEMORY;
        snprintf(err->message, sizeof err->message, "no memory for the structs of %s", m->name);
        return MESO_MEMORY;
    }
    fputs(t.data, stdout);
    text_free(&t);
    return MESO_OK;
}

/* "there is no model, drug or assay 'x'", and the nearest name if one is near. */
static meso_status unknown(arena *memory, const char *name, meso_error *err)
{
    const char *names[4 * MAX_MODELS], *drug;
    uint32_t n = list_models(memory, "neurons/", names);
    n += list_models(memory, "currents/", names + n);
    n += list_models(memory, "rules/", names + n);
    for (uint32_t i = 0; i < MAX_MODELS && (drug = drug_part_name(i, memory)); i++)
        names[n++] = drug;
    for (uint32_t i = 0; assay_kind_names[i]; i++)
        names[n++] = assay_kind_names[i];
    const char *nearest = text_nearest(name, names, n);
    err->status = MESO_NOT_FOUND;
    snprintf(err->message, sizeof err->message, "there is no model, drug or assay '%.64s'%s%s%s", name,
             nearest ? "; did you mean '" : "; mesocl models lists them", nearest ? nearest : "",
             nearest ? "'?" : "");
    return MESO_NOT_FOUND;
}

static meso_status print_one(arena *memory, const char *name, bool c_header, meso_error *err)
{
    const neuron_model *model;
    text sheet = {0};
    if (!c_header && assay_sheet(name, &sheet)) {
        printf("%s", sheet.failed ? "" : sheet.data);
        text_free(&sheet);
        return MESO_OK;
    }
    if (!c_header && is_drug(name, memory))
        return print_drugs(name, memory, err);
    meso_status status = config_load_current(name, NULL, memory, &model, err);
    if (status == MESO_NOT_FOUND)
        status = config_load_rule(name, NULL, memory, &model, err);
    if (status == MESO_NOT_FOUND)
        status = config_load_neuron_model(name, NULL, memory, &model, err);
    if (status == MESO_NOT_FOUND)
        return unknown(memory, name, err);
    if (status != MESO_OK)
        return status;
    if (c_header)
        return print_c_header(model, err);
    print_model(model);
    return MESO_OK;
}

/* ---------------------------------------------------------------------------------------------- */

static int run(const command *self, int argc, char **argv)
{
    bool c_header = false;
    const char *name;
    int id;
    while ((id = next_option(self, argc, argv)) != OPTIONS_END) {
        if (id == OPTIONS_BAD)
            return EXIT_USAGE;
        c_header = true;
    }
    if (!read_operand(self, argc, argv, &name))
        return EXIT_USAGE;
    if (c_header && !name)
        return usage_error(self, "--c-header needs the NAME of a model");
    meso_error err = {.message = "out of memory"};
    arena *memory = arena_create();
    meso_status status = MESO_MEMORY;
    if (memory)
        status = name ? print_one(memory, name, c_header, &err) : print_lists(memory, &err);
    arena_destroy(&memory);
    return status == MESO_OK ? EXIT_SUCCESS : report_error(status, &err);
}

const command models_command = {
    .name = "models",
    .operand = "[NAME]",
    .summary = "list neuron models, currents, rules, drugs and assays, or one's numbers, units and sources",
    .options = OPTIONS,
    .run = run,
};
