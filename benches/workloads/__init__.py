"""Workloads as data: seeded generators, the same on every machine, with expected decisions.

With `benches/` on the path: ``from workloads import w1; w1.build()``. Each module here (w1, w2, w3,
w4) says at its head what it is made like. Read next: workload.py.
"""
