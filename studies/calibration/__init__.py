"""Diagnoses the networks of the atlas, by our rules and by published ones."""
