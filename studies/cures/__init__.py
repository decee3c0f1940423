"""Trains what the chapters on cures are about."""
