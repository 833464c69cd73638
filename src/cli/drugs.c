#include "cli/drugs.h"

#include "config/drug_sheet.h"
#include <stdio.h>
#include <string.h>

bool is_drug(const char *name, arena *memory)
{
    const size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".json") == 0)
        return true;
    const char *part;
    for (uint32_t i = 0; (part = drug_part_name(i, memory)); i++)
        if (strcmp(part, name) == 0)
            return true;
    return false;
}

meso_status print_drug_list(arena *memory, meso_error *err)
{
    const char *name;
    for (uint32_t i = 0; (name = drug_part_name(i, memory)); i++) {
        const drug_sheet *sheets;
        uint32_t n;
        meso_status status = drug_sheets_load(name, memory, &sheets, &n, err);
        if (status != MESO_OK)
            return status;
        printf("%-28s  drug: %s\n", name, n > 0 ? sheets[0].title : "");
    }
    return MESO_OK;
}

/* The whole width that a column needs. */
static int width_of(const drug_sheet *s, int column)
{
    int width = 6; /* of the headings */
    for (uint32_t i = 0; i < s->n_numbers; i++) {
        const drug_number *n = &s->numbers[i];
        const char *words[] = {n->key, n->unit ? n->unit : "", n->status};
        const int length = (int)strlen(words[column]);
        width = length > width ? length : width;
    }
    return width;
}

static void print_sheet(const drug_sheet *s)
{
    const int key = width_of(s, 0), unit = width_of(s, 1), status = width_of(s, 2);
    printf("%s%s%s\n", s->name, *s->title ? ": " : "", s->title);
    if (*s->source)
        printf("source: %s\n", s->source);
    if (*s->note)
        printf("note: %s\n", s->note);
    printf("\n%-*s  %12s  %-*s  %-*s  %s\n", key, "number", "value", unit, "unit", status, "status",
           "source or reason [meaning]");
    for (uint32_t i = 0; i < s->n_numbers; i++) {
        const drug_number *n = &s->numbers[i];
        printf("%-*s  %12.6g  %-*s  %-*s  %s%s[%s]\n", key, n->key, n->value, unit,
               n->unit ? n->unit : "", status, *n->status ? n->status : "-", n->source,
               *n->source ? " " : "", n->doc);
    }
}

meso_status print_drugs(const char *name, arena *memory, meso_error *err)
{
    const drug_sheet *sheets;
    uint32_t n;
    meso_status status = drug_sheets_load(name, memory, &sheets, &n, err);
    for (uint32_t i = 0; status == MESO_OK && i < n; i++) {
        if (i > 0)
            printf("\n");
        print_sheet(&sheets[i]);
    }
    return status;
}
