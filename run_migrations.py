"""Bring the database schema up to date: python run_migrations.py [--check]."""

import sys

from fleettickets.cli import main

if __name__ == "__main__":
    main(["migrate", *sys.argv[1:]])
