"""Reports on paper: one way to set them, whatever they are of."""
