"""What an absorber-centred cluster of atoms says of the absorber's surroundings: numbers, angles, volume, motif.

A cluster is `position` (sample, atom, 3) in Angstrom, the absorber first, of which `natoms` (sample) count; `z`
(sample, atom) are its atomic numbers.

Most functions take the `distances` from the absorber and a `shell` of neighbors made of them.
"""
