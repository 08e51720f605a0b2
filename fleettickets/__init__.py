"""Ticket exports in a bucket become tickets people can work from in PostGIS."""

__version__ = "0.1.0"
