"""The lesions of a baseline as given, or segmented where boxes or points are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lesionlocator.cli.track_files import TrackFiles, checksum_of
from lesionlocator.cli.track_plan import Baseline
from lesionlocator.errors import InputError
from lesionlocator.following.course import refused_in
from lesionlocator.following.origin import Origin, read_origin
from lesionlocator.results.lesion import LesionResult, LesionStatus
from lesionlocator.results.provenance import CaseRecord

if TYPE_CHECKING:
    from lesionlocator.cli.case_run import Outputs
    from lesionlocator.cli.reporter import Reporter
    from lesionlocator.cli.track_models import TrackModels
    from lesionlocator.cli.track_options import TrackOptions
    from lesionlocator.cli.track_run import TrackRun
    from lesionlocator.following.methods import Carried
    from lesionlocator.io import Scan
    from lesionlocator.results.segmentation import Segmentation


def read_baseline(
    options: TrackOptions, scan: Scan, run: TrackRun, models: TrackModels, reporter: Reporter
) -> Baseline:
    """Return the lesions of the baseline: as given, or segmented where boxes or points are given.

    Raises
    ------
    InputError
        Where the prompts cannot be used, or none of them leads to a lesion.
    """
    checksum = checksum_of([options.baseline, *options.prompts, *options.points])
    if options.kind == "prev_mask":
        return Baseline(read_origin(options.prompts, scan), {}, checksum)
    if len(options.prompts) > 1:
        raise InputError(f"{len(options.prompts)} prompt files are given; legal with -t {options.kind}: one")
    lesions = _segmented(options, scan, run, models, reporter, checksum=checksum)
    masks = {i: lesion.found for i, lesion in lesions.items() if lesion.found is not None}
    if not masks:
        raise InputError(f"{options.prompts[0]}: no prompt led to a lesion in {scan.name}")
    return Baseline(Origin(scan, masks), refused_in(lesions), checksum)


def _segmented(
    options: TrackOptions,
    scan: Scan,
    run: TrackRun,
    models: TrackModels,
    reporter: Reporter,
    *,
    checksum: str,
) -> dict[int, LesionResult]:
    """Segment the baseline, or read again what an earlier run has segmented."""
    files = run.files(0)
    earlier = run.earlier(0, checksum)
    restored = None if earlier is None else _restored(files, earlier, scan, options.outputs)
    if earlier is not None and restored is not None:
        run.keep(0, earlier)
        return {i: one.lesion for i, one in restored.items()}
    work = models.segmenter.prepare(
        scan,
        options.prompts[0],
        prompt_type=options.kind,
        canonical=options.engine.canonical,
        step_size=options.engine.step_size,
    )
    for text, reason in work.refused_entries.items():
        reporter.warning(scan.name, f"entry {text!r} refused: {reason}", quotes=True)
    for note in work.notes:
        reporter.warning(scan.name, note)
    reporter.case_started(scan.name, len(work.lesion_ids))
    record = CaseRecord(prompts_sha256=checksum)
    lesions = {}
    for lesion in work.run(lambda done: reporter.network_call(scan.name, done)):
        lesions[lesion.lesion_id] = lesion
        record.add_seconds(lesion.seconds)
        reporter.lesion_done(scan.name, lesion)
    ordered = {i: lesions[i] for i in sorted(lesions)}
    if options.outputs.records:
        _write_baseline(files, options.outputs.dicom.told_results(work.result(ordered)), options.outputs)
        record.lesions = {i: lesion.status.value for i, lesion in ordered.items()}
        record.state = "ok"
        run.keep(0, record)
    return ordered


def _restored(
    files: TrackFiles, earlier: CaseRecord, scan: Scan, outputs: Outputs
) -> dict[int, Carried] | None:
    return files.restore(earlier, scan.geometry, is_followup=False, labelmap=outputs.labelmap)


def _write_baseline(files: TrackFiles, segmentation: Segmentation, outputs: Outputs) -> None:
    lesions = {i: one for i, one in segmentation.lesions.items() if one.status is not LesionStatus.REFUSED}
    if outputs.per_lesion:
        for lesion in lesions.values():
            files.cases.write_mask(lesion, segmentation.scan.geometry)
        files.cases.remove_masks_except(lesions)
    files.cases.write_case(segmentation, labelmap=outputs.labelmap)
