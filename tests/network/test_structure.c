/*
 * Contacts that come and go: what holds for a million of them after every update, whatever the seed; who goes, as an
 * independent computation says; how many come; and that the layout of the work cannot be seen in any of it.
 */
#include "capture.h"
#include "engine/internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIGMAS 5 /* two-sided 6e-7 */

typedef struct network {
    meso_experiment *e;
    simulation *sim;
    uint64_t n_fields, n_spikes, hash;
} network;

static void check(meso_status status, const meso_error *err)
{
    if (status != MESO_OK)
        fail_msg("%s", err->message);
}

static network open_loaded(meso_experiment *e, const meso_run_options *options)
{
    network w = {.e = e, .hash = UINT64_C(14695981039346656037)};
    meso_error err = {0};
    check(simulation_create(w.e, capture_device(), options, &w.sim, &err), &err);
    return w;
}

static void close_network(network *w)
{
    simulation_destroy(&w->sim);
    meso_experiment_destroy(&w->e);
}

/* `learning` and `structure` are JSON; 50 sources fire at rate_hz, targets hardly ever. */
static meso_experiment *load(uint32_t n_sources, uint32_t n_targets, double rate_hz, uint64_t seed,
                             const char *connections, const char *structure)
{
    char json[4096];
    snprintf(
        json, sizeof json,
        "{\"schema_version\":1,\"seed\":%llu,\"cells\":{\"poisson\":{\"model\":\"poisson_source\","
        "\"parameters\":{\"rate_hz\":%g}},\"lif\":{\"model\":\"lif_delta\"}},"
        "\"populations\":{\"a\":{\"cell\":\"poisson\",\"n_neurons\":%u},"
        "\"b\":{\"cell\":\"lif\",\"n_neurons\":%u}},\"projections\":{\"p\":{\"source\":\"a\","
        "\"target\":\"b\",\"receptors\":{\"v_jump_mV\":1},%s,"
        "\"long_term_plasticity\":{\"rule\":\"stdp\",\"weight_max_mV\":5,\"update_ms\":5,"
        "\"parameters\":{\"lambda\":0}},\"structure\":{%s}}},"
        "\"protocol\":[{\"phase\":\"all\",\"seconds\":10}]}",
        (unsigned long long)seed, rate_hz, n_sources, n_targets, connections, structure);
    return capture_load(json);
}

static void spikes_add(network *w, const interval *r)
{
    for (uint64_t i = 0; i < r->n_spikes; i++) {
        const uint64_t words[] = {r->spikes[i].step, r->spikes[i].population, r->spikes[i].neuron};
        for (int k = 0; k < 3; k++)
            w->hash = (w->hash ^ words[k]) * UINT64_C(1099511628211);
    }
    w->n_spikes += r->n_spikes;
}

/* To a time in field steps of 1 ms. */
static void advance(network *w, uint64_t until)
{
    static const float no_drugs[SIMULATION_INTERVAL];
    meso_error err = {0};
    while (w->n_fields < until) {
        const uint64_t left = until - w->n_fields;
        const uint32_t n = left < SIMULATION_INTERVAL ? (uint32_t)left : SIMULATION_INTERVAL;
        interval r;
        check(simulation_enqueue(w->sim, n, no_drugs, &err), &err);
        check(simulation_collect(w->sim, &r, &err), &err);
        spikes_add(w, &r);
        w->n_fields += n;
    }
}

static edge *edges_of(network *w, uint32_t projection, uint64_t *n)
{
    edge *edges;
    meso_error err = {0};
    check(simulation_edges(w->sim, projection, &edges, n, &err), &err);
    return edges;
}

static uint32_t projection_named(const meso_experiment *e, const char *name)
{
    uint32_t p = 0;
    while (strcmp(e->projections[p].name, name) != 0)
        p++;
    return p;
}

static contact_counts counts_of(network *w)
{
    contact_counts c;
    meso_error err = {0};
    check(simulation_contacts(w->sim, 0, &c, &err), &err);
    return c;
}

static void assert_within(const char *what, double got, double mean, double variance, uint64_t seed)
{
    if (fabs(got - mean) > SIGMAS * sqrt(variance) + 0.5)
        fail_msg("seed %llu: %s: %.0f, expected %.1f +- %.1f", (unsigned long long)seed, what, got,
                 mean, sqrt(variance));
}

