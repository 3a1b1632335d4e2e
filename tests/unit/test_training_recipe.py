"""The built-in model's network, and what it takes up from an earlier one."""

from __future__ import annotations

import pytest
import torch

from lesionlocator.training import recipe

SMALLER = recipe.ARCHITECTURE | {"n_blocks_per_stage": [1, 1, 1, 2]}


def test_further_blocks_hardly_change_an_earlier_network() -> None:
    torch.manual_seed(0)
    earlier, network = recipe.build_network(SMALLER).eval(), recipe.build_network().eval()
    inputs = torch.randn(1, 2, 16, 16, 16)
    with torch.no_grad():
        expected, fresh = earlier(inputs), network(inputs)
        recipe.begin_with(network, earlier.state_dict())
        found = network(inputs)
    # a second leaky ReLU makes the small negative values of a block smaller still
    assert (found - expected).abs().mean() < 0.05 * (fresh - expected).abs().mean()
    for name, value in earlier.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], value)


def test_networks_that_differ_otherwise_are_refused() -> None:
    wider = recipe.build_network(recipe.ARCHITECTURE | {"features_per_stage": [8, 32, 64, 100]})
    with pytest.raises(RuntimeError, match="size mismatch"):
        recipe.begin_with(recipe.build_network(), wider.state_dict())
    weights = recipe.build_network().state_dict()
    with pytest.raises(RuntimeError, match="Missing key"):
        recipe.begin_with(recipe.build_network(), {k: v for k, v in weights.items() if "stem" not in k})


def test_half_precision_is_for_devices_that_are_quick_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from lesionlocator.training.precision import half_of

    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    assert half_of(cpu) is None
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    assert half_of(cpu) is torch.bfloat16
    for has, expected in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda has=has: has)
        assert half_of(cuda) is expected
