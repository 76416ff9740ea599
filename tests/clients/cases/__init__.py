"""A module for each client, with a function for each case. Its docstring is the title of the case."""
