"""What a model's plans.json says: the grid it works on, how intensities are prepared, and its architecture.

Only values are read from a plans file. Names of classes and functions in it are looked up in literal tables;
nothing is imported or executed because a file names it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, cast

from lesionlocator.errors import ModelError
from lesionlocator.geometry import Shape, Triple

CONFIGURATION = "3d_fullres"
_ANISOTROPY = 3.0
"""Ratio of the largest to the smallest spacing above which the coarse axis is resampled apart."""

_MASKS = "prev_mask"
_ROOM = 1.5
"""How much larger than a lesion a patch is that fits it."""

T = TypeVar("T")


class Normalization(Enum):
    """Intensity schemes that plans can name."""

    CT = "CTNormalization"
    Z_SCORE = "ZScoreNormalization"
    RESCALE_01 = "RescaleTo01Normalization"
    RGB_01 = "RGBTo01Normalization"
    NONE = "NoNormalization"


class ResamplingFamily(Enum):
    """Resampling functions that plans can name."""

    LINEAR = "resample_torch_fornnunet"
    CUBIC = "resample_data_or_seg_to_shape"


@dataclass(frozen=True)
class Resampling:
    """How one kind of volume changes its grid.

    Parameters
    ----------
    cubic
        Cubic B-spline; linear otherwise.
    separate
        Whether a coarse axis is resampled apart, by nearest neighbour: True, False, or None for "where the
        spacing is anisotropic".
    family
        The published function; both round positions differently, which decides ties of labels.
    """

    cubic: bool
    separate: bool | None
    family: ResamplingFamily

    def separate_axis(self, source: Triple, target: Triple) -> int | None:
        """Return the axis that is resampled apart between two spacings (z, y, x; mm), or None."""
        if self.separate is False:
            return None
        chosen = source if self.separate or _is_anisotropic(source) else target
        if not self.separate and not _is_anisotropic(chosen):
            return None
        coarse = [axis for axis in range(3) if chosen[axis] == max(chosen)]
        return coarse[0] if len(coarse) == 1 else None


@dataclass(frozen=True)
class IntensityProperties:
    """Foreground statistics of the training data in HU, used by CT normalization."""

    lower: float
    upper: float
    mean: float
    std: float


@dataclass(frozen=True)
class Architecture:
    """A network's name, what builds it (see :mod:`lesionlocator.model.architectures`), and its images."""

    name: str
    arguments: Mapping[str, Any]
    channels: int = 1


