"""Every SQL statement of the service. Takes a session, returns values, never commits."""
