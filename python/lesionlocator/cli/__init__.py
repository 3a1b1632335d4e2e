"""The command line: one file a command; only ``console.py`` prints."""
