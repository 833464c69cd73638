#include "config/doses.h"
#include <math.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const durations[] = {"ms", "seconds", "minutes", "hours", "days", NULL};

/* clang-format off */
static const field phase_fields[] = {
    {.key = "phase", .kind = FIELD_TEXT, .required = true, FIELD_IN(phase, name),
     .doc = "what people call it"},
    {.key = "ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_ABOVE(0, LONGEST_MS),
     .doc = "duration"},
    {.key = "seconds", .kind = FIELD_NUMBER, .unit = "s", FIELD_ABOVE(0, LONGEST_S),
     .doc = "duration"},
    {.key = "minutes", .kind = FIELD_NUMBER, .unit = "min", FIELD_ABOVE(0, LONGEST_MIN),
     .doc = "duration"},
    {.key = "hours", .kind = FIELD_NUMBER, .unit = "h", FIELD_ABOVE(0, LONGEST_H),
     .doc = "duration"},
    {.key = "days", .kind = FIELD_NUMBER, .unit = "days", FIELD_ABOVE(0, LONGEST_DAYS),
     .doc = "duration"},
    {.key = "events", .kind = FIELD_LIST, .type = &event_type, .doc = "doses"},
    {.key = "leap_min", .kind = FIELD_NUMBER, .unit = "min", FIELD_DEFAULT(0),
     FIELD_FROM(0, LONGEST_MIN),
     .doc = "drug levels move on by this time before the phase begins, while the network stands still: "
            "a short phase samples a long time course"},
    {.key = "bath_nM", .kind = FIELD_NUMBER_MAP, .unit = "nM", FIELD_FROM(0, 1e12),
     .doc = "free levels of drugs that are held during the phase, by name, whatever was given: a slice "
            "in a bath"},
    {0}};
/* clang-format on */

const object_type phase_type = {
    .name = "phase", .doc = "A part of the protocol", .fields = phase_fields, .one_of = durations};

/* --- building --------------------------------------------------------------------------------- */

/* Of the one key that is given. */
static double read_duration(const cJSON *object)
{
    static const double seconds[] = {0.001, 1, 60, 3600, 86400};
    size_t i = 0;
    while (!get_member(object, durations[i]))
        i++;
    return get_member(object, durations[i])->valuedouble * seconds[i];
}

static meso_status read_bath(loader *l, const cJSON *map, phase *p)
{
    const experiment *e = l->experiment;
    double *bath_nM = loader_alloc(l, e->n_drugs, sizeof *bath_nM);
    if (!bath_nM)
        return MESO_MEMORY;
    p->bath_nM = bath_nM;
    for (uint32_t d = 0; d < e->n_drugs; d++)
        bath_nM[d] = NAN;
    for (const cJSON *level = first_member(map); level; level = next_member(level)) {
        uint32_t d = 0;
        name_list names = {0};
        for (; d < e->n_drugs && strcmp(e->drugs[d].name, level->string) != 0; d++)
            names_add(&names, e->drugs[d].name, NULL);
        meso_status status = MESO_OK;
        if (d == e->n_drugs)
            status = names_error_value(&l->document, level, level->string, "drugs", &names, l->err);
        else
            bath_nM[d] = level->valuedouble;
        names_free(&names);
        MESO_TRY(status);
    }
    return MESO_OK;
}

static meso_status read_phase(loader *l, const cJSON *object, double start_s, phase *p, dose **next)
{
    MESO_TRY(loader_read(l, &phase_type, object, p));
    p->duration_s = read_duration(object);
    p->start_s = start_s;
    p->leap_s = get_member(object, "leap_min")->valuedouble * 60;
    if (get_member(object, "bath_nM"))
        MESO_TRY(read_bath(l, get_member(object, "bath_nM"), p));
    const cJSON *events = get_member(object, "events");
    for (const cJSON *event = events ? events->child : NULL; event; event = event->next)
        MESO_TRY(load_doses(l, event, p, next));
    return MESO_OK;
}

/* Insertion keeps the order of doses at one time, and lists are short and nearly sorted. */
static void sort_doses(dose *doses, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        const dose d = doses[i];
        uint32_t j = i;
        for (; j > 0 && doses[j - 1].time_s > d.time_s; j--)
            doses[j] = doses[j - 1];
        doses[j] = d;
    }
}

static meso_status check_duration(loader *l, const cJSON *list)
{
    const experiment *e = l->experiment;
    if (is_multiple(e->duration_s * 1000, e->field_step_ms))
        return MESO_OK;
    return LOADER_ERROR(l, list, NULL, MESO_RANGE,
                        "all phases together, %.15g ms, are not a multiple of field_step_ms, "
                        "%.15g ms",
                        e->duration_s * 1000, e->field_step_ms);
}

meso_status load_protocol(loader *l)
{
    const cJSON *list = loader_section(l, "protocol");
    experiment *e = l->experiment;
    e->n_phases = (uint32_t)cJSON_GetArraySize(list);
    if (e->n_phases == 0)
        return LOADER_ERROR(l, l->document.root, "protocol", MESO_CONFIG,
                            "missing: an experiment has at least one phase");
    uint32_t most_doses = 0;
    for (const cJSON *object = list->child; object; object = object->next) {
        const cJSON *events = get_member(object, "events");
        for (const cJSON *event = events ? events->child : NULL; event; event = event->next)
            most_doses += count_doses(event);
    }
    phase *phases = loader_alloc(l, e->n_phases, sizeof *phases);
    dose *doses = loader_alloc(l, most_doses, sizeof *doses);
    if (!phases || !doses)
        return MESO_MEMORY;
    e->phases = phases;
    e->doses = doses;
    dose *next = doses;
    for (const cJSON *object = list->child; object; object = object->next, phases++) {
        MESO_TRY(read_phase(l, object, e->duration_s, phases, &next));
        e->duration_s += phases->duration_s;
    }
    e->n_doses = (uint32_t)(next - doses);
    sort_doses(doses, e->n_doses);
    return check_duration(l, list);
}
