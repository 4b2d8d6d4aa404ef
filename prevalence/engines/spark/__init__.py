"""Apache Spark from the installed PySpark: a session in this process, or a Thrift server on a standalone cluster."""
