"""Who made a result: the program, its version, and the model."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from lesionlocator.dicom.sources import NO_DATE

PROGRAM = "lesionlocator"
_OWN_DATES = ("ContentDate", "SeriesDate", "InstanceCreationDate", "StructureSetDate")
_OWN_TIMES = ("ContentTime", "SeriesTime", "InstanceCreationTime", "StructureSetTime")


@dataclass(frozen=True)
class Maker:
    """What made a result.

    Parameters
    ----------
    algorithm_name
        Of the model, or what else made the masks.
    deidentify
        Whether the day of making may not be told either.
    """

    algorithm_name: str
    deidentify: bool = False

    @property
    def version(self) -> str:
        """Version of the program."""
        return version(PROGRAM)

    @property
    def equipment(self) -> dict[str, str]:
        """What data sets say of the program, under highdicom's names."""
        return {
            "manufacturer": PROGRAM,
            "manufacturer_model_name": PROGRAM,
            "software_versions": self.version,
            "device_serial_number": "0",
        }

    def algorithm(self, hd: Any) -> Any:
        """Return the coded algorithm."""
        from pydicom.sr.codedict import codes

        return hd.AlgorithmIdentificationSequence(
            name=self.algorithm_name[:64],
            family=codes.DCM.ArtificialIntelligence,
            version=self.version,
            source=PROGRAM,
        )

    def finish(self, dataset: Any) -> None:
        """Take the day of making out of a data set where it may not be told."""
        if not self.deidentify:
            return
        for keywords, blank in ((_OWN_DATES, NO_DATE), (_OWN_TIMES, "000000")):
            for keyword in keywords:
                if keyword in dataset:
                    setattr(dataset, keyword, blank)
        for item in dataset.get("ContributingEquipmentSequence") or ():
            if "ContributionDateTime" in item:
                del item.ContributionDateTime
