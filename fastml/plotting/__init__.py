"""Pictures of a fitted model, drawn with matplotlib."""
