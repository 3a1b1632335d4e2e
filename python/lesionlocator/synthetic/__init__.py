"""Seeded synthetic patients: anatomy, lesions and a scanner, all in numpy."""

from lesionlocator.synthetic.anatomy import Anatomy, build_anatomy
from lesionlocator.synthetic.lesions import LesionKind, LesionSite, insert_lesion, random_site
from lesionlocator.synthetic.patient import SyntheticLesion, SyntheticScan, make_patient
from lesionlocator.synthetic.scanner import acquire

__all__ = [
    "Anatomy",
    "LesionKind",
    "LesionSite",
    "SyntheticLesion",
    "SyntheticScan",
    "acquire",
    "build_anatomy",
    "insert_lesion",
    "make_patient",
    "random_site",
]
