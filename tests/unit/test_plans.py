from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from lesionlocator.errors import ModelError
from lesionlocator.model import Normalization, Plans, Resampling, build_network
from lesionlocator.model.plans import ResamplingFamily

CONFIGURATION = {
    "patch_size": [16, 16, 16],
    "spacing": [2.0, 1.5, 1.5],
    "normalization_schemes": ["CTNormalization"],
    "use_mask_for_norm": [False],
    "resampling_fn_data": "resample_data_or_seg_to_shape",
    "resampling_fn_data_kwargs": {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
    "resampling_fn_seg": "resample_data_or_seg_to_shape",
    "resampling_fn_seg_kwargs": {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
    "resampling_fn_probabilities": "resample_torch_fornnunet",
    "resampling_fn_probabilities_kwargs": {"is_seg": False, "force_separate_z": False},
    "architecture": {
        "network_class_name": "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
        "arch_kwargs": {
            "n_stages": 2,
            "features_per_stage": [4, 8],
            "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": [[3, 3, 3], [3, 3, 3]],
            "strides": [[1, 1, 1], [2, 2, 2]],
            "n_blocks_per_stage": [1, 1],
            "n_conv_per_stage_decoder": [1],
            "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
            "norm_op_kwargs": {"eps": 1e-5, "affine": True},
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
    },
}
PLANS = {
    "transpose_forward": [0, 1, 2],
    "foreground_intensity_properties_per_channel": {
        "0": {"mean": -63.0, "std": 282.0, "percentile_00_5": -918.0, "percentile_99_5": 723.0}
    },
    "configurations": {"3d_fullres": CONFIGURATION},
}


def changed(path: str, value: object) -> dict:
    """Return the plans with one value replaced, or removed where it is None."""
    plans = copy.deepcopy(PLANS)
    *parents, last = path.split("/")
    level = plans
    for key in parents:
        level = level[key]
    if value is None:
        del level[last]
    else:
        level[last] = value
    return plans


def test_values_are_read() -> None:
    plans = Plans.parse(PLANS, "plans.json")
    assert plans.patch_size == (16, 16, 16)
    assert plans.spacing == (2.0, 1.5, 1.5)
    assert plans.normalization is Normalization.CT
    assert plans.intensity is not None
    assert plans.intensity.upper == 723.0
    assert plans.image_resampling == Resampling(cubic=True, separate=None, family=ResamplingFamily.CUBIC)
    assert plans.label_resampling == Resampling(cubic=False, separate=None, family=ResamplingFamily.CUBIC)
    assert plans.logits_resampling == Resampling(cubic=False, separate=False, family=ResamplingFamily.LINEAR)
    assert not plans.canonical_orientation
    assert not plans.masks_within_boxes
    assert plans.fitted_patches == ()
    assert plans.fine_spacing is None
    assert plans.fine is None
    assert not plans.takes_masks


def test_the_finer_plan_differs_in_its_spacing() -> None:
    small = {"fitted_patches": [[8, 8, 8]], "fine_spacing": [1.0, 0.5, 0.5]}
    plans = Plans.parse(PLANS | small, "plans.json")
    assert plans.fine is not None
    assert plans.fine.spacing == (1.0, 0.5, 0.5)
    assert plans.fine.fitted_patches == plans.fitted_patches == ((8, 8, 8),)
    assert plans.fine.fine is None
    with pytest.raises(ModelError, match=r"fine_spacing is \[1, 0, 1\], expected three positive"):
        Plans.parse(PLANS | small | {"fine_spacing": [1, 0, 1]}, "plans.json")


def test_inherited_values_are_filled_in_nearest_first() -> None:
    plans = copy.deepcopy(PLANS)
    plans["configurations"] = {
        "base": CONFIGURATION,
        "middle": {"inherits_from": "base", "spacing": [9, 9, 9], "patch_size": [32, 32, 32]},
        "3d_fullres": {"inherits_from": "middle", "spacing": [1, 1, 1]},
    }
    found = Plans.parse(plans, "plans.json")
    assert found.spacing == (1.0, 1.0, 1.0)
    assert found.patch_size == (32, 32, 32)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("configurations/3d_fullres", None, "no configuration '3d_fullres'"),
        ("configurations/3d_fullres/inherits_from", "3d_fullres", "circle"),
        ("configurations/3d_fullres/inherits_from", "nowhere", "no configuration 'nowhere'"),
        ("configurations/3d_fullres/patch_size", [16, 16], "patch_size is"),
        ("configurations/3d_fullres/patch_size", None, "patch_size is missing"),
        ("configurations/3d_fullres/spacing", [1.0, -1.0, 1.0], "spacing is"),
        ("configurations/3d_fullres/spacing", [1.0, float("nan"), 1.0], "spacing is"),
        ("configurations/3d_fullres/normalization_schemes", ["os.system"], "normalization_schemes is"),
        (
            "configurations/3d_fullres/resampling_fn_data",
            "os.system",
            "resampling_fn_data is 'os.system', legal",
        ),
        ("configurations/3d_fullres/resampling_fn_seg_kwargs", {"order": 0}, "cannot be computed"),
        (
            "configurations/3d_fullres/resampling_fn_probabilities_kwargs",
            {"force_separate_z": True},
            "legal with",
        ),
        ("configurations/3d_fullres/architecture", None, "architecture is missing"),
        ("transpose_forward", [1, 0, 2], "transpose_forward"),
        ("orientation", "RAS", "orientation is 'RAS'"),
        ("masks_within_boxes", "yes", "masks_within_boxes is 'yes', expected bool"),
        ("fitted_patches", [[8, 8]], "fitted_patches is"),
        ("fitted_patches", [[8, 0, 8]], "fitted_patches is"),
        ("fitted_patches", 8, "fitted_patches is 8, expected list"),
        ("fine_spacing", [0.5, 0.5, 0.5], "fine_spacing needs fitted_patches"),
        ("foreground_intensity_properties_per_channel/0/std", None, "std is missing"),
        ("configurations", [], "configurations is"),
    ],
)
def test_what_cannot_be_computed_is_refused_by_name(path: str, value: object, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Plans.parse(changed(path, value), "plans.json")


def test_plans_that_are_not_json_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "plans.json"
    with pytest.raises(ModelError, match="cannot be read"):
        Plans.read(path)
    path.write_text("{")
    with pytest.raises(ModelError, match="is not JSON"):
        Plans.read(path)
    path.write_text(json.dumps([1]))
    with pytest.raises(ModelError, match="expected an object"):
        Plans.read(path)


@pytest.mark.parametrize(
    ("source", "target", "separate", "axis"),
    [
        ((5.0, 1.0, 1.0), (2.0, 1.5, 1.5), None, 0),
        ((3.0, 1.0, 1.0), (2.0, 1.5, 1.5), None, None),
        ((1.0, 1.0, 1.0), (1.0, 4.0, 1.0), None, 1),
        ((5.0, 5.0, 1.0), (1.0, 1.0, 1.0), None, None),
        ((2.0, 1.0, 1.0), (1.0, 1.0, 1.0), True, 0),
        ((9.0, 1.0, 1.0), (9.0, 1.0, 1.0), False, None),
    ],
)
def test_the_coarse_axis_is_handled_apart(
    source: tuple, target: tuple, separate: bool | None, axis: int | None
) -> None:
    rule = Resampling(cubic=True, separate=separate, family=ResamplingFamily.CUBIC)
    assert rule.separate_axis(source, target) == axis


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("network_class_name", "os.system", "architecture 'os.system' is unknown, legal: dynamic"),
        ("arch_kwargs/n_stages", None, "'n_stages' is missing"),
        ("arch_kwargs/conv_op", "os.system", "conv_op is 'os.system'"),
        ("arch_kwargs/features_per_stage", [4], "2 stages need"),
    ],
)
def test_an_unknown_architecture_is_refused(path: str, value: object, message: str) -> None:
    plans = Plans.parse(changed(f"configurations/3d_fullres/architecture/{path}", value), "plans.json")
    with pytest.raises(ModelError, match=message):
        build_network(plans.architecture, "plans.json")


def test_short_forms_of_the_architecture_are_understood() -> None:
    plans = changed("configurations/3d_fullres/architecture/arch_kwargs/n_blocks_per_stage", 1)
    plans["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]["n_conv_per_stage_decoder"] = 1
    plans["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]["kernel_sizes"] = 3
    long_form = build_network(Plans.parse(PLANS, "").architecture, "")
    short_form = build_network(Plans.parse(plans, "").architecture, "")
    assert {n: t.shape for n, t in short_form.state_dict().items()} == {
        n: t.shape for n, t in long_form.state_dict().items()
    }
