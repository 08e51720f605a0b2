"""Where the vehicles are: each module turns what one kind of source says into fixes for dispatch.record_positions."""
