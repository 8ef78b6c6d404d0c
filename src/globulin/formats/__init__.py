"""Foreign formats, one per module, reader and writer together. No sockets, no clock."""