/* --- raw rows ------------------------------------------------------------------------------------------ */

/* A bundle as it lies on the device. */
typedef struct raw_rows {
    const bundle_layout *b;
    uint32_t *offsets, *words;
    row_state *states;
    uint64_t n_places;
    size_t word_bytes;
} raw_rows;

static raw_rows rows_read(network *w, uint32_t i)
{
    const bundle_synapses *s = &w->sim->synapses.bundles[i];
    raw_rows r = {.b = &w->sim->l->bundles[i], .n_places = s->n_synapses};
    meso_error err = {0};
    r.word_bytes = s->n_synapses * r.b->synapse_bytes;
    r.offsets = malloc((r.b->n_rows + 1) * sizeof *r.offsets);
    r.states = malloc(r.b->n_rows * sizeof *r.states);
    r.words = malloc(r.word_bytes);
    check(buffer_read(w->sim->device, &w->sim->synapses.row_offsets,
                      r.b->row_base * sizeof *r.offsets, (r.b->n_rows + 1) * sizeof *r.offsets,
                      r.offsets, &err),
          &err);
    check(buffer_read(w->sim->device, &w->sim->learning.rows,
                      r.b->first_row_state * sizeof *r.states, r.b->n_rows * sizeof *r.states,
                      r.states, &err),
          &err);
    check(buffer_read(w->sim->device, &w->sim->synapses.buffers[s->buffer], s->first_word * 4,
                      r.word_bytes, r.words, &err),
          &err);
    return r;
}

static void rows_free(raw_rows *r)
{
    free(r->offsets);
    free(r->words);
    free(r->states);
}

/* Every place word names a cell that is there and a delay of the group; rows are sorted and within their places. */
static uint64_t rows_check(const network *w, const raw_rows *r)
{
    const layout *l = w->sim->l;
    const population_layout *to = &l->populations[1];
    const uint32_t bits = layout_local_bits(to), n_neurons = w->e->populations[1].n_neurons;
    uint8_t *is_cell = calloc(to->n_padded, 1);
    uint64_t n = 0;
    for (uint32_t k = 0; k < n_neurons; k++)
        is_cell[layout_place(l, to, k)] = 1;
    for (uint64_t row = 0; row < r->b->n_rows; row++) {
        const uint32_t partition = (uint32_t)(row / r->b->n_groups % l->n_partitions);
        const uint32_t used = r->states[row].n;
        assert_true(r->offsets[row] <= r->offsets[row + 1] && r->offsets[row + 1] <= r->n_places);
        assert_true(used <= r->offsets[row + 1] - r->offsets[row]);
        assert_int_equal(r->states[row].n_new, 0);
        for (uint32_t k = 0; k < used; k++) {
            const uint32_t word = r->words[r->offsets[row] + k], cell = word & ((1u << bits) - 1);
            assert_true(cell < to->n_local && is_cell[partition * to->n_local + cell]);
            assert_true(word >> bits < layout_group_steps(l, STORAGE_PLASTIC));
            assert_true(k == 0 || r->words[r->offsets[row] + k - 1] <= word);
        }
        n += used;
    }
    free(is_cell);
    return n;
}

/* Fill free places with a pattern, or say whether it is still there. */
static int free_places(network *w, raw_rows *r, int fill)
{
    const uint32_t pattern = 0xdeadbeef;
    const uint32_t n_arrays = r->b->synapse_bytes / 4;
    meso_error err = {0};
    for (uint64_t row = 0; row < r->b->n_rows; row++)
        for (uint32_t k = r->offsets[row] + r->states[row].n; k < r->offsets[row + 1]; k++)
            for (uint32_t a = 0; a < n_arrays; a++) {
                uint32_t *word = &r->words[a * r->n_places + k];
                if (!fill && *word != pattern)
                    return 0;
                *word = pattern;
            }
    const bundle_synapses *s = &w->sim->synapses.bundles[r->b - w->sim->l->bundles];
    if (fill)
        check(buffer_write(w->sim->device, &w->sim->synapses.buffers[s->buffer], s->first_word * 4,
                           r->word_bytes, r->words, &err),
              &err);
    return 1;
}