@dataclass(frozen=True)
class Plans:
    """A model's plan, checked.

    Parameters
    ----------
    patch_size
        Size of the network's input in voxels of the model grid, z, y, x.
    spacing
        Voxel size of the model grid in mm, z, y, x.
    normalization, normalize_in_mask
        Intensity scheme, and whether its statistics come from the nonzero region only.
    intensity
        Training statistics, where the scheme needs them.
    image_resampling, label_resampling, logits_resampling
        How each kind of volume changes its grid.
    architecture
        The network.
    canonical_orientation
        Whether scans are brought to superior, posterior, left axis order before the network. Published models
        see the order in which the file stores the voxels.
    masks_within_boxes
        Whether a mask ends a little beyond the box that a person drew for it. Those of published models do
        not.
    fitted_patches
        Smaller patches, smallest first, in which the network looks at what fits into them. Published models
        have none.
    fine_spacing
        Voxel size of a second, finer grid in mm, z, y, x, on which the network looks at what fits into the
        smaller patches there; None for none, as for published models.
    takes_masks
        Whether masks of about where lesions are can prompt the network. Published models that segment take
        none.
    """

    patch_size: Shape
    spacing: Triple
    normalization: Normalization
    normalize_in_mask: bool
    intensity: IntensityProperties | None
    image_resampling: Resampling
    label_resampling: Resampling
    logits_resampling: Resampling
    architecture: Architecture
    canonical_orientation: bool
    masks_within_boxes: bool
    fitted_patches: tuple[Shape, ...]
    fine_spacing: Triple | None
    takes_masks: bool

    def small_patch_for(self, lesion: Shape) -> Shape | None:
        """Return the smallest of the fitted patches that is half as large again as a lesion, or None."""
        fitting = (
            p for p in self.fitted_patches if all(_ROOM * n <= m for n, m in zip(lesion, p, strict=True))
        )
        return next(fitting, None)

    def patch_for(self, lesion: Shape) -> Shape:
        """Return the smallest patch that is half as large again as a lesion, or else the largest there is."""
        return self.small_patch_for(lesion) or self.patch_size

    @property
    def fine(self) -> Plans | None:
        """The plan on the finer grid, where there is one."""
        if self.fine_spacing is None:
            return None
        return replace(self, spacing=self.fine_spacing, fine_spacing=None)

    @property
    def channels(self) -> int:
        """Images that the network sees beside the prompt; each after the first has mean 0 and deviation 1."""
        return self.architecture.channels

    @classmethod
    def read(cls, path: Path) -> Plans:
        """Read a plans.json.

        Raises
        ------
        ModelError
            Where the file is missing, is not JSON, or holds something that this package cannot compute.
        """
        try:
            content = json.loads(path.read_text())
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise ModelError(f"{path}: is not JSON ({error})") from error
        return cls.parse(content, str(path))

    @classmethod
    def parse(cls, content: object, source: str) -> Plans:
        """Check the content of a plans.json; ``source`` names it in messages."""
        plans = _Reader(content, source)
        if list(plans.get("transpose_forward", list, [0, 1, 2])) != [0, 1, 2]:
            raise ModelError(
                f"{source}: transpose_forward is {plans.get('transpose_forward', list)}, legal: [0, 1, 2]"
            )
        configuration = _Reader(_resolved(plans, CONFIGURATION, source), f"{source}: {CONFIGURATION}")
        normalization = configuration.normalization("normalization_schemes")
        in_mask = configuration.get("use_mask_for_norm", list, [False])
        orientation = plans.get("orientation", str, "stored")
        if orientation not in {"stored", "LPS"}:
            raise ModelError(f"{source}: orientation is {orientation!r}, legal: 'stored', 'LPS'")
        return cls(
            patch_size=cast(Shape, configuration.triple("patch_size", int)),
            spacing=configuration.triple("spacing", float),
            normalization=normalization,
            normalize_in_mask=bool(in_mask and in_mask[0]),
            intensity=_intensity(plans, source) if normalization is Normalization.CT else None,
            image_resampling=_resampling(configuration, "resampling_fn_data", source),
            label_resampling=_resampling(configuration, "resampling_fn_seg", source),
            logits_resampling=_resampling(configuration, "resampling_fn_probabilities", source),
            architecture=_architecture(configuration),
            canonical_orientation=orientation == "LPS",
            masks_within_boxes=plans.get("masks_within_boxes", bool, False),
            fitted_patches=tuple(cast(Shape, t) for t in plans.triples("fitted_patches", int)),
            fine_spacing=_fine_spacing(plans),
            takes_masks=_MASKS in plans.get("prompts", list, []),
        )


class _Reader:
    """Typed access to a JSON object, with messages that name what was found."""

    def __init__(self, content: object, source: str) -> None:
        if not isinstance(content, dict):
            raise ModelError(f"{source}: is {type(content).__name__}, expected an object")
        self.content: dict[str, Any] = content
        self.source = source

    def get(self, key: str, kind: type[T], default: T | None = None) -> T:
        value = self.content.get(key, default)
        if not isinstance(value, kind):
            found = "missing" if value is None else repr(value)
            raise ModelError(f"{self.source}: {key} is {found}, expected {kind.__name__}")
        return value

    def number(self, key: str) -> float:
        value = self.content.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            found = "missing" if value is None else repr(value)
            raise ModelError(f"{self.source}: {key} is {found}, expected a number")
        return float(value)

    def triple(self, key: str, convert: Callable[[Any], Any]) -> Triple:
        return self._triple(key, self.get(key, list), convert)

    def triples(self, key: str, convert: Callable[[Any], Any]) -> list[Triple]:
        return [self._triple(key, values, convert) for values in self.get(key, list, [])]

    def _triple(self, key: str, values: Any, convert: Callable[[Any], Any]) -> Triple:
        try:
            z, y, x = (convert(v) for v in values)
        except (TypeError, ValueError):
            raise ModelError(
                f"{self.source}: {key} is {values}, expected three positive numbers (z, y, x)"
            ) from None
        if not all(0 < v < math.inf for v in (z, y, x)):
            raise ModelError(f"{self.source}: {key} is {values}, expected three positive numbers (z, y, x)")
        return z, y, x

    def normalization(self, key: str) -> Normalization:
        """Return the scheme of the first channel; all others must be brought to mean 0 and deviation 1."""
        values = self.get(key, list)
        names = [item.value for item in Normalization]
        further = Normalization.Z_SCORE.value
        if not values or values[0] not in names or any(value != further for value in values[1:]):
            raise ModelError(
                f"{self.source}: {key} is {values}, legal: one of {', '.join(names)}; "
                f"then {further} for each further channel"
            )
        return Normalization(values[0])


