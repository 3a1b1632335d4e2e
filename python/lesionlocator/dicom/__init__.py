"""Results as DICOM: segmentations, structured reports and RT structure sets."""
