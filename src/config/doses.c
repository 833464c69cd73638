/*
 * Events of a protocol: doses at once, infused, repeated, rising; minipumps.
 */
#include "config/doses.h"
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const time_units[] = {"ms", "s", "min", "h"};
static const double unit_s[] = {0.001, 1, 60, 3600};

static const char *const starts[] = {"at_ms", "at_s", "at_min", "at_h", NULL};
static const char *const spans[] = {"over_ms", "over_s", "over_min", "over_h", NULL};
static const char *const ends[] = {"until_ms", "until_s", "until_min", "until_h", NULL};
static const char *const periods[] = {"every_ms", "every_s", "every_min", "every_h", NULL};
static const char *const quantities[] = {"dose_mg_per_kg", "rate_mg_per_kg_per_h", NULL};
static const char *const changes[] = {"dose_factor", "dose_increment_mg_per_kg", NULL};

#define MOST_REPEATS 100000

/* An event as it stands there. */
typedef struct event {
    uint32_t drug, count;
    drug_route route;
    double dose_mg_per_kg, rate_mg_per_kg_per_h;
    double factor, increment_mg_per_kg;
    double at_s, over_s, until_s, every_s; /* at and until from the start of the experiment */
} event;

/* clang-format off */
/* A time in one of four units. */
#define TIME_ROWS(word, bounds, words)                                                             \
    {.key = word "_ms", .kind = FIELD_NUMBER, .unit = "ms", bounds(0, LONGEST_MS), .doc = words},  \
    {.key = word "_s", .kind = FIELD_NUMBER, .unit = "s", bounds(0, LONGEST_S), .doc = words},     \
    {.key = word "_min", .kind = FIELD_NUMBER, .unit = "min", bounds(0, LONGEST_MIN),              \
     .doc = words},                                                                                \
    {.key = word "_h", .kind = FIELD_NUMBER, .unit = "h", bounds(0, LONGEST_H), .doc = words}

static const field event_fields[] = {
    TIME_ROWS("at", FIELD_FROM, "time from the start of the phase"),
    {.key = "drug", .kind = FIELD_NAME, .required = true, .doc = "name of a drug"},
    {.key = "route", .kind = FIELD_CHOICE, .choices = route_names, .required = true,
     FIELD_IN(event, route), .doc = "one that the drug has"},
    {.key = "dose_mg_per_kg", .kind = FIELD_NUMBER, .unit = "mg/kg", FIELD_FROM(0, LARGEST_DOSE),
     FIELD_IN(event, dose_mg_per_kg), .doc = "dose per body mass; either this or a rate"},
    TIME_ROWS("over", FIELD_ABOVE, "the dose is infused for so long; default: given at once"),
    TIME_ROWS("every", FIELD_ABOVE, "from one repeat of the dose to the next"),
    {.key = "count", .kind = FIELD_INTEGER, FIELD_FROM(1, MOST_REPEATS), FIELD_IN(event, count),
     .doc = "how many doses in all, the first included"},
    {.key = "dose_factor", .kind = FIELD_NUMBER, FIELD_ABOVE(0, 1000), FIELD_IN(event, factor),
     .doc = "each dose is so many times the one before"},
    {.key = "dose_increment_mg_per_kg", .kind = FIELD_NUMBER, .unit = "mg/kg",
     FIELD_FROM(-LARGEST_DOSE, LARGEST_DOSE), FIELD_IN(event, increment_mg_per_kg),
     .doc = "each dose is so much more than the one before"},
    {.key = "rate_mg_per_kg_per_h", .kind = FIELD_NUMBER, .unit = "mg/kg/h",
     FIELD_ABOVE(0, LARGEST_DOSE), FIELD_IN(event, rate_mg_per_kg_per_h),
     .doc = "of an infusion or a minipump; either this or a dose"},
    TIME_ROWS("until", FIELD_ABOVE,
              "end of the infusion at a rate, from the start of the phase; may be in a later one; "
              "default: the end of the phase"),
    {0}};
/* clang-format on */

const object_type event_type = {.name = "event",
                                .doc = "A dose of a drug, repeats of it, or an infusion",
                                .fields = event_fields,
                                .one_of = starts};

/* --- times ------------------------------------------------------------------------------------ */

