/*
 * What a projection learns, for the tests of long-term plasticity:
 *
 *     learned_weights EXPERIMENT MS,MS,... [PARTITIONS WORK_GROUP_SIZE VECTOR_WIDTH]
 *
 * prints the names of the field quantities, all spikes ("s" step population neuron), rows of the time line ("f" step
 * values), triggers of contingencies ("t" number, seconds of trigger and consequence) and, at each time, the edges of the
 * first projection ("w" ms source target delay weight states).
 */
#include "engine/simulation.h"
#include "protocol/contingencies.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PULSED 4

static void print_interval(const simulation *sim, const interval *r)
{
    const uint32_t n = simulation_n_field(sim);
    for (uint64_t i = 0; i < r->n_spikes; i++)
        printf("s %llu %u %u\n", (unsigned long long)r->spikes[i].step, r->spikes[i].population,
               r->spikes[i].neuron);
    for (uint32_t i = 0; i < r->n_rows; i++) {
        printf("f %llu", (unsigned long long)r->row_steps[i]);
        for (uint32_t k = 0; k < n; k++)
            printf(" %.9g", r->timeline[i * n + k]);
        printf("\n");
    }
}

static meso_status print_trigger(void *self, const meso_trigger *t, meso_error *err)
{
    (void)self;
    (void)err;
    printf("t %u %.9g %.9g\n", t->contingency, t->time_s, t->given_s);
    return MESO_OK;
}

/* Without drugs: what a field step gets is what pulses add. */
static meso_status advance(simulation *sim, contingencies *c, uint32_t n_pulsed, uint64_t from,
                           uint64_t to, meso_error *err)
{
    static float added_nM[SIMULATION_INTERVAL * MOST_PULSED];
    while (from < to) {
        const uint32_t most = contingencies_interval(c);
        const uint32_t n = to - from < most ? (uint32_t)(to - from) : most;
        interval r;
        for (uint32_t f = 0; f < n; f++)
            contingencies_give(c, from + f, NULL, &added_nM[f * n_pulsed]);
        MESO_TRY(simulation_enqueue(sim, n, added_nM, err));
        MESO_TRY(simulation_collect(sim, &r, err));
        print_interval(sim, &r);
        MESO_TRY(contingencies_spikes(c, r.spikes, r.n_spikes, print_trigger, NULL, err));
        from += n;
    }
    return MESO_OK;
}

static meso_status print_edges(simulation *sim, double ms, meso_error *err)
{
    edge *edges = NULL;
    uint64_t n = 0;
    MESO_TRY(simulation_edges(sim, 0, &edges, &n, err));
    for (uint64_t i = 0; i < n; i++) {
        printf("w %.9g %u %u %u %.9g", ms, edges[i].source, edges[i].target, edges[i].delay_steps,
               edges[i].weight);
        for (uint32_t k = 0; k < edges[i].n_states; k++)
            printf(" %.9g", edges[i].states[k]);
        printf("\n");
    }
    free(edges);
    return MESO_OK;
}

static meso_status run(simulation *sim, const experiment *e, char *times, meso_error *err)
{
    uint64_t done = 0;
    contingencies *c;
    MESO_TRY(contingencies_create(e, e->memory, &c, err));
    if (e->n_drugs > 0 || e->n_pulsed > MOST_PULSED)
        return error_set(err, MESO_CONFIG, "drugs, or more than %d pulsed compartments",
                         MOST_PULSED);
    for (uint32_t k = 0; k < simulation_n_field(sim); k++)
        printf("%s%s", k > 0 ? " " : "", simulation_field(sim, k).name);
    printf("\n");
    for (char *time = strtok(times, ","); time != NULL; time = strtok(NULL, ",")) {
        const double ms = strtod(time, NULL);
        const uint64_t until = (uint64_t)llround(ms / e->field_step_ms);
        MESO_TRY(advance(sim, c, e->n_pulsed, done, until, err));
        MESO_TRY(print_edges(sim, ms, err));
        done = until;
    }
    return MESO_OK;
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 6) {
        fprintf(stderr, "usage: learned_weights EXPERIMENT MS,MS,... "
                        "[PARTITIONS WORK_GROUP_SIZE VECTOR_WIDTH]\n");
        return 2;
    }
    meso_run_options options = {0};
    if (argc == 6) {
        options.partitions = (uint32_t)strtoul(argv[3], NULL, 10);
        options.work_group_size = (uint32_t)strtoul(argv[4], NULL, 10);
        options.vector_width = (uint32_t)strtoul(argv[5], NULL, 10);
    }
    const meso_device_options selected = {.selector = getenv("MESOCL_TEST_DEVICE")};
    meso_error err = {0};
    meso_experiment *e = NULL;
    meso_device *device = NULL;
    simulation *sim = NULL;
    meso_status status = meso_experiment_load(argv[1], NULL, 0, &e, &err);
    if (status == MESO_OK)
        status = meso_device_open(&selected, &device, &err);
    if (status == MESO_OK)
        status = simulation_create(e, device, &options, &sim, &err);
    if (status == MESO_OK)
        status = run(sim, e, argv[2], &err);
    if (status != MESO_OK)
        fprintf(stderr, "learned_weights: %s\n", err.message);
    simulation_destroy(&sim);
    meso_device_close(&device);
    meso_experiment_destroy(&e);
    return meso_status_exit_code(status);
}
