"""Records of all that is known, every value cited. Frozen, no arithmetic beyond consistency, no files.

The whole dossier is loaded when it is first asked for: a command that needs three kinds of records should not
wait for twenty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from globulin.dossier.whole import KINDS, Dossier, Kind, SourceList

__all__ = ["KINDS", "Dossier", "Kind", "SourceList"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from globulin.dossier import whole

    value = globals()[name] = getattr(whole, name)
    return value
