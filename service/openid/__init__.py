"""Sign-in through an OpenID Connect provider: no route, no table."""
