"""Predictions against truth: lesion by lesion, case by case, and over all cases."""
