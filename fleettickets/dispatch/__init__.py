"""Who goes where next: positions, nearest vehicle, the plan of a shift, and afterwards who closed what."""
