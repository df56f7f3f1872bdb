"""The view for coding agents: tools of a Model Context Protocol server that look and never change anything.

``requests``, ``sums`` and ``plans`` have the tools; ``server`` offers them over standard input and output, with the
official SDK, which only it and the parameters' descriptions need.
"""
