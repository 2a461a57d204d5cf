"""The pure core. Law: nothing here reads a clock, a file, the network or chance: that comes in through events."""
