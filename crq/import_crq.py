"""Import the crq dataset: python -m crq.import_crq --help."""

from fleettickets.commands.older import main

if __name__ == "__main__":
    main("crq")
