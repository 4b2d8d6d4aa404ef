"""Apache Spark: the session in this process, and the Thrift server on a standalone cluster, from the installed PySpark."""
