"""Compiled loops over the bytes of string columns: no Python object is made per document or word.

The first call of a kernel on a machine compiles it, which takes seconds; `python -m headwater.curate.kernels`
does so at installation.
"""
