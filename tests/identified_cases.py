"""A patient whose DICOM files are full of names, numbers and dates, and a search for them in results."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pydicom

from dicom_cases import oblique, phantom, write_series
from lesionlocator.io import read_scan, write_labelmap

SHAPE = (8, 16, 16)
DAYS = ("20240110", "20240412")
TAGS = {
    "PatientName": "Zyxwerth^Quentin",
    "PatientID": "MRN-86420",
    "PatientBirthDate": "19471125",
    "PatientAge": "076Y",
    "PatientSex": "O",
    "PatientAddress": "17 Larchmont",
    "OtherPatientIDs": "OTHER-97531",
    "AccessionNumber": "ACC-53197",
    "StudyID": "STU-64208",
    "StudyDescription": "Followup of Zyxwerth",
    "SeriesDescription": "Venous Zyxwerth",
    "ReferringPhysicianName": "Quillfern^Rita",
    "PerformingPhysicianName": "Vexlumper^Paul",
    "OperatorsName": "Brankovic^Olga",
    "InstitutionName": "Saint Elsewhere",
    "InstitutionAddress": "3 Hospital Road",
    "StationName": "STATION-11",
    "DeviceSerialNumber": "SERIAL-22",
    "ProtocolName": "Protocol Zyxwerth",
    "PatientComments": "Comment on Quentin",
    "RequestedProcedureDescription": "Requested Zyxwerth",
    "AcquisitionDate": "20240110",
}
UIDS = ("1.2.826.20240110.101112.1", "1.2.826.20240412.101112.2")
"""Of the series; scanners write dates into them."""
SECRETS = (
    *(part for value in TAGS.values() if len(value) > 1 for part in value.split("^")),
    "20240412",
    "2024-01-10",
    "2024-04-12",
    "101112",
    *UIDS,
)  # fmt: skip


def write_identified(folder: Path, *, neutral: bool = False) -> Path:
    """Write two scans and a label map of the first, with the patient in all names of files or in none."""

    def identify(number: int) -> Callable[[pydicom.FileDataset, int], None]:
        def change(one: pydicom.FileDataset, _: int) -> None:
            for keyword, value in TAGS.items():
                setattr(one, keyword, value)
            one.SeriesInstanceUID = UIDS[number]

        return change

    scans = []
    for number, day in enumerate(DAYS):
        place = folder / (f"scan{number}" if neutral else f"Zyxwerth_{day}")
        names = ("{}" if neutral else f"{UIDS[number]}.{{}}").format
        tags = {"study_date": day, "series": day, "change": identify(number), "names": names}
        scans.append(write_series(place, phantom(seed=number), oblique(), **tags))
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:5, 3:9, 3:9] = 7
    write_labelmap(
        folder / ("lesions.nii.gz" if neutral else "Zyxwerth_lesions.nii.gz"),
        labels,
        read_scan(scans[0]).geometry,
    )
    return folder


def leaks(folder: Path, more: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield each file with each secret that is in its name or its content; deflated content is inflated."""
    secrets = (*SECRETS, *more, datetime.now(timezone.utc).strftime("%Y-%m-%d"))
    secrets += (datetime.now(timezone.utc).strftime("%Y%m%d"),)
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        content = path.read_bytes() if path.is_file() else b""
        if path.suffix == ".gz":
            assert content[3] & 0b1000 == 0, "the header of a gzip file names a file"
            assert content[4:8] == bytes(4), "the header of a gzip file has a time"
            content = gzip.decompress(content)
        if path.suffix == ".dcm":
            content += str(pydicom.dcmread(path)).encode()
        for secret in secrets:
            if secret in name or secret.encode() in content or secret.encode("utf-16-le") in content:
                yield name, secret
