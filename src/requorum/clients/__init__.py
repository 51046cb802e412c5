"""The only code that touches the world; floors 4 to 6 see it through `requorum.ports`."""
