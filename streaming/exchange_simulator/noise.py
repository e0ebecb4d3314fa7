"""Random numbers as a pure function of place: the same (seed, index) gives the same number whenever it is asked for."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def uniform(seed: int, index: Integers) -> Floats:
    """Numbers in `[0, 1)`, by the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        z = index.astype(np.uint64) * _GOLDEN + np.uint64(seed % (1 << 64)) * _MIX_2
        z = (z ^ (z >> np.uint64(30))) * _MIX_1
        z = (z ^ (z >> np.uint64(27))) * _MIX_2
        z ^= z >> np.uint64(31)
    return np.asarray((z >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def normal(seed: int, index: Integers) -> Floats:
    """Standard normal numbers (Box and Muller 1958)."""
    radius = np.sqrt(-2.0 * np.log1p(-uniform(seed, index)))
    return np.asarray(radius * np.cos(2.0 * np.pi * uniform(seed + 1, index)))


def smooth(seed: int, knots: Integers, spacing: int) -> Floats:
    """Value noise: normal numbers every ``spacing`` knots, straight lines between. Knots are close together."""
    cell, share = knots // spacing, (knots % spacing) / spacing
    place = cell - cell.min()
    heights = normal(seed, np.arange(cell.min(), cell.max() + 2, dtype=np.int64))
    return np.asarray(heights[place] * (1.0 - share) + heights[place + 1] * share)
