"""The reading side of the store: any process, never changing anything."""
