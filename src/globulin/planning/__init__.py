"""What exactly would be given, what it does, what it costs: regimens brought to one axis."""
