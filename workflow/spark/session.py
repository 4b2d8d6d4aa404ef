"""A Spark session in this process, with the Python functions that SQL calls."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from workflow.settings import PROJECT, Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def configuration(settings: Settings) -> dict[str, str]:
    """What every Spark of this project needs, whether a session or the Thrift server, and why."""
    folder = settings.spark_folder
    return {
        # the engine's clock is UTC, as on DuckDB
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(folder / "tables"),
        # by this key and not by derby.system.home, which makes each Thrift session take 20 seconds to close
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder / 'metastore'};create=true",
        # a killed `create table as` leaves its folder behind; the next run writes it anew
        "spark.sql.legacy.allowNonEmptyLocationInCTAS": "true",
        # microbatch models replace the partitions that they write, and no others
        "spark.sql.sources.partitionOverwriteMode": "dynamic",
        # times in nanoseconds, as data frame libraries write them, are read as whole numbers (workflow/spark/warehouse.py)
        "spark.sql.legacy.parquet.nanosAsLong": "true",
        "spark.sql.shuffle.partitions": "4",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }


def prepare_environment() -> None:
    """Spark starts Python workers: they must be this interpreter, and find this project."""
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    path = os.environ.get("PYTHONPATH", "")
    if str(PROJECT) not in path.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(part for part in (str(PROJECT), path) if part)


def start_session(settings: Settings) -> SparkSession:
    """The session that dbt's method `session` finds; call it before dbt starts."""
    from pyspark.sql import SparkSession

    from python_udfs.spark import register

    prepare_environment()
    builder = SparkSession.builder.appName("prevalence").master("local[2]").enableHiveSupport()
    for key, value in configuration(settings).items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    register(spark)
    return spark
