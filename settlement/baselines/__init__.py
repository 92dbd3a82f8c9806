"""What the same readings would cost under other market designs; informs, never settles."""
