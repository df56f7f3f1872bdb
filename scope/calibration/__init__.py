"""What recording costs on this machine and interpreter, measured by doing it: a process of its own, for a moment.

``python -m scope.calibration`` writes into a scratch segment as a traced process writes into its own, by the same core,
and prints a table of costs by type of record: a JSON array of [type, picoseconds of a record, of each further word].
"""
