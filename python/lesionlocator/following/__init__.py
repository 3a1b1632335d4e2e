"""Following lesions through any number of scans of a patient, by either way of registration."""
