"""Running the networks: device, tiles, mirrorings and folds."""
