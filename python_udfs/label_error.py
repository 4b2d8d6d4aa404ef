"""Intervals of a prevalence that is corrected for the errors of its labels."""

from __future__ import annotations

import numpy as np
from scipy import special

from python_udfs.intervals import Array


def _lang_reiczigel_bound(
    sign: int,
    apparent: Array,
    sampled: Array,
    sensitivity: Array,
    sensitivity_items: Array,
    specificity: Array,
    specificity_items: Array,
    alpha: Array,
) -> Array:
    z = special.ndtri(1 - alpha / 2)
    n = sampled + z**2
    share = (sampled * apparent + z**2 / 2) / n
    n_se, n_sp = sensitivity_items + 2, specificity_items + 2
    se = (sensitivity_items * sensitivity + 1) / n_se
    sp = (specificity_items * specificity + 1) / n_sp
    youden = se + sp - 1
    corrected = (share + sp - 1) / youden
    se_part = se * (1 - se) / n_se
    sp_part = sp * (1 - sp) / n_sp
    shift = 2 * z**2 * (corrected * se_part - (1 - corrected) * sp_part)
    variance = (share * (1 - share) / n + corrected**2 * se_part + (1 - corrected) ** 2 * sp_part) / youden**2
    bound = np.clip(corrected + shift + sign * z * np.sqrt(variance), 0, 1)
    defined = (sampled > 0) & (sensitivity_items > 0) & (specificity_items > 0) & (sensitivity + specificity > 1)
    return np.where(defined & (youden > 0), bound, np.nan)


def lang_reiczigel_lower(
    apparent: Array,
    sampled: Array,
    sensitivity: Array,
    sensitivity_items: Array,
    specificity: Array,
    specificity_items: Array,
    alpha: Array,
) -> Array:
    """Bound of a prevalence from an apparent share, sensitivity and specificity of so many items each; cut to [0, 1].

    Lang and Reiczigel (2014), Preventive Veterinary Medicine 113, 13-22, with (1 - P')^2 where it prints (1 + P')^2.
    Undefined where sensitivity + specificity <= 1.
    """
    return _lang_reiczigel_bound(
        -1, apparent, sampled, sensitivity, sensitivity_items, specificity, specificity_items, alpha
    )


def lang_reiczigel_upper(
    apparent: Array,
    sampled: Array,
    sensitivity: Array,
    sensitivity_items: Array,
    specificity: Array,
    specificity_items: Array,
    alpha: Array,
) -> Array:
    """Upper bound; see `lang_reiczigel_lower`."""
    return _lang_reiczigel_bound(
        1, apparent, sampled, sensitivity, sensitivity_items, specificity, specificity_items, alpha
    )
