from threading import Event

import pytest

from lesionlocator.errors import InputError
from lesionlocator.progress import Progress
from lesionlocator.viewer.jobs import Job, JobCancelledError, OnProgress


def test_a_job_gives_its_result_and_how_far_it_is() -> None:
    def work(told: OnProgress) -> int:
        told(Progress(1, 2, 7))
        return 5

    job = Job(work)
    assert job.result(10) == 5
    assert job.is_done
    assert job.progress == Progress(1, 2, 7)


def test_a_job_ends_between_two_steps_once_it_is_cancelled() -> None:
    at_work, go_on, steps = Event(), Event(), []

    def work(told: OnProgress) -> None:
        for step in range(3):
            steps.append(step)
            at_work.set()
            go_on.wait(10)
            told(Progress(step + 1, 3, 1))

    job = Job(work)
    assert at_work.wait(10)
    job.cancel()
    go_on.set()
    with pytest.raises(JobCancelledError):
        job.result(10)
    assert steps == [0]


def test_what_a_job_gives_after_it_was_cancelled_is_dropped() -> None:
    go_on = Event()
    job = Job(lambda _: go_on.wait(10))
    job.cancel()
    go_on.set()
    with pytest.raises(JobCancelledError):
        job.result(10)


def test_what_goes_wrong_in_a_job_is_raised_where_its_result_is_asked_for() -> None:
    def work(_: OnProgress) -> None:
        raise InputError("too dark")

    with pytest.raises(InputError, match="too dark"):
        Job(work).result(10)
