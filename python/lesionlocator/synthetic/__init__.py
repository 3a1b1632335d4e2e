"""Seeded synthetic patients: anatomy, lesions and a scanner; and synthetic follow-ups of any scan."""

from lesionlocator.synthetic.anatomy import Anatomy, build_anatomy
from lesionlocator.synthetic.appearance import LesionKind
from lesionlocator.synthetic.fates import Fate, LesionChange
from lesionlocator.synthetic.followup import SyntheticFollowup, make_followup
from lesionlocator.synthetic.lesions import insert_lesion
from lesionlocator.synthetic.patient import SyntheticLesion, SyntheticScan, make_patient
from lesionlocator.synthetic.scanner import Scanner
from lesionlocator.synthetic.sites import LesionSite, random_site

__all__ = [
    "Anatomy",
    "Fate",
    "LesionChange",
    "LesionKind",
    "LesionSite",
    "Scanner",
    "SyntheticFollowup",
    "SyntheticLesion",
    "SyntheticScan",
    "build_anatomy",
    "insert_lesion",
    "make_followup",
    "make_patient",
    "random_site",
]
