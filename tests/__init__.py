"""The tests; also the benchmark and what writes the generated files."""
