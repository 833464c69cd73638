/*
 * The state of a simulation: shown to a visitor and put back into a new simulation, it goes on with the same bits. What
 * claims to be constant is, so nothing that changes is left out.
 */
#include "base/hash.h"
#include "capture.h"
#include "engine/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        meso_error err = {0};                                                                      \
        if ((call) != MESO_OK)                                                                     \
            fail_msg("%s", err.message);                                                           \
    } while (0)

/* --- a visitor that keeps blocks in memory --------------------------------------------------------- */

typedef struct block {
    char name[160];
    uint64_t bytes;
    void *data;
} block;

typedef struct keeper {
    block blocks[256];
    uint32_t n, next;
} keeper;

static meso_status keep(void *self, const char *name, void *data, uint64_t bytes, meso_error *err)
{
    keeper *k = self;
    (void)err;
    for (uint32_t i = 0; i < k->n; i++)
        assert_string_not_equal(k->blocks[i].name, name);
    block *b = &k->blocks[k->n++];
    assert_true(k->n < 256 && strlen(name) < sizeof b->name);
    strcpy(b->name, name);
    b->bytes = bytes;
    b->data = malloc(bytes);
    memcpy(b->data, data, bytes);
    return MESO_OK;
}

static meso_status give_back(void *self, const char *name, void *data, uint64_t bytes,
                             meso_error *err)
{
    keeper *k = self;
    (void)err;
    const block *b = &k->blocks[k->next++];
    assert_true(k->next <= k->n);
    assert_string_equal(b->name, name);
    assert_int_equal(b->bytes, bytes);
    memcpy(data, b->data, bytes);
    return MESO_OK;
}

static void keeper_free(keeper *k)
{
    for (uint32_t i = 0; i < k->n; i++)
        free(k->blocks[i].data);
    *k = (keeper){0};
}

/* --- what a simulation does ------------------------------------------------------------------------- */

static const float *drugs_nM(const experiment *e)
{
    static float levels[SIMULATION_INTERVAL * 64];
    assert_true(e->n_drugs <= 64);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        levels[i] = 50 + (float)(i % 7);
    return levels;
}

static simulation *create(const experiment *e, const meso_run_options *options)
{
    simulation *sim = NULL;
    assert_ok(simulation_create(e, capture_device(), options, &sim, &err));
    return sim;
}

/* Advance in intervals of `most`; hash of all that came out. */
static uint64_t advance(simulation *sim, uint32_t n_fields, uint32_t most, uint64_t *n_spikes)
{
    hash_stream *h = hash_stream_create();
    const uint32_t n_reports = sim->e->record.n_reports;
    for (uint32_t done = 0, n; done < n_fields; done += n) {
        interval r;
        n = n_fields - done < most ? n_fields - done : most;
        assert_ok(simulation_enqueue(sim, n, drugs_nM(sim->e), &err));
        assert_ok(simulation_collect(sim, &r, &err));
        *n_spikes += r.n_spikes;
        hash_stream_add(h, r.spikes, r.n_spikes * sizeof *r.spikes);
        hash_stream_add(h, r.timeline,
                        (size_t)r.n_rows * simulation_n_field(sim) * sizeof *r.timeline);
        for (uint32_t i = 0; i < n_reports; i++)
            hash_stream_add(h, r.frames[i],
                            (size_t)r.n_frames[i] * sim->recorder.n_elements[i] * sizeof(float));
    }
    const uint64_t value = hash_stream_value(h);
    hash_stream_destroy(&h);
    return value;
}

/* Everything that can be read back of projections that learn. */
static uint64_t weights_hash(simulation *sim)
{
    uint64_t h = 0;
    for (uint32_t p = 0; p < sim->e->n_projections; p++) {
        edge *edges = NULL;
        uint64_t n = 0;
        if (sim->e->projections[p].learning == NULL)
            continue;
        assert_ok(simulation_edges(sim, p, &edges, &n, &err));
        for (uint64_t i = 0; i < n; i++) {
            h = hash_bytes(&edges[i].source, sizeof edges[i].source, h);
            h = hash_bytes(&edges[i].target, sizeof edges[i].target, h);
            h = hash_bytes(&edges[i].weight, sizeof edges[i].weight, h);
        }
        free(edges);
    }
    return h;
}

