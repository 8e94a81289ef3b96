"""Everything of hers as one archive."""
