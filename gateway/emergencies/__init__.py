"""Breaking the glass: openings, keys in escrow, reviews."""
