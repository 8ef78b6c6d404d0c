"""Global maximum of a likelihood over few shared coefficients, and one more per trial where there is one.

General optimisers start somewhere and stop near a saddle or at a bound; the likelihoods of scarce trials have
both, because the spread between trials is often 0 and sometimes has two peaks. Here the spread is scanned
first, every peak is climbed by Newton's method from beside it, the highest wins, and no spread at all is
always one of the candidates.

Axes: p coefficients, m candidates climbed side by side, k trials. The first `local` (0 or 1) of the p
belong to single trials, the rest are shared; the last of all is the spread, in which the likelihood is even.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from globulin.synthesis.measures import Array


class Curve(NamedTuple):
    """Log-likelihood of every trial: value (m, k), gradient (p, m, k), hessian (p, p, m, k).

    mode: whatever helps the next evaluation to start nearer, or None.
    """

    value: Array
    gradient: Array
    hessian: Array
    mode: Array | None


# b (p, m, k) and the mode of a nearby evaluation to a Curve
Likelihood: TypeAlias = Callable[[Array, Array | None], Curve]


class Point(NamedTuple):
    """A maximum: shared coefficients, their covariance (0 where held fixed), height; own (k,) or empty."""

    shared: Array
    covariance: Array
    height: float
    own: Array


class Maximum(NamedTuple):
    """best: the global maximum; common: the highest point without spread.

    several: the likelihood has more than one peak in the spread. unbounded: it still rises at the largest
    spread allowed, where `best` then stands.
    """

    best: Point
    common: Point
    several: bool
    unbounded: bool


class _Climbed(NamedTuple):
    shared: Array
    own: Array
    curve: Curve


_STEPS = 60
_HALVINGS = 12
# A step that promises this little brings the height to within its square, as steps shrink quadratically
_CONVERGED = 1e-8
# The scan only has to find where the peaks are
_SCAN_STEPS = 8
_SCANNED = 0.05
_NOISE = 1e-11
# No coefficient on a log scale moves further than this in one step
_LONGEST_STEP = 2.0
# A spread this much higher than none is more than rounding
_CLEARLY_HIGHER = 1e-8


def maximise(
    coarse: Likelihood,
    fine: Likelihood,
    shared: Array,
    own: Array,
    ladder: Array,
    *,
    spread: bool = True,
) -> Maximum:
    """Highest point of `fine`; `coarse` is a cheaper version for the scan.

    shared (s,) and own (1, k) or (0, k): where to start. ladder: spreads to scan, 0 first; the last is also
    the largest allowed. spread=False holds it at 0.
    """
    fixed = np.arange(shared.size) < shared.size - 1
    start = np.tile(shared, (ladder.size if spread else 1, 1))
    start[:, -1] = ladder[: start.shape[0]]
    scan = _climb(
        coarse, start, np.repeat(own[:, None], start.shape[0], axis=1), fixed, _SCAN_STEPS, _SCANNED
    )
    common = _point(_climb(fine, scan.shared[:1], scan.own[:, :1], fixed), 0, fixed)
    if not spread:
        return Maximum(common, common, False, False)
    peaks = _peaks(scan.curve.value.sum(axis=1))
    start = scan.shared[peaks]
    # exactly 0 is a stationary point whether or not it is a peak
    start[start[:, -1] == 0, -1] = ladder[1] / 2
    climbed = _climb(fine, start, scan.own[:, peaks], np.ones(shared.size, dtype=np.bool_))
    unbounded = np.abs(climbed.shared[:, -1]) > ladder[-1]
    heights = climbed.curve.value.sum(axis=1)
    top = int(heights.argmax())
    if heights[top] <= common.height + _CLEARLY_HIGHER:
        return Maximum(common, common, len(peaks) > 1, False)
    if not unbounded[top]:
        return Maximum(_point(climbed, top, ~np.zeros_like(fixed)), common, len(peaks) > 1, False)
    bound = climbed.shared[[top]]
    bound[0, -1] = ladder[-1]
    held = _climb(fine, bound, climbed.own[:, [top]], fixed)
    return Maximum(_point(held, 0, fixed), common, len(peaks) > 1, True)


def _peaks(heights: Array) -> NDArray[np.intp]:
    padded = np.concatenate([[-np.inf], heights, [-np.inf]])
    return np.nonzero((heights >= padded[:-2]) & (heights > padded[2:]))[0]


def _point(climbed: _Climbed, which: int, free: NDArray[np.bool_]) -> Point:
    _, information = _profile(climbed.curve, climbed.own.shape[0])
    covariance = np.zeros((free.size, free.size))
    covariance[np.ix_(free, free)] = np.linalg.pinv(information[which][np.ix_(free, free)], hermitian=True)
    shared = climbed.shared[which].copy()
    shared[-1] = abs(shared[-1])
    height = float(climbed.curve.value[which].sum())
    return Point(shared, covariance, height, climbed.own[:, which].ravel())


def _climb(
    likelihood: Likelihood,
    shared: Array,
    own: Array,
    free: NDArray[np.bool_],
    steps: int = _STEPS,
    enough: float = _CONVERGED,
) -> _Climbed:
    """Newton's method from m starts at once; each step is halved until it no longer falls."""
    curve = likelihood(_coefficients(shared, own), None)
    for _ in range(steps):
        step, own_step, gain = _newton_step(curve, own.shape[0], free)
        share = np.ones(gain.size)
        height = curve.value.sum(axis=1)
        for _ in range(_HALVINGS):
            trial = shared + share[:, None] * step, own + share[:, None] * own_step
            following = likelihood(_coefficients(*trial), curve.mode)
            short = following.value.sum(axis=1) < height - enough - _NOISE * np.abs(height)
            if not short.any():
                break
            share = np.where(short, share / 2, share)
        (shared, own), curve = trial, following
        # where even the shortest step falls, the rest is rounding
        if gain[~short].max(initial=0) < enough:
            break
    return _Climbed(shared, own, curve)


