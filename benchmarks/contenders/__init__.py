"""One module a contender: each is imported, timed and run in a process of its own."""
