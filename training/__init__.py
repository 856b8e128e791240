"""The recipe of matcher/model: parallel texts in, weights out, by one command; never imported."""
