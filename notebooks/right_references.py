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
# # Were these the right references?
#
# A classifier always answers, and more references always fit better. Here the sample is made of Fe2O3 and Fe3O4, but
# somebody classifies it with Fe, FeO and Fe2O3. The map looks plausible. Does the data support it?

# %%
import matplotlib.pyplot as plt

import xafsflow as xf

cube = xf.ingest.phantom(size=(64, 80), references=["Fe2O3", "Fe3O4"], tilt=0.0, seed=3)
cube = xf.correct.absorbance(cube)
cube = xf.correct.dead_pixels(cube)
cube = xf.correct.background(cube, e0=7112.0)
cube = xf.correct.flux(cube)
cube = xf.correct.average(cube, window=3)
cube = xf.normalize.flat(cube, e0=7112.0)
cube = xf.derive.noise(cube)

# %% [markdown]
# The wrong references, fitted to every pixel. With the measured noise as weights, reduced chi-square is near 1 where the
# references explain a spectrum.

# %%
wrong = xf.ingest.phantom_references(names=["Fe", "FeO", "Fe2O3"])
right = xf.ingest.phantom_references(names=["Fe2O3", "Fe3O4"])
for name, library in (("Fe, FeO, Fe2O3", wrong), ("Fe2O3, Fe3O4", right)):
    chi_square = xf.classify.combination(cube, library).reduced_chi_square.compute()
    print(f"{name}: median reduced chi-square {float(chi_square.median()):.2f}")

# %% [markdown]
# How many spectra does the scan hold at all? Principal components above what noise would make:

# %%
_, _, found = xf.judge.components(cube)
print(f"{found.number_by_noise} components stand above the noise")
plt.semilogy(found.eigenvalues[:8], "o-")
plt.semilogy(found.noise_floor[:8], "--")
plt.xlabel("component")
plt.ylabel("eigenvalue, in units of the noise")
plt.show()

# %% [markdown]
# All sets of references out of a collection, compared by what they predict at energies that were held out, and by the rule
# of parsimony:

# %%
candidates = xf.ingest.phantom_references(names=["Fe", "FeO", "Fe2O3", "Fe3O4", "FeS2", "FeCO3", "FeOOH"])
judged = xf.judge.reference_sets(cube, candidates, used=["Fe", "FeO", "Fe2O3"])
print(judged.verdict)
print("superfluous:", judged.superfluous, " missing:", judged.missing)