/* Which of the keys the object has; at most one of them is allowed. NULL: none. */
static meso_status find_one(loader *l, const cJSON *object, const char *const *keys,
                            const cJSON **found, size_t *which)
{
    *found = NULL;
    for (size_t i = 0; keys[i]; i++) {
        const cJSON *value = get_member(object, keys[i]);
        if (!value)
            continue;
        if (*found)
            return LOADER_ERROR(l, value, NULL, MESO_CONFIG,
                                "%s is given too: expected one of them", (*found)->string);
        *found = value;
        *which = i;
    }
    return MESO_OK;
}

/* A multiple of the field step, in seconds; not changed when no such key is given. */
static meso_status read_time(loader *l, const cJSON *object, const char *const *keys,
                             double *value_s)
{
    const cJSON *value;
    size_t unit = 0;
    MESO_TRY(find_one(l, object, keys, &value, &unit));
    if (!value)
        return MESO_OK;
    *value_s = value->valuedouble * unit_s[unit];
    if (is_multiple(*value_s * 1000, l->experiment->field_step_ms))
        return MESO_OK;
    return LOADER_ERROR(l, value, NULL, MESO_RANGE,
                        "%.15g ms is not a multiple of field_step_ms, %.15g ms", *value_s * 1000,
                        l->experiment->field_step_ms);
}

static meso_status read_start(loader *l, const cJSON *object, const phase *during, event *e)
{
    const cJSON *at;
    size_t unit = 0;
    MESO_TRY(find_one(l, object, starts, &at, &unit));
    e->at_s = at->valuedouble * unit_s[unit];
    if (e->at_s >= during->duration_s)
        return LOADER_ERROR(l, at, NULL, MESO_RANGE, "%.15g %s is outside phase '%s', [0, %.6g) %s",
                            at->valuedouble, time_units[unit], during->name,
                            during->duration_s / unit_s[unit], time_units[unit]);
    e->at_s += during->start_s;
    if (is_multiple(e->at_s * 1000, l->experiment->field_step_ms))
        return MESO_OK;
    return LOADER_ERROR(l, at, NULL, MESO_RANGE,
                        "%.15g ms from the start of the experiment is not a multiple of "
                        "field_step_ms, %.15g ms",
                        e->at_s * 1000, l->experiment->field_step_ms);
}

/* --- doses ------------------------------------------------------------------------------------ */

meso_status check_route(loader *l, const cJSON *object, uint32_t drug_index, drug_route route)
{
    const drug *d = &l->experiment->drugs[drug_index];
    if (d->routes[route].given)
        return MESO_OK;
    text others = {0};
    for (int r = 0; r < N_ROUTES; r++)
        if (d->routes[r].given)
            text_appendf(&others, "%s%s", others.length > 0 ? ", " : "", route_names[r]);
    const bool none = others.failed || !others.data;
    meso_status status = LOADER_ERROR(
        l, object, "route", MESO_NOT_FOUND, "drug '%s' has no route '%s'; it has%s%s", d->name,
        route_names[route], none ? " none" : ": ", none ? "" : others.data);
    text_free(&others);
    return status;
}

/* Keys that the event has no use for. */
static meso_status refuse(loader *l, const cJSON *object, const char *const *keys, const char *why)
{
    for (size_t i = 0; keys[i]; i++)
        if (get_member(object, keys[i]))
            return LOADER_ERROR(l, object, keys[i], MESO_CONFIG, "has no meaning %s", why);
    return MESO_OK;
}

static meso_status check_repeats(loader *l, const cJSON *object, const event *e)
{
    static const char *const count[] = {"count", NULL};
    const cJSON *change;
    size_t which;
    if (e->every_s > 0 && !get_member(object, "count"))
        return LOADER_ERROR(l, object, "count", MESO_CONFIG,
                            "missing: repeats have a number, the first dose included");
    if (e->every_s == 0) {
        MESO_TRY(refuse(l, object, count, "without every_s, every_min or every_h"));
        MESO_TRY(refuse(l, object, changes, "for a single dose"));
    }
    return find_one(l, object, changes, &change, &which);
}

static meso_status check_kind(loader *l, const cJSON *object, const event *e)
{
    static const char *const count[] = {"count", NULL};
    const cJSON *quantity;
    size_t which;
    MESO_TRY(find_one(l, object, quantities, &quantity, &which));
    if (!quantity)
        return LOADER_ERROR(l, object, "dose_mg_per_kg", MESO_CONFIG,
                            "missing: expected dose_mg_per_kg or rate_mg_per_kg_per_h");
    if (which == 0) {
        MESO_TRY(refuse(l, object, ends, "for a dose; over_s, over_min or over_h infuses it"));
        return check_repeats(l, object, e);
    }
    const char *const why = "for a rate, which holds from at_... until_...";
    MESO_TRY(refuse(l, object, spans, why));
    MESO_TRY(refuse(l, object, periods, why));
    MESO_TRY(refuse(l, object, count, why));
    return refuse(l, object, changes, why);
}

