"""The service: the only place where the matcher and the indexes meet."""
