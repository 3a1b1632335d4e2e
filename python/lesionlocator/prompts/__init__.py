"""What points at lesions: prompt kinds, prompt files of every format, and prompts from masks."""
