#include "model/distribution.h"

#include "base/rng.h"
#include <math.h>

static double clip(double x, double min, double max)
{
    return x < min ? min : x > max ? max : x;
}

static double normal_cumulative(double z)
{
    return 0.5 * erfc(-z * sqrt(0.5));
}

static double normal_density(double z)
{
    return isinf(z) ? 0 : exp(-0.5 * z * z) * 0.3989422804014326779; /* 1 / sqrt(2 pi) */
}

/* Mean and standard deviation of the logarithm, from those of the value. */
static void lognormal_shape(const distribution *d, double *mu, double *sigma)
{
    const double variance = log1p(d->sd * d->sd / (d->mean * d->mean));
    *mu = log(d->mean) - 0.5 * variance;
    *sigma = sqrt(variance);
}

double distribution_quantile(const distribution *d, double p)
{
    double mu, sigma;
    switch (d->kind) {
    case DISTRIBUTION_NORMAL:
        return clip(d->mean + d->sd * rng_normal_quantile(p), d->min, d->max);
    case DISTRIBUTION_LOGNORMAL:
        lognormal_shape(d, &mu, &sigma);
        return clip(exp(mu + sigma * rng_normal_quantile(p)), d->min, d->max);
    case DISTRIBUTION_UNIFORM:
        return d->min + (d->max - d->min) * p;
    case DISTRIBUTION_CONSTANT:
    case DISTRIBUTION_VALUES:
        break;
    }
    return d->mean;
}

/* A share of the mass sits at each bound: what lies beyond it. */
static double bound_mass(double bound, double probability)
{
    return probability > 0 ? bound * probability : 0;
}

static double clipped_normal_mean(const distribution *d)
{
    const double a = (d->min - d->mean) / d->sd, b = (d->max - d->mean) / d->sd;
    const double below = normal_cumulative(a), above = normal_cumulative(-b);
    return bound_mass(d->min, below) + bound_mass(d->max, above) + d->mean * (1 - below - above) +
           d->sd * (normal_density(a) - normal_density(b));
}

static double clipped_lognormal_mean(const distribution *d)
{
    double mu, sigma;
    lognormal_shape(d, &mu, &sigma);
    const double a = d->min > 0 ? (log(d->min) - mu) / sigma : -INFINITY;
    const double b = d->max > 0 ? (log(d->max) - mu) / sigma : -INFINITY;
    return bound_mass(d->min, normal_cumulative(a)) + bound_mass(d->max, normal_cumulative(-b)) +
           d->mean * (normal_cumulative(b - sigma) - normal_cumulative(a - sigma));
}

double distribution_mean(const distribution *d)
{
    switch (d->kind) {
    case DISTRIBUTION_NORMAL:
        return d->sd > 0 ? clipped_normal_mean(d) : clip(d->mean, d->min, d->max);
    case DISTRIBUTION_LOGNORMAL:
        return d->sd > 0 ? clipped_lognormal_mean(d) : clip(d->mean, d->min, d->max);
    case DISTRIBUTION_UNIFORM:
        return 0.5 * (d->min + d->max);
    case DISTRIBUTION_CONSTANT:
    case DISTRIBUTION_VALUES:
        break;
    }
    return d->mean;
}
