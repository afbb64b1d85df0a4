"""The inverse model: parameters of a structure in, its spectrum out, and back."""
