"""Warehouses of an earlier layout brought to the layout of today."""
