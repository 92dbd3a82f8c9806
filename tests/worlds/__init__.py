"""Ready-made markets and states of the store that tests start from."""
