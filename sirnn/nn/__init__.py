"""Cells and layers."""
