"""The bridge lexicon: what people say, and what the field calls it."""
