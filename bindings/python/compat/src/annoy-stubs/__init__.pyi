from .annoylib import Annoy as AnnoyIndex

__all__ = ["AnnoyIndex"]
