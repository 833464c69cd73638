#include "config/doses.h"

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

static meso_status read_phase(loader *l, const cJSON *object, double start_s, phase *p, dose **next)
{
    MESO_TRY(loader_read(l, &phase_type, object, p));
    p->duration_s = read_duration(object);
    p->start_s = start_s;
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
