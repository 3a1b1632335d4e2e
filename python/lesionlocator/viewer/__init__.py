"""A window to point at lesions and verify follow-ups: logic without Qt, and thin napari views of it."""
