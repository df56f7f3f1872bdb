"""The engine of CPython 3.12 and 3.13: the interpreter tells of calls, and no code is changed."""
