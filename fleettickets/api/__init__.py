"""The HTTP read side: bytes from the database to the map, the rest of the API around them."""
