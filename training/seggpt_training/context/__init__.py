"""A decoder over the image encoder's features that reads masks of pictures in the context of others."""
