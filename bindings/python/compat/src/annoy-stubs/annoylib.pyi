from annoy_rs import Annoy as Annoy
