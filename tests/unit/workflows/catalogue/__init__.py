"""The catalogue: what a tool says of itself, and how it is let in."""
