"""The functions of scipy.special, loaded when the first of them is called.

Loading scipy.special takes longer than loading NumPy and all of this library, and a program that only imports
the library should not have to wait for it. Each function is looked up once; afterwards it is a plain
attribute of this module and costs nothing more.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from scipy import special

    function = globals()[name] = getattr(special, name)
    return function
