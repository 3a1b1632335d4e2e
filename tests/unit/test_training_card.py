"""The model card of the built-in model says what was measured."""

from __future__ import annotations

import json

import pytest

from lesionlocator.model.store import BUILTIN_FOLDER
from lesionlocator.training.card import tables

CARD = (BUILTIN_FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["evaluation", "evaluation_body_3mm", "evaluation_thorax_1.5mm"])
def test_the_card_holds_the_tables_of_the_evaluation(name: str) -> None:
    report = json.loads((BUILTIN_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    by_size = tables(report).split("\n\n")[0]
    assert by_size.count("\n") > 5
    assert by_size in CARD


def test_the_card_holds_the_table_by_kind_and_the_empty_boxes() -> None:
    report = json.loads((BUILTIN_FOLDER / "evaluation.json").read_text(encoding="utf-8"))
    _, by_kind, empty = tables(report).strip().split("\n\n")
    assert by_kind in CARD
    assert empty in " ".join(CARD.split("\n"))
