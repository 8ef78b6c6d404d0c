"""What a dose does to IgG: kinetics of immune globulin."""