/* All that must agree after an update. Returns the contacts. */
static contact_counts invariants_check(network *w, const contact_counts *before)
{
    const uint32_t n_targets = w->e->populations[1].n_neurons;
    const contact_counts now = counts_of(w);
    uint64_t n, in_rows = 0, in_degrees = 0;
    uint32_t *indegrees = malloc(n_targets * sizeof *indegrees);
    uint32_t *counted = calloc(n_targets, sizeof *counted);
    meso_error err = {0};
    edge *edges = edges_of(w, 0, &n);
    for (uint32_t i = 0; i < w->sim->l->n_bundles; i++) {
        raw_rows r = rows_read(w, i);
        in_rows += rows_check(w, &r);
        rows_free(&r);
    }
    check(simulation_indegrees(w->sim, 0, indegrees, &err), &err);
    for (uint64_t i = 0; i < n; i++) {
        assert_true(edges[i].source < w->e->populations[0].n_neurons &&
                    edges[i].target < n_targets);
        counted[edges[i].target]++;
    }
    for (uint32_t k = 0; k < n_targets; k++) {
        assert_int_equal(indegrees[k], counted[k]);
        in_degrees += indegrees[k];
    }
    assert_int_equal(in_rows, n);
    assert_int_equal(in_degrees, n);
    assert_int_equal(now.contacts, n);
    assert_int_equal(now.contacts, before->contacts + (now.formed - before->formed) -
                                       (now.pruned - before->pruned));
    free(edges);
    free(indegrees);
    free(counted);
    return now;
}

/* --- a million ----------------------------------------------------------------------------------------- */

/* A fifth of the contacts goes at each update, and as many come; delays and weights are drawn. */
static void million_check(uint64_t seed, const meso_run_options *options)
{
    network w = open_loaded(
        load(1000, 2000, 5, seed,
             "\"rule\":\"fixed_total\",\"total\":1000000,\"weight_mV\":{\"distribution\":"
             "\"uniform\","
             "\"min\":0.001,\"max\":0.01},\"delay_ms\":{\"distribution\":\"uniform\",\"min\":1,"
             "\"max\":7}",
             "\"update_s\":0.02,\"rate_scale\":100,\"prune\":{\"rate_per_h\":400,\"older_than_s\":"
             "1},"
             "\"form\":{\"per_target_per_h\":180000,\"weight_mV\":0.005}"),
        options);
    const double p = -expm1(-40000 * 0.02 / 3600), births = 2000 * 18e6 * 0.02 / 3600;
    contact_counts before = counts_of(&w);
    assert_int_equal(before.contacts, 1000000);
    for (uint64_t update = 1; update <= 3; update++) {
        advance(&w, 20 * update + 9); /* the longest delay, and two field steps */
        const contact_counts now = invariants_check(&w, &before);
        assert_within("formed", (double)(now.formed - before.formed), births, births, seed);
        assert_within("pruned", (double)(now.pruned - before.pruned), (double)before.contacts * p,
                      (double)before.contacts * p * (1 - p), seed);
        raw_rows r = rows_read(&w, 0);
        free_places(&w, &r, 1);
        rows_free(&r);
        advance(&w, 20 * update + 19);
        r = rows_read(&w, 0);
        assert_true(free_places(&w, &r, 0));
        rows_free(&r);
        before = now;
    }
    assert_true(w.n_spikes > 200);
    close_network(&w);
}

static void test_a_million_contacts_keep_every_invariant(void **state)
{
    (void)state;
    million_check(1, NULL);
    million_check((uint64_t)time(NULL),
                  &(meso_run_options){.partitions = 3, .work_group_size = 16});
}

/* --- layouts ------------------------------------------------------------------------------------------- */

