"""Following lesions from one scan to the next: registration, propagation and matching."""
