"""Why a model answers as it does, and what tells the groups of a library apart."""
