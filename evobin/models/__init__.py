"""Models: a network with all that it takes to use it, and the file that holds one."""
