"""A stateful GitHub for the tests: emulate (npm), with a thin front of ours that adds what it lacks."""
