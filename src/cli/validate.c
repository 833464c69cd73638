#include "cli/command.h"
#include "cli/validate.h"

#include "base/arena.h"
#include "base/expression.h"
#include "base/text.h"
#include "config/targets.h"
#include "model/experiment.h"
#include <ctype.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LIST = 1, JSON, MARKDOWN, TABLE, DEVICE };

static const char BUILT_IN_TABLE[] = "builtin:validation/targets.json";

static const option_spec OPTIONS[] = {
    {LIST, "list", NULL, "print the targets; nothing runs"},
    {JSON, "json", "FILE", "write the results as JSON"},
    {MARKDOWN, "markdown", "FILE", "write them as a page, as docs/validation.md"},
    {TABLE, "table", "FILE", "targets of your own; default: those in the program"},
    {DEVICE, "device", "SEL", "index, part of a name, cpu or gpu; see mesocl devices"},
    {0},
};

/* A run of the table with one seed, and what it gave. */
typedef struct result {
    const target_run *run;
    uint32_t seed;
    meso_status status;
    bool loaded;
    char message[256];
    char (*names)
        [128]; /* [n] <assay>.<quantity>, given.<contingency>, n.<population>, indegree.<projection> */
    double *values;
    uint32_t n, capacity;
} result;

typedef struct session {
    target_table table;
    meso_device *device;
    const char *selector;
    arena *memory;
    result **results; /* [n_runs][most seeds] */
    uint32_t most_seeds;
    uint32_t seed;                  /* of the value that is looked up */
    uint32_t first_seed, last_seed; /* over which it is averaged */
    bool
        missing; /* the evaluation failed because an experiment, or what it should measure, is not there */
} session;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- running ---------------------------------------------------------------------------------- */

static bool result_add(result *r, const char *first, const char *second, double value)
{
    if (r->n == r->capacity) {
        const uint32_t capacity = r->capacity > 0 ? 2 * r->capacity : 64;
        char(*names)[128] = realloc(r->names, capacity * sizeof *names);
        r->names = names != NULL ? names : r->names;
        double *values = realloc(r->values, capacity * sizeof *values);
        r->values = values != NULL ? values : r->values;
        if (names == NULL || values == NULL)
            return false;
        r->capacity = capacity;
    }
    snprintf(r->names[r->n], sizeof *r->names, "%s.%s", first, second);
    r->values[r->n++] = value;
    return true;
}

static meso_status take_values(void *self, const meso_summary *summary, meso_error *err)
{
    result *r = self;
    for (uint32_t i = 0; i < summary->n_assay_values; i++) {
        const meso_assay_value *v = &summary->assay_values[i];
        if (!result_add(r, v->name, v->quantity, v->value))
            return error_set(err, MESO_MEMORY, "out of memory");
    }
    for (uint32_t i = 0; i < summary->n_contingencies; i++) {
        const meso_contingency_count *c = &summary->contingencies[i];
        if (!result_add(r, "given", c->name, (double)c->given))
            return error_set(err, MESO_MEMORY, "out of memory");
    }
    return MESO_OK;
}

/* What the experiment says itself. */
static meso_status take_counts(result *r, const experiment *e, meso_error *err)
{
    for (uint32_t i = 0; i < e->n_populations; i++)
        if (!result_add(r, "n", e->populations[i].name, e->populations[i].n_neurons))
            return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < e->n_projections; i++)
        if (!result_add(r, "indegree", e->projections[i].name, e->projections[i].indegree))
            return error_set(err, MESO_MEMORY, "out of memory");
    return MESO_OK;
}

