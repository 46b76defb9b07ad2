"""What people do with versions: compare, promote, check, roll back, trace, reproduce, forget, sweep.

Each module is one command's work as plain functions on a lake; the command line prints what they return.
Only `ci`, `reproduce` and `forgetting` run builds, and import Dagster for that inside functions.
"""
