"""`preset: auto`: rules that choose a recipe from what a corpus holds and what a run may take."""