def _coefficients(shared: Array, own: Array) -> Array:
    """Coefficients b of shape (p, m, k) from shared (m, s) and own (0 or 1, m, k)."""
    spread_out = np.broadcast_to(shared.T[:, :, None], (*shared.T.shape, own.shape[2]))
    return np.concatenate([own, spread_out])


def _newton_step(curve: Curve, local: int, free: NDArray[np.bool_]) -> tuple[Array, Array, Array]:
    """Step of the shared coefficients (m, s), of the trials' own, and the gain it promises (m,)."""
    gradient, information = _profile(curve, local)
    size, vectors = np.linalg.eigh(information[:, free][:, :, free])
    # uphill also where the surface is not concave
    size = np.maximum(np.abs(size), 1e-10 * np.abs(size).max(axis=1, keepdims=True) + 1e-300)
    along = np.einsum("mij,mi->mj", vectors, gradient[:, free])
    step = np.zeros_like(gradient)
    step[:, free] = np.einsum("mij,mj->mi", vectors, along / size)
    longest = np.abs(step).max(axis=1, keepdims=True)
    step /= np.maximum(1, longest / _LONGEST_STEP)
    gain = (step * gradient).sum(axis=1)
    if not local:
        return step, np.zeros((0, *curve.value.shape)), gain
    pull = curve.gradient[0] + np.einsum("smk,ms->mk", curve.hessian[0, 1:], step)
    own = np.clip(pull / -curve.hessian[0, 0], -_LONGEST_STEP, _LONGEST_STEP)
    return step, own[None], gain + (curve.gradient[0] ** 2 / -curve.hessian[0, 0]).sum(axis=1)


def _profile(curve: Curve, local: int) -> tuple[Array, Array]:
    """Gradient (m, s) and information (m, s, s) of the shared coefficients, own ones at their best."""
    gradient, hessian = curve.gradient[local:], curve.hessian[local:, local:]
    if local:
        cross, bend = curve.hessian[0, 1:], curve.hessian[0, 0]
        gradient = gradient - cross * curve.gradient[0] / bend
        hessian = hessian - cross[:, None] * cross / bend
    return gradient.sum(axis=2).T, -hessian.sum(axis=3).transpose(2, 0, 1)


def stencil(value: Callable[[Array], Array], b: Array, steps: Array) -> Curve:
    """Curve of a function that has no derivatives of its own, by central differences.

    value: b (p, any, k) to (any, k). steps: (p,) or, to differ by candidate and trial, (p, m, k).
    """
    p, m, k = b.shape
    steps = np.broadcast_to(steps.reshape(p, *steps.shape[1:], *(1,) * (3 - steps.ndim)), b.shape)
    pairs = [(i, j) for i in range(p) for j in range(i)]
    moves = [np.zeros(p)]
    for i in range(p):
        moves += [np.eye(p)[i], -np.eye(p)[i]]
    for i, j in pairs:
        for sign_i, sign_j in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            moves.append(sign_i * np.eye(p)[i] + sign_j * np.eye(p)[j])
    points = b[:, None] + np.array(moves).T[:, :, None, None] * steps[:, None]
    f = value(points.reshape(p, -1, k)).reshape(len(moves), m, k)
    up, down = f[1 : 2 * p + 1 : 2], f[2 : 2 * p + 1 : 2]
    hessian = np.zeros((p, p, m, k))
    for i in range(p):
        hessian[i, i] = (up[i] - 2 * f[0] + down[i]) / steps[i] ** 2
    for (i, j), (pp, pm, mp, mm) in zip(pairs, f[2 * p + 1 :].reshape(-1, 4, m, k), strict=True):
        hessian[i, j] = hessian[j, i] = (pp - pm - mp + mm) / (4 * steps[i] * steps[j])
    return Curve(f[0], (up - down) / (2 * steps), hessian, None)
