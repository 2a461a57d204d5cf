"""What each stage does: typed functions in a folder. They never learn where they run."""
