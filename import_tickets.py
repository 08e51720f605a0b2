"""The older name of inc.import_inc: python import_tickets.py --help."""

from fleettickets.commands.older import main

if __name__ == "__main__":
    main("inc")
