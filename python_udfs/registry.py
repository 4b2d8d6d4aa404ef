"""The one list of Python functions that SQL may call; both registrars read it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from python_udfs import calibration, dawid_skene, intervals, label_error


@dataclass(frozen=True)
class Udf:
    """A function over float64 arrays and the types under which SQL sees it."""

    name: str
    function: Callable[..., intervals.Array]
    argument_names: tuple[str, ...]
    argument_types: tuple[str, ...]
    return_type: str = "double"
    # a null in any argument gives null, and so does a bound that is not defined (NaN)
    null_rule: str = "null_in_null_out"
    deterministic: bool = True

    def call_arrow(self, *columns: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Apply the function to Arrow columns of any numeric type: nulls in, nulls out, and NaN becomes null."""
        if self.returns_list:
            return self._call_lists(*columns)
        if self.is_vector:
            return self._call_rows(*columns)
        arrays = [_float64(column) for column in columns]
        with np.errstate(all="ignore"):
            result = self.function(*arrays)
        result = np.where(np.logical_or.reduce([np.isnan(array) for array in arrays]), np.nan, result)
        return pa.array(np.asarray(result, dtype=np.float64), type=pa.float64(), from_pandas=True)

    @property
    def is_vector(self) -> bool:
        """The Python function takes lists and gives a vector; SQL's first argument is the position of an element."""
        return any(argument_type.endswith("[]") for argument_type in self.argument_types)

    @property
    def returns_list(self) -> bool:
        """SQL gets the vector as a list, because there are too many elements to ask for one by one."""
        return self.return_type.endswith("[]")

    def _call_lists(self, *columns: pa.Array) -> pa.Array:
        results: list[list[float | None] | None] = []
        for values in zip(*(column.to_pylist() for column in columns), strict=True):
            if any(_has_null(value) for value in values):
                results.append(None)
                continue
            with np.errstate(all="ignore"):
                solution = self.function(*(np.asarray(value, dtype=np.float64) for value in values))
            results.append([None if np.isnan(element) else element for element in solution.tolist()])
        return pa.array(results, type=pa.list_(pa.float64()))

    def _call_rows(self, positions: pa.Array, *columns: pa.Array) -> pa.Array:
        solutions: dict[bytes, intervals.Array] = {}
        results: list[float | None] = []
        lists = zip(*(column.to_pylist() for column in columns), strict=True)
        for position, values in zip(_float64(positions), lists, strict=True):
            if np.isnan(position) or any(_has_null(value) for value in values):
                results.append(None)
                continue
            arrays = [np.asarray(value, dtype=np.float64) for value in values]
            key = b"|".join(array.tobytes() for array in arrays)
            if key not in solutions:
                with np.errstate(all="ignore"):
                    solutions[key] = self.function(*arrays)
            solution = solutions[key]
            results.append(solution[int(position) - 1] if 1 <= position <= len(solution) else None)
        return pa.array(np.array(results, dtype=np.float64), type=pa.float64(), from_pandas=True)

    def arrow_function(self) -> Callable[..., pa.Array]:
        """`call_arrow` with the arity and the type hints that both engines read off a function's signature."""

        def call(*columns: pa.Array) -> pa.Array:
            return self.call_arrow(*columns)

        parameter = inspect.Parameter
        call.__name__ = self.name
        call.__doc__ = self.function.__doc__
        call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [parameter(name, parameter.POSITIONAL_OR_KEYWORD, annotation=pa.Array) for name in self.argument_names],
            return_annotation=pa.Array,
        )
        call.__annotations__ = {name: pa.Array for name in (*self.argument_names, "return")}
        return call


def _has_null(value: object) -> bool:
    return value is None or (isinstance(value, list) and any(_has_null(item) for item in value))


def _float64(column: pa.Array | pa.ChunkedArray) -> intervals.Array:
    """A float64 array with NaN for null. Decimals and integers arrive here on engines that do not cast arguments."""
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    values = column.cast(pa.float64())
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def _udf(function: Callable[..., intervals.Array]) -> Udf:
    names = tuple(inspect.signature(function).parameters)
    return Udf(function.__name__, function, names, ("double",) * len(names))


def _vector_udf(name: str, function: Callable[..., intervals.Array], *list_types: str) -> Udf:
    names = ("position", *inspect.signature(function).parameters)
    return Udf(name, function, names, ("double", *list_types))


_SCALAR_UDFS = tuple(
    _udf(function)
    for function in (
        intervals.normal_quantile,
        intervals.student_t_quantile,
        intervals.beta_quantile,
        intervals.wald_t_lower,
        intervals.wald_t_upper,
        intervals.wald_z_lower,
        intervals.wald_z_upper,
        intervals.logit_lower,
        intervals.logit_upper,
        intervals.asin_lower,
        intervals.asin_upper,
        intervals.wilson_lower,
        intervals.wilson_upper,
        intervals.agresti_coull_lower,
        intervals.agresti_coull_upper,
        intervals.clopper_pearson_lower,
        intervals.clopper_pearson_upper,
        intervals.jeffreys_lower,
        intervals.jeffreys_upper,
        intervals.korn_graubard_n,
        intervals.korn_graubard_lower,
        intervals.korn_graubard_upper,
        intervals.korn_graubard_trunc_lower,
        intervals.korn_graubard_trunc_upper,
        intervals.gamma_lower,
        intervals.gamma_upper,
        intervals.counted_lower,
        intervals.counted_upper,
        intervals.counted_mid_p_lower,
        intervals.counted_mid_p_upper,
        intervals.likelihood_lower,
        intervals.likelihood_upper,
        label_error.lang_reiczigel_lower,
        label_error.lang_reiczigel_upper,
    )
)

REGISTRY: tuple[Udf, ...] = (
    *_SCALAR_UDFS,
    _vector_udf("linear_solution", calibration.linear_solution, "double[][]", "double[]"),
    _vector_udf("matrix_rank", calibration.matrix_rank, "double[][]"),
    _vector_udf("raking_factor", calibration.raking_factors, "double[][]"),
    _vector_udf("raking_multiplier", calibration.raking_multipliers, "double[][]", "double[]"),
    _vector_udf(
        "bounded_linear_multiplier", calibration.bounded_linear_multipliers, "double[][]", "double[]", "double[]"
    ),
    Udf(
        "dawid_skene",
        dawid_skene.dawid_skene,
        tuple(inspect.signature(dawid_skene.dawid_skene).parameters),
        ("double[][]", "double", "double", "double"),
        return_type="double[]",
    ),
    _vector_udf("logit_multiplier", calibration.logit_multipliers, "double[][]", "double[]", "double[]"),
)
