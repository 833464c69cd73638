/* From JSON to the model. The messages of mistakes are in tests/config/bad. */
#include "base/text.h"
#include "config/load.h"
#include "model/experiment.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CIRCUIT "tests/config/circuit.json"

/* --- support ---------------------------------------------------------------------------------- */

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/mesocl_test_config_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static const char *write_file(const char *name, const char *content)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    return path;
}

static void remove_file(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

static experiment *load(const char *path, const char *const *overrides, uint32_t n)
{
    meso_error err = {0};
    experiment *e = NULL;
    if (meso_experiment_load(path, overrides, n, &e, &err) != MESO_OK)
        fail_msg("%s", err.message);
    return e;
}

static experiment *load_text(const char *content)
{
    experiment *e = load(write_file("e.json", content), NULL, 0);
    remove_file("e.json");
    return e;
}

static meso_error refuse(const char *path, const char *override)
{
    meso_error err = {0};
    experiment *e = NULL;
    const meso_status status = meso_experiment_load(path, &override, override ? 1 : 0, &e, &err);
    assert_int_not_equal(status, MESO_OK);
    assert_int_equal(err.status, status);
    assert_null(e);
    return err;
}

static const population *find_population(const experiment *e, const char *name)
{
    for (uint32_t i = 0; i < e->n_populations; i++)
        if (strcmp(e->populations[i].name, name) == 0)
            return &e->populations[i];
    fail_msg("no population %s", name);
    return NULL;
}

static const distribution *find_parameter(const population *p, const char *name)
{
    for (uint32_t i = 0; i < p->model->n_parameters; i++)
        if (strcmp(p->model->parameters[i].name, name) == 0)
            return &p->parameters[i];
    fail_msg("no parameter %s", name);
    return NULL;
}

/* --- what is in the model --------------------------------------------------------------------- */

static void test_short_term_plasticity_is_read_with_its_default(void **state)
{
    (void)state;
    experiment *e = load(
        CIRCUIT,
        (const char *const[]){
            "projections.pfc_to_core.short_term_plasticity={\"U\":0.25,\"tau_recovery_ms\":800}"},
        1);
    assert_null(e->projections[1].plasticity);
    const short_term_plasticity *p = e->projections[0].plasticity;
    assert_non_null(p);
    assert_true(p->U == 0.25 && p->tau_recovery_ms == 800 && p->tau_facilitation_ms == 0);
    meso_experiment_destroy(&e);
}

static void test_rates_that_change_are_read_and_the_largest_found(void **state)
{
    (void)state;
    experiment *e = load(
        CIRCUIT,
        (const char *const[]){"stimuli.background.rate_hz=null",
                              "stimuli.background.rates_hz=[{\"from_ms\":10,\"rate_hz\":5},"
                              "{\"from_ms\":30,\"rate_hz\":900},{\"from_ms\":40,\"rate_hz\":0}]"},
        2);
    const stimulus *s = &e->stimuli[0];
    assert_int_equal(s->n_rates, 3);
    assert_true(s->rate_hz == 900);
    assert_true(s->rates[0].from_ms == 10 && s->rates[0].rate_hz == 5);
    assert_true(s->rates[2].from_ms == 40 && s->rates[2].rate_hz == 0);
    meso_experiment_destroy(&e);
}

static void test_a_current_has_its_model_and_parameters(void **state)
{
    (void)state;
    experiment *e = load(
        CIRCUIT,
        (const char *const[]){
            "stimuli.hiss={\"kind\":\"current\",\"model\":\"noise\",\"target\":\"pfc_pyr\","
            "\"parameters\":{\"sd_pA\":5,\"tau_ms\":3}}"},
        1);
    const stimulus *s = &e->stimuli[e->n_stimuli - 1];
    assert_int_equal(e->n_currents, 1);
    assert_ptr_equal(s->current, &e->currents[0]);
    assert_string_equal(s->current->name, "noise");
    assert_true(s->parameters[0].mean == 0 && s->parameters[1].mean == 5);
    assert_true(s->parameters[2].mean == 3);
    meso_experiment_destroy(&e);
}

static void test_top_level_has_values_and_defaults(void **state)
{
    (void)state;
    experiment *e = load(CIRCUIT, NULL, 0);
    assert_string_equal(e->path, CIRCUIT);
    assert_int_equal(e->seed, 1);
    assert_true(e->dt_ms == 0.1 && e->field_step_ms == 1);
    assert_int_equal(e->n_models, 2);
    assert_int_equal(e->n_populations, 3);
    assert_int_equal(e->n_projections, 2);
    assert_int_equal(e->n_stimuli, 3);
    meso_experiment_destroy(&e);
    assert_null(e);
    meso_experiment_destroy(&e);
}

static void test_population_joins_cell_and_overrides(void **state)
{
    (void)state;
    experiment *e = load(CIRCUIT, NULL, 0);
    const population *p = find_population(e, "nac_core");
    assert_string_equal(p->cell, "spiny");
    assert_string_equal(p->region, "nac_core");
    assert_int_equal(p->n_neurons, 30);
    assert_true(p->extent_um == 1000);
    assert_ptr_equal(p->model, &e->models[1]);            /* models come as populations use them */
    assert_true(find_parameter(p, "C_pF")->mean == 15.2); /* the cell's */
    assert_true(find_parameter(p, "d_pA")->mean == 91);   /* the population's */
    assert_true(find_parameter(p, "k_nS_per_mV")->mean == 0.7); /* the model's */
    const distribution *i0 = find_parameter(p, "I0_pA");
    assert_int_equal(i0->kind, DISTRIBUTION_NORMAL);
    assert_true(i0->mean == 70 && i0->sd == 10 && i0->min == 40 && i0->max == 100);
    assert_int_equal(p->initial_state[0].kind, DISTRIBUTION_UNIFORM);
    assert_true(isnan(p->initial_state[1].mean)); /* the model's own */
    meso_experiment_destroy(&e);
}

static void test_conductances_and_effects_are_resolved(void **state)
{
    (void)state;
    experiment *e = load(CIRCUIT, NULL, 0);
    const population *p = find_population(e, "nac_core");
    assert_int_equal(p->n_conductances, 4);
    assert_true(p->conductances[1].mg_mM == 1 && p->conductances[0].mg_mM == 0);
    assert_int_equal(p->conductances[2].kind, CONDUCTANCE_BIEXPONENTIAL);
    assert_true(p->conductances[2].tau_rise_ms == 60 && p->conductances[2].gain == 1);
    assert_int_equal(p->conductances[3].kind, CONDUCTANCE_TONIC);
    assert_true(p->conductances[3].g_nS == 2 && p->conductances[3].gain == 0);
    assert_int_equal(p->n_effects, 2);
    assert_int_equal(p->effects[0].target, EFFECT_PARAMETER);
    assert_string_equal(p->model->parameters[p->effects[0].index].name, "vr_mV");
    assert_int_equal(p->effects[1].target, EFFECT_CONDUCTANCE_GAIN);
    assert_int_equal(p->effects[1].index, 3);
    assert_true(p->effects[1].add == 1 && p->effects[1].scale == 0);
    meso_experiment_destroy(&e);
}

static void test_projections_are_resolved(void **state)
{
    (void)state;
    experiment *e = load(CIRCUIT, NULL, 0);
    const projection *p = &e->projections[0];
    assert_string_equal(e->populations[p->source].name, "pfc_pyr");
    assert_string_equal(e->populations[p->target].name, "nac_core");
    assert_int_equal(p->rule, RULE_FIXED_INDEGREE);
    assert_int_equal(p->indegree, 10);
    assert_true(p->multapses && !p->autapses);
    assert_int_equal(p->n_ports, 2);
    assert_int_equal(p->ports[1].port, 1);
    assert_true(p->ports[1].factor == 0.0188);
    assert_true(p->delay_ms.min == 4 && p->delay_ms.max == 8);
    const distribution *weight = &e->projections[1].weight;
    assert_true(weight->min == 0 && weight->max == 10000); /* what the key allows */
    meso_experiment_destroy(&e);
}

static void test_stimuli_are_resolved(void **state)
{
    (void)state;
    experiment *e = load(CIRCUIT, NULL, 0);
    const stimulus *s = e->stimuli;
    assert_int_equal(s[0].kind, STIMULUS_POISSON);
    assert_true(isinf(s[0].stop_ms) && s[0].start_ms == 0);
    assert_string_equal(s[0].gate, "hippocampus");
    assert_true(s[0].gate_up_ms == 500 && s[0].gate_low == 0.2);
    assert_int_equal(s[1].weight.kind, DISTRIBUTION_UNIFORM);
    assert_true(s[1].participation == 0.3);
    assert_int_equal(s[2].n_ports, 0);
    assert_true(s[2].amplitude_pA == 100 && s[2].period_ms == 200 && s[2].stop_ms == 1000);
    meso_experiment_destroy(&e);
}

static void test_modulators_and_drugs_are_resolved(void **state)
{
    (void)state;
    experiment *e = load(CIRCUIT, NULL, 0);
    const compartment *c = &e->modulators[0].compartments[0];
    assert_int_equal(modulator_compartment(&e->modulators[0], "nac_core"), 0);
    assert_int_equal(modulator_compartment(&e->modulators[0], "vta"), MODEL_NONE);
    assert_string_equal(e->populations[c->source].name, "vta_da");
    assert_string_equal(e->receptors[c->autoreceptor].name, "D2");
    assert_string_equal(c->transporter, "dat");
    assert_true(e->receptors[0].K_d_nM == 1000);
    const drug *d = &e->drugs[0];
    assert_true(d->routes[ROUTE_IV].given && !d->routes[ROUTE_IP].given);
    assert_true(d->routes[ROUTE_IV].bioavailability == 1 && d->unbound_fraction == 1);
    assert_string_equal(d->actions.blocks[0].transporter, "dat");
    meso_experiment_destroy(&e);
}

static void test_phases_follow_each_other_and_doses_are_sorted(void **state)
{
    (void)state;
    const char *const overrides[] = {
        "protocol[1].events=["
        "{\"at_min\":1,\"drug\":\"cocaine\",\"route\":\"iv\",\"dose_mg_per_kg\":3},"
        "{\"at_ms\":500,\"drug\":\"cocaine\",\"route\":\"iv\",\"dose_mg_per_kg\":1},"
        "{\"at_s\":60,\"drug\":\"cocaine\",\"route\":\"iv\",\"dose_mg_per_kg\":4}]"};
    experiment *e = load(CIRCUIT, overrides, 1);
    assert_true(e->phases[1].start_s == 1 && e->phases[1].duration_s == 120);
    assert_true(e->duration_s == 121);
    assert_int_equal(e->n_doses, 3);
    assert_true(e->doses[0].time_s == 1.5 && e->doses[0].dose_mg_per_kg == 1);
    assert_true(e->doses[1].time_s == 61 && e->doses[1].dose_mg_per_kg == 3);
    assert_true(e->doses[2].time_s == 61 && e->doses[2].dose_mg_per_kg == 4);
    meso_experiment_destroy(&e);
}

static void test_recording_is_resolved(void **state)
{
    (void)state;
    experiment *e = load(CIRCUIT, NULL, 0);
    const report *r = e->record.reports;
    assert_true(e->record.spikes[0] && e->record.spikes[1] && !e->record.spikes[2]);
    assert_int_equal(r[0].source, REPORT_STATE);
    assert_int_equal(r[0].n_neurons, 20);
    assert_int_equal(r[0].neurons[19], 19);
    assert_string_equal(r[0].unit, "mV");
    assert_int_equal(r[1].source, REPORT_CONDUCTANCE);
    assert_int_equal(r[1].index, 1);
    assert_int_equal(r[1].neurons[2], 7);
    assert_true(r[1].interval_ms == 1 && r[1].stop_ms == 121000);
    assert_int_equal(r[2].source, REPORT_CONCENTRATION);
    assert_string_equal(r[2].unit, "nM");
    assert_int_equal(r[3].source, REPORT_OCCUPANCY);
    assert_int_equal(r[3].index, 0);
    meso_experiment_destroy(&e);
}

/* --- merging ---------------------------------------------------------------------------------- */

static void test_overrides_apply_in_order(void **state)
{
    (void)state;
    const char *const overrides[] = {"seed=5",
                                     "seed=9007199254740991",
                                     "title=a bare word",
                                     "populations.pfc_pyr.n_neurons=7",
                                     "protocol[0].seconds=2",
                                     "stimuli.steps=null",
                                     "record.spikes=false",
                                     "populations.pfc_pyr.parameters.C_pF=33"};
    experiment *e = load(CIRCUIT, overrides, 8);
    assert_true(e->seed == 9007199254740991u);
    assert_string_equal(e->title, "a bare word");
    assert_int_equal(find_population(e, "pfc_pyr")->n_neurons, 7);
    assert_true(find_parameter(find_population(e, "pfc_pyr"), "C_pF")->mean == 33);
    assert_true(e->phases[0].duration_s == 2);
    assert_int_equal(e->n_stimuli, 2);
    assert_false(e->record.spikes[0]);
    meso_experiment_destroy(&e);
}

static void test_later_parents_win_and_null_removes(void **state)
{
    (void)state;
    char working[4096], content[8192];
    assert_non_null(getcwd(working, sizeof working));
    write_file("a.json", "{\"seed\": 2, \"title\": \"a\", \"_why\": \"a comment\"}");
    write_file("b.json", "{\"seed\": 3, \"populations\": {\"pfc_pyr\": {\"n_neurons\": 5}}}");
    snprintf(content, sizeof content,
             "{\"schema_version\": 1, \"extends\": [\"%s/" CIRCUIT "\", \"a.json\", \"b.json\"],"
             " \"projections\": {\"pfc_to_pfc\": null, \"_off\": null}}",
             working);
    experiment *e = load_text(content);
    remove_file("a.json");
    remove_file("b.json");
    assert_int_equal(e->seed, 3);
    assert_string_equal(e->title, "a");
    const population *p = find_population(e, "pfc_pyr");
    assert_int_equal(p->n_neurons, 5);
    assert_string_equal(p->region, "pfc"); /* objects merge by key */
    assert_int_equal(e->n_projections, 1);
    assert_non_null(strstr(e->json, "a comment"));
    assert_null(strstr(e->json, "extends"));
    meso_experiment_destroy(&e);
}

static void test_built_in_experiment_equals_its_file(void **state)
{
    (void)state;
    experiment *built_in = load("builtin:configs/cocaine_acute.json", NULL, 0);
    experiment *file = load("configs/cocaine_acute.json", NULL, 0);
    assert_string_equal(built_in->json, file->json);
    assert_int_equal(strncmp(built_in->populations[0].place, "builtin:configs/circuits/", 25), 0);
    meso_experiment_destroy(&built_in);
    meso_experiment_destroy(&file);
}

static void test_text_loads_as_a_file_does(void **state)
{
    (void)state;
    const char *const overrides[] = {"seed=5"};
    const char content[] = "{\"extends\": \"" CIRCUIT "\",\n\"title\": \"from memory\"}";
    experiment *e = NULL;
    meso_error err = {0};
    assert_int_equal(meso_experiment_load_text("a/text", content, overrides, 1, &e, &err), MESO_OK);
    assert_string_equal(e->title, "from memory");
    assert_int_equal(e->seed, 5);
    experiment *file = load(CIRCUIT, NULL, 0);
    assert_int_equal(e->n_projections, file->n_projections);
    meso_experiment_destroy(&file);
    meso_experiment_destroy(&e);
    const char spoiled[] = "{\n\"extends\": \"" CIRCUIT "\",\n\"sed\": 1}";
    assert_int_equal(meso_experiment_load_text("a/text", spoiled, NULL, 0, &e, &err), MESO_CONFIG);
    assert_non_null(strstr(err.message, "a/text:3: sed: "));
    assert_int_equal(meso_experiment_load_text("a/text", NULL, NULL, 0, &e, NULL), MESO_ARGUMENT);
}

static void test_merged_text_loads_to_itself(void **state)
{
    (void)state;
    const char *const overrides[] = {"seed=9007199254740991",
                                     "populations.nac_core.parameters.C_pF=15.200000000000003"};
    experiment *first = load(CIRCUIT, overrides, 2);
    experiment *second = load_text(meso_experiment_json(first));
    assert_string_equal(meso_experiment_json(first), meso_experiment_json(second));
    const double C_pF = find_parameter(find_population(second, "nac_core"), "C_pF")->mean;
    assert_true(C_pF == 15.200000000000003);
    assert_true(first->seed == second->seed && first->duration_s == second->duration_s);
    meso_experiment_destroy(&first);
    meso_experiment_destroy(&second);
}

/* --- rules that fill in ----------------------------------------------------------------------- */

static void test_drawn_delays_are_at_least_a_step(void **state)
{
    (void)state;
    const char *const overrides[] = {"projections.pfc_to_pfc.delay_ms="
                                     "{\"distribution\":\"normal\",\"mean\":1,\"sd\":1,\"max\":5}"};
    experiment *e = load(CIRCUIT, overrides, 1);
    assert_true(e->projections[1].delay_ms.min == 0.1);
    assert_true(e->projections[1].delay_ms.max == 5);
    meso_experiment_destroy(&e);
}

static void test_draws_stay_in_the_declared_range(void **state)
{
    (void)state;
    const char *const overrides[] = {
        "cells.spiny.parameters.I0_pA.min=null", "cells.spiny.parameters.I0_pA.max=null",
        "cells.spiny.initial.v_mV=null",
        "cells.spiny.initial.v_mV={\"distribution\":\"normal\",\"mean\":-70,\"sd\":5}"};
    experiment *e = load(CIRCUIT, overrides, 4);
    const population *p = &e->populations[1];
    const uint32_t I0 = p->model->n_parameters - 1;
    assert_string_equal(p->model->parameters[I0].name, "I0_pA");
    assert_true(p->parameters[I0].min == -10000 && p->parameters[I0].max == 10000);
    assert_true(p->initial_state[0].min == -1e6 && p->initial_state[0].max == 1e6);
    meso_experiment_destroy(&e);
}

static void test_gate_without_a_name_is_private(void **state)
{
    (void)state;
    const char *const overrides[] = {"stimuli.background.gate=null"};
    experiment *e = load(CIRCUIT, overrides, 1);
    assert_string_equal(e->stimuli[0].gate, "background");
    meso_experiment_destroy(&e);
}

/* --- neuron models ---------------------------------------------------------------------------- */

static void test_built_in_model_is_described(void **state)
{
    (void)state;
    arena *memory = arena_create();
    const neuron_model *m;
    assert_int_equal(config_load_neuron_model("izhikevich", NULL, memory, &m, NULL), MESO_OK);
    assert_string_equal(m->name, "izhikevich");
    assert_string_equal(m->parameters[0].name, "C_pF");
    assert_string_equal(m->parameters[0].unit, "pF");
    assert_true(m->parameters[0].min == 0.1 && m->parameters[0].default_value == 100);
    assert_string_equal(m->state[0].name, "v_mV");
    assert_string_equal(m->parameters[m->state[0].initial_parameter].name, "vr_mV");
    assert_int_equal(m->state[1].initial_parameter, -1);
    assert_non_null(strstr(m->text, "MESO_FUNCTION"));
    arena_destroy(&memory);
}

static const char small_experiment[] =
    "{\"schema_version\": 1, \"cells\": {\"c\": {\"model\": \"izhikevich\", "
    "\"parameters\": {\"tau_ms\": 3}}}, \"populations\": {\"p\": {\"cell\": \"c\", "
    "\"n_neurons\": 1}}, \"protocol\": [{\"phase\": \"run\", \"ms\": 10}]}";

static void test_model_beside_the_experiment_wins(void **state)
{
    (void)state;
    write_file("izhikevich.json",
               "{\"model\": \"izhikevich\", \"title\": \"mine\", \"parameters\": {\"tau_ms\": "
               "{\"unit\": \"ms\", \"doc\": \"time constant\", \"min\": 1, \"max\": 9}},"
               "\"state\": {\"v_mV\": {\"unit\": \"mV\", \"doc\": \"potential\"}}}");
    static const char function[] = "izhikevich_state izhikevich(/* mine */) { s.spiked = 0; }";
    write_file("izhikevich.clh", function);
    experiment *e = load_text(small_experiment);
    assert_string_equal(e->models[0].title, "mine");
    assert_string_equal(e->models[0].text, function);
    assert_true(e->populations[0].parameters[0].mean == 3);
    meso_experiment_destroy(&e);

    char without[sizeof small_experiment];
    strcpy(without, small_experiment);
    memcpy(strstr(without, "\"tau_ms\": 3"), "\"_au_ms\": 3", 11);
    const meso_error err = refuse(write_file("e.json", without), NULL);
    assert_non_null(strstr(err.message, "tau_ms (ms) is missing"));
    remove_file("e.json");
    remove_file("izhikevich.json");
    remove_file("izhikevich.clh");
}

static void test_mistake_in_a_descriptor_names_its_line(void **state)
{
    (void)state;
    write_file("izhikevich.json", "{\n  \"model\": \"izhikevich\", \"title\": \"mine\",\n"
                                  "  \"parameters\": {\n    \"tau_ms\": {\"unit\": \"ms\"}\n  },\n"
                                  "  \"state\": {}\n}\n");
    write_file("izhikevich.clh", "");
    const meso_error err = refuse(write_file("e.json", small_experiment), NULL);
    assert_non_null(strstr(err.message, "/izhikevich.json:4: parameters.tau_ms.doc: missing: "
                                        "expected a string"));
    remove_file("e.json");
    remove_file("izhikevich.json");
    remove_file("izhikevich.clh");
}

/* --- errors ----------------------------------------------------------------------------------- */

static void test_error_has_status_and_place(void **state)
{
    (void)state;
    meso_error err = refuse("tests/config/bad/range_tau.json", NULL);
    assert_int_equal(err.status, MESO_RANGE);
    assert_string_equal(err.place, "tests/config/bad/range_tau.json:7");
    err = refuse(CIRCUIT, "receptors.D1.K_d_uM=1");
    assert_int_equal(err.status, MESO_UNIT);
    assert_string_equal(err.place, "--set receptors.D1.K_d_uM=1");
    err = refuse(CIRCUIT, "projections.pfc_to_pfc.source=pfc");
    assert_int_equal(err.status, MESO_NOT_FOUND);
    err = refuse("tests/config/none.json", NULL);
    assert_int_equal(err.status, MESO_IO);
    err = refuse(CIRCUIT, "seed");
    assert_int_equal(err.status, MESO_ARGUMENT);
}

static void test_error_may_be_ignored(void **state)
{
    (void)state;
    experiment *e = NULL;
    assert_int_equal(meso_experiment_load("tests/config/bad/range_tau.json", NULL, 0, &e, NULL),
                     MESO_RANGE);
    assert_int_equal(meso_experiment_load(NULL, NULL, 0, &e, NULL), MESO_ARGUMENT);
}

/* Any text ends in a model or a message: here the circuit cut or spoiled at every seventh byte. */
static void test_no_text_can_do_harm(void **state)
{
    (void)state;
    char *content;
    size_t length;
    assert_int_equal(text_read_file(CIRCUIT, &content, &length, NULL), MESO_OK);
    for (size_t i = 0; i < length; i += 7) {
        char *spoiled = malloc(length + 1);
        memcpy(spoiled, content, length + 1);
        spoiled[i] = i % 2 ? "{}[],:\"0-e."[i % 11] : '\0';
        meso_error err = {0};
        experiment *e = NULL;
        const char *path = write_file("e.json", spoiled);
        const meso_status status = meso_experiment_load(path, NULL, 0, &e, &err);
        assert_true(status == MESO_OK ? e != NULL : err.message[0] != '\0');
        meso_experiment_destroy(&e);
        free(spoiled);
    }
    free(content);
    remove_file("e.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_top_level_has_values_and_defaults),
        cmocka_unit_test(test_short_term_plasticity_is_read_with_its_default),
        cmocka_unit_test(test_rates_that_change_are_read_and_the_largest_found),
        cmocka_unit_test(test_a_current_has_its_model_and_parameters),
        cmocka_unit_test(test_population_joins_cell_and_overrides),
        cmocka_unit_test(test_conductances_and_effects_are_resolved),
        cmocka_unit_test(test_projections_are_resolved),
        cmocka_unit_test(test_stimuli_are_resolved),
        cmocka_unit_test(test_modulators_and_drugs_are_resolved),
        cmocka_unit_test(test_phases_follow_each_other_and_doses_are_sorted),
        cmocka_unit_test(test_recording_is_resolved),
        cmocka_unit_test(test_overrides_apply_in_order),
        cmocka_unit_test(test_later_parents_win_and_null_removes),
        cmocka_unit_test(test_built_in_experiment_equals_its_file),
        cmocka_unit_test(test_text_loads_as_a_file_does),
        cmocka_unit_test(test_merged_text_loads_to_itself),
        cmocka_unit_test(test_drawn_delays_are_at_least_a_step),
        cmocka_unit_test(test_draws_stay_in_the_declared_range),
        cmocka_unit_test(test_gate_without_a_name_is_private),
        cmocka_unit_test(test_built_in_model_is_described),
        cmocka_unit_test(test_model_beside_the_experiment_wins),
        cmocka_unit_test(test_mistake_in_a_descriptor_names_its_line),
        cmocka_unit_test(test_error_has_status_and_place),
        cmocka_unit_test(test_error_may_be_ignored),
        cmocka_unit_test(test_no_text_can_do_harm),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
