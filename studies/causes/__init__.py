"""Trains what the chapters on other causes than depth are about."""
