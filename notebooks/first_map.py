# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A chemical-state map by hand
#
# The steps of a recipe are plain functions from a Dataset to a Dataset. Nothing is computed before it is asked for, so a
# spectrum of one pixel costs one block, whatever the size of the measurement. This notebook uses a simulated measurement
# of Fe, FeO and Fe2O3; for your own, start with `xf.ingest.tiff_stack("scan/", flat_field="flat/*.tif", ...)`.

# %%
import matplotlib.pyplot as plt

import xafsflow as xf

cube = xf.ingest.phantom(size=(96, 120), seed=1)
cube

# %% [markdown]
# Counts to absorbance, pixels without sample flagged, 3 x 3 pixels averaged, and the edge step divided out.

# %%
cube = xf.correct.absorbance(cube)
cube = xf.correct.dead_pixels(cube)
cube = xf.correct.background(cube, e0=7112.0)
cube = xf.correct.average(cube, window=3)
cube = xf.normalize.edge_step(cube, e0=7112.0, pre1=-60, pre2=-12, norm1=40, nnorm=1)
cube.norm.isel(y=40, x=60).plot()
plt.show()

# %% [markdown]
# The references are mixed on a grid of compositions. Each mixture gets the noise that was measured in the scan, and
# passes through the steps above as the data did. A forest learns to tell the mixtures apart.

# %%
library = xf.ingest.phantom_references()
samples = xf.train.mixtures(cube, library, step=0.2, noise_patterns=60, span=(-15, 60))
model, findings = xf.train.fit(samples, trees=50)
print(f"{model.targets.count} classes, held-out accuracy {findings.accuracy:.1%}")

# %% [markdown]
# The model goes over the blocks; the fraction of a reference is the vote-weighted mean over the classes.

# %%
cube = xf.judge.distance(xf.classify.model(cube, model), model)
maps = cube[["fraction", "distance", "flags"]].compute()
maps.fraction.plot(col="reference", vmin=0, vmax=1)
plt.show()

# %% [markdown]
# How far each pixel lies from the spectrum of its class: a region that stands out is not explained by the references.

# %%
maps.distance.sel(metric="euclidean").plot()
plt.show()
