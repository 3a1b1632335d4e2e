"""Point at a lesion in a CT scan, get its 3D mask."""
