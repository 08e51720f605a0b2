"""Import the inc dataset: python -m inc.import_inc --help."""

from fleettickets.commands.older import main

if __name__ == "__main__":
    main("inc")
