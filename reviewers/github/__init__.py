"""GitHub as a room where people are asked: what its bytes mean, how they travel, one method for each operation."""
