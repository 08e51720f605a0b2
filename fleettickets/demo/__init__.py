"""What a laptop needs to try the whole thing: private servers and a stand-in for the export job."""
