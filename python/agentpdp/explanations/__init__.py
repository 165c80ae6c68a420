"""How an explanation reads: as a tree for a terminal, as a flowchart, as a page.

``words.py`` puts answers into sentences, ``outline.py`` orders them, and one module each writes
them down. Ids and names of policies are hostile text: every writer escapes all that it writes.

Read next: ``outline.py``.
"""
