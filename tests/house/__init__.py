"""The house: which room of the add-on uses which, read from its code."""
