#include "engine/codegen.h"

/* C has no empty structs. */
static void write_none(text *out, uint32_t n)
{
    if (n == 0)
        text_append(out, "    real none;\n");
}

static void write_quantities(text *out, const quantity_spec *quantities, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        text_appendf(out, "    real %s;\n", quantities[i].name);
}

static void write_inputs(const neuron_model *model, text *out)
{
    text_appendf(out, "typedef struct %s_inputs {\n    ulong step;\n", model->name);
    if (model->role == MODEL_CURRENT)
        text_append(out, "    ulong since, whole_s;\n    float rest_s;\n");
    else
        text_append(out, "    real current_pA;\n");
    write_quantities(out, model->inputs, model->n_inputs);
    text_appendf(out, "%s} %s_inputs;\n\n", model->random ? "    meso_words random;\n" : "",
                 model->name);
}

void codegen_model_structs(const neuron_model *model, text *out)
{
    static const char *const first[] = {"", "    real I_pA;\n", "    real weight;\n"};
    const char *name = model->name;
    text_appendf(out, "typedef struct %s_parameters {\n", name);
    for (uint32_t i = 0; i < model->n_parameters; i++)
        text_appendf(out, "    real %s;\n", model->parameters[i].name);
    if (model->role == MODEL_RULE)
        text_append(out, "    real weight_min, weight_max;\n");
    write_none(out, model->n_parameters);
    text_appendf(out, "} %s_parameters;\n\n", name);

    if (model->n_derived > 0) {
        text_appendf(out, "typedef struct %s_derived {\n", name);
        write_quantities(out, model->derived, model->n_derived);
        text_appendf(out, "} %s_derived;\n\n", name);
    }

    if (model->role != MODEL_RULE)
        write_inputs(model, out);

    text_appendf(out, "typedef struct %s_state {\n%s", name, first[model->role]);
    for (uint32_t i = 0; i < model->n_state; i++)
        text_appendf(out, "    real %s;\n", model->state[i].name);
    text_appendf(out, "%s} %s_state;\n\n", model->role == MODEL_CELL ? "    truth spiked;\n" : "",
                 name);
}

/* So that a compiler blames the model's own file for a function that does not fit. */
static void write_declarations(const neuron_model *m, text *out)
{
    char signature[512];
    if (m->role == MODEL_RULE) {
        for (rule_event i = 0; i < N_RULE_EVENTS; i++) {
            rule_signature(m, i, signature, sizeof signature);
            if (rule_has(m, i))
                text_appendf(out, "MESO_FUNCTION %s;\n", signature);
        }
    } else {
        neuron_model_signature(m, signature, sizeof signature);
        text_appendf(out, "MESO_FUNCTION %s;\n", signature);
    }
    if (m->n_derived == 0)
        return;
    neuron_model_derive_signature(m, signature, sizeof signature);
    text_appendf(out, "MESO_FUNCTION %s;\n", signature);
}

void codegen_model(const neuron_model *m, text *out)
{
    codegen_model_structs(m, out);
    write_declarations(m, out);
    text_appendf(out, "#line 1 \"%s\"\n%s\n#line 1 \"generated\"\n", m->text_path, m->text);
}
