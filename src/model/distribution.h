/** A number, or how it is drawn, or one for each neuron. */
#ifndef MODEL_DISTRIBUTION_H
#define MODEL_DISTRIBUTION_H

typedef enum distribution_kind {
    DISTRIBUTION_CONSTANT,
    DISTRIBUTION_NORMAL,
    DISTRIBUTION_LOGNORMAL,
    DISTRIBUTION_UNIFORM,
    DISTRIBUTION_VALUES, /* a value for each neuron, given one by one */
} distribution_kind;

/* JSON: 1.5, or {"distribution": "normal", "mean": 1.5, "sd": 0.75, "min": 0.1, "max": 4}.
 * Draws outside [min, max] are clipped to it. For lognormal, mean and sd are those of the value
 * itself, not of its logarithm. uniform has min and max alone. */
typedef struct distribution {
    distribution_kind kind;
    double mean; /* the value itself when constant */
    double sd;
    double min, max;      /* when not given: the range of the key, or -INFINITY and INFINITY */
    const double *values; /* [number of neurons] */
} distribution;

/** Value at cumulative probability p in (0, 1), clipped. Not of DISTRIBUTION_VALUES. */
double distribution_quantile(const distribution *d, double p);
/** Mean of the clipped distribution. Not of DISTRIBUTION_VALUES. */
double distribution_mean(const distribution *d);

#endif
