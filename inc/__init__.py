"""The inc dataset."""
