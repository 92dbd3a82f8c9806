"""From results to journals, and from journals to documents."""
