"""Programs that are measured, each in an interpreter of its own. They import nothing of each other but `protocol`."""