static void assert_same_edges(network *first, network *other, uint32_t n_projections)
{
    for (uint32_t i = 0; i < n_projections; i++) {
        uint64_t n, m;
        edge *a = edges_of(first, i, &n), *b = edges_of(other, i, &m);
        if (first->e->projections[i].learning != NULL) {
            assert_int_equal(n, m);
            for (uint64_t k = 0; k < n; k++)
                assert_true(a[k].source == b[k].source && a[k].target == b[k].target &&
                            a[k].delay_steps == b[k].delay_steps && a[k].weight == b[k].weight &&
                            memcmp(a[k].states, b[k].states, a[k].n_states * sizeof(float)) == 0);
        }
        free(a);
        free(b);
    }
}

/* Three projections: a signal and ages; no pair twice, and time below a weight; slow transitions of a rule. */
static void test_same_contacts_and_spikes_for_any_layout(void **state)
{
    (void)state;
    const meso_run_options layouts[] = {
        {.partitions = 1},
        {.partitions = 2, .vector_width = 1},
        {.partitions = 7, .vector_width = 4},
        {.work_group_size = 4},
        {.work_group_size = 16, .partitions = 2},
        {.work_group_size = 64, .vector_width = 4},
        {.buffer_bytes = 40000}, /* projections are cut into parts */
    };
    const char file[] = "tests/support/structure.json";
    meso_error err = {0};
    meso_experiment *e = NULL;
    check(meso_experiment_load(file, NULL, 0, &e, &err), &err);
    network first = open_loaded(e, NULL);
    advance(&first, 275); /* no update is under way */
    assert_true(first.n_spikes > 2000);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        check(meso_experiment_load(file, NULL, 0, &e, &err), &err);
        network other = open_loaded(e, &layouts[i]);
        assert_true(i < 6 || other.sim->l->n_bundles > first.sim->l->n_bundles);
        advance(&other, 275);
        assert_int_equal(other.hash, first.hash);
        assert_int_equal(simulation_events(other.sim), simulation_events(first.sim));
        assert_same_edges(&first, &other, e->n_projections);
        close_network(&other);
    }
    close_network(&first);
    capture a = capture_run_file(file, "", NULL);
    capture b = capture_run_file(file, "",
                                 &(meso_run_options){.partitions = 5, .work_group_size = 8});
    assert_int_equal(a.spike_hash, b.spike_hash);
    assert_int_equal(a.synaptic_events, b.synaptic_events);
    assert_memory_equal(a.rows, b.rows, a.n_rows * a.n_series * sizeof(double));
    capture_free(&a);
    capture_free(&b);
}

/* --- who goes ------------------------------------------------------------------------------------------- */

#define DRAWN                                                                                      \
    "\"rule\":\"fixed_indegree\",\"indegree\":40,\"weight_mV\":{\"distribution\":\"uniform\","     \
    "\"min\":0.5,\"max\":3},\"delay_ms\":{\"distribution\":\"uniform\",\"min\":1,\"max\":4}"

static void test_exactly_the_weak_contacts_go(void **state)
{
    (void)state;
    network w = open_loaded(
        load(300, 200, 20, 3, DRAWN, "\"update_s\":0.02,\"prune\":{\"below_mV\":1.2}"), NULL);
    uint64_t n, m, k = 0;
    edge *all = edges_of(&w, 0, &n);
    advance(&w, 19);
    edge *edges = edges_of(&w, 0, &m);
    assert_int_equal(m, n);
    free(edges);
    advance(&w, 25);
    edges = edges_of(&w, 0, &m);
    for (uint64_t i = 0; i < n; i++)
        if (all[i].weight >= 1.2) {
            assert_true(
                k < m && edges[k].source == all[i].source && edges[k].target == all[i].target &&
                edges[k].delay_steps == all[i].delay_steps && edges[k].weight == all[i].weight);
            k++;
        }
    assert_int_equal(k, m);
    assert_true(m < n && m > 0);
    free(all);
    free(edges);
    close_network(&w);
}

