"""The sections of the living page, one module each, in the order of the page."""
