"""``lesionlocator convert``: masks of a DICOM scan in; segmentations, reports and contours out."""

from __future__ import annotations

from pathlib import Path

import click

from lesionlocator.cli import console
from lesionlocator.cli.options import DICOM_SAVES, PATH, SERIES, chosen_of, dicom_options, dicom_outputs


@click.command()
@click.option("-i", "--image", type=PATH, required=True, help="The scan: a DICOM folder, zip or file.")
@SERIES
@click.option(
    "-l",
    "--labels",
    type=PATH,
    required=True,
    multiple=True,
    help="Label map on the scan's grid; or a mask a lesion, each with -l.",
)
@click.option("-o", "--output", type=PATH, required=True, help="Folder for the results.")
@click.option(
    "--save",
    callback=chosen_of(DICOM_SAVES),
    default="dicom-seg",
    show_default=True,
    help=f"What to write, with commas: {', '.join(DICOM_SAVES)}.",
)
@dicom_options
@click.option(
    "--baseline",
    type=PATH,
    help="DICOM scan in which the lesions were first known, for tracking UIDs.  [default: the scan]",
)
@click.option("--baseline-series", metavar="UID|NUMBER", help="DICOM series of --baseline.")
@click.option(
    "--algorithm",
    default="unknown",
    show_default=True,
    help="What made the masks, for those who read the results.",
)
def convert(
    *,
    image: Path,
    series: str | None,
    labels: tuple[Path, ...],
    output: Path,
    save: frozenset[str],
    seg_type: str,
    deidentify: bool,
    baseline: Path | None,
    baseline_series: str | None,
    algorithm: str,
) -> None:
    """Write masks that exist as DICOM.

    Lesions are numbered as in track: by label, or by _lesion_<id> in the names of the masks.
    """
    if not save:
        raise click.UsageError("--save names nothing")
    from lesionlocator.dicom.outputs import write_dicom
    from lesionlocator.dicom.sources import series_root
    from lesionlocator.following.origin import read_origin
    from lesionlocator.io import read_scan, scan_name
    from lesionlocator.io.dicom import choose_series
    from lesionlocator.results.files import make_folder

    wanted = dicom_outputs(save, seg_type=seg_type, deidentify=deidentify)
    wanted.check([image] if baseline is None else [image, baseline])
    scan = wanted.told(read_scan(image, series=series), "scan" if deidentify else scan_name(image))
    origin = read_origin(labels, scan)
    root = None if baseline is None else series_root(choose_series(baseline, baseline_series).source)
    written = write_dicom(scan, origin.masks, make_folder(output), wanted, algorithm=algorithm, root=root)
    for path in written:
        console.say(f"{path}: {len(origin.masks)} lesion{'s' * (len(origin.masks) != 1)}")