/* Silent contacts have contents alone. */
static void test_contents_add_to_the_weight(void **state)
{
    (void)state;
    meso_experiment *e = NULL;
    meso_error err = {0};
    const char *changes[] = {"projections.silent.structure.prune={\"below_mV\":0.4}",
                             "projections.silent.structure.form=null",
                             "projections.silent.long_term_plasticity.parameters.rate_per_s=0",
                             "populations.in.n_neurons=400", "populations.out.n_neurons=300"};
    check(meso_experiment_load("tests/support/structure.json", changes, 5, &e, &err), &err);
    const uint32_t p = projection_named(e, "silent");
    network w = open_loaded(e, NULL);
    uint64_t n, m, k = 0;
    edge *all = edges_of(&w, p, &n);
    advance(&w, 30);
    edge *edges = edges_of(&w, p, &m);
    for (uint64_t i = 0; i < n; i++) {
        assert_true(all[i].weight == 0 && all[i].states[1] > 0.09f);
        if (all[i].states[1] >= 0.4f) {
            assert_true(k < m && edges[k].source == all[i].source &&
                        edges[k].target == all[i].target && edges[k].states[1] == all[i].states[1]);
            k++;
        }
    }
    assert_int_equal(k, m);
    assert_within("those that stay", (double)m, (double)n * 2 / 3, (double)n * 2 / 9, 7);
    free(all);
    free(edges);
    close_network(&w);
}

/* New ones get theirs as the first did: uniform in [0.1, 1]. */
static void test_new_contacts_have_contents(void **state)
{
    (void)state;
    meso_experiment *e = NULL;
    meso_error err = {0};
    const char *changes[] = {"projections.silent.probability=0.02",
                             "projections.silent.structure.spare=10",
                             "projections.silent.structure.rate_scale=40",
                             "populations.in.n_neurons=400", "populations.out.n_neurons=300"};
    check(meso_experiment_load("tests/support/structure.json", changes, 5, &e, &err), &err);
    const uint32_t p = projection_named(e, "silent");
    network w = open_loaded(e, NULL);
    uint64_t n, n_first;
    double sum = 0;
    free(edges_of(&w, p, &n_first));
    advance(&w, 30);
    edge *edges = edges_of(&w, p, &n);
    for (uint64_t i = 0; i < n; i++)
        sum += edges[i].states[1];
    assert_within("new ones", (double)(n - n_first), 300 * 100 / 9.0, 300 * 100 / 9.0, 7);
    assert_true(fabs(sum / (double)n - 0.55) < SIGMAS * 0.9 / sqrt(12.0 * (double)n));
    free(edges);
    close_network(&w);
}

/* Weak since the start, so seen weak at the first update: 0.04 s later is the third. */
static void test_weak_contacts_go_after_a_time(void **state)
{
    (void)state;
    network w = open_loaded(load(300, 200, 20, 3, DRAWN,
                                 "\"update_s\":0.02,\"prune\":{\"below_mV\":1.2,\"after_s\":0.04}"),
                            NULL);
    uint64_t n, weak = 0;
    edge *all = edges_of(&w, 0, &n);
    for (uint64_t i = 0; i < n; i++)
        weak += all[i].weight < 1.2;
    free(all);
    advance(&w, 59);
    assert_int_equal(counts_of(&w).pruned, 0);
    advance(&w, 66);
    assert_int_equal(counts_of(&w).pruned, weak);
    close_network(&w);
}

/* New contacts are weaker than the limit; those of the start are older than anything. */
static void test_young_contacts_are_spared(void **state)
{
    (void)state;
    const char structure[] = "\"update_s\":0.02,\"prune\":{\"below_mV\":1.2,\"older_than_s\":0.05},"
                             "\"form\":{\"per_target_per_h\":180000,\"weight_mV\":0.1}";
    network w = open_loaded(load(300, 200, 20, 3, DRAWN, structure), NULL);
    advance(&w, 26);
    const contact_counts first = counts_of(&w);
    assert_true(first.pruned > 0 && first.formed > 100);
    advance(&w, 66); /* the first that came are 0.04 s old */
    assert_int_equal(counts_of(&w).pruned, first.pruned);
    advance(&w, 86);
    assert_int_equal(counts_of(&w).pruned, first.pruned + first.formed);
    close_network(&w);
}

/* --- who comes ------------------------------------------------------------------------------------------ */

/* Pearson's statistic of counts with equal expectation, as a standard normal (Wilson & Hilferty 1931). */
static double chi_square_z(const uint32_t *counts, uint32_t n, double expected)
{
    double chi2 = 0;
    for (uint32_t i = 0; i < n; i++)
        chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
    const double k = n - 1;
    return (cbrt(chi2 / k) - (1 - 2 / (9 * k))) / sqrt(2 / (9 * k));
}

