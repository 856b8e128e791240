"""Who is near: ids, unit rows and words; knows no statement."""
