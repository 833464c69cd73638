#include "cli/command.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *format_count(char out[QUANTITY_SIZE], uint64_t n)
{
    char digits[QUANTITY_SIZE];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, n);
    char *to = out;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

const char *format_bytes(char out[QUANTITY_SIZE], uint64_t bytes)
{
    static const char *const UNITS[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 999.95 && unit + 1 < sizeof UNITS / sizeof *UNITS; unit++)
        value /= 1000;
    snprintf(out, QUANTITY_SIZE, unit == 0 ? "%.0f %s" : "%.1f %s", value, UNITS[unit]);
    return out;
}

const char *format_time(char out[QUANTITY_SIZE], double seconds)
{
    if (!(seconds >= 0) || seconds > 1e12) {
        strcpy(out, "-");
    } else if (seconds > 0 && seconds < 0.9995) {
        snprintf(out, QUANTITY_SIZE, "%.3g ms", 1e3 * seconds);
    } else if (seconds < 10) {
        snprintf(out, QUANTITY_SIZE, "%.1f s", seconds);
    } else {
        uint64_t s = (uint64_t)llround(seconds);
        unsigned minutes = (unsigned)(s / 60 % 60), rest = (unsigned)(s % 60);
        if (s < 3600)
            snprintf(out, QUANTITY_SIZE, "%u:%02u", minutes, rest);
        else
            snprintf(out, QUANTITY_SIZE, "%" PRIu64 ":%02u:%02u", s / 3600, minutes, rest);
    }
    return out;
}
