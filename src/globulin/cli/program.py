"""The program `globulin`: where its commands are, and how a fault becomes one line and an exit status.

Exit status: 0 done, 1 a dossier has faults, 2 what was asked for cannot be used.
"""

from __future__ import annotations

import gc
import sys

from cyclopts import App, CycloptsError, Group

from globulin import __version__
from globulin.errors import DossierError, FaultsError, GlobulinError

app = App(
    name="globulin",
    version=__version__,
    help=(
        "What is known about immune globulin in ME/CFS and fibromyalgia, made computable."
        " It informs; it does not prescribe."
    ),
    # what a command alone takes stands before the groups of options that several share
    group_parameters=Group("Parameters", sort_key=0),
)

# by name, so that only the module of the command that is called is loaded
_COMMANDS = {
    "evidence": ("page", "evidence", "pool", "regimens", "claims", "cite"),
    "levels": ("simulate", "dose_for", "individualise"),
    "plan": ("plan", "compare"),
    "serve": ("serve",),
    "dossier": ("check", "schema"),
}
for _module, _names in _COMMANDS.items():
    for _name in _names:
        app.command(f"globulin.cli.{_module}:{_name}")
app.command("globulin.cli.prices:app", name="prices")


def main() -> None:
    """Run the command line and exit."""
    # next to nothing of what a command makes while it starts is garbage, and looking for it takes 20 ms
    gc.set_threshold(50_000)
    if sys.argv[1:] in ([], ["-h"], ["--help"]):
        # the list of commands says what each does, which stands in its module
        for name in app:
            app[name]
    try:
        app(sys.argv[1:], exit_on_error=False, print_error=False)
    except DossierError as error:
        print(f"{error}\n{_counted(len(error.faults))}; nothing was built", file=sys.stderr)
        sys.exit(1)
    except FaultsError as error:
        print(f"{error}\n{_counted(len(error.faults))}; nothing was done", file=sys.stderr)
        sys.exit(2)
    except (GlobulinError, CycloptsError) as error:
        print(f"globulin: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        print(f"globulin: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        sys.exit(2)


def _counted(faults: int) -> str:
    return f"{faults} fault{'s' if faults > 1 else ''}"