/* 10 and 100 times 1 expected contact of a target: one draw, and several; their numbers are Poisson's, sources uniform. */
static void test_new_contacts_are_poisson_and_uniform(void **state)
{
    (void)state;
    for (int many = 0; many < 2; many++) {
        char structure[256];
        const double expected = many ? 100 : 10;
        snprintf(structure, sizeof structure,
                 "\"update_s\":1,\"spare\":15,\"form\":{\"per_target_per_h\":%.15g,"
                 "\"weight_mV\":{\"distribution\":\"uniform\",\"min\":1,\"max\":2}}",
                 expected * 3600);
        network w = open_loaded(
            load(500, 400, 1, 5,
                 "\"rule\":\"fixed_indegree\",\"indegree\":10,\"weight_mV\":0.5,"
                 "\"delay_ms\":{\"distribution\":\"uniform\",\"min\":1,\"max\":5}",
                 structure),
            NULL);
        uint32_t in[400] = {0}, out[500] = {0};
        uint64_t n;
        double weight = 0, delay = 0, squares = 0;
        advance(&w, 1010);
        edge *edges = edges_of(&w, 0, &n);
        for (uint64_t i = 0; i < n; i++)
            if (edges[i].weight >= 1) {
                in[edges[i].target]++;
                out[edges[i].source]++;
                weight += edges[i].weight;
                delay += edges[i].delay_steps * 0.1;
            }
        const double formed = (double)n - 4000;
        for (int k = 0; k < 400; k++)
            squares += (in[k] - expected) * (in[k] - expected);
        assert_within("formed", formed, 400 * expected, 400 * expected, 5);
        /* variance of a Poisson number's squared deviation: m + 2 m^2 */
        assert_within("squared deviations", squares, 400 * expected,
                      400 * (expected + 2 * expected * expected), 5);
        assert_true(fabs(chi_square_z(out, 500, formed / 500)) < SIGMAS);
        assert_true(fabs(weight / formed - 1.5) < SIGMAS * sqrt(1 / 12.0 / formed));
        assert_true(fabs(delay / formed - 3) < SIGMAS * sqrt(16 / 12.0 / formed));
        free(edges);
        close_network(&w);
    }
}

/* From 30 cells to themselves: at most 29 contacts of each, and the most that can be are soon there. */
static void test_no_pair_twice_and_no_cell_to_itself(void **state)
{
    (void)state;
    meso_experiment *e = capture_load(
        "{\"schema_version\":1,\"cells\":{\"lif\":{\"model\":\"lif_delta\"}},\"populations\":{"
        "\"a\":{\"cell\":\"lif\",\"n_neurons\":30}},\"projections\":{\"p\":{\"source\":\"a\","
        "\"target\":\"a\",\"rule\":\"fixed_indegree\",\"indegree\":3,\"multapses\":false,"
        "\"receptors\":{\"v_jump_mV\":1},\"weight_mV\":1,\"delay_ms\":1,\"long_term_plasticity\":{"
        "\"rule\":\"stdp\",\"weight_max_mV\":5},\"structure\":{\"update_s\":0.01,\"form\":{"
        "\"per_target_per_h\":7200,\"weight_mV\":1},\"rate_scale\":1000,\"spare\":20}}},"
        "\"protocol\":[{\"phase\":\"all\",\"seconds\":1}]}");
    network w = open_loaded(e, NULL);
    uint64_t n;
    advance(&w, 205);
    edge *edges = edges_of(&w, 0, &n);
    assert_true(n > 30 * 25 && n <= 30 * 29);
    for (uint64_t i = 0; i < n; i++) {
        assert_int_not_equal(edges[i].source, edges[i].target);
        assert_true(i == 0 || edges[i].target != edges[i - 1].target ||
                    edges[i].source > edges[i - 1].source);
    }
    free(edges);
    close_network(&w);
}

/* --- signal and scale ------------------------------------------------------------------------------------ */

