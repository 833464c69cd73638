#include "cli/cpu_time.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static double own_s(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0)
        return NAN;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

/* The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal. */
static double busy_s(void)
{
    unsigned long long t[8];
    FILE *file = fopen("/proc/stat", "r");
    if (!file)
        return NAN;
    int n = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
                   &t[4], &t[5], &t[6], &t[7]);
    fclose(file);
    if (n != 8)
        return NAN;
    return (double)(t[0] + t[1] + t[2] + t[5] + t[6] + t[7]) / (double)sysconf(_SC_CLK_TCK);
}

cpu_time cpu_time_now(void)
{
    return (cpu_time){own_s(), busy_s()};
}

/* The system counts whole ticks: a difference may come out a little below zero. */
double cpu_time_foreign_s(cpu_time before, cpu_time after)
{
    const double foreign_s = after.busy_s - before.busy_s - (after.own_s - before.own_s);
    return foreign_s < 0 ? 0 : foreign_s;
}
