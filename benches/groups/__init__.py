"""The groups of the report: each builds what is timed together, and says which ratios to show.

A group runs in a process of its own, so that none leaves threads, memory or a pinned core to the
next. Read next: row.py, w1_single.py.
"""
