"""What the feed throws away: every sighting of every ticket, and the closures, reopens and backlogs that follow."""
