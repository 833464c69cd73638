/** Processor time of this process and of the whole machine, to see who else was at work. */
#ifndef CLI_CPU_TIME_H
#define CLI_CPU_TIME_H

/** Seconds, summed over processors. `busy_s` is NAN where the system does not say. */
typedef struct cpu_time {
    double own_s;  /* of this process */
    double busy_s; /* of all, the share that a hypervisor gave to others with them */
} cpu_time;

cpu_time cpu_time_now(void);
/** What others used between two moments; NAN when unknown. */
double cpu_time_foreign_s(cpu_time before, cpu_time after);

#endif
