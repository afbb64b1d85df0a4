"""The way back: parameters whose spectrum fits a measured one, and how far they are determined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Doubles, Mask
from xafsflow.learning.inverse.inverse_model import InverseModel, whitener_of

# The fit starts at so many training samples whose spectra are the nearest.
STARTS = 6
# A parameter is determined when its interval is narrower than this share of its spread over the training (of +- one).
DETERMINED = 0.5
PROFILE = 9


@dataclass(frozen=True, eq=False)
class FittedParameters:
    """Parameters of one spectrum.

    Parameters
    ----------
    values, error
        `(parameter,)`: of the best fit, and standard errors from its covariance, times the root of the reduced chi-square
        where that is above one.
    low, high
        `(parameter,)`: where the best fit with this parameter held is worse by one in chi-square (68 %), or by the reduced
        chi-square where that is above one; the ends of the training's range where it is not within three errors.
    determined
        `(parameter,)`: whether error and interval are narrow against the spread of the training. An interval that ends at
        the range of the training may be narrow though the spectrum tells nothing.
    chi_square, degrees
        Of the scores of the components, against the errors of the model on groups that it had not seen; their number.
    inside
        Whether the fit lies where the model was trained.
    explained
        False where the misfit, or what the components leave of the spectrum, is more than the model's errors and the
        noise make.
    minima
        Different parameters that fit equally well (within one in chi-square), the best among them.
    spectrum
        `(energy,)`: of the best fit.
    """

    values: Doubles
    error: Doubles
    low: Doubles
    high: Doubles
    determined: Mask
    chi_square: float
    degrees: int
    inside: bool
    explained: bool
    minima: int
    spectrum: Doubles


def fit_parameters(model: InverseModel, spectrum: Doubles, noise: float) -> FittedParameters:
    """Least squares over the model from several starts.

    The misfit is that of the components' scores, weighted by the inverse covariance of the errors that the model has on
    groups it has not seen, and of the noise: errors of neighboring energies are alike, and each energy by itself would be
    counted as new evidence.

    Parameters
    ----------
    model
        The inverse model.
    spectrum
        `(energy,)`, prepared as those of its training.
    noise
        Standard deviation at each energy beyond that of the library's own spectra, in edge steps.
    """
    from threadpoolctl import threadpool_limits

    # Matrices are small: threads of BLAS would wait for each other
    with threadpool_limits(1):
        return _fitted(model, spectrum, noise)


def _fitted(model: InverseModel, spectrum: Doubles, noise: float) -> FittedParameters:
    problem = _Problem.of(model, spectrum, noise)
    nearest = np.argsort(((problem.known - problem.scores) ** 2).sum(axis=1))[:STARTS]
    found = [problem.solve(model.training[one]) for one in nearest]
    found.sort(key=lambda one: one[1])
    best, chi_square = found[0]
    degrees = max(1, len(problem.scores) - len(best))
    # Errors of a model are larger for some structures than for others: a bad fit has wider intervals
    one = max(1.0, chi_square / degrees)
    error = problem.errors(best) * np.sqrt(one)
    low, high = (
        np.array([problem.profile_end(best, chi_square, one, error, j, side) for j in range(len(best))])
        for side in (-1, 1)
    )
    apart = [place for place, square in found if square < chi_square + one]
    values = best * model.scale + model.center
    spread = model.training.std(axis=0)
    rest = spectrum - model.mean - problem.scores @ model.basis
    left = float(np.sqrt((rest**2).mean()))
    return FittedParameters(
        values=values,
        error=error * model.scale,
        low=low * model.scale + model.center,
        high=high * model.scale + model.center,
        determined=np.maximum(error, (high - low) / 2) < DETERMINED * spread,
        chi_square=float(chi_square),
        degrees=degrees,
        inside=bool(model.inside(values[None])[0]),
        explained=bool(chi_square <= model.misfit_limit and left <= 2 * np.hypot(model.left_over, noise)),
        minima=_different(apart, spread),
        spectrum=model.spectra(values[None])[0],
    )


@dataclass(frozen=True, eq=False)
class _Problem:
    """What is minimized: `whitener @ (scores of the model - scores)`, within the range of the training."""

    model: InverseModel
    scores: Doubles
    whitener: Doubles
    known: Doubles
    low: Doubles
    high: Doubles

    @classmethod
    def of(cls, model: InverseModel, spectrum: Doubles, noise: float) -> _Problem:
        covariance = model.score_covariance + noise**2 * (model.basis @ model.basis.T)
        scores = (spectrum - model.mean) @ model.basis.T
        ends = model.training.min(axis=0), model.training.max(axis=0)
        return cls(model, scores, whitener_of(covariance), model.training_scores, *ends)

    def misfit(self, place: Doubles) -> Doubles:
        return self.whitener @ (self.model.reconstructor.predict(place[None])[0] - self.scores)

    def solve(self, start: Doubles, held: int | None = None) -> tuple[Doubles, float]:
        """The best place from a start, with one parameter held where one is given, and its chi-square."""
        from scipy.optimize import least_squares

        free = np.arange(len(start)) != held
        # A range of no width is no range for the solver
        low, high = self.low[free] - 1e-9, self.high[free] + 1e-9
        place = start.copy()
        if not free.any():
            return place, float((self.misfit(place) ** 2).sum())

        def misfit(values: Doubles) -> Doubles:
            place[free] = values
            return self.misfit(place)

        found = least_squares(
            misfit, np.clip(start[free], self.low[free], self.high[free]), bounds=(low, high), max_nfev=60
        )
        place[free] = np.clip(found.x, self.low[free], self.high[free])
        return place, float(2 * found.cost)

    def errors(self, place: Doubles) -> Doubles:
        """Standard errors from `(J' J)^-1`; infinite where nothing changes the spectrum."""
        step = 1e-3
        moved = [
            (self.misfit(place + step * one) - self.misfit(place - step * one)) for one in np.eye(len(place))
        ]
        slope = np.array(moved).T / (2 * step)
        values, vectors = np.linalg.eigh(slope.T @ slope)
        known = np.maximum(values, 1e-12 * max(values.max(), 1e-300))
        return np.sqrt((vectors**2 / known).sum(axis=1))

    def profile_end(
        self, best: Doubles, least: float, one: float, error: Doubles, j: int, side: int
    ) -> float:
        """Where the best fit with parameter j held is worse by `one`; else the end of its range."""
        end = float(self.low[j] if side < 0 else self.high[j])
        reach = min(max(3 * error[j], 0.05), float(self.high[j] - self.low[j]))
        inner, risen, place = float(best[j]), 0.0, best
        for share in np.linspace(1 / PROFILE, 1, PROFILE):
            at = float(np.clip(best[j] + side * reach * share, self.low[j], self.high[j]))
            start = place.copy()
            start[j] = at
            place, square = self.solve(start, j)
            root = float(np.sqrt(max(square - least, 0.0) / one))
            if root >= 1:
                # The rise is nearly a parabola: linear in its root
                return inner + (at - inner) * (1 - risen) / (root - risen)
            inner, risen = at, root
            if at == end:
                break
        return end


def _different(places: list[Doubles], spread: Doubles) -> int:
    """How many places differ by more than a tenth of the training's spread in some parameter."""
    kept: list[Doubles] = []
    for place in places:
        if all((np.abs(place - one) > 0.1 * spread).any() for one in kept):
            kept.append(place)
    return max(1, len(kept))
