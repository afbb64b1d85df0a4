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
# # What a library of spectra tells of structures
#
# A library holds spectra and the clusters of atoms that they belong to. Here it is simulated: iron with four, five or six
# neighbors. For your own, start with `xf.ingest.spectra("folder/", files=["library.npz"])`; the recipe
# `zinc_coordination.yaml` runs on a published one.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.cluster.hierarchy import dendrogram

import xafsflow as xf
from xafsflow.phantom import as_dataset, library_phantom, simulated_library

library = simulated_library(600, seed=1, energies=160)
library, structures = xf.derive.structure(library)
library

# %% [markdown]
# The clusters became numbers: distances, angles, coordination. A coordination number hangs on where the first shell is said
# to end; a label that does not change when that end moves a little is called stable.

# %%
print(f"{float(library.coordination_stable.mean()):.0%} of the coordination numbers are stable")
plt.plot(library.energy, library.mu[:40].T, lw=0.5)
plt.xlabel("energy (eV)")
plt.ylabel("absorption")
plt.show()

# %% [markdown]
# ## Which spectra are alike
#
# Clusters of similar spectra are found without labels. A decision tree then says what the structures of each cluster have in
# common, and how often it is right on materials that it has not seen.

# %%
library, groups = xf.derive.hierarchy(
    library, clusters=4, explain_by=["mean_distance", "coordination", "electronegativity"]
)
dendrogram(groups.dendrogram.linkage, no_labels=True)
plt.ylabel("distance of the spectra")
plt.show()
rules = groups.explanation
print(f"right for {rules.accuracy:.0%} of new materials; the largest cluster alone: {rules.largest:.0%}")
for rule in rules.rules:
    print(f"cluster {rule.cluster}: {rule.words}")

# %% [markdown]
# ## A measurement, and samples that look like it
#
# A model is of use on an image when it was trained on spectra like those of its pixels. With the cube, `train.spectra` puts
# the library on the energies of the scan, takes it through the steps that normalized the cube, and gives it the noise of the
# pixels. The sample of this simulated scan is made of grains of the library.

# %%
phantom = library_phantom(library, size=(32, 40), seed=3)
cube = xf.correct.absorbance(as_dataset(phantom))
cube = xf.correct.background(cube, e0=7112.0)
cube = xf.correct.average(cube, window=3)
cube = xf.normalize.flat(cube, e0=7118.0, pre1=-22, pre2=-10, npre=0, norm1=40, nnorm=1)
cube = xf.derive.noise(cube).compute()
samples = xf.train.spectra(
    library, cube, label="coordination", keep=[4, 5, 6], features=["spectrum", "derivative"]
)

# %% [markdown]
# ## A classifier beside plain ones
#
# All scores are of materials that were not trained on. Sets of classes are to hold the true one for 90 % of the spectra of
# each class: where a spectrum tells less, the set is larger.

# %%
model, score = xf.train.fit(samples, classifier="support_vectors")
for name, one in score.controls.items():
    print(f"{name}: {one.accuracy:.3f}")
low, high = score.library.accuracy_interval
print(f"95 % interval of {score.classifier}: {low:.3f} to {high:.3f}")
print(f"stable labels alone: {score.library.stable_accuracy:.3f}")
for name, covered in zip(model.targets.names, score.library.class_coverage, strict=True):
    print(f"sets hold coordination {name} in {covered:.0%}")

# %% [markdown]
# ## What the model looks at
#
# For any model: how much more often it is wrong on new materials when a band of energies is exchanged among their spectra.

# %%
looks = xf.judge.explanation(model, samples)
print(looks.permutation.sentences[0])


def show_bands(spectrum, heights, name):
    """The bands below a spectrum."""
    _, (upper, lower) = plt.subplots(2, 1, sharex=True, layout="constrained")
    upper.plot(looks.energy, spectrum)
    upper.set_ylabel("mean spectrum")
    lower.stairs(heights, looks.edges, fill=True)
    lower.set_ylabel(name)
    lower.set_xlabel("energy (eV)")
    plt.show()


show_bands(looks.mean, looks.permutation.growth[0], "growth of the wrong share")

# %% [markdown]
# Boosted trees also tell what each band adds to an answer (TreeSHAP), for one spectrum or for pixels of the image. They
# come with `pip install xafsflow[boost]`.

# %%
trees, _ = xf.train.fit(samples, classifier="lightgbm", trees=60)
told = xf.judge.explanation(trees, samples, cube, spectrum=0)
for one in [*told.overall, *told.single, *told.image]:
    print(one.sentence)
one = told.image[0]
show_bands(one.spectrum, one.effect, f"speaks for {one.output} in its pixels")

# %% [markdown]
# ## The map
#
# The model goes over the blocks. Beside the class each pixel gets the number of classes in its set, and whether its spectrum
# is unlike those of the training.

# %%
maps = xf.classify.model(cube, model)[["class_index", "set_size", "outside"]].compute()
names = np.array([int(name) for name in model.targets.names])
index = maps.class_index.values
images = {
    "coordination": np.where(index >= 0, names[index], np.nan),
    "classes in the set": maps.set_size,
    "unlike the training": maps.outside,
}
fig, axes = plt.subplots(1, 3, figsize=(10, 2.4), layout="constrained")
for axis, (name, values) in zip(axes, images.items(), strict=True):
    fig.colorbar(axis.imshow(values), ax=axis)
    axis.set_title(name)
plt.show()

# %% [markdown]
# ## Properties, and the way back
#
# A regression tells numbers with intervals that hold for 90 % of new materials.

# %%
numbers = xf.train.spectra(library, cube, properties=["mean_distance_weighted", "electronegativity"])
_, found = xf.train.regression(numbers, regressor="kernel_ridge")
for name, r_squared, width in zip(found.properties, found.r_squared, found.library.width, strict=True):
    print(f"{name}: R2 {r_squared:.2f}, 90 % interval {width:.2f} wide")

# %% [markdown]
# The inverse model makes a spectrum of the numbers of a structure, and says how sure it is at each energy. A structure
# unlike those of the training is refused.

# %%
parameters = ["mean_distance_weighted", "effective_coordination", "electronegativity"]
inverse, made = xf.train.reconstruction(library, parameters=parameters, rows=["radial"], broadening=2.0)
print(f"R2 {made.scores[made.row].r_squared:.3f}, ridge {made.scores['ridge'].r_squared:.3f}")
for distance in (1.95, 2.05, 2.15):
    middle, half = inverse.spectrum(dict(zip(parameters, (distance, 6.0, 3.44), strict=True)))
    plt.plot(made.energy, middle, label=f"{distance} Angstrom")
    plt.fill_between(made.energy, middle - half, middle + half, alpha=0.2)
plt.legend()
plt.xlabel("energy (eV)")
plt.show()

# %% [markdown]
# Turned round, it finds the structure of a spectrum, with errors, and names what a spectrum does not determine.

# %%
new, _ = xf.derive.structure(simulated_library(12, seed=50, energies=160).isel(sample=[0, 4, 8]))
for place, one in xf.classify.parameters(inverse, new).structures.items():
    print(f"spectrum {place}", *one.doubts, sep="; ")
    for name in parameters:
        print(
            f"  {name}: {one.values[name]:.2f} +- {one.errors[name]:.2f}, true {float(new[name][place]):.2f}"
        )
