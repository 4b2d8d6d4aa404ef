"""Quantiles and interval bounds for proportions, totals and ratios, from the sums that SQL has produced.

Every function is pure and takes float64 arrays of one length (or scalars). `alpha` is one minus the level of the
two-sided interval. Where a bound is not defined the result is NaN, which the registrars hand to SQL as null.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]


def normal_quantile(probability: Array) -> Array:
    """Quantile of the standard normal distribution. Undefined outside (0, 1)."""
    return np.where((probability > 0) & (probability < 1), special.ndtri(probability), np.nan)


def student_t_quantile(probability: Array, degrees_of_freedom: Array) -> Array:
    """Quantile of Student's t, the normal one for infinitely many degrees of freedom. Undefined outside (0, 1)."""
    finite = (degrees_of_freedom > 0) & np.isfinite(degrees_of_freedom)
    quantile = special.stdtrit(np.where(finite, degrees_of_freedom, 1.0), probability)
    return np.where(
        (probability > 0) & (probability < 1),
        np.select([finite, degrees_of_freedom == np.inf], [quantile, special.ndtri(probability)], np.nan),
        np.nan,
    )


def beta_quantile(probability: Array, a: Array, b: Array) -> Array:
    """Quantile of the beta distribution; its limits are 0 where a = 0 and 1 where b = 0."""
    inside = (a > 0) & (b > 0) & (probability >= 0) & (probability <= 1)
    quantile = special.betaincinv(
        np.where(inside, a, 1.0), np.where(inside, b, 1.0), np.where(inside, probability, 0.5)
    )
    return np.select([inside, (a == 0) & (b > 0), (b == 0) & (a > 0)], [quantile, 0.0, 1.0], np.nan)


def _two_sided_t(alpha: Array, degrees_of_freedom: Array) -> Array:
    return student_t_quantile(1 - alpha / 2, degrees_of_freedom)


def _inside(estimate: Array) -> Array:
    """The estimate where it lies strictly between 0 and 1, NaN elsewhere."""
    return np.where((estimate > 0) & (estimate < 1), estimate, np.nan)


