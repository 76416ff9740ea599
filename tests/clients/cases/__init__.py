"""The clients: a module each, a function each case, whose docstring is its title."""
