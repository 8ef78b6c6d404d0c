"""The web app: the page, the planner and the comparison in a browser, on one's own machine.

Nothing is computed here. Screens ask what the command line asks and show it in the words of `globulin.pages`.
"""