/* S of a constant tone C is C (1 - exp(-t / tau)) at updates. */
static void test_signal_follows_slowly(void **state)
{
    (void)state;
    capture c = capture_run(
        "{\"schema_version\":1,\"cells\":{\"lif\":{\"model\":\"lif_delta\"}},\"populations\":{"
        "\"a\":{\"cell\":\"lif\",\"region\":\"r\",\"n_neurons\":30}},\"modulators\":{\"tone\":{"
        "\"compartments\":{\"r\":{\"tone_nM\":40}}}},\"projections\":{\"p\":{\"source\":\"a\","
        "\"target\":\"a\",\"rule\":\"fixed_indegree\",\"indegree\":3,"
        "\"receptors\":{\"v_jump_mV\":1},\"weight_mV\":1,\"delay_ms\":1,\"long_term_plasticity\":{"
        "\"rule\":\"stdp\",\"weight_max_mV\":5},\"structure\":{\"update_s\":0.05,\"rate_scale\":"
        "1000,"
        "\"signal\":{\"modulator\":\"tone\",\"tau_h\":0.1}}}},"
        "\"protocol\":[{\"phase\":\"all\",\"seconds\":1}],\"record\":{\"timeline_interval_ms\":50}"
        "}",
        NULL);
    assert_int_equal(c.n_rows, 20);
    for (uint32_t row = 0; row < c.n_rows; row++) {
        const double expected = 40 * -expm1(-0.05 * row * 1000 / 360);
        assert_true(fabs(capture_value(&c, "p.signal", row) - expected) < 1e-5 * 40);
        assert_true(capture_value(&c, "p.contacts", row) == 90);
    }
    capture_free(&c);
}

/* Contacts come and go as often with rates a hundred times as low and a scale of 100: each one the same. */
static void test_compressed_rates_are_rates(void **state)
{
    (void)state;
    network plain = open_loaded(load(300, 200, 20, 3, DRAWN,
                                     "\"update_s\":0.02,\"prune\":{\"rate_per_h\":12800,"
                                     "\"older_than_s\":0.04},\"form\":{\"per_target_per_h\":64000,"
                                     "\"weight_mV\":1}"),
                                NULL);
    network scaled = open_loaded(load(300, 200, 20, 3, DRAWN,
                                      "\"update_s\":0.02,\"rate_scale\":128,\"prune\":{"
                                      "\"rate_per_h\":100,\"older_than_s\":5.12},"
                                      "\"form\":{\"per_target_per_h\":500,\"weight_mV\":1}"),
                                 NULL);
    advance(&plain, 126);
    advance(&scaled, 126);
    assert_true(counts_of(&plain).formed > 100 && counts_of(&plain).pruned > 100);
    assert_same_edges(&plain, &scaled, 1);
    close_network(&plain);
    close_network(&scaled);
}

/* Hazard per second 5 of becoming mature: silent contacts are left as exp(-5 t). */
static void test_slow_transitions_of_a_rule(void **state)
{
    (void)state;
    meso_experiment *e = NULL;
    meso_error err = {0};
    const char *changes[] = {
        "populations.in.n_neurons=400",           "populations.out.n_neurons=300",
        "projections.silent.structure.form=null", "projections.forward.structure=null",
        "projections.recurrent.structure=null",   "projections.recurrent.weight_mV=0"};
    check(meso_experiment_load("tests/support/structure.json", changes, 6, &e, &err), &err);
    const uint32_t p = projection_named(e, "silent");
    network w = open_loaded(e, NULL);
    uint64_t n;
    double silent = 0, weight = 0;
    advance(&w, 208); /* ten updates */
    edge *edges = edges_of(&w, p, &n);
    for (uint64_t i = 0; i < n; i++) {
        silent += edges[i].weight == 0;
        weight += edges[i].weight;
    }
    const double left = exp(-5 * 0.2), mature = (double)n - silent;
    assert_within("silent", silent, (double)n * left, (double)n * left * (1 - left), 7);
    assert_true(fabs(weight / mature - 2) < SIGMAS * 2 / sqrt(12 * mature));
    free(edges);
    close_network(&w);
}

/* --- events, and no room ----------------------------------------------------------------------------------- */

#define UPDATES 7

