"""Silence holds for the thread that asks for it, and for no other."""

from __future__ import annotations

import logging
import threading
import warnings

import pytest

from lesionlocator.io.dicom.extra import quiet


def test_a_quiet_thread_does_not_silence_another(caplog: pytest.LogCaptureFixture) -> None:
    entered, left = threading.Event(), threading.Event()

    def work() -> None:
        with quiet():
            warnings.warn("held back", UserWarning, stacklevel=1)
            logging.getLogger("pydicom").warning("held back")
            entered.set()
            left.wait(10)

    thread = threading.Thread(target=work)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        thread.start()
        assert entered.wait(10)
        warnings.warn("heard", UserWarning, stacklevel=1)
        logging.getLogger("pydicom").warning("heard")
        left.set()
        thread.join()
    assert [str(one.message) for one in heard] == ["heard"]
    assert [record.message for record in caplog.records] == ["heard"]


def test_silence_outlasts_what_another_thread_does_with_filters() -> None:
    entered, left = threading.Event(), threading.Event()

    def work() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            entered.set()
            left.wait(10)

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with quiet():
            pass
        thread = threading.Thread(target=work)
        thread.start()
        assert entered.wait(10)
        with quiet():
            left.set()
            thread.join()
            warnings.warn("held back", UserWarning, stacklevel=1)
        warnings.warn("heard", UserWarning, stacklevel=1)
    assert [str(one.message) for one in heard] == ["heard"]


def test_silence_ends_with_its_block_even_where_blocks_are_nested_and_filters_change() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with quiet():
            with quiet():
                warnings.warn("held back", UserWarning, stacklevel=1)
            warnings.warn("held back", UserWarning, stacklevel=1)
        with pytest.raises(UserWarning, match="heard"):
            warnings.warn("heard", UserWarning, stacklevel=1)
        warnings.simplefilter("error")
        with quiet():
            warnings.warn("held back", UserWarning, stacklevel=1)
