"""The recipe that made the weights of the `seggpt` package."""
