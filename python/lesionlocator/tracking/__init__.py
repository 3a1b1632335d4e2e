"""Carrying lesions from one scan to the next: alignment, registration, warp, and the network there."""
