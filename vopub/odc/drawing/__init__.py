"""Pictures of what a file holds, drawn by a process that is bounded in time and memory.

``subject`` says what of a record can be drawn, ``__main__`` is the process; ``tables`` and
``sounds`` read files into the charts of ``charts``.
"""
