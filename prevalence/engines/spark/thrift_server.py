"""The Thrift server, in a Python driver, so that the functions of python_udfs.registry are there for every client.

`python -m prevalence.engines.spark.thrift_server --settings-file FILE` is started by prevalence.engines.spark.cluster; FILE is a JSON
object of Spark's settings. It runs until SIGTERM (exit code 0), or until Spark or its Java process ends (exit code 1).
Clients share one session, that of the functions, and with it temporary views and the current database.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from pathlib import Path

CHECK_SECONDS = 2


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Spark's Thrift server with this project's functions.")
    parser.add_argument("--settings-file", type=Path, required=True)
    spark_settings = json.loads(parser.parse_args(arguments).settings_file.read_text())

    # as an exception, so that Spark is stopped in whatever line the signal comes
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    from pyspark.sql import SparkSession

    from prevalence.engines.spark.session import stop_session
    from python_udfs.spark import register

    builder = SparkSession.builder.appName("prevalence").enableHiveSupport()
    for key, value in spark_settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    try:
        # the metastore opens with the first question: better here than with the first client
        spark.sql("show databases").collect()
        register(spark)
        skip_hive_functions(spark)
        server = spark._jvm.org.apache.spark.sql.hive.thriftserver.HiveThriftServer2
        server.startWithContext(spark._jsparkSession.sqlContext())
        print("The Thrift server is open.", flush=True)
        wait(spark)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stop_session(spark)
    return 1


def skip_hive_functions(spark) -> None:
    """Tell Hive that its own functions are registered, which Spark never calls.

    When a client leaves, Hive now and then opens the metastore anew and registers them, which needs classes that Spark
    does not ship (hive-llap): closing the connection fails with NoClassDefFoundError, and with it the client's statement.
    What is set is Hive 2.3's `Hive.didRegisterAllFuncs`, a private counter that is 2 when they are; by a method handle,
    because Py4J would hand the counter over as a number.
    """
    java = spark._jvm.java
    loader = java.lang.Thread.currentThread().getContextClassLoader()
    hive = java.lang.Class.forName("org.apache.hadoop.hive.ql.metadata.Hive", True, loader)
    field = hive.getDeclaredField("didRegisterAllFuncs")
    field.setAccessible(True)
    lookup = java.lang.invoke.MethodHandles.publicLookup()
    takes_int = java.lang.invoke.MethodType.methodType(java.lang.Void.TYPE, java.lang.Integer.TYPE)
    setter = lookup.findVirtual(field.getType(), "set", takes_int)
    set_counter = java.lang.invoke.MethodHandles.collectArguments(setter, 0, lookup.unreflectGetter(field))
    arguments = java.util.ArrayList()
    arguments.add(2)
    set_counter.invokeWithArguments(arguments)
    assert field.get(None) == 2, "Hive's counter of registered functions could not be set"


def wait(spark) -> None:
    """Return once nothing can be asked any more: the Java process has ended, or Spark within it has stopped."""
    context = spark.sparkContext
    while True:
        try:
            context._gateway.proc.wait(CHECK_SECONDS)
        except subprocess.TimeoutExpired:
            if context._jsc.sc().isStopped():
                print("Spark has stopped; the log above says why.", file=sys.stderr)
                return
        else:
            print("The server's Java process has ended.", file=sys.stderr)
            return


if __name__ == "__main__":
    sys.exit(main())
