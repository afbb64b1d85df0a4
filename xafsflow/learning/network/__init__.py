"""A residual network over one-dimensional sequences: trained with torch, answering from arrays alone."""
