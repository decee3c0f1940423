"""Trains each pair of last layer and loss; its table is `trained.json`."""