def _resolved(plans: _Reader, name: str, source: str) -> dict[str, Any]:
    """Return a configuration with what it inherits filled in, nearest first."""
    configurations = plans.get("configurations", dict)
    merged: dict[str, Any] = {}
    seen: list[str] = []
    current: object = name
    while current is not None:
        if current in seen:
            raise ModelError(
                f"{source}: configurations inherit in a circle: {' → '.join([*seen, str(current)])}"
            )
        if not isinstance(current, str) or current not in configurations:
            raise ModelError(
                f"{source}: no configuration {current!r}, found: {', '.join(map(repr, configurations))}"
            )
        seen.append(current)
        layer = _Reader(configurations[current], f"{source}: {current}").content
        merged = {**layer, **merged}
        current = layer.get("inherits_from")
    return merged


def _intensity(plans: _Reader, source: str) -> IntensityProperties:
    channels = _Reader(plans.get("foreground_intensity_properties_per_channel", dict), source)
    channel = _Reader(channels.get("0", dict), f"{source}: foreground_intensity_properties_per_channel['0']")
    keys = ("percentile_00_5", "percentile_99_5", "mean", "std")
    lower, upper, mean, std = (channel.number(key) for key in keys)
    return IntensityProperties(lower, upper, mean, std)


def _fine_spacing(plans: _Reader) -> Triple | None:
    if not plans.get("fine_spacing", list, []):
        return None
    if not plans.get("fitted_patches", list, []):
        raise ModelError(f"{plans.source}: fine_spacing needs fitted_patches, which are missing")
    return plans.triple("fine_spacing", float)


def _resampling(configuration: _Reader, key: str, source: str) -> Resampling:
    name = configuration.get(key, str)
    legal = [family.value for family in ResamplingFamily]
    if name not in legal:
        raise ModelError(f"{source}: {key} is {name!r}, legal: {', '.join(legal)}")
    options = _Reader(configuration.get(f"{key}_kwargs", dict, {}), f"{source}: {key}_kwargs").content
    separate = options.get("force_separate_z")
    if ResamplingFamily(name) is ResamplingFamily.LINEAR:
        if separate:
            raise ModelError(
                f"{source}: {key}_kwargs force_separate_z is {separate!r}, legal with {name}: false"
            )
        return Resampling(cubic=False, separate=False, family=ResamplingFamily.LINEAR)
    default = 3 if key == "resampling_fn_data" else 1
    order, order_z = options.get("order", default), options.get("order_z", 0)
    if (
        order not in ((1, 3) if key == "resampling_fn_data" else (1,))
        or order_z != 0
        or separate not in (None, True, False)
    ):
        raise ModelError(
            f"{source}: {key}_kwargs {options} cannot be computed; legal: order {default}, order_z 0, "
            "force_separate_z null, true or false"
        )
    return Resampling(cubic=order == 3, separate=separate, family=ResamplingFamily.CUBIC)


def _architecture(configuration: _Reader) -> Architecture:
    found = _Reader(configuration.get("architecture", dict), f"{configuration.source}: architecture")
    channels = len(configuration.get("normalization_schemes", list))
    return Architecture(found.get("network_class_name", str), found.get("arch_kwargs", dict), channels)


def _is_anisotropic(spacing: Triple) -> bool:
    return max(spacing) / min(spacing) > _ANISOTROPY