/* Contacts of each source after each update. */
static void degrees_read(network *w, uint32_t degrees[UPDATES + 1][100])
{
    for (uint32_t u = 0; u <= UPDATES; u++) {
        uint64_t n;
        advance(w, 50 * u + (u > 0 ? 6 : 0));
        edge *edges = edges_of(w, 0, &n);
        for (uint64_t i = 0; i < n; i++)
            degrees[u][edges[i].source]++;
        free(edges);
    }
}

/* A spike sets off what its source has had since the update before it; that is known, at the latest, the longest delay and
 * two field steps after the update. Here an interval is collected while the next one
 * runs, and some have several updates, some none. */
static void test_events_are_counted_with_the_contacts_of_their_time(void **state)
{
    (void)state;
    static const float no_drugs[SIMULATION_INTERVAL];
    static const uint32_t lengths[] = {3, 100, 40, 6, 1, 100, 53, 49, 5};
    const size_t n_lengths = sizeof lengths / sizeof *lengths;
    const char structure[] = "\"update_s\":0.05,\"prune\":{\"rate_per_h\":15000},"
                             "\"form\":{\"per_target_per_h\":300000,\"weight_mV\":1}";
    uint32_t degrees[UPDATES + 1][100] = {{0}};
    uint64_t expected = 0;
    meso_error err = {0};
    network first = open_loaded(load(100, 50, 200, 9, DRAWN, structure), NULL);
    degrees_read(&first, degrees);
    assert_true(degrees[0][0] != degrees[UPDATES][0] || degrees[0][1] != degrees[UPDATES][1]);
    close_network(&first);
    network w = open_loaded(load(100, 50, 200, 9, DRAWN, structure), NULL);
    for (size_t k = 0; k <= n_lengths; k++) {
        interval r;
        if (k < n_lengths)
            check(simulation_enqueue(w.sim, lengths[k], no_drugs, &err), &err);
        if (k == 0)
            continue;
        check(simulation_collect(w.sim, &r, &err), &err);
        for (uint64_t i = 0; i < r.n_spikes; i++)
            if (r.spikes[i].population == 0)
                expected += degrees[r.spikes[i].step / 500][r.spikes[i].neuron];
    }
    assert_int_equal(simulation_events(w.sim), expected);
    close_network(&w);
}

static void refuse(const char *structure, const char *part)
{
    meso_experiment *e = load(20, 30, 5, 1,
                              "\"rule\":\"all_to_all\",\"weight_mV\":1,\"delay_ms\":1", structure);
    meso_error err = {0};
    assert_int_equal(meso_experiment_run(e, capture_device(), NULL, NULL, 0, &err), MESO_NUMERICS);
    if (strstr(err.message, part) == NULL)
        fail_msg("'%s' is not in: %s", part, err.message);
    meso_experiment_destroy(&e);
}

static void test_no_room_is_an_error(void **state)
{
    (void)state;
    refuse("\"update_s\":0.02,\"form\":{\"per_target_per_h\":1e6,\"weight_mV\":1}",
           "projections.p: no room for a new contact: a row has ");
    refuse("\"update_s\":0.02,\"prune\":{\"rate_per_h\":1},\"spare\":0,\"form\":{"
           "\"per_target_per_h\":5e5,\"weight_mV\":1},\"rate_scale\":10",
           "projections.p: no room for a new contact: a ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_million_contacts_keep_every_invariant),
        cmocka_unit_test(test_same_contacts_and_spikes_for_any_layout),
        cmocka_unit_test(test_exactly_the_weak_contacts_go),
        cmocka_unit_test(test_contents_add_to_the_weight),
        cmocka_unit_test(test_new_contacts_have_contents),
        cmocka_unit_test(test_weak_contacts_go_after_a_time),
        cmocka_unit_test(test_young_contacts_are_spared),
        cmocka_unit_test(test_new_contacts_are_poisson_and_uniform),
        cmocka_unit_test(test_no_pair_twice_and_no_cell_to_itself),
        cmocka_unit_test(test_signal_follows_slowly),
        cmocka_unit_test(test_compressed_rates_are_rates),
        cmocka_unit_test(test_slow_transitions_of_a_rule),
        cmocka_unit_test(test_events_are_counted_with_the_contacts_of_their_time),
        cmocka_unit_test(test_no_room_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
