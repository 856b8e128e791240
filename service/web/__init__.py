"""HTML routes and their templates."""
