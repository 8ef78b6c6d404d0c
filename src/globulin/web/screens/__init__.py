"""The screens, one module each: its `router`, its forms, and what it shows."""