static void check_same_after_restart(const experiment *e, const meso_run_options *options,
                                     uint32_t n_before, uint32_t n_after)
{
    keeper k = {0};
    uint64_t n_spikes = 0, n_again = 0;
    simulation *sim = create(e, options);
    const uint64_t weights_first = weights_hash(sim);
    advance(sim, n_before, SIMULATION_INTERVAL, &n_spikes);
    assert_ok(simulation_state(sim, &(meso_state_visitor){&k, false, keep}, &err));
    n_spikes = 0;
    const uint64_t wanted = advance(sim, n_after, SIMULATION_INTERVAL, &n_spikes);
    const uint64_t weights = weights_hash(sim), events = simulation_events(sim);
    assert_true(n_spikes > 100);
    if (sim->l->n_learnings > 0)
        assert_int_not_equal(weights, weights_first);
    simulation_destroy(&sim);

    simulation *again = create(e, options);
    assert_ok(simulation_state(again, &(meso_state_visitor){&k, true, give_back}, &err));
    assert_int_equal(k.next, k.n);
    assert_int_equal(advance(again, n_after, SIMULATION_INTERVAL, &n_again), wanted);
    assert_int_equal(n_again, n_spikes);
    assert_int_equal(weights_hash(again), weights);
    assert_int_equal(simulation_events(again), events);
    simulation_destroy(&again);
    keeper_free(&k);
}

static experiment *load(const char *path, const char *const *changes, uint32_t n)
{
    experiment *e = NULL;
    assert_ok(meso_experiment_load(path, changes, n, &e, &err));
    return e;
}

/* --- it goes on ------------------------------------------------------------------------------------- */

static void test_learning_goes_on(void **state)
{
    (void)state;
    experiment *e = load("tests/support/learning.json", NULL, 0);
    const meso_run_options layouts[] = {
        {0}, {.partitions = 3, .work_group_size = 1}, {.partitions = 2, .work_group_size = 16}};
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        check_same_after_restart(e, &layouts[i], 131, 150);
    meso_experiment_destroy(&e);
}

static void test_a_network_with_all_sorts_of_things_goes_on(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "record.timeline_interval_ms=20",
        "record.reports={\"v\":{\"population\":\"msn\",\"variable\":\"v_mV\",\"neurons\":5},"
        "\"c\":{\"modulator\":\"dopamine\",\"region\":\"nac\",\"variable\":\"concentration_nM\"}}"};
    for (int in_space = 0; in_space < 2; in_space++) {
        experiment *e = load(in_space ? "tests/support/grid.json" : "tests/support/busy.json",
                             changes, 2);
        check_same_after_restart(e, NULL, 133, 120);
        check_same_after_restart(e, &(meso_run_options){.partitions = 3}, 20, 101);
        meso_experiment_destroy(&e);
    }
}

static void test_a_network_goes_on_side_by_side(void **state)
{
    (void)state;
    experiment *e = load("tests/support/cortex.json", NULL, 0);
    check_same_after_restart(e, &(meso_run_options){.schedule = MESO_SCHEDULE_SIDE_BY_SIDE}, 50,
                             100);
    meso_experiment_destroy(&e);
}

static void test_nothing_is_left_of_the_time_before(void **state)
{
    (void)state;
    experiment *e = load("tests/support/learning.json", NULL, 0);
    keeper k = {0};
    uint64_t n = 0;
    simulation *sim = create(e, NULL), *other = create(e, NULL);
    advance(sim, 100, SIMULATION_INTERVAL, &n);
    assert_ok(simulation_state(sim, &(meso_state_visitor){&k, false, keep}, &err));
    advance(other, 170, SIMULATION_INTERVAL, &n); /* then put back to 100 */
    assert_ok(simulation_state(other, &(meso_state_visitor){&k, true, give_back}, &err));
    assert_int_equal(advance(other, 100, SIMULATION_INTERVAL, &n),
                     advance(sim, 100, SIMULATION_INTERVAL, &n));
    assert_int_equal(weights_hash(other), weights_hash(sim));
    simulation_destroy(&sim);
    simulation_destroy(&other);
    keeper_free(&k);
    meso_experiment_destroy(&e);
}

