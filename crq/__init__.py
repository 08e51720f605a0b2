"""The crq dataset."""
