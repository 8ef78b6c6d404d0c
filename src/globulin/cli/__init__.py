"""The command line: `globulin page`, `evidence`, `pool`, `regimens`, `simulate`, `claims`, `cite`, ...

Each command stands in the module of its family, as a function whose parameters are its options; `program`
knows them by name and loads the one that is called. Heavy modules are imported inside the commands, so that
`globulin --help` answers at once.
"""

from globulin.cli.program import app, main

__all__ = ["app", "main"]
