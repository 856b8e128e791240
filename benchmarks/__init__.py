"""Speed beside what a user would pick instead, in one run; nothing here is asserted."""
