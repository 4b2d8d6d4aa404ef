"""Data-quality gates: Great Expectations suites at four joints, over small tables that SQL has reduced."""
