"""The data layer: what enters, in every container, and what is kept of it."""
