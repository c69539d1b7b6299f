"""What the recipe stops with: one clear line, no traceback."""


class RecipeError(Exception):
    """A condition the person running the recipe can mend; the message says how."""
