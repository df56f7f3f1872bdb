"""The AST engine: source code compiled so that its functions record their calls."""
