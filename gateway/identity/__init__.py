"""Who somebody is: signing in, keys kept here, key cards, names."""
