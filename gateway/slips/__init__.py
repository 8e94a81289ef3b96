"""Key slips: who gets one, whose is used, and what is done when a consent begins or ends."""
