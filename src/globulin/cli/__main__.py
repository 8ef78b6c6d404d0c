"""`python -m globulin.cli` is `globulin`."""

from globulin.cli import main

if __name__ == "__main__":
    main()
