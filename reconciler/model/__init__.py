"""The nouns of the product as frozen values; standard library only, no clock, file or socket."""
