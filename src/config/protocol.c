#include "config/loader.h"

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const routes[] = {"iv", "ip", NULL};
static const char *const durations[] = {"ms", "seconds", "minutes", "hours", "days", NULL};
static const char *const times[] = {"at_ms", "at_s", "at_min", "at_h", NULL};

#define LONGEST_DAYS 10000.0
#define LONGEST_H (LONGEST_DAYS * 24)
#define LONGEST_MIN (LONGEST_H * 60)
#define LONGEST_S (LONGEST_MIN * 60)
#define LONGEST_MS (LONGEST_S * 1000)

/* clang-format off */
static const field event_fields[] = {
    {.key = "at_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_FROM(0, LONGEST_MS),
     .doc = "time from the start of the phase"},
    {.key = "at_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_FROM(0, LONGEST_S),
     .doc = "time from the start of the phase"},
    {.key = "at_min", .kind = FIELD_NUMBER, .unit = "min", FIELD_FROM(0, LONGEST_MIN),
     .doc = "time from the start of the phase"},
    {.key = "at_h", .kind = FIELD_NUMBER, .unit = "h", FIELD_FROM(0, LONGEST_H),
     .doc = "time from the start of the phase"},
    {.key = "drug", .kind = FIELD_NAME, .required = true, .doc = "name of a drug"},
    {.key = "route", .kind = FIELD_CHOICE, .choices = routes, .required = true,
     FIELD_IN(dose, route), .doc = "one that the drug has"},
    {.key = "dose_mg_per_kg", .kind = FIELD_NUMBER, .unit = "mg/kg", .required = true,
     FIELD_FROM(0, 100000), FIELD_IN(dose, dose_mg_per_kg), .doc = "dose per body mass"},
    {0}};

static const object_type event_type = {
    .name = "event", .doc = "A dose of a drug", .fields = event_fields, .one_of = times};

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

/* The one key of the list that is given, and its value in seconds. */
static const cJSON *find_time(const cJSON *object, const char *const *keys, const double *seconds,
                              double *value_s)
{
    for (size_t i = 0; keys[i]; i++) {
        const cJSON *value = get_member(object, keys[i]);
        if (value) {
            *value_s = value->valuedouble * seconds[i];
            return value;
        }
    }
    return NULL; /* not for a checked object */
}

static meso_status read_dose(loader *l, const cJSON *object, const phase *during, dose *out)
{
    static const double seconds[] = {0.001, 1, 60, 3600};
    static const char *const units[] = {"ms", "s", "min", "h"};
    const cJSON *at = find_time(object, times, seconds, &out->time_s);
    if (out->time_s >= during->duration_s) {
        size_t i = 0;
        while (get_member(object, times[i]) != at)
            i++;
        return LOADER_ERROR(l, at, NULL, MESO_RANGE, "%.15g %s is outside phase '%s', [0, %.6g) %s",
                            at->valuedouble, units[i], during->name,
                            during->duration_s / seconds[i], units[i]);
    }
    out->time_s += during->start_s;
    if (!is_multiple(out->time_s * 1000, l->experiment->field_step_ms))
        return LOADER_ERROR(l, at, NULL, MESO_RANGE,
                            "%.15g ms from the start of the experiment is not a multiple of "
                            "field_step_ms, %.15g ms",
                            out->time_s * 1000, l->experiment->field_step_ms);
    MESO_TRY(loader_read(l, &event_type, object, out));
    MESO_TRY(loader_resolve(l, get_member(object, "drug"), "drugs", &out->drug));
    const drug *d = &l->experiment->drugs[out->drug];
    if (!d->routes[out->route].given) {
        const drug_route other = out->route == ROUTE_IV ? ROUTE_IP : ROUTE_IV;
        return LOADER_ERROR(l, object, "route", MESO_NOT_FOUND, "drug '%s' has no route '%s'%s%s",
                            d->name, routes[out->route],
                            d->routes[other].given ? "; it has: " : "; it has none",
                            d->routes[other].given ? routes[other] : "");
    }
    return MESO_OK;
}

static meso_status read_phase(loader *l, const cJSON *object, double start_s, phase *p, dose **next)
{
    static const double seconds[] = {0.001, 1, 60, 3600, 86400};
    MESO_TRY(loader_read(l, &phase_type, object, p));
    find_time(object, durations, seconds, &p->duration_s);
    p->start_s = start_s;
    const cJSON *events = get_member(object, "events");
    for (const cJSON *event = events ? events->child : NULL; event; event = event->next)
        MESO_TRY(read_dose(l, event, p, (*next)++));
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
    for (const cJSON *object = list->child; object; object = object->next)
        e->n_doses += (uint32_t)cJSON_GetArraySize(get_member(object, "events"));
    phase *phases = loader_alloc(l, e->n_phases, sizeof *phases);
    dose *doses = loader_alloc(l, e->n_doses, sizeof *doses);
    if (!phases || !doses)
        return MESO_MEMORY;
    e->phases = phases;
    e->doses = doses;
    dose *next = doses;
    for (const cJSON *object = list->child; object; object = object->next, phases++) {
        MESO_TRY(read_phase(l, object, e->duration_s, phases, &next));
        e->duration_s += phases->duration_s;
    }
    sort_doses(doses, e->n_doses);
    return check_duration(l, list);
}
