"""Results by the thousand, posted as one Merkle root."""
