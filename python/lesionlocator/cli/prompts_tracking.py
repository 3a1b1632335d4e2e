"""Conversion from and to LongiSeg's tracking file."""

from __future__ import annotations

from pathlib import Path

from lesionlocator.errors import InputError
from lesionlocator.prompts.entries import PromptFile
from lesionlocator.prompts.json_file import read_json_object
from lesionlocator.prompts.kinds import PromptSet
from lesionlocator.prompts.longitudinal import (
    LongitudinalFile,
    baseline_prompts,
    followup_prompts,
    is_longitudinal,
    read_longitudinal,
    write_longitudinal,
)
from lesionlocator.results.course_longitudinal import followed_lesions, is_course
from lesionlocator.results.documents import read_document

FORMAT = "tracking"


def is_tracking_file(path: Path) -> bool:
    """Whether an existing file is LongiSeg's tracking file.

    Raises
    ------
    InputError
        Where a JSON file cannot be read.
    """
    return path.suffix.lower() == ".json" and is_longitudinal(read_json_object(path))


def prompts_of_scan(path: Path, scan: str | None) -> PromptFile:
    """Return the points of one scan of a tracking file: in a follow-up, the accepted ones.

    Parameters
    ----------
    path
        The tracking file.
    scan
        Name of the scan, as the file has it; None for the follow-up of its only pair.

    Raises
    ------
    InputError
        Where the file cannot be used, or has no such scan or more than one that could be meant.
    """
    file = read_longitudinal(path)
    pairs = [pair for found in file.patients.values() for pair in found]
    names = dict.fromkeys(
        name for pair in pairs for lesion in pair for name in (lesion.baseline, lesion.followup)
    )
    if scan is None:
        later = dict.fromkeys(lesion.followup for pair in pairs for lesion in pair)
        if len(later) != 1:
            raise InputError(f"{path}: holds {len(later)} follow-ups; choose with --scan: {', '.join(names)}")
        (scan,) = later
    elif scan not in names:
        raise InputError(f"{path}: has no scan {scan!r}; there are: {', '.join(names)}")
    later_pairs = [tuple(lesion for lesion in pair if lesion.followup == scan) for pair in pairs]
    earlier_pairs = [tuple(lesion for lesion in pair if lesion.baseline == scan) for pair in pairs]
    found = {prompt.lesion_id: prompt for pair in earlier_pairs for prompt in baseline_prompts(pair)}
    found |= {prompt.lesion_id: prompt for pair in later_pairs for prompt in followup_prompts(pair)}
    refused: dict[int | str, str] = dict(file.refused.items())
    return PromptFile(PromptSet.of(found[i] for i in sorted(found)), refused)


def write_tracking_file(source: Path, target: Path) -> tuple[int, dict[str, str]]:
    """Write a tracking file from the ``tracking.json`` of a patient, or from another tracking file.

    Returns
    -------
    int, dict
        How many entries were written, and why others were left out.

    Raises
    ------
    InputError
        Where the source is neither.
    OutputError
        Where the file cannot be written.
    """
    if is_tracking_file(source):
        file = read_longitudinal(source)
    else:
        document = read_document(source)
        if not is_course(document):
            raise InputError(
                f"{source}: is neither the tracking.json of a patient nor LongiSeg's tracking file"
            )
        try:
            file = LongitudinalFile({source.resolve().parent.name: followed_lesions(document)})
        except InputError as error:
            raise InputError(f"{source}: {error}") from error
    write_longitudinal(file.patients, target)
    count = sum(len(pair) for pairs in file.patients.values() for pair in pairs)
    return count, dict(file.refused)
