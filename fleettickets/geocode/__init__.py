"""Where a ticket is: from the words people typed to a point on the map."""