/* --- it is refused ---------------------------------------------------------------------------------- */

static void test_another_layout_is_refused(void **state)
{
    (void)state;
    experiment *e = load("tests/support/learning.json", NULL, 0);
    keeper k = {0};
    meso_error refusal = {0};
    simulation *sim = create(e, &(meso_run_options){.partitions = 2});
    simulation *other = create(e, &(meso_run_options){.partitions = 3});
    assert_ok(simulation_state(sim, &(meso_state_visitor){&k, false, keep}, &err));
    assert_int_equal(simulation_state(other, &(meso_state_visitor){&k, true, give_back}, &refusal),
                     MESO_VERSION);
    assert_non_null(strstr(refusal.message, "--partitions"));
    simulation_destroy(&sim);
    simulation_destroy(&other);
    keeper_free(&k);
    meso_experiment_destroy(&e);
}

static void test_a_simulation_on_its_way_is_refused(void **state)
{
    (void)state;
    experiment *e = load("tests/support/learning.json", NULL, 0);
    keeper k = {0};
    interval r;
    meso_error refusal = {0};
    simulation *sim = create(e, NULL);
    assert_ok(simulation_enqueue(sim, 10, drugs_nM(e), &err));
    assert_int_equal(simulation_state(sim, &(meso_state_visitor){&k, false, keep}, &refusal),
                     MESO_INTERNAL);
    assert_int_equal(k.n, 0);
    assert_ok(simulation_collect(sim, &r, &err));
    simulation_destroy(&sim);
    meso_experiment_destroy(&e);
}

/* --- roles ------------------------------------------------------------------------------------------ */

typedef struct census {
    simulation *sim;
    uint64_t hashes[256];
    uint32_t n;
    bool compares;
} census;

static meso_status constant_look(void *self, const buffer *b, meso_error *err)
{
    census *c = self;
    if (b->role != BUFFER_CONSTANT || b->bytes == 0)
        return MESO_OK;
    void *content = malloc(b->bytes);
    MESO_TRY(buffer_read(c->sim->device, b, 0, b->bytes, content, err));
    const uint64_t hash = hash_bytes(content, b->bytes, 0);
    free(content);
    assert_true(c->n < 256);
    if (c->compares && c->hashes[c->n] != hash)
        fail_msg("buffer `%s` is said to be constant, and changed", b->name);
    c->hashes[c->n++] = hash;
    return MESO_OK;
}

static void check_constants(const char *path)
{
    experiment *e = load(path, NULL, 0);
    census c = {.sim = create(e, NULL)};
    uint64_t n_spikes = 0;
    for (int after = 0; after < 2; after++) {
        c.n = 0;
        c.compares = after;
        assert_ok(buffers_visit(c.sim->device, c.sim->first_buffer, c.sim->end_buffer,
                                constant_look, &c, &err));
        if (!after)
            advance(c.sim, 150, SIMULATION_INTERVAL, &n_spikes);
    }
    assert_true(c.n >= 8);
    assert_true(n_spikes > 100);
    simulation_destroy(&c.sim);
    meso_experiment_destroy(&e);
}

static void test_what_is_said_to_be_constant_is(void **state)
{
    (void)state;
    check_constants("tests/support/learning.json");
    check_constants("tests/support/grid.json");
    check_constants("tests/support/cortex.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learning_goes_on),
        cmocka_unit_test(test_a_network_with_all_sorts_of_things_goes_on),
        cmocka_unit_test(test_a_network_goes_on_side_by_side),
        cmocka_unit_test(test_nothing_is_left_of_the_time_before),
        cmocka_unit_test(test_another_layout_is_refused),
        cmocka_unit_test(test_a_simulation_on_its_way_is_refused),
        cmocka_unit_test(test_what_is_said_to_be_constant_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