def wald_t_lower(estimate: Array, std_error: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    """Estimate minus t times the standard error; not cut to [0, 1]."""
    return estimate - _two_sided_t(alpha, degrees_of_freedom) * std_error


def wald_t_upper(estimate: Array, std_error: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    """Estimate plus t times the standard error; not cut to [0, 1]."""
    return estimate + _two_sided_t(alpha, degrees_of_freedom) * std_error


def wald_z_lower(estimate: Array, std_error: Array, alpha: Array) -> Array:
    """Estimate minus the normal quantile times the standard error; not cut to [0, 1]."""
    return estimate - normal_quantile(1 - alpha / 2) * std_error


def wald_z_upper(estimate: Array, std_error: Array, alpha: Array) -> Array:
    """Estimate plus the normal quantile times the standard error; not cut to [0, 1]."""
    return estimate + normal_quantile(1 - alpha / 2) * std_error


def _logit_bound(sign: int, estimate: Array, std_error: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    inner = _inside(estimate)
    half_width = _two_sided_t(alpha, degrees_of_freedom) * std_error / (inner * (1 - inner))
    bound: Array = special.expit(special.logit(inner) + sign * half_width)
    return bound


def logit_lower(estimate: Array, std_error: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    """Wald bound on the logit scale (R survey's `xlogit`). Undefined at 0 and 1."""
    return _logit_bound(-1, estimate, std_error, degrees_of_freedom, alpha)


def logit_upper(estimate: Array, std_error: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    """Wald bound on the logit scale (R survey's `xlogit`). Undefined at 0 and 1."""
    return _logit_bound(1, estimate, std_error, degrees_of_freedom, alpha)


def _asin_bound(sign: int, estimate: Array, std_error: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    inner = _inside(estimate)
    half_width = _two_sided_t(alpha, degrees_of_freedom) * std_error / (2 * np.sqrt(inner * (1 - inner)))
    bound: Array = np.sin(np.arcsin(np.sqrt(inner)) + sign * half_width) ** 2
    return bound


def asin_lower(estimate: Array, std_error: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    """Wald bound on the arcsine scale, as in R survey: an angle beyond 0 or pi/2 is reflected. Undefined at 0 and 1."""
    return _asin_bound(-1, estimate, std_error, degrees_of_freedom, alpha)


def asin_upper(estimate: Array, std_error: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    """Wald bound on the arcsine scale, as in R survey: an angle beyond 0 or pi/2 is reflected. Undefined at 0 and 1."""
    return _asin_bound(1, estimate, std_error, degrees_of_freedom, alpha)


def _wilson_bound(sign: int, estimate: Array, effective_n: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    t = _two_sided_t(alpha, degrees_of_freedom)
    n = np.where(effective_n > 0, effective_n, np.nan)
    share = np.where((estimate >= 0) & (estimate <= 1), estimate, np.nan)
    centre = share + t**2 / (2 * n)
    half_width = t / (2 * n) * np.sqrt(4 * n * share * (1 - share) + t**2)
    bound: Array = np.clip((centre + sign * half_width) / (1 + t**2 / n), 0, 1)
    return bound


def wilson_lower(estimate: Array, effective_n: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    """Wilson score bound with an effective sample size and t in place of n and z."""
    return _wilson_bound(-1, estimate, effective_n, degrees_of_freedom, alpha)


def wilson_upper(estimate: Array, effective_n: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    """Wilson score bound with an effective sample size and t in place of n and z."""
    return _wilson_bound(1, estimate, effective_n, degrees_of_freedom, alpha)


def _agresti_coull_bound(
    sign: int, estimate: Array, effective_n: Array, degrees_of_freedom: Array, alpha: Array
) -> Array:
    t = _two_sided_t(alpha, degrees_of_freedom)
    n = np.where(effective_n > 0, effective_n, np.nan)
    share = np.where((estimate >= 0) & (estimate <= 1), estimate, np.nan)
    centre = (n * share + t**2 / 2) / (n + t**2)
    return np.clip(centre + sign * t * np.sqrt(centre * (1 - centre) / (n + t**2)), 0, 1)


def agresti_coull_lower(estimate: Array, effective_n: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    """Wald bound about the centre of Wilson's interval, with an effective sample size and t in place of n and z.

    Agresti and Coull (1998), The American Statistician 52, 119-126. Cut to [0, 1].
    """
    return _agresti_coull_bound(-1, estimate, effective_n, degrees_of_freedom, alpha)


def agresti_coull_upper(estimate: Array, effective_n: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    """As `agresti_coull_lower`, above the estimate."""
    return _agresti_coull_bound(1, estimate, effective_n, degrees_of_freedom, alpha)


def clopper_pearson_lower(positives: Array, sampled: Array, alpha: Array) -> Array:
    """Exact binomial bound; positives and sampled need not be whole numbers. 0 when there is no positive."""
    defined = (positives >= 0) & (positives <= sampled) & (sampled > 0)
    return np.where(defined, beta_quantile(alpha / 2, positives, sampled - positives + 1), np.nan)


def clopper_pearson_upper(positives: Array, sampled: Array, alpha: Array) -> Array:
    """Exact binomial bound; positives and sampled need not be whole numbers. 1 when there are only positives."""
    defined = (positives >= 0) & (positives <= sampled) & (sampled > 0)
    return np.where(defined, beta_quantile(1 - alpha / 2, positives + 1, sampled - positives), np.nan)


def korn_graubard_n(effective_n: Array, sampled: Array, degrees_of_freedom: Array, alpha: Array) -> Array:
    """Effective sample size with the degrees of freedom of the design: n_eff (t_{n-1} / t_df)^2, not capped at n.

    Korn and Graubard (1998), Survey Methodology 24, 193-201.
    """
    return effective_n * (_two_sided_t(alpha, sampled - 1) / _two_sided_t(alpha, degrees_of_freedom)) ** 2


def korn_graubard_lower(
    estimate: Array, effective_n: Array, sampled: Array, degrees_of_freedom: Array, alpha: Array
) -> Array:
    """Clopper-Pearson on the effective sample size of `korn_graubard_n`. Undefined at 0 and 1."""
    n = korn_graubard_n(effective_n, sampled, degrees_of_freedom, alpha)
    return clopper_pearson_lower(_inside(estimate) * n, n, alpha)


def korn_graubard_upper(
    estimate: Array, effective_n: Array, sampled: Array, degrees_of_freedom: Array, alpha: Array
) -> Array:
    """Clopper-Pearson on the effective sample size of `korn_graubard_n`. Undefined at 0 and 1."""
    n = korn_graubard_n(effective_n, sampled, degrees_of_freedom, alpha)
    return clopper_pearson_upper(_inside(estimate) * n, n, alpha)


def korn_graubard_trunc_lower(
    estimate: Array, effective_n: Array, sampled: Array, degrees_of_freedom: Array, alpha: Array
) -> Array:
    """As `korn_graubard_lower` with the effective sample size capped at the number of sampled units."""
    n = np.minimum(sampled, korn_graubard_n(effective_n, sampled, degrees_of_freedom, alpha))
    return clopper_pearson_lower(_inside(estimate) * n, n, alpha)


def korn_graubard_trunc_upper(
    estimate: Array, effective_n: Array, sampled: Array, degrees_of_freedom: Array, alpha: Array
) -> Array:
    """As `korn_graubard_upper` with the effective sample size capped at the number of sampled units."""
    n = np.minimum(sampled, korn_graubard_n(effective_n, sampled, degrees_of_freedom, alpha))
    return clopper_pearson_upper(_inside(estimate) * n, n, alpha)


def _jeffreys_bound(
    side: float, estimate: Array, effective_n: Array, sampled: Array, degrees_of_freedom: Array, alpha: Array
) -> Array:
    n = korn_graubard_n(effective_n, sampled, degrees_of_freedom, alpha)
    share = np.where((estimate >= 0) & (estimate <= 1) & (n > 0), estimate, np.nan)
    return beta_quantile(np.abs(side - alpha / 2), n * share + 0.5, n * (1 - share) + 0.5)


def jeffreys_lower(
    estimate: Array, effective_n: Array, sampled: Array, degrees_of_freedom: Array, alpha: Array
) -> Array:
    """Equal-tailed bound of the beta distribution with Jeffreys' prior, on the sample size of `korn_graubard_n`.

    Brown, Cai and DasGupta (2001), Statistical Science 16, 101-133, without their change at 0 and 1, where the bound is
    strictly inside.
    """
    return _jeffreys_bound(0.0, estimate, effective_n, sampled, degrees_of_freedom, alpha)


def jeffreys_upper(
    estimate: Array, effective_n: Array, sampled: Array, degrees_of_freedom: Array, alpha: Array
) -> Array:
    """As `jeffreys_lower`, above the estimate."""
    return _jeffreys_bound(1.0, estimate, effective_n, sampled, degrees_of_freedom, alpha)


def _gamma_quantile(probability: Array, mean: Array, variance: Array) -> Array:
    """Quantile of the gamma distribution with this mean and variance; 0 where the mean is 0."""
    some = (mean > 0) & (variance > 0)
    shape = np.where(some, mean**2 / np.where(some, variance, 1.0), 1.0)
    scale = np.where(some, variance / np.where(some, mean, 1.0), 1.0)
    return np.where(some, special.gammaincinv(shape, probability) * scale, np.where(mean >= 0, mean, np.nan))


def _gamma_distribution(value: Array, mean: Array, variance: Array) -> Array:
    some = (mean > 0) & (variance > 0)
    shape = np.where(some, mean**2 / np.where(some, variance, 1.0), 1.0)
    scaled = np.maximum(value, 0) * np.where(some, mean / np.where(some, variance, 1.0), 1.0)
    return np.where(some, special.gammainc(shape, scaled), np.where(value >= mean, 1.0, 0.0))


def _gamma_high(seen: Array, variance: Array, missed_weight: Array, share_missed: Array, tail: Array) -> Array:
    """Where the mixture of the gamma distributions with (`share_missed`) and without one more event reaches 1 - tail."""
    low = _gamma_quantile(1 - tail, seen, variance)
    with_missed = (seen + missed_weight, variance + missed_weight**2)
    high = np.maximum(low, _gamma_quantile(1 - tail, *with_missed))
    for _ in range(60):
        middle = (low + high) / 2
        reached = (1 - share_missed) * _gamma_distribution(middle, seen, variance)
        reached += share_missed * _gamma_distribution(middle, *with_missed)
        low, high = np.where(reached < 1 - tail, middle, low), np.where(reached < 1 - tail, high, middle)
    return high


def _gamma_bound(
    side: str,
    estimate: Array,
    certain_share: Array,
    variance: Array,
    missed_weight: Array,
    effective_positives: Array,
    alpha: Array,
) -> Array:
    share, certain, v, w, positives, tail = np.broadcast_arrays(
        _inside(estimate), certain_share, variance, missed_weight, effective_positives, alpha / 2
    )
    known = np.isfinite(share) & np.isfinite(certain) & (v >= 0) & (w >= 0) & (positives > 0)
    certain = np.clip(certain, 0, share)
    share_missed = positives / (positives + 1)
    # above one half it is the units without the property that are few
    mirrored = share > 0.5
    seen = np.where(mirrored, 1 - share, share - certain)
    if side == "lower":
        # what certainties found is not known better than the exposure it is a share of, so the whole varies
        bound = np.where(mirrored, 1 - _gamma_high(seen, v, w, share_missed, tail), _gamma_quantile(tail, share, v))
    else:
        bound = np.where(
            mirrored, 1 - _gamma_quantile(tail, seen, v), certain + _gamma_high(seen, v, w, share_missed, tail)
        )
    return np.where(known, np.clip(bound, 0, 1), np.nan)


def gamma_lower(
    estimate: Array,
    certain_share: Array,
    variance: Array,
    missed_weight: Array,
    effective_positives: Array,
    alpha: Array,
) -> Array:
    """Lower bound of a share of rare events under unequal weights: gamma with the estimate's mean and variance.

    Fay and Feuer (1997), Statistics in Medicine 16, 791-801. The part that comes from units taken with certainty
    (`certain_share`, which the upper bound sets apart) varies, too: what it is a share of is estimated. For a share above
    one half it mirrors the upper bound of the complement. Undefined at 0 and 1.
    """
    return _gamma_bound("lower", estimate, certain_share, variance, missed_weight, effective_positives, alpha)


def gamma_upper(
    estimate: Array,
    certain_share: Array,
    variance: Array,
    missed_weight: Array,
    effective_positives: Array,
    alpha: Array,
) -> Array:
    """Upper bound of a share of rare events under unequal weights, from what was seen and what could have been missed.

    Fay and Feuer (1997) bound a weighted sum of rare events by a gamma distribution to which one more event of weight
    `missed_weight` is added. Here that is not the largest weight but what a violation that was missed would have had on
    average, as a share (Tiwari, Clegg and Zou, 2006, Statistical Methods in Medical Research 15, 547-569). Fay and Kim
    (2017), Biometrical Journal 59, 377-387, take the mean of the distributions with and without the event (mid-p),
    which is right for a single event and too short for many, whose variance is estimated from the events themselves:
    the distribution with the event gets the share k / (k + 1), where k is the effective number of positives,
    (sum a^2)^2 / sum a^4 over what each adds to the estimate. Never above 1; for a share above one half it mirrors the
    lower bound of the complement. Undefined at 0 and 1.
    """
    return _gamma_bound("upper", estimate, certain_share, variance, missed_weight, effective_positives, alpha)


def _likelihood_bound(
    sign: int, estimate: Array, effective_n: Array, sampled: Array, degrees_of_freedom: Array, alpha: Array
) -> Array:
    """Solve 2 n_eff (n - 1) / n KL(p, q) = t^2 for q on one side of p, by bisection on the logit of q."""
    p, t = np.broadcast_arrays(_inside(estimate), _two_sided_t(alpha, degrees_of_freedom))
    # of one unit there is no variance, and of none a target of 0 that leaves the estimate as its own bound
    effective, units = np.where(effective_n > 0, effective_n, np.nan), np.where(sampled > 1, sampled, np.nan)
    target = t**2 / (2 * effective * (units - 1) / units)
    near = special.logit(p)
    far = np.full_like(near, sign * 700.0)
    for _ in range(100):
        middle = (near + far) / 2
        divergence = p * (np.log(p) - special.log_expit(middle)) + (1 - p) * (np.log1p(-p) - special.log_expit(-middle))
        too_far = divergence > target
        far = np.where(too_far, middle, far)
        near = np.where(too_far, near, middle)
    return np.where(np.isfinite(target), special.expit((near + far) / 2), np.nan)


def likelihood_lower(
    estimate: Array, effective_n: Array, sampled: Array, degrees_of_freedom: Array, alpha: Array
) -> Array:
    """Profile likelihood bound on the effective sample size (Rao-Scott scaling, t in place of z)."""
    return _likelihood_bound(-1, estimate, effective_n, sampled, degrees_of_freedom, alpha)


def likelihood_upper(
    estimate: Array, effective_n: Array, sampled: Array, degrees_of_freedom: Array, alpha: Array
) -> Array:
    """Profile likelihood bound on the effective sample size (Rao-Scott scaling, t in place of z)."""
    return _likelihood_bound(1, estimate, effective_n, sampled, degrees_of_freedom, alpha)


def _skewed_quantile(probability: Array, mean: Array, variance: Array, third_moment: Array) -> Array:
    """Quantile of the shifted gamma distribution with this mean, variance and third central moment (Pearson type III).

    The normal one where there is next to no skewness, mirrored where it is negative, the mean where nothing varies.
    """
    spread = np.sqrt(np.maximum(variance, 0))
    skewness = np.where(spread > 0, third_moment / np.where(spread > 0, spread, 1.0) ** 3, 0.0)
    straight = np.abs(skewness) < 1e-4
    shape = 4 / np.where(straight, 1.0, skewness) ** 2
    towards_tail = np.where(skewness < 0, 1 - probability, probability)
    skewed = np.sign(skewness) * (special.gammaincinv(shape, towards_tail) - shape) / np.sqrt(shape)
    quantile: Array = mean + spread * np.where(straight, special.ndtri(probability), skewed)
    return quantile


def _skewed_distribution(value: Array, variance: Array, third_moment: Array) -> Array:
    """Of the distribution of `_skewed_quantile` with mean 0."""
    spread = np.sqrt(np.maximum(variance, 0))
    varies = spread > 0
    scaled = value / np.where(varies, spread, 1.0)
    skewness = np.where(varies, third_moment / np.where(varies, spread, 1.0) ** 3, 0.0)
    straight = np.abs(skewness) < 1e-4
    shape = 4 / np.where(straight, 1.0, skewness) ** 2
    below = special.gammainc(shape, np.maximum(shape + np.sign(skewness) * scaled * np.sqrt(shape), 0))
    below = np.where(straight, special.ndtr(scaled), np.where(skewness < 0, 1 - below, below))
    return np.where(varies, below, np.where(value >= 0, 1.0, 0.0))


def _counted_distance(
    sign: int,
    variance: Array,
    third_moment: Array,
    event: Array,
    event_variance: Array,
    degrees_of_freedom: Array,
    alpha: Array,
    event_share: float = 1.0,
) -> Array:
    """How far the bound lies from the estimate, with a share of one more event on the side of `sign`."""
    v, k, w, ww, freedom, tail = np.broadcast_arrays(
        variance, third_moment, event, event_variance, degrees_of_freedom, alpha / 2
    )
    probability = 1 - tail if sign > 0 else tail
    inflation = (_two_sided_t(2 * tail, freedom) / normal_quantile(1 - tail)) ** 2
    # an exponential event of this mean and variance; several kinds of which the worst counts come as such, too
    with_event = (v * inflation + ww, k * inflation**1.5 + sign * 2 * ww**2 / np.where(w > 0, w, np.inf))
    without = (v * inflation, k * inflation**1.5)
    zero = np.zeros_like(w)
    far = _skewed_quantile(probability, sign * w, *with_event)
    if event_share < 1:
        near = _skewed_quantile(probability, zero, *without)
        for _ in range(60):
            middle = (near + far) / 2
            below = (1 - event_share) * _skewed_distribution(middle, *without)
            below += event_share * _skewed_distribution(middle - sign * w, *with_event)
            # towards `far` the probability rises above the estimate and falls below it
            too_near = sign * (below - probability) < 0
            near, far = np.where(too_near, middle, near), np.where(too_near, far, middle)
    defined = (v >= 0) & (w >= 0) & (ww >= 0) & (tail > 0) & (tail < 0.5)
    return np.where(defined, far, np.nan)


def _counted_floor(estimate: Array, distance: Array, counted: Array, base_variance: Array, alpha: Array) -> Array:
    floor = np.minimum(counted / (1 + normal_quantile(1 - alpha / 2) * np.sqrt(base_variance)), estimate)
    return np.where(np.isnan(distance), np.nan, np.clip(estimate + distance, floor, estimate))


def _counted_ceiling(
    estimate: Array, distance: Array, counted_rest: Array, whole: Array, base_variance: Array, alpha: Array
) -> Array:
    ceiling = np.maximum(whole - counted_rest / (1 + normal_quantile(1 - alpha / 2) * np.sqrt(base_variance)), estimate)
    return np.where(np.isnan(distance), np.nan, np.clip(estimate + distance, estimate, ceiling))


def counted_lower(
    estimate: Array,
    counted: Array,
    base_variance: Array,
    variance: Array,
    third_moment: Array,
    event: Array,
    event_variance: Array,
    unit: Array,
    degrees_of_freedom: Array,
    alpha: Array,
) -> Array:
    """Lower bound of what was counted plus an estimate of the rest; never below what was counted.

    The confidence distribution of a weighted sum of k events is that of the sum of their weights times exponential
    variables of mean 1 (Garwood 1936, Biometrika 28, 437-442, for equal weights; Fay and Feuer 1997, Statistics in
    Medicine 16, 791-801, who match a gamma distribution in mean and variance). A shifted gamma distribution (Pearson
    type III) matches the third moment as well, which a heavy event beside many light ones needs. Below there is one
    more event without the property, of mean `event`, which only strata that have hardly any such unit are without; and
    a finite population moves in whole units of size `unit`. `counted` is a share of a base that has the relative
    variance `base_variance`. Student's t over the normal quantile widens the spread where PSUs are few.
    """
    distance = _counted_distance(-1, variance, third_moment, event, event_variance, degrees_of_freedom, alpha)
    return _counted_floor(estimate, distance - unit, counted, base_variance, alpha)


def counted_upper(
    estimate: Array,
    counted_rest: Array,
    whole: Array,
    base_variance: Array,
    variance: Array,
    third_moment: Array,
    event: Array,
    event_variance: Array,
    unit: Array,
    degrees_of_freedom: Array,
    alpha: Array,
) -> Array:
    """Upper bound of what was counted plus an estimate of the rest, of which one more event was missed.

    As `counted_lower`. With nothing found outside a census it is the known part plus ln(2 / alpha) times the weight of
    the event, the exact bound of Poisson sampling; with k of equal weight Garwood's, of k + 1 events. Never above
    `whole` less what was counted without the property; `whole` is 1 for a share, and infinite where it is not known.
    """
    distance = _counted_distance(1, variance, third_moment, event, event_variance, degrees_of_freedom, alpha)
    return _counted_ceiling(estimate, distance + unit, counted_rest, whole, base_variance, alpha)


def counted_mid_p_lower(
    estimate: Array,
    counted: Array,
    base_variance: Array,
    variance: Array,
    third_moment: Array,
    event: Array,
    event_variance: Array,
    unit: Array,
    degrees_of_freedom: Array,
    alpha: Array,
) -> Array:
    """As `counted_lower` with half an event: the mean of the distributions with and without it (mid-p)."""
    distance = _counted_distance(-1, variance, third_moment, event, event_variance, degrees_of_freedom, alpha, 0.5)
    return _counted_floor(estimate, distance - unit, counted, base_variance, alpha)


def counted_mid_p_upper(
    estimate: Array,
    counted_rest: Array,
    whole: Array,
    base_variance: Array,
    variance: Array,
    third_moment: Array,
    event: Array,
    event_variance: Array,
    unit: Array,
    degrees_of_freedom: Array,
    alpha: Array,
) -> Array:
    """As `counted_upper` with half an event: the mean of the distributions with and without it (mid-p).

    With nothing found it is ln(1 / alpha) times the weight of the event. Either distribution moves up with each event
    that is found, so the bound never falls as more is found, whatever the weights. Fay and Kim (2017), Biometrical
    Journal 59, 377-387, take this mean of gamma distributions.
    """
    distance = _counted_distance(1, variance, third_moment, event, event_variance, degrees_of_freedom, alpha, 0.5)
    return _counted_ceiling(estimate, distance + unit, counted_rest, whole, base_variance, alpha)
