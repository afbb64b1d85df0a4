"""Spectra from files: a module for each format with several tables, and how a table becomes a spectrum.

A format gives tables of columns (`read_tables`); which column is the energy and what the absorbance is made of is
decided once, for all formats: by what the user says, else by the names beamlines use, always checked against the data.
"""
