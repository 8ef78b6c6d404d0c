"""What is known about immune globulin in ME/CFS and fibromyalgia, made computable.

The package is imported by every command, so nothing heavy is imported here.
"""

__version__ = "0.1.0"
