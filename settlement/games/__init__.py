"""Games of a grid in files, and the grids they describe."""
