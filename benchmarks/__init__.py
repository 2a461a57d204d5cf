"""What the engine costs, measured against the raw database and against its peers."""
