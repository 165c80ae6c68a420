"""The documentation is true: its examples run, its tables are those of the code."""