static meso_status read_event(loader *l, const cJSON *object, const phase *during, event *e)
{
    *e = (event){.count = 1, .factor = 1};
    MESO_TRY(read_start(l, object, during, e));
    MESO_TRY(read_time(l, object, spans, &e->over_s));
    MESO_TRY(read_time(l, object, periods, &e->every_s));
    MESO_TRY(read_time(l, object, ends, &e->until_s));
    e->until_s += e->until_s > 0 ? during->start_s : during->start_s + during->duration_s;
    MESO_TRY(loader_read(l, &event_type, object, e));
    MESO_TRY(loader_resolve(l, get_member(object, "drug"), "drugs", &e->drug));
    MESO_TRY(check_route(l, object, e->drug, e->route));
    return check_kind(l, object, e);
}

static void add_infusion(const event *e, double from_s, double to_s, double mg_per_kg_per_h,
                         dose **next)
{
    *(*next)++ = (dose){from_s, e->drug, e->route, 0, mg_per_kg_per_h};
    *(*next)++ = (dose){to_s, e->drug, e->route, 0, -mg_per_kg_per_h};
}

static meso_status add_rate(loader *l, const cJSON *object, const event *e, dose **next)
{
    if (e->until_s <= e->at_s) {
        const cJSON *until;
        size_t unit = 0;
        MESO_TRY(find_one(l, object, ends, &until, &unit));
        return LOADER_ERROR(l, until, NULL, MESO_RANGE,
                            "the infusion would end before it starts, at %.15g s of the experiment",
                            e->at_s);
    }
    add_infusion(e, e->at_s, e->until_s, e->rate_mg_per_kg_per_h, next);
    return MESO_OK;
}

/* The dose of a repeat must be one, and in the phase. */
static meso_status check_repeat(loader *l, const cJSON *object, const phase *during, const event *e,
                                uint32_t i, double time_s, double mg_per_kg)
{
    const char *const change = get_member(object, changes[0]) ? changes[0] : changes[1];
    if (i > 0 && get_member(object, change) && !(mg_per_kg > 0 && mg_per_kg <= LARGEST_DOSE))
        return LOADER_ERROR(l, object, change, MESO_RANGE,
                            "dose %u of %u would be %.6g mg/kg, outside (0, %.6g] mg/kg", i + 1,
                            e->count, mg_per_kg, LARGEST_DOSE);
    if (time_s - during->start_s < during->duration_s)
        return MESO_OK;
    return LOADER_ERROR(l, object, "count", MESO_RANGE,
                        "dose %u of %u would be at %.6g s of phase '%s', which lasts %.6g s", i + 1,
                        e->count, time_s - during->start_s, during->name, during->duration_s);
}

static meso_status add_doses(loader *l, const cJSON *object, const phase *during, const event *e,
                             dose **next)
{
    double mg_per_kg = e->dose_mg_per_kg;
    for (uint32_t i = 0; i < e->count; i++) {
        const double time_s = e->at_s + i * e->every_s;
        MESO_TRY(check_repeat(l, object, during, e, i, time_s, mg_per_kg));
        if (e->over_s > 0)
            add_infusion(e, time_s, time_s + e->over_s, mg_per_kg / e->over_s * 3600, next);
        else
            *(*next)++ = (dose){time_s, e->drug, e->route, mg_per_kg, 0};
        mg_per_kg = mg_per_kg * e->factor + e->increment_mg_per_kg;
    }
    return MESO_OK;
}

uint32_t count_doses(const cJSON *object)
{
    const cJSON *count = get_member(object, "count");
    return 2 * (count ? (uint32_t)count->valuedouble : 1); /* each may be an infusion */
}

meso_status load_doses(loader *l, const cJSON *object, const phase *during, dose **next)
{
    event e;
    MESO_TRY(read_event(l, object, during, &e));
    if (e.rate_mg_per_kg_per_h > 0)
        return add_rate(l, object, &e, next);
    return add_doses(l, object, during, &e, next);
}
