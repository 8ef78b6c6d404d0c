"""Special functions are SciPy's own, and SciPy waits until one of them is called."""

from __future__ import annotations

import subprocess
import sys

import pytest
from scipy import special as theirs

from globulin.synthesis import special


def test_importing_the_library_loads_no_scipy():
    program = (
        "import sys; from globulin.synthesis import effect_size, pool, pool_bayes;"
        "assert not [name for name in sys.modules if name.startswith('scipy')];"
        "print(pool([0.1, 0.4], [0.1, 0.2]).k, 'scipy.special' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "True"]


def test_a_function_is_looked_up_once():
    assert special.ndtri is theirs.ndtri
    assert vars(special)["ndtri"] is theirs.ndtri


@pytest.mark.parametrize("name", ["no_such_function", "__path__"])
def test_other_names_are_not_there(name):
    assert not hasattr(special, name)