static meso_status execute(session *s, result *r, meso_error *err)
{
    const target_run *run = r->run;
    char seed[32];
    const char **overrides = arena_alloc(s->memory, (run->n_overrides + 1) * sizeof *overrides);
    if (overrides == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    memcpy(overrides, run->overrides, run->n_overrides * sizeof *overrides);
    snprintf(seed, sizeof seed, "seed=%u", r->seed);
    overrides[run->n_overrides] = seed;
    meso_experiment *e;
    MESO_TRY(meso_experiment_load(run->experiment, overrides, run->n_overrides + 1, &e, err));
    r->loaded = true;
    meso_sink sink = {.self = r, .end = take_values};
    meso_sink *const sinks[] = {&sink};
    meso_status status = MESO_OK;
    if (s->device == NULL) {
        const meso_device_options options = {.selector = s->selector};
        status = meso_device_open(&options, &s->device, err);
    }
    if (status == MESO_OK)
        status = meso_experiment_run(e, s->device, NULL, sinks, 1, err);
    if (status == MESO_OK)
        status = take_counts(r, e, err);
    meso_experiment_destroy(&e);
    return status;
}

/* A run that is needed for the first time is made now. */
static result *result_of(session *s, uint32_t run, uint32_t seed)
{
    result *r = &s->results[run][seed - 1];
    if (r->run != NULL)
        return r;
    meso_error err = {0};
    r->run = &s->table.runs[run];
    r->seed = seed;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "running %s, seed %u ...\r", r->run->name, seed);
    r->status = execute(s, r, &err);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\x1b[K");
    if (r->status != MESO_OK)
        snprintf(r->message, sizeof r->message, "%s: %.200s", r->run->name, err.message);
    return r;
}

/* --- evaluation ------------------------------------------------------------------------------- */

/* "<assay>.<quantity>.highest": of all moments at which it was measured; else the first. */
static bool take_highest(const result *r, const char *name, double *value)
{
    static const char suffix[] = ".highest";
    const size_t length = strlen(name), rest = length - (sizeof suffix - 1);
    bool found = false;
    if (length < sizeof suffix || strcmp(name + rest, suffix) != 0)
        return false;
    for (uint32_t i = 0; i < r->n; i++) {
        if (strncmp(r->names[i], name, rest) != 0 || r->names[i][rest] != '\0')
            continue;
        *value = found ? fmax(*value, r->values[i]) : r->values[i];
        found = true;
    }
    return found;
}

static meso_status find_value(session *s, const result *r, const char *name, double *value,
                              meso_error *err)
{
    const char **names = malloc((r->n + 1) * sizeof *names);
    if (names == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    if (take_highest(r, name, value)) {
        free(names);
        return MESO_OK;
    }
    for (uint32_t i = 0; i < r->n; i++) {
        names[i] = r->names[i];
        if (strcmp(names[i], name) == 0) {
            *value = r->values[i];
            free(names);
            return MESO_OK;
        }
    }
    s->missing = true;
    const char *near = text_nearest(name, names, r->n);
    meso_status status = error_set(err, MESO_NOT_FOUND, "run '%s' has no value '%s'%s%s%s",
                                   r->run->name, name, near != NULL ? "; did you mean '" : "",
                                   near != NULL ? near : "", near != NULL ? "'?" : "");
    free(names);
    return status;
}

/* "<run>.<assay>.<quantity>" with one seed: runs what is needed. */
static meso_status look_up_one(session *s, const char *name, double *value, meso_error *err)
{
    const size_t length = strcspn(name, ".");
    for (uint32_t i = 0; i < s->table.n_runs; i++) {
        const char *run = s->table.runs[i].name;
        if (strlen(run) != length || strncmp(run, name, length) != 0 || name[length] != '.')
            continue;
        const result *r = result_of(s, i, s->seed);
        if (r->status == MESO_OK)
            return find_value(s, r, name + length + 1, value, err);
        s->missing = !r->loaded;
        return error_set(err, r->status, "%s", r->message);
    }
    return error_set(err, MESO_NOT_FOUND, "the table has no run of '%s'", name);
}

/* The mean over the seeds that go into it: all of the target, or the one of this evaluation. */
static meso_status look_up(void *self, const char *name, double *value, meso_error *err)
{
    session *s = self;
    double sum = 0;
    for (s->seed = s->first_seed; s->seed <= s->last_seed; s->seed++) {
        double one = NAN;
        MESO_TRY(look_up_one(s, name, &one, err));
        sum += one;
    }
    *value = sum / (s->last_seed - s->first_seed + 1);
    return MESO_OK;
}

/* Pending is only what is not there yet and is said to be so. */
static void fail(const session *s, finding *f, const char *message)
{
    const char *pending = f->target->pending;
    const bool waits = pending != NULL && s->missing;
    f->verdict = waits ? VERDICT_PENDING : VERDICT_ERROR;
    f->mean = NAN;
    snprintf(f->message, sizeof f->message, "%.250s", waits ? pending : message);
}

static void measure(session *s, const target *t, finding *f)
{
    const uint32_t n = t->of_means ? 1 : t->seeds;
    double sum = 0, squares = 0;
    s->missing = false;
    for (uint32_t i = 1; i <= n; i++) {
        double value;
        meso_error err = {0};
        s->first_seed = i;
        s->last_seed = t->of_means ? t->seeds : i;
        if (expression_evaluate(t->measure, look_up, s, &value, &err) != MESO_OK) {
            fail(s, f, err.message);
            return;
        }
        sum += value;
        squares += value * value;
    }
    f->mean = sum / n;
    if (n > 1)
        f->sd = sqrt(fmax(0, (squares - sum * f->mean) / (n - 1)));
    f->verdict = target_judge(t, f->mean);
}

static void evaluate(session *s, const target *t, finding *f)
{
    *f = (finding){.target = t, .mean = NAN, .sd = NAN};
    if (t->measure != NULL) {
        measure(s, t, f);
        return;
    }
    f->verdict = VERDICT_UNMEASURED;
    snprintf(f->message, sizeof f->message, "%.250s", t->not_measured);
}

static int validate(session *s, const target *const *wanted, uint32_t n, validation *v)
{
    finding *findings = arena_alloc(s->memory, (n + 1) * sizeof *findings);
    s->results = arena_alloc(s->memory, (s->table.n_runs + 1) * sizeof *s->results);
    for (uint32_t i = 0; i < n; i++)
        s->most_seeds = wanted[i]->seeds > s->most_seeds ? wanted[i]->seeds : s->most_seeds;
    bool complete = findings != NULL && s->results != NULL;
    for (uint32_t i = 0; complete && i < s->table.n_runs; i++) {
        s->results[i] = arena_alloc(s->memory, s->most_seeds * sizeof **s->results);
        complete = s->results[i] != NULL;
    }
    if (!complete)
        return report_error(MESO_MEMORY, &(meso_error){.message = "out of memory"});
    const double start_s = now_s();
    for (uint32_t i = 0; i < n; i++) {
        evaluate(s, wanted[i], &findings[i]);
        print_finding(&findings[i]);
    }
    v->findings = findings;
    v->n_findings = n;
    v->wall_s = now_s() - start_s;
    v->device = s->device != NULL ? meso_device_describe(s->device)->name : "no device";
    print_counts(v);
    for (uint32_t i = 0; i < n; i++)
        if (findings[i].verdict == VERDICT_ERROR)
            return EXIT_FAILURE;
    return EXIT_SUCCESS;
}

/* --- the command ------------------------------------------------------------------------------ */

typedef struct request {
    const char *json, *markdown, *table;
    bool list;
    char *const *ids;
    int n_ids;
    text command;
} request;

static void print_targets(const target *const *wanted, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char gate[64];
        target_gate(wanted[i], gate, sizeof gate);
        printf("%-9s %-6s %s\n%*s published %s; gate %s%s%s\n", wanted[i]->id,
               target_status_names[wanted[i]->status], wanted[i]->finding, 16, "",
               wanted[i]->published, gate, *wanted[i]->unit ? " " : "", wanted[i]->unit);
    }
}

/* "D4" stands for itself and for "D4.1", "D4.2", ...; "D" for "D1", "D2", ... too. */
static bool is_named(const target *t, const char *id)
{
    const size_t n = strlen(id);
    if (n == 0 || strncmp(t->id, id, n) != 0)
        return false;
    const bool letters = isalpha((unsigned char)id[n - 1]) != 0;
    return t->id[n] == '\0' || t->id[n] == '.' || (letters && isdigit((unsigned char)t->id[n]));
}

static int unknown_target(const command *self, const target_table *table, const char *id)
{
    const char **ids = malloc((table->n_targets + 1) * sizeof *ids);
    for (uint32_t i = 0; ids != NULL && i < table->n_targets; i++)
        ids[i] = table->targets[i].id;
    const char *near = ids != NULL ? text_nearest(id, ids, table->n_targets) : NULL;
    free(ids);
    if (near != NULL)
        return usage_error(self, "unknown target \"%s\"; did you mean \"%s\"?", id, near);
    return usage_error(self, "unknown target \"%s\"; --list prints them", id);
}

static int select_targets(const command *self, session *s, const request *q, const target ***wanted,
                          uint32_t *n)
{
    const target_table *table = &s->table;
    *wanted = arena_alloc(s->memory, (table->n_targets + 1) * sizeof **wanted);
    *n = 0;
    if (*wanted == NULL)
        return report_error(MESO_MEMORY, &(meso_error){.message = "out of memory"});
    for (int k = 0; k < q->n_ids; k++) {
        bool found = false;
        for (uint32_t i = 0; i < table->n_targets; i++)
            found = found || is_named(&table->targets[i], q->ids[k]);
        if (!found)
            return unknown_target(self, table, q->ids[k]);
    }
    for (uint32_t i = 0; i < table->n_targets; i++) {
        bool asked = q->n_ids == 0;
        for (int k = 0; k < q->n_ids; k++)
            asked = asked || is_named(&table->targets[i], q->ids[k]);
        if (asked)
            (*wanted)[(*n)++] = &table->targets[i];
    }
    return EXIT_SUCCESS;
}

static int answer(const command *self, session *s, request *q)
{
    meso_error err = {0};
    const target **wanted;
    uint32_t n;
    meso_status status = targets_load(q->table, s->memory, &s->table, &err);
    if (status != MESO_OK)
        return report_error(status, &err);
    int exit_code = select_targets(self, s, q, &wanted, &n);
    if (exit_code != EXIT_SUCCESS)
        return exit_code;
    if (q->list) {
        print_targets(wanted, n);
        return EXIT_SUCCESS;
    }
    validation v = {.command = q->command.failed ? "mesocl validate" : q->command.data};
    exit_code = validate(s, wanted, n, &v);
    if (v.findings == NULL)
        return exit_code;
    if (q->json != NULL)
        status = write_validation_json(&v, q->json, &err);
    if (status == MESO_OK && q->markdown != NULL)
        status = write_validation_markdown(&v, q->markdown, &err);
    return status == MESO_OK ? exit_code : report_error(status, &err);
}

static bool read_request(const command *self, int argc, char **argv, request *q, session *s)
{
    int id;
    text_append(&q->command, "mesocl");
    for (int i = 0; i < argc; i++)
        text_appendf(&q->command, " %s", argv[i]);
    while ((id = next_option(self, argc, argv)) != OPTIONS_END) {
        switch (id) {
        case LIST:
            q->list = true;
            break;
        case JSON:
            q->json = optarg;
            break;
        case MARKDOWN:
            q->markdown = optarg;
            break;
        case TABLE:
            q->table = optarg;
            break;
        case DEVICE:
            s->selector = optarg;
            break;
        default: /* OPTIONS_BAD */
            return false;
        }
    }
    q->ids = argv + optind;
    q->n_ids = argc - optind;
    return true;
}

static void session_end(session *s)
{
    for (uint32_t i = 0; s->results != NULL && i < s->table.n_runs; i++)
        for (uint32_t k = 0; s->results[i] != NULL && k < s->most_seeds; k++) {
            free(s->results[i][k].names);
            free(s->results[i][k].values);
        }
    meso_device_close(&s->device);
    arena_destroy(&s->memory);
}

static int run(const command *self, int argc, char **argv)
{
    session s = {.memory = arena_create()};
    request q = {.table = BUILT_IN_TABLE};
    int exit_code = EXIT_USAGE;
    if (s.memory == NULL)
        return report_error(MESO_MEMORY, &(meso_error){.message = "out of memory"});
    if (read_request(self, argc, argv, &q, &s))
        exit_code = answer(self, &s, &q);
    text_free(&q.command);
    session_end(&s);
    return exit_code;
}

const command validate_command = {
    .name = "validate",
    .operand = "[TARGET...]",
    .summary = "published findings: simulated beside published, pass or miss",
    .details =
        "Without TARGET, all of them, which takes minutes; \"D4\" stands for D4.1, D4.2, ... too,\n"
        "\"D\" for all whose name begins so.\n"
        "Verdicts: pass; miss; warn: a number that is only recalled is missed; pending: the\n"
        "experiment waits for what the table says; not measured: nothing here can, for the reason\n"
        "given; error. Rows that the model was calibrated on are counted apart. A miss is a\n"
        "result: the exit code is 0; it is 1 after an error: an experiment that does not load or "
        "run.\n",
    .options = OPTIONS,
    .run = run,
};
