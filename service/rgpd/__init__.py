"""Personal data: what it looks like, whose it is, how long it is kept, who asked for it to go."""
