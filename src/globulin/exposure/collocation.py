"""Radau IIA collocation of a two-pool linear equation on all elements of a time course at once.

It exists so that saturable kinetics can be solved for a whole interval, periodic or from an empty start, by a
few linear solves that are plain array operations over elements and lanes: no time stepping with a tolerance,
no solver call per person. Radau IIA is L-stable and of order 2 stages - 1 at the ends of elements (Hairer &
Wanner, Solving Ordinary Differential Equations II, 1996, section IV.5), so elements may be far longer than
the fastest process once that has died out. Arrays have collocation points, elements and lanes on their axes,
in this order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from globulin.exposure.linear import FloatArray

STAGES = 6


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Both pools at the start and the collocation points (first axis) of each element of each lane.

    `before` holds the two pools (first axis) of each lane before the first element and its jump.
    """

    plasma: FloatArray
    peripheral: FloatArray
    before: FloatArray


def shed_to_periphery(step: FloatArray, exchange: FloatArray) -> FloatArray:
    """Per element the matrix K / (1 + K), K = step q A: what plasma has shed to the periphery at each point.

    `step` (element x lane, day) and `exchange` q (lane, 1/day) give point x point x element x lane; A is the
    matrix of Radau IIA.
    """
    exchanged = _INTEGRAL[:, :, None, None] * (step * exchange)
    return _eliminate(np.eye(STAGES)[:, :, None, None] + exchanged, exchanged.copy())


def solve_linear(
    step: FloatArray,
    shed: FloatArray,
    loss: FloatArray,
    source: FloatArray,
    jump: FloatArray,
    start: FloatArray | None,
) -> Path:
    """Solve dx/dt = source - loss x - q (x - y), dy/dt = q (x - y) from `start` (None: periodic).

    `start` holds x and y (first axis) of each lane before the first element and its jump.
    `step` in day and `jump` (added to x before an element) are element x lane, `loss` (1/day) and `source`
    (per day) are given at the points, `shed` by `shed_to_periphery`. The periphery is eliminated exactly:
    with G = 1 / (1 + K) and `shed` = 1 - G the points obey (1 + shed + step A loss) X = x0 + shed y0 + step A
    source, Y = G y0 + shed X.
    """
    scaled = _INTEGRAL[:, :, None, None] * step
    matrix = np.eye(STAGES)[:, :, None, None] + shed + scaled * loss
    right = np.empty((STAGES, 3, *step.shape))
    right[:, 0] = 1.0
    from_periphery = shed.sum(axis=1)
    right[:, 1] = from_periphery
    right[:, 2] = np.einsum("ijel,jel->iel", scaled, source)
    _eliminate(matrix, right)
    final = np.einsum("jel,jkel->kel", shed[-1], right)
    final[1] += 1.0 - from_periphery[-1]
    starts, before = _chain(np.stack([right[-1], final]), jump, start)
    x0, y0 = starts
    x = right[:, 0] * x0 + right[:, 1] * y0 + right[:, 2]
    y = (1.0 - from_periphery) * y0 + np.einsum("ijel,jel->iel", shed, x)
    return Path(np.concatenate([x0[None], x]), np.concatenate([y0[None], y]), before)


def _chain(
    step_map: FloatArray, jump: FloatArray, before: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Both pools at the start of every element, after its jump, and before the first.

    `step_map` is (pool at the end) x (plasma, periphery at the start, constant) x element x lane, and is used
    up. Elements are joined in pairs, then pairs of pairs, so that few operations follow each other however
    many elements there are (Blelloch, Prefix Sums and Their Applications, 1990, section 1.4).
    """
    joined = [step_map]
    joined[0][:, 2] += step_map[:, 0] * jump
    while joined[-1].shape[2] > 1:
        first, second = joined[-1][:, :, 0::2], joined[-1][:, :, 1::2]
        pairs = second.shape[2]
        both = first.copy()
        both[:, :, :pairs] = second[:, :1] * first[0, :, :pairs] + second[:, 1:2] * first[1, :, :pairs]
        both[:, 2, :pairs] += second[:, 2]
        joined.append(both)
    if before is None:
        (a, b, x), (c, d, y) = joined[-1][:, :, 0]
        a, d = 1.0 - a, 1.0 - d
        before = np.stack([d * x + b * y, a * y + c * x]) / (a * d - b * c)
    starts = before[:, None]
    for maps in reversed(joined[:-1]):
        first, coarse = maps[:, :, 0::2], starts
        pairs = maps.shape[2] // 2
        starts = np.empty((2, maps.shape[2], maps.shape[3]))
        starts[:, 0::2] = coarse
        x, y = coarse[:, :pairs]
        starts[:, 1::2] = first[:, 0, :pairs] * x + first[:, 1, :pairs] * y + first[:, 2, :pairs]
    starts[0] += jump
    return starts, before


def _eliminate(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Solve matrix x = right in place for stages on the leading axes and any number of systems on the others.

    Without pivoting: the leading minors of 1 + K / (1 + K) + step A loss are positive for losses above 0.
    """
    size = len(matrix)
    for row in range(size):
        factor = matrix[row + 1 :, row] / matrix[row, row]
        matrix[row + 1 :, row + 1 :] -= factor[:, None] * matrix[row, row + 1 :]
        right[row + 1 :] -= factor[:, None] * right[row]
    for row in reversed(range(size)):
        for later in range(row + 1, size):
            right[row] -= matrix[row, later] * right[later]
        right[row] /= matrix[row, row]
    return right


def lagrange(at: FloatArray, nodes: FloatArray) -> FloatArray:
    """Lagrange polynomials of `nodes` (last axis of the result) at the points `at`."""
    others = [np.delete(nodes, index) for index in range(nodes.size)]
    return np.stack(
        [
            np.prod((at[..., None] - rest) / (node - rest), axis=-1)
            for node, rest in zip(nodes, others, strict=True)
        ],
        axis=-1,
    )


def _radau() -> tuple[FloatArray, FloatArray]:
    """Nodes in (0, 1] of Radau IIA, and the integrals from 0 to each of their Lagrange polynomials."""
    legendre = np.zeros(STAGES + 1)
    legendre[-2:] = -1.0, 1.0
    # the roots are real, but from NumPy 2.5 on they come as complex numbers
    node = 0.5 * (1.0 + np.sort(np.real(np.polynomial.legendre.legroots(legendre))))
    node[-1] = 1.0
    point, weight = np.polynomial.legendre.leggauss(STAGES)
    inside = node[:, None] * (0.5 * (1.0 + point))
    return node, np.einsum("ig,igj->ij", node[:, None] * (0.5 * weight), lagrange(inside, node))


NODE, _INTEGRAL = _radau()
WEIGHT = _INTEGRAL[-1]
