"""Motion of the sample between the images of a scan, by registration of band-passed images.

Images of a scan differ by more than motion: the edge raises some places more than others, flux and energy tilt change
whole images. A band-pass of about a pixel takes smooth changes out and leaves the borders of grains and holes; these
stand at the same place at all energies.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import ComputationError, InputError
from xafsflow.kernels.array_types import Complexes, Doubles, Floats, Mask
from xafsflow.kernels.images.band_pass import apodization, band_pass, specks

# Widths of the band-pass, pixels, from fine to coarse: the first that finds the motion well enough is taken.
SCALES = (0.7, 1.4, 2.8)
# Below this error, pixels, no coarser scale is tried: coarse structure changes more over the edge.
GOOD = 0.03
# An image whose motion is less certain than this, pixels, takes the motion of its neighbors.
POOR = 0.1
# A peak of a correlation, over the standard deviation of its ground; the highest of 2,000 random ones is 3.7.
CLEAR = 6.0
# Places of the first image among all by their contrast; the next where most images do not fit to it.
FIRST = (0.8, 0.5)
# Tiles along each side of the field whose disagreement is the error of a motion.
TILES = 5
# Rounds of registration to the mean of the others; the third moves no image by more than 0.003 pixels.
ROUNDS = 2


def sample_path(mu: Floats, unusable: Mask, most: float) -> tuple[Doubles, Doubles]:
    """The way of the sample over the detector, for every image.

    Parameters
    ----------
    mu
        Absorbance of a part of the field, `(image, y, x)`.
    unusable
        `(y, x)`, pixels that would hold the registration fast, as dead ones do.
    most
        How far the sample may lie from the middle of its way, pixels.

    Returns
    -------
    path, error
        As of `motion`; an image whose motion is not found lies on the line between its neighbors, with the error NaN.

    Raises
    ------
    ComputationError
        The motion of less than half of the images is found.
    InputError
        The sample goes further than `most`.
    """
    mean = np.where(unusable, np.nan, mu.mean(axis=0))
    path, error = motion(mu, most, unusable | specks(mean))
    known = np.flatnonzero(np.isfinite(error).all(axis=1))
    if known.size < max(2, len(mu) / 2):
        raise ComputationError(
            f"{known.size} of {len(mu)} images whose motion is known to {POOR} pixels",
            "half of them or more: grains, holes or borders of a few pixels that all energies show",
            "choose y and x where there is structure, or leave correct.drift out",
        )
    far = float(np.abs(path[known]).max())
    if far > most:
        raise InputError(
            f"a drift of {far:.1f} pixels", f"at most {most:g} pixels", "raise most, or crop energies"
        )
    places = np.arange(len(mu))
    filled = np.stack([np.interp(places, known, path[known, axis]) for axis in (0, 1)], axis=1)
    # A thousandth of a pixel is beyond all certainty, and hides what another order of a sum makes of the last digits.
    return filled.round(3), error.round(4)


def motion(images: Floats, most: float, unusable: Mask | None = None) -> tuple[Doubles, Doubles]:
    """How far each image lies from the others, and how certain that is.

    The band-passed images are registered to one of them, then several times to the mean of all the others, moved
    back: no errors add up along the scan, and what stands still on the detector is smeared out in the mean.

    Parameters
    ----------
    images
        Absorbance `(image, y, x)`; what is NaN is not used.
    most
        How far an image may lie from the middle of the path, pixels.
    unusable
        `(y, x)`, True at pixels that are not used.

    Returns
    -------
    path, error
        `(image, 2)` along y and x, pixels, the median zero, and its standard error; NaN where the motion is not found.
        An image at `(dy, dx)` shows at `(y + dy, x + dx)` what the others show at `(y, x)`.

    Examples
    --------
    >>> from xafsflow.kernels.images.band_pass import blurred, gauss_taps
    >>> random = np.random.default_rng(0).standard_normal((60, 70)).astype("f4")
    >>> scene = blurred(random, gauss_taps(1.0))
    >>> images = np.stack([scene[5:-5, 5:-5], scene[5:-5, 5:-5], scene[4:-6, 7:-3]])
    >>> motion(images, 5)[0].round(1) + 0.0
    array([[ 0.,  0.], [ 0.,  0.], [ 1., -2.]])
    """
    found = []
    masked = np.zeros(images.shape[1:], np.bool_) if unusable is None else unusable
    for scale in SCALES:
        path, error = _motion_at_scale(images, most, masked, scale)
        typical = float(np.median(np.where(np.isfinite(error), error, np.inf)))
        found.append((typical, path, error))
        if typical < GOOD:
            break
    return min(found, key=lambda entry: entry[0])[1:]


def _motion_at_scale(images: Floats, most: float, unusable: Mask, scale: float) -> tuple[Doubles, Doubles]:
    """`motion` with one width of the band-pass."""
    filtered = np.empty(images.shape, np.float32)
    for image, out in zip(images, filtered, strict=True):
        out[:] = band_pass(np.where(unusable, np.float32(np.nan), image), scale)
    reach = min(2 * most, *(n / 4 for n in images.shape[1:]))
    # By contrast: the highest may be a failure, the lowest is noise.
    order = np.argsort([np.vdot(image, image) for image in filtered])
    for share in FIRST:
        path, error = _first_round(filtered, order[int(share * (len(order) - 1))], reach)
        if (error < POOR).all(axis=1).mean() > 0.5:
            break
    for _ in range(ROUNDS):
        used = np.asarray((error < POOR).all(axis=1))
        if used.sum() < 2:
            break
        path, error = _next_round(filtered, path, used, most)
    lost = ~(error < POOR).all(axis=1)
    path[lost], error[lost] = np.nan, np.nan
    return path - (0.0 if lost.all() else np.nanmedian(path, axis=0)), error


def _first_round(filtered: Floats, first: int, reach: float) -> tuple[Doubles, Doubles]:
    """All images against one."""
    plane, window = Plane(*filtered.shape[1:]), apodization(*filtered.shape[1:])
    path, error = np.zeros((len(filtered), 2)), np.zeros((len(filtered), 2))
    other = np.fft.rfft2(filtered[first] * window)
    for i in range(len(filtered)):
        image = np.fft.rfft2(filtered[i] * window)
        path[i], error[i] = plane.register(image, other, plane.search(image * other.conj(), reach))
    return path, error


def _next_round(filtered: Floats, path: Doubles, used: Mask, most: float) -> tuple[Doubles, Doubles]:
    """Each image against the mean of all others that are used, over the part of the sample that all these show.

    The part moves with the sample by whole pixels: the weights that fall at its borders would pull a motion of some
    pixels by a hundredth of it towards zero.
    """
    low, high = path[used].min(axis=0), path[used].max(axis=0)
    middle = np.median(path[used], axis=0)
    path = np.where(used[:, None], path, middle)
    whole = np.rint(path).astype(int)
    start = np.maximum(0, -np.rint(low).astype(int))
    size = [fast(n) for n in filtered.shape[1:] - start - np.maximum(0, np.rint(high).astype(int))]
    plane, window = Plane(*size), apodization(*size)

    def part(i: int) -> Complexes:
        (y, x), (n_y, n_x) = start + whole[i], size
        return np.fft.rfft2(filtered[i, y : y + n_y, x : x + n_x] * window)

    rest, error = path - whole, np.zeros(path.shape)
    total = np.asarray(sum(plane.moved(part(i), -rest[i]) for i in np.flatnonzero(used).tolist()))
    for i in range(len(filtered)):
        image = part(i)
        if used[i]:
            others, near = (total - plane.moved(image, -rest[i])) / (used.sum() - 1), rest[i]
        else:
            others = total / used.sum()
            near = plane.search(image * others.conj(), min(most, *(n / 4 for n in size)))
        rest[i], error[i] = plane.register(image, others, near)
    return whole + rest, error


def fast(size: int) -> int:
    """The largest size up to this one that has a fast Fourier transform: a product of 2, 3 and 5.

    Examples
    --------
    >>> fast(127), fast(160)
    (125, 160)
    """
    for n in range(size, 0, -1):
        rest = n
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return n
    return size


class Plane:
    """The frequencies of images of one size, and correlations of two images given by their half spectra."""

    def __init__(self, n_y: int, n_x: int) -> None:
        self.shape = (n_y, n_x)
        self.f_y, self.f_x = (f.astype(np.float32) for f in (np.fft.fftfreq(n_y), np.fft.rfftfreq(n_x)))
        # Columns of a half spectrum stand for two of the whole, the first and, for even sizes, the last for one.
        self.twice = np.full(self.f_x.size, 2, np.float32)
        self.twice[[0, -1] if n_x % 2 == 0 else [0]] = 1

    def image(self, spectrum: Complexes) -> Floats:
        """The image `(y, x)` of a half spectrum."""
        return np.fft.irfft2(spectrum, s=self.shape)

    def moved(self, image: Complexes, shift: Doubles) -> Complexes:
        """The half spectrum of the image moved by `shift` pixels."""
        down, across = (np.exp(-2j * np.pi * f * d) for f, d in ((self.f_y, shift[0]), (self.f_x, shift[1])))
        return image * (down[:, None] * across).astype(np.complex64)

    def correlation(self, cross: Complexes, y: Doubles, x: Doubles) -> Doubles:
        """The correlation at the shifts `y` and `x`, `(len(y), len(x))`."""
        down = np.exp(2j * np.pi * np.outer(y, self.f_y)).astype(np.complex64)
        across = np.exp(2j * np.pi * np.outer(self.f_x, x)).astype(np.complex64)
        return np.asarray((down @ (cross * self.twice) @ across).real, np.float64)

    def search(self, cross: Complexes, reach: float, around: ArrayLike = (0.0, 0.0)) -> Doubles:
        """Where the correlation is highest, to a quarter of a pixel."""
        best = np.asarray(around, np.float64)
        for grid in (np.arange(-np.ceil(reach), np.ceil(reach) + 1), np.arange(-4, 5) / 4):
            found = self.correlation(cross, grid + best[0], grid + best[1])
            best = best + grid[list(np.unravel_index(found.argmax(), found.shape))]
        return best

    def register(self, image: Complexes, other: Complexes, start: Doubles) -> tuple[Doubles, Doubles]:
        """The top of the correlation near `start`, and its standard error, along y and x.

        Newton's method on `C(d) = sum_k F T* exp(2 pi i k d)`. Infinite errors where no clear peak is near.
        """
        cross = image * other.conj()
        shift, nothing = start, (start, np.full(2, np.inf))
        for _ in range(6):
            height, slope, hessian = self._top(cross, shift)
            if not (np.linalg.eigvalsh(hessian) < 0).all():
                return nothing
            step = -np.linalg.solve(hessian, slope)
            shift = shift + np.clip(step, -0.3, 0.3)
            if np.abs(step).max() < 1e-3:
                break
        ground = np.sqrt(((np.abs(cross) ** 2) @ self.twice).sum())
        if np.abs(shift - start).max() > 1.0 or height < CLEAR * ground:
            return nothing
        return shift, self._error(image, self.moved(other, shift), hessian)

    def _error(self, image: Complexes, other: Complexes, hessian: Doubles) -> Doubles:
        """Standard error of an extremum, from what tiles of the field pull at it: `H^-1 sum_t(g_t g_t^T) H^-1`.

        What pulls is noise and all else that differs between the images, as what the edge has changed.
        """
        gain = ((image * other.conj()).real @ self.twice).sum() / ((np.abs(other) ** 2) @ self.twice).sum()
        rest = self.image(image - gain * other)
        slopes = [self.image(np.complex64(2j * np.pi) * f * other) for f in (self.f_y[:, None], self.f_x)]
        pulls = np.stack([_tile_sums(rest * slope) for slope in slopes]) * rest.size
        inverse = np.linalg.inv(hessian)
        return np.sqrt(np.diag(inverse @ pulls @ pulls.T @ inverse))

    def _top(self, cross: Complexes, shift: Doubles) -> tuple[float, Doubles, Doubles]:
        """Height, slope `(2,)` and curvature `(2, 2)` of the correlation at a shift."""
        f_y, f_x = self.f_y, self.f_x
        across = np.exp(2j * np.pi * f_x * shift[1]) * self.twice
        down = np.exp(2j * np.pi * f_y * shift[0])
        columns = cross @ np.stack([across, f_x * across, f_x**2 * across], axis=1).astype(np.complex64)
        sums = np.stack([down, f_y * down, f_y**2 * down]) @ columns
        slope = -2 * np.pi * np.array([sums[1, 0].imag, sums[0, 1].imag])
        mixed = sums[1, 1].real
        curve = -4 * np.pi**2 * np.array([[sums[2, 0].real, mixed], [mixed, sums[0, 2].real]])
        return float(sums[0, 0].real), slope, curve


def _tile_sums(image: Floats) -> Doubles:
    """Sums over `TILES` x `TILES` tiles, `(tile,)`."""
    for axis in (0, 1):
        starts = np.linspace(0, image.shape[axis], TILES, endpoint=False).astype(int)
        image = np.add.reduceat(image, starts, axis=axis, dtype=np.float64)
    return np.asarray(image.ravel())
