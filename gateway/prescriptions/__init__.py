"""Prescriptions: issued, presented, claimed, dispensed."""
