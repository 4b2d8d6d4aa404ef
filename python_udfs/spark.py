"""Registers python_udfs.registry on a Spark session, under the same names as on DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_udfs.registry import REGISTRY

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def register(spark: SparkSession) -> None:
    """Make every function of the registry callable from the session's SQL.

    Spark does not cast the arguments of a Python function; `Udf.call_arrow` does, so integers, decimal literals and
    an untyped null are as good as doubles.
    """
    from pyspark.sql.functions import arrow_udf

    for udf in REGISTRY:
        return_type = "array<double>" if udf.returns_list else udf.return_type
        spark.udf.register(udf.name, arrow_udf(udf.arrow_function(), returnType=return_type))
