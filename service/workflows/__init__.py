"""One file per job, each read top-down: start here."""
