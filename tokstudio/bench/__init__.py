"""Benchmarks: what the program promises, measured from outside. One file is one benchmark.

>>> from tokstudio.bench.base import BENCHMARKS
>>> list(BENCHMARKS)
['startup']
"""
