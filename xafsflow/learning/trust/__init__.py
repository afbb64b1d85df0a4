"""When not to believe a model: confidence, controls, limits, distances that noise alone gives."""
