"""Dense prompts of training."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from lesionlocator.geometry import Box
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.training import prompts
from lesionlocator.training.simulated import dense_prompt

NOW = Box((4, 4, 4), (10, 10, 10))
DRAWN, EARLIER = (Box((a, a, a), (a + 4, a + 4, a + 4)) for a in (16, 26))


def of(box: Box) -> np.ndarray:
    mask = np.zeros((36, 36, 36), bool)
    mask[box.slices] = True
    return mask


def test_boxes_are_exact_or_drawn_or_those_of_an_earlier_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "rough_box", lambda _rng, _mask: DRAWN)
    monkeypatch.setattr(prompts, "rough_mask", lambda _rng, _mask: of(EARLIER))
    rng, shown = np.random.default_rng(0), Counter[str]()
    for _ in range(600):
        dense = dense_prompt(rng, of(NOW), PromptKind.BOX) > 0
        boxes = {"now": NOW, "drawn": DRAWN, "earlier": EARLIER}
        shown.update(name for name, box in boxes.items() if dense[box.slices].any())
        assert any(dense[box.slices].all() for box in boxes.values())
    assert shown.total() == 600
    assert shown["now"] / 600 == pytest.approx(0.3, abs=0.06)
    assert shown["earlier"] / 600 == pytest.approx(0.3, abs=0.06)
    assert shown["drawn"] / 600 == pytest.approx(0.4, abs=0.06)
