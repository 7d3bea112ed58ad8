"""Pictures of what a file or a record holds, drawn by a process bounded in time and memory.

``subject`` says what of a record can be drawn, ``__main__`` is the process. ``tables``, ``runs``
and ``sounds`` read files into the charts of ``charts``; ``skies`` reads what the figures of
``vopub.figures`` are drawn of. ``meaning`` tells which columns they need, ``columns`` reads these
in pieces, and ``times`` knows how times are written.
"""
